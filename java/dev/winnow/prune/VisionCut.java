package dev.winnow.prune;

import dev.winnow.InvalidInputException;

/**
 * A removal before the decoder: which tokens of a picture go on towards the language model. A plan has one at most at each kind of site;
 * every cut, those in the decoder too, sees what the ones before it left.
 *
 * @param site {@code vision} (the projector sees only what stays), {@code projected} (the reducer looks at projected rows) or
 *     {@code vision:N} (tokens are merged inside the tower from block N on)
 * @param reducer decides
 * @param spec the method and parameters that a plan file names the reducer by; null where that is the method whose plan it becomes part of
 */
public record VisionCut(Site site, VisionReducer reducer, Part.Spec spec) {
  public VisionCut(Site site, VisionReducer reducer) { this(site, reducer, null); }

  public VisionCut {
    boolean merges = site.kind() == Site.Kind.VISION_BLOCK;
    if (!merges && site.kind() != Site.Kind.VISION && site.kind() != Site.Kind.PROJECTED) {
      throw new InvalidInputException("a cut at " + site + " is none before the decoder; give vision:N, vision or projected");
    }
  }

  /** Why this cut cannot stand behind another one; null where it can. */
  String whyNotBehind(VisionCut before) {
    if (site.kind().compareTo(before.site.kind()) <= 0) {
      return "cuts before the decoder stand in the order vision:N, vision, projected, one of each at most; " + this + " cannot follow "
          + before;
    }
    if (!reducer.needs().grid()) return null;
    return this + " goes by where patches lie in the picture, and " + before + " before it does not leave them all in place; leave one of"
        + " the two out, or use a method here that does without, such as fastervlm at vision or divprune at projected";
  }

  @Override public String toString() { return (spec == null ? "a cut" : "'" + spec.name() + "'") + " at " + site; }

  public boolean projected() { return site.kind() == Site.Kind.PROJECTED; }
}
