package dev.winnow.explain;

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
import java.util.stream.IntStream;

/** What the cuts of one answer did, as pictures: follows each image's tokens from cut to cut back to the patches that they show. */
final class CutPictures {
  /**
   * One cut of one image, or several of a cache that left the same tokens in different layers.
   *
   * @param cuts one or more; what is drawn is the same for all
   * @param kept patches that stayed in full, the others faded
   * @param heat patches coloured by score; null where the cut has no scores
   * @param merges a line from each merged patch to the one it went into; null where nothing was merged
   */
  record Drawn(List<CutRecord> cuts, BufferedImage kept, BufferedImage heat, BufferedImage merges) {
    /** Whether a cut would be drawn as this is: of the same place and image, in other layers, with the same left and the same scores. */
    boolean shows(CutRecord cut) {
      CutRecord first = cuts.get(0);
      return cut.layers() != null && first.layers() != null && cut.site().equals(first.site()) && cut.image() == first.image()
          && cut.merged().isEmpty() && first.merged().isEmpty() && Arrays.equals(cut.kept(), first.kept())
          && Arrays.equals(cut.scores(), first.scores()) && cuts.stream().flatMapToInt(held -> Arrays.stream(held.layers()))
              .noneMatch(layer -> Arrays.stream(cut.layers()).anyMatch(other -> other == layer));
    }

    Drawn and(CutRecord cut) {
      List<CutRecord> all = new ArrayList<>(cuts);
      all.add(cut);
      return new Drawn(all, kept, heat, merges);
    }
  }

  private static final int NO_PATCH = -1;

  private final List<PatchPicture> canvases;
  private final List<TokenMap> maps;
  /** Tokens of each image without any cut. */
  private final int[] uncut;
  /** Per image and decoder layer the tokens that are still there, ascending. */
  private final List<int[][]> present = new ArrayList<>();
  private final int layers;

  /**
   * @param canvases one an image
   * @param maps the tokens of each image without any cut
   * @param layers decoder layers
   */
  CutPictures(List<PatchPicture> canvases, List<TokenMap> maps, int layers) {
    this.canvases = canvases;
    this.maps = new ArrayList<>(maps);
    this.layers = layers;
    this.uncut = maps.stream().mapToInt(map -> map.patches().size()).toArray();
    for (int count : uncut) present.add(everywhere(count));
  }

  /** The cuts of an answer in order; a cut that is repeated for every generated token is drawn once, and so are equal ones of caches. */
  List<Drawn> draw(Answer answer) { return draw(answer.report().cuts()); }

  List<Drawn> draw(List<CutRecord> cuts) {
    List<Drawn> drawn = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (CutRecord cut : cuts) {
      boolean repeated = cut.site().kind() == Site.Kind.LAYER && !seen.add(cut.site() + " " + cut.image());
      if (repeated) continue;
      int equal = IntStream.range(0, drawn.size()).filter(i -> drawn.get(i).shows(cut)).reduce(-1, Math::max);
      if (equal < 0) drawn.add(beforeDecoder(cut.site()) ? patches(cut) : tokens(cut));
      else drawn.set(equal, drawn.get(equal).and(cut));
      if (!beforeDecoder(cut.site())) left(cut);
    }
    return drawn;
  }

  private static boolean beforeDecoder(Site site) {
    return switch (site.kind()) {
      case VISION_BLOCK, VISION, PROJECTED -> true;
      case LAYER, CACHE, DECODE -> false;
    };
  }

  /** A cut before the decoder lists patches; what the last one leaves of them enters the decoder. */
  private Drawn patches(CutRecord cut) {
    int image = cut.image();
    PatchPicture canvas = canvases.get(image);
    BitSet kept = new BitSet();
    TokenMap map = maps.get(image);
    boolean all = cut.after() == uncut[image];
    if (all) kept.set(0, map.count());
    else for (int patch : cut.kept()) kept.set(patch);
    BufferedImage heat = cut.scores() == null ? null : canvas.heat(ofPatches(cut.scores(), map));
    BufferedImage merges = merges(cut, canvas, patch -> patch);
    if (!all) {
      maps.set(image, map.entering(cut.rows()));
      present.set(image, everywhere(cut.after()));
    }
    return new Drawn(List.of(cut), canvas.kept(kept), heat, merges);
  }

  /** A cut behind another one scored what that left, told by rising patch. */
  private static float[] ofPatches(float[] scores, TokenMap map) {
    return scores.length == map.count() ? scores : map.spread(map.byPatch(), scores);
  }

  private Drawn tokens(CutRecord cut) {
    int image = cut.image();
    PatchPicture canvas = canvases.get(image);
    TokenMap map = maps.get(image);
    int[] there = present.get(image)[layersOf(cut)[0]];
    BufferedImage heat = null;
    if (cut.scores() != null && cut.scores().length == there.length) heat = canvas.heat(map.spread(there, cut.scores()));
    int[] kept = cut.kept().clone();
    Arrays.sort(kept);
    BufferedImage merges = merges(cut, canvas, token -> {
      int[] shows = map.patches().get(token);
      return shows.length == 0 ? NO_PATCH : shows[0];
    });
    return new Drawn(List.of(cut), canvas.kept(map.shown(kept)), heat, merges);
  }

  private void left(CutRecord cut) {
    int[] kept = cut.kept().clone();
    Arrays.sort(kept);
    for (int layer : layersOf(cut)) present.get(cut.image())[layer] = kept;
  }

  /** A cut at a layer shows in that one and all behind it, one of caches in those that it names. */
  private int[] layersOf(CutRecord cut) {
    return cut.layers() != null ? cut.layers() : IntStream.range(cut.site().index(), layers).toArray();
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

  private int[][] everywhere(int count) {
    int[][] all = new int[layers][];
    Arrays.fill(all, upTo(count));
    return all;
  }

  private static int[] upTo(int count) { return IntStream.range(0, count).toArray(); }
}
