package dev.winnow.engine;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.ChatMessage;
import dev.winnow.checkpoint.PromptPiece;
import dev.winnow.checkpoint.StreamDecoder;
import dev.winnow.checkpoint.Tokenizer;
import dev.winnow.decoder.KvCache;
import dev.winnow.decoder.PositionPolicy;
import dev.winnow.decoder.StepObserver;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Plan;
import dev.winnow.prune.QuestionText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;

/**
 * One conversation: questions are asked in order and share a KV cache. One thread at a time; another thread may {@link #cancel}. A question
 * that fails leaves the conversation as it was before.
 */
public final class Session implements AutoCloseable {
  private static final int NOTHING = -1;

  private final Lease lease = new Lease("session", false);
  private final Model model;
  private final SequenceRun run;
  private int images;
  /** Last token of the answer before, which the cache has not seen yet. */
  private int unseen = NOTHING;
  private volatile boolean cancelled;

  Session(Model model) {
    this.model = model;
    this.run = new SequenceRun(model.decoder());
  }

  /** Ends the answer that another thread is waiting for, within one token. Without one it does nothing. */
  public void cancel() { cancelled = true; }

  /**
   * Asks a question and waits for the answer.
   *
   * @throws InvalidInputException if the question cannot be asked of this model
   * @throws dev.winnow.InsufficientMemoryException if its cache does not fit
   * @throws dev.winnow.StateException if the session is closed or in use
   * @throws dev.winnow.InterruptedWorkException if the thread is interrupted, within one layer; the question is then undone
   */
  public Answer ask(Question question) {
    lease.enter();
    try {
      cancelled = false;
      Threads.use(model.threads());
      model.checkUnchanged();
      return answer(question);
    } finally {
      lease.leave();
    }
  }

  /**
   * What a question would add to this conversation, without asking it.
   *
   * @throws InvalidInputException if it is too long for the model
   */
  public PromptSize size(Question question) {
    lease.enter();
    try {
      question.check(model.config(), model.shape());
      Visuals visuals = prepare(question);
      int[] tokens = visuals.tokens(model);
      int text = ids(question).length - visuals.count() + (unseen == NOTHING ? 0 : 1);
      int newTokens = room(text + Arrays.stream(tokens).sum() - (unseen == NOTHING ? 0 : 1), question);
      return new PromptSize(text, tokens, visuals.tiles(), run.sequence().cache().lengths(), newTokens);
    } finally {
      lease.leave();
    }
  }

  /** Videos are read only where their rows and caches can be had. */
  private Visuals prepare(Question question) {
    Visuals pictures = Visuals.pictures(model, question);
    if (question.videos().isEmpty()) return pictures;
    int[] frames = question.videos().stream().mapToInt(video -> video.frames().size()).toArray();
    int[] tokens = IntStream.concat(Arrays.stream(pictures.tokens(model)), Arrays.stream(frames).map(model.videos()::tokens)).toArray();
    Plan plan = question.plan(model.shape(), Arrays.stream(tokens).max().orElse(0));
    if (plan.visionCuts().isEmpty()) room(ids(question).length - tokens.length + Arrays.stream(tokens).sum(), question);
    model.videos().requireMemory(frames, plan);
    return pictures.withVideos(model, question);
  }

  private Answer answer(Question question) {
    Stopwatch watch = new Stopwatch();
    question.check(model.config(), model.shape());
    Visuals visuals = prepare(question);
    double imageMillis = watch.lap();
    try (PointerScope scope = new PointerScope()) {
      Plan plan = question.plan(model.shape(), Arrays.stream(visuals.tokens(model)).max().orElse(0));
      QuestionText text = model.questionText(asked(question), words -> model.decoder().embed(wordIds(words)), scope);
      Pictures pictures = Pictures.encode(model, visuals, plan, images, text, scope);
      double visionMillis = watch.lap();
      int[] ids = ids(question);
      Prompt prompt = Prompt.assemble(ids, model.config(), pictures.rows(), visuals.pictures().size(), images, model.decoder());
      int length = (int) prompt.rows().size(0);
      int holes = plan.positions() == PositionPolicy.ORIGINAL ? pictures.holes() : 0;
      int newTokens = room(length + holes, question);
      SequenceRun.Mark mark = run.mark();
      int unseenBefore = unseen;
      try {
        if (unseen != NOTHING) feed(unseen);
        unseen = NOTHING;
        int[] past = run.sequence().cache().lengths();
        int[] computedBefore = run.sequence().cache().computedRows();
        run.prompt(prompt.rows(), prompt.segments(), images, plan, newTokens);
        pictures.announce(run, images);
        float[] first = advance();
        int[] afterPrompt = run.sequence().cache().lengths();
        int[] computed = run.sequence().cache().computedRows();
        double promptMillis = watch.lap();
        Decoding decoding = new Decoding(question, newTokens);
        decoding.run(first);
        double decodeMillis = watch.lap();
        images += visuals.count();
        List<CutRecord> cuts = new ArrayList<>(pictures.cuts());
        cuts.addAll(run.cuts());
        double pruning = cuts.stream().mapToDouble(cut -> cut.nanos() / 1e6).sum();
        double firstToken = imageMillis + visionMillis + promptMillis;
        Report.Timing timing =
            new Report.Timing(imageMillis, visionMillis, promptMillis, pruning, firstToken, decodeMillis, decoding.steps);
        KvCache cache = run.sequence().cache();
        Report.Kv kv = new Report.Kv(afterPrompt, cache.lengths(), cache.unprunedBytes(), cache.heldBytes());
        int[] added = difference(computed, computedBefore);
        Report report = new Report(plan, ids, prompt.segments(), length, cuts, kv, first,
            Flops.of(model.config().text(), added, length + pictures.removed(), past), timing);
        return new Answer(decoding.text.toString(), decoding.ids(), decoding.finish, report);
      } catch (OutOfMemoryError e) {
        run.rollback(mark);
        unseen = unseenBefore;
        throw OutOfMemory.explain(e);
      } catch (RuntimeException | Error e) {
        run.rollback(mark);
        unseen = unseenBefore;
        throw e;
      }
    }
  }

