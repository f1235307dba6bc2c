package dev.winnow.eval;

import dev.winnow.InvalidInputException;
import dev.winnow.checkpoint.TextConfig;
import dev.winnow.decoder.Segment;
import dev.winnow.engine.MemoryCheck;
import dev.winnow.engine.Threads;
import dev.winnow.prune.Method;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Measures prompts and decoding of a decoder of a published shape with random weights, without and with plans, interleaved: none, A, B,
 * none,
 * A, B, ... so that a disturbance of the machine meets all alike. Everything runs through {@link dev.winnow.engine.SequenceRun}, as in a
 * session.
 */
public final class BenchPrefill {
  private static final long SEED = 20250607;

  private BenchPrefill() {}

  /**
   * @throws InvalidInputException if there is no such method or parameter
   * @throws dev.winnow.InsufficientMemoryException if the model would not fit, before anything is allocated
   */
  public static BenchResult run(BenchModelOptions options) {
    TextConfig config = options.shape().config(options.layers());
    List<BenchArm> arms = new ArrayList<>();
    arms.add(new BenchArm(Plan.NONE));
    for (Plan plan : plans(options)) arms.add(new BenchArm(plan));
    MemoryCheck.require(bytes(config, options), "a model of shape " + options.shape().label() + " with " + options.layers() + " layers in " + options.dtype().label);
    int threads = options.threads() == 0 ? Threads.available() : options.threads();
    Threads.use(threads);
    int rows = options.promptText() + options.imageTokens();
    try (BenchModel model = new BenchModel(config, options.dtype(), SEED); PointerScope scope = new PointerScope()) {
      Tensor prompt = model.rows(rows, SEED + 1);
      for (int run = 0; run <= options.runs(); run++) {
        for (BenchArm arm : arms) arm.run(model.decoder(), model.pool(), prompt, segments(options), options.decode(), run > 0);
      }
      double plain = arms.get(0).prefillMedian();
      return new BenchResult(options, threads, arms.stream().map(arm -> arm.row(model.decoder(), rows, plain)).toList());
    }
  }

  private static List<Segment> segments(BenchModelOptions options) {
    int before = options.promptText() / 2;
    List<Segment> segments = new ArrayList<>();
    if (before > 0) segments.add(new Segment(-1, 0, before));
    segments.add(new Segment(0, before, options.imageTokens()));
    segments.add(new Segment(-1, before + options.imageTokens(), options.promptText() - before));
    return segments;
  }

  private static List<Plan> plans(BenchModelOptions options) {
    ModelShape shape = new ModelShape(options.layers(), 24, true);
    List<Method> methods = options.methods().stream().map(Methods::named).toList();
    for (String key : options.settings().keySet()) {
      if (methods.stream().noneMatch(method -> has(method, key))) {
        throw new InvalidInputException("parameter '" + key + "' belongs to none of the methods measured (" + String.join(", ", options.methods()) + ")");
      }
    }
    List<Plan> plans = new ArrayList<>();
    for (Method method : methods) {
      Map<String, String> own = new LinkedHashMap<>();
      options.settings().forEach((key, value) -> {
        if (has(method, key)) own.put(key, value);
      });
      plans.add(method.plan(shape, own, OptionalInt.empty(), options.imageTokens()));
    }
    return plans;
  }

  private static boolean has(Method method, String parameter) {
    return method.parameters().stream().map(Parameter::name).anyMatch(parameter::equals);
  }

  /** Weights, one full cache, and the rows in flight: at most six of the widest kind at once, one of them in float32. */
  private static long bytes(TextConfig c, BenchModelOptions options) {
    long rows = options.promptText() + options.imageTokens();
    long cache = 2L * c.layers() * c.kvHeads() * c.headDim() * options.dtype().bytes * (rows + options.decode());
    return BenchModel.weightBytes(c, options.dtype()) + cache + rows * c.intermediate() * (5L * options.dtype().bytes + 4);
  }
}
