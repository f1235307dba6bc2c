package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import dev.winnow.decoder.AttentionBias;
import dev.winnow.decoder.PositionPolicy;
import java.util.List;
import java.util.Map;

/**
 * The cuts of one request, in order: what a method produces for one model and one budget. Immutable; used by any number of sessions.
 *
 * @param method name of the method it came from
 * @param parameters every parameter with the value used, in the method's order
 * @param visionCuts removals before the decoder, in the order of the forward pass, one at most at each kind of site
 * @param cuts removals inside the decoder, by ascending layer
 * @param cacheCuts removals from the KV caches, at the end of the prompt and while generating
 * @param positions rotary positions of what stays
 * @param bias what is added to attention logits where a picture entered shortened
 * @param cached whether generated tokens reuse the cache; false computes the whole sequence anew for each one, and cuts anew
 */
public record Plan(String method, Map<String, String> parameters, List<VisionCut> visionCuts, List<LayerCut> cuts,
    List<CacheCut> cacheCuts, PositionPolicy positions, AttentionBias bias, boolean cached) {
  /** Removes nothing. */
  public static final Plan NONE = new Plan("none", Map.of(), List.of(), PositionPolicy.KEEP, true);

  public Plan {
    visionCuts = List.copyOf(visionCuts);
    cuts = List.copyOf(cuts);
    cacheCuts = List.copyOf(cacheCuts);
    if (!cached && !cacheCuts.isEmpty()) throw new InvalidInputException("a plan that computes every token anew has no cache to cut");
    if ((positions == PositionPolicy.ORIGINAL || !bias.isNone()) && (visionCuts.isEmpty() || !cached)) {
      throw new InvalidInputException("original positions and an attention bias need a cut before the decoder and a cache");
    }
    for (int i = 1; i < visionCuts.size(); i++) {
      String reason = visionCuts.get(i).whyNotBehind(visionCuts.get(i - 1));
      if (reason != null) throw new InvalidInputException(reason);
    }
  }

  /** @param vision the only removal before the decoder; null for none */
  public Plan(String method, Map<String, String> parameters, VisionCut vision, List<LayerCut> cuts, List<CacheCut> cacheCuts,
      PositionPolicy positions, boolean cached) {
    this(method, parameters, vision == null ? List.of() : List.of(vision), cuts, cacheCuts, positions, AttentionBias.NONE, cached);
  }

  public Plan(String method, Map<String, String> parameters, List<LayerCut> cuts, PositionPolicy positions, boolean cached) {
    this(method, parameters, List.of(), cuts, List.of(), positions, AttentionBias.NONE, cached);
  }

  public static Plan of(Method method, Settings settings, List<LayerCut> cuts, PositionPolicy positions, boolean cached) {
    return new Plan(method.name(), settings.ordered(), cuts, positions, cached);
  }

  public static Plan of(Method method, Settings settings, VisionCut vision, List<LayerCut> cuts, List<CacheCut> cacheCuts,
      PositionPolicy positions) {
    return new Plan(method.name(), settings.ordered(), named(method, settings, vision), cuts, cacheCuts, positions, true);
  }

  /** A plan that only shortens what enters the decoder; positions of what enters are contiguous. */
  public static Plan of(Method method, Settings settings, VisionCut vision) {
    return of(method, settings, vision, PositionPolicy.RENUMBER, AttentionBias.NONE);
  }

  /** The same, the decoder told what the rows stand for: where they stood among all patches, and how many each is made of. */
  public static Plan of(Method method, Settings settings, VisionCut vision, PositionPolicy positions, AttentionBias bias) {
    return new Plan(method.name(), settings.ordered(), List.of(named(method, settings, vision)), List.of(), List.of(),
        positions, bias, true);
  }

  /** A cut that says by itself what a plan file names it by keeps that; others go by the method. */
  private static VisionCut named(Method method, Settings settings, VisionCut cut) {
    if (cut == null || cut.spec() != null) return cut;
    return new VisionCut(cut.site(), cut.reducer(), new Part.Spec(method.name(), settings.stated()));
  }

  /** Whether the decoder must know what the rows of a shortened picture stand for. */
  public boolean repairs() { return positions == PositionPolicy.ORIGINAL || !bias.isNone(); }

  /** Throws InvalidInputException where the cuts in the decoder cannot do what they should with a picture that enters with so many rows. */
  public void checkEntering(int rows) { cuts.forEach(cut -> cut.selector().check(rows)); }

  /** Whether nothing inside the decoder or its caches is ever cut. */
  public boolean removesNothing() { return cuts.isEmpty() && cacheCuts.isEmpty(); }
}