  /** What the user says; of a raw prompt all but its placeholders, since where the question begins is not known. */
  private String asked(Question question) {
    if (!question.isRaw()) return question.text();
    return model.tokenizer().rawPrompt(question.text()).stream()
        .map(piece -> piece instanceof PromptPiece.Control text ? text.text() : " ").collect(Collectors.joining());
  }

  /** Ids of a text as it would begin a prompt, without what the tokenizer puts before every text. */
  private int[] wordIds(String words) {
    int[] ids = model.tokenizer().encode(List.of(new PromptPiece.Text(words)));
    int before = model.tokenizer().encode(List.of(new PromptPiece.Text(""))).length;
    return Arrays.copyOfRange(ids, before, ids.length);
  }

  private int[] ids(Question question) {
    Tokenizer tokenizer = model.tokenizer();
    boolean begins = run.totalRows() == 0;
    List<PromptPiece> pieces;
    if (question.isRaw()) {
      pieces = tokenizer.rawPrompt(question.text());
    } else {
      List<ChatMessage> turn = List.of(ChatMessage.user(question.images().size(), question.videos().size(), question.text()));
      pieces = begins ? model.chatFormat().prompt(turn) : model.chatFormat().continuation(turn);
    }
    return begins ? tokenizer.encode(pieces) : tokenizer.encodeContinuation(pieces);
  }

  /** Tokens that may be generated after a question that takes so many positions. */
  private int room(int length, Question question) {
    int most = model.config().text().maxPositions();
    int used = run.sequence().position(run.totalRows()) + (unseen == NOTHING ? 0 : 1) + length;
    if (used > most) {
      throw new InvalidInputException("the conversation would be " + used + " tokens long, more than the " + most
          + " that this model takes; " + (question.videos().isEmpty() ? "" : fewerFrames(used - most, question))
          + "shorten the prompt, give fewer pictures or open a new session");
    }
    return Math.min(question.maxTokens(), most - used);
  }

  private String fewerFrames(int tooMany, Question question) {
    int frames = question.videos().stream().mapToInt(video -> video.frames().size()).sum();
    int each = model.videos().rowsPerFrame();
    int fit = frames - (tooMany + each - 1) / each;
    return (fit < 1 ? "give fewer frames than " + frames : "give at most " + fit + " frames instead of " + frames) + ", which take " + each
        + " tokens each (--frames N takes N of a video), ";
  }

  private float[] feed(int token) {
    run.token(token);
    return advance();
  }

  private float[] advance() { return SequenceRun.advance(model.decoder(), List.of(run), StepObserver.NONE)[0]; }

  private static int[] difference(int[] after, int[] before) {
    int[] added = new int[after.length];
    for (int i = 0; i < added.length; i++) added[i] = after[i] - before[i];
    return added;
  }

  /** The token loop of one answer. */
  private final class Decoding {
    final StringBuilder text = new StringBuilder();
    Answer.Finish finish = Answer.Finish.LENGTH;
    int steps;
    private final Question question;
    private final int newTokens;
    private final Sampler sampler;
    private final StreamDecoder stream = model.tokenizer().stream();
    private int[] ids = new int[16];
    private int count;

    Decoding(Question question, int newTokens) {
      this.question = question;
      this.newTokens = newTokens;
      this.sampler = new Sampler(question.sampling());
    }

    int[] ids() { return Arrays.copyOf(ids, count); }

    void run(float[] logits) {
      while (count < newTokens) {
        if (cancelled) {
          finish = Answer.Finish.CANCELLED;
          break;
        }
        int id = sampler.next(logits);
        if (model.config().eosIds().contains(id)) {
          finish = Answer.Finish.STOP;
          break;
        }
        if (count == ids.length) ids = Arrays.copyOf(ids, 2 * count);
        ids[count++] = id;
        say(stream.add(id));
        unseen = id;
        if (count == newTokens) break;
        logits = feed(id);
        unseen = NOTHING;
        steps++;
      }
      say(stream.finish());
    }

    private void say(String piece) {
      if (piece.isEmpty()) return;
      text.append(piece);
      question.listener().text(piece);
    }
  }

  /** Gives the cache back. Throws StateException while a question is being answered; closing twice does nothing. */
  @Override public void close() {
    if (!lease.close("cancel the question and wait for its answer first")) return;
    run.close();
    model.sessionClosed();
  }
}
