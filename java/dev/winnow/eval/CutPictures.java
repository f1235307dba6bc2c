package dev.winnow.eval;

import dev.winnow.engine.Answer;
import dev.winnow.prune.CutRecord;
import dev.winnow.prune.Site;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntUnaryOperator;

/** What the cuts of one answer did, as pictures: follows each image's tokens from cut to cut back to the patches that they show. */
final class CutPictures {
  /**
   * One cut of one image.
   *
   * @param kept patches that stayed in full, the others faded
   * @param heat patches coloured by score; null where the cut has no scores
   * @param merges a line from each merged patch to the one it went into; null where nothing was merged
   */
  record Drawn(CutRecord cut, BufferedImage kept, BufferedImage heat, BufferedImage merges) {}

  private static final int NO_PATCH = -1;

  private final List<PatchPicture> canvases;
  private final List<TokenMap> maps;
  /** Per image the tokens that are still there, ascending. */
  private final List<int[]> present = new ArrayList<>();

  /**
   * @param canvases one an image
   * @param maps the tokens of each image without any cut
   */
  CutPictures(List<PatchPicture> canvases, List<TokenMap> maps) {
    this.canvases = canvases;
    this.maps = new ArrayList<>(maps);
    for (TokenMap map : maps) present.add(upTo(map.patches().size()));
  }

  /** The cuts of an answer in order; a cut that is repeated for every generated token is drawn once. */
  List<Drawn> draw(Answer answer) {
    List<Drawn> drawn = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (CutRecord cut : answer.report().cuts()) {
      boolean repeated = cut.site().kind() == Site.Kind.LAYER && !seen.add(cut.site() + " " + cut.image());
      if (!repeated) drawn.add(beforeDecoder(cut.site()) ? patches(cut, rows(answer, cut.image())) : tokens(cut));
    }
    return drawn;
  }

  private static boolean beforeDecoder(Site site) {
    return switch (site.kind()) {
      case VISION_BLOCK, VISION, PROJECTED -> true;
      case LAYER, CACHE, DECODE -> false;
    };
  }

  private static int rows(Answer answer, int image) {
    return answer.report().segments().stream().filter(segment -> segment.image() == image).mapToInt(segment -> segment.length()).sum();
  }

  /** A cut before the decoder lists patches; what is left of them enters the decoder. */
  private Drawn patches(CutRecord cut, int entering) {
    int image = cut.image();
    PatchPicture canvas = canvases.get(image);
    BitSet kept = new BitSet();
    boolean all = entering == maps.get(image).patches().size();
    if (all) kept.set(0, maps.get(image).count());
    else for (int patch : cut.kept()) kept.set(patch);
    BufferedImage heat = cut.scores() == null ? null : canvas.heat(cut.scores());
    BufferedImage merges = merges(cut, canvas, patch -> patch);
    if (!all) {
      maps.set(image, maps.get(image).entering(cut.kept(), entering));
      present.set(image, upTo(entering));
    }
    return new Drawn(cut, canvas.kept(kept), heat, merges);
  }

  private Drawn tokens(CutRecord cut) {
    int image = cut.image();
    PatchPicture canvas = canvases.get(image);
    TokenMap map = maps.get(image);
    int[] there = present.get(image);
    BufferedImage heat = null;
    if (cut.scores() != null && cut.scores().length == there.length) heat = canvas.heat(map.spread(there, cut.scores()));
    int[] kept = cut.kept().clone();
    Arrays.sort(kept);
    present.set(image, kept);
    BufferedImage merges = merges(cut, canvas, token -> {
      int[] shows = map.patches().get(token);
      return shows.length == 0 ? NO_PATCH : shows[0];
    });
    return new Drawn(cut, canvas.kept(map.shown(kept)), heat, merges);
  }

  /** @param patch the patch that a number in the record shows, or NO_PATCH */
  private static BufferedImage merges(CutRecord cut, PatchPicture canvas, IntUnaryOperator patch) {
    List<int[]> links = new ArrayList<>();
    for (CutRecord.Merged merge : cut.merged()) {
      int into = merge.into() < 0 ? NO_PATCH : patch.applyAsInt(merge.into());
      for (int token : merge.from()) {
        int from = patch.applyAsInt(token);
        if (into != NO_PATCH && from != NO_PATCH && from != into) links.add(new int[] {from, into});
      }
    }
    return links.isEmpty() ? null : canvas.merged(links);
  }

  private static int[] upTo(int count) {
    int[] all = new int[count];
    Arrays.setAll(all, i -> i);
    return all;
  }
}
