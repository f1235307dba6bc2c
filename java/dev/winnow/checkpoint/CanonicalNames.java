package dev.winnow.checkpoint;

import java.util.Map;
import java.util.LinkedHashMap;

/**
 * Maps the names under which the various layouts store a tensor to the one name that {@link Weights} lists. The longest
 * matching prefix wins.
 */
final class CanonicalNames {
  private static final Map<String, String> HUB = new LinkedHashMap<>();
  private static final Map<String, String> ORIGINAL = new LinkedHashMap<>();
  private static final Map<String, String> TOWER = new LinkedHashMap<>();

  static {
    // each longer prefix stands before the shorter ones that it begins with
    for (String root : new String[] {"model.", ""}) {
      HUB.put(root + "vision_tower.vision_model.", "vision.");
      HUB.put(root + "vision_tower.", "vision.");
      HUB.put(root + "image_tower.vision_model.", "vision.");
      HUB.put(root + "image_tower.", "vision.");
      HUB.put(root + "video_tower.vision_model.", "video.");
      HUB.put(root + "video_tower.", "video.");
      HUB.put(root + "multi_modal_projector.", "projector.");
      HUB.put(root + "image_newline", "image_newline");
    }
    HUB.put("language_model.lm_head.", "decoder.lm_head.");
    HUB.put("lm_head.", "decoder.lm_head.");
    HUB.put("language_model.model.", "decoder.");
    HUB.put("model.language_model.", "decoder.");

    ORIGINAL.put("model.vision_tower.vision_tower.vision_model.", "vision.");
    ORIGINAL.put("model.mm_projector.0.", "projector.linear_1.");
    ORIGINAL.put("model.mm_projector.2.", "projector.linear_2.");
    ORIGINAL.put("model.image_newline", "image_newline");
    ORIGINAL.put("model.", "decoder.");
    ORIGINAL.put("lm_head.", "decoder.lm_head.");

    TOWER.put("vision_model.", "vision.");
    TOWER.put("embeddings.", "vision.embeddings.");
    TOWER.put("encoder.", "vision.encoder.");
    TOWER.put("pre_layrnorm.", "vision.pre_layrnorm.");
  }

  private CanonicalNames() {}

  /** Canonical name of a tensor of a llava-hf checkpoint, or null if the engine has no use for it. */
  static String ofHub(String stored) { return map(HUB, stored); }

  /** Canonical name of a tensor of an original LLaVA checkpoint, or null. */
  static String ofOriginal(String stored) { return map(ORIGINAL, stored); }

  /** Canonical name of a tensor of a separate tower (a whole CLIP model, or its vision half), or null. */
  static String ofTower(String stored) { return map(TOWER, stored); }

  private static String map(Map<String, String> prefixes, String stored) {
    // buffers that older versions saved although they follow from the config
    if (stored.endsWith(".position_ids") || stored.endsWith(".rotary_emb.inv_freq")) return null;
    for (Map.Entry<String, String> prefix : prefixes.entrySet()) {
      if (stored.startsWith(prefix.getKey())) return prefix.getValue() + stored.substring(prefix.getKey().length());
    }
    return null;
  }
}
