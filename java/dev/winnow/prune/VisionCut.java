package dev.winnow.prune;

import dev.winnow.InvalidInputException;

/**
 * The removal before the decoder: which patches of a picture become rows of the language model. A plan has one at most; decoder cuts may
 * follow, and see only the rows that entered.
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

  public boolean projected() { return site.kind() == Site.Kind.PROJECTED; }
}
