package dev.winnow.prune.methods;

import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Settings;
import dev.winnow.prune.Site;
import dev.winnow.prune.VisionCut;
import dev.winnow.prune.patches.ChunkQuotas;

/** HoloV: quotas for runs of the raster, attention inside them. */
public final class HoloV extends VisionMethod {
  public HoloV() {
    super("holov", "Gives every stretch of the picture a quota and keeps the patches with the most class attention in each.",
        "Zou et al., HoloV, NeurIPS 2025 (arXiv 2510.02912); code obananas/HoloV 1d2e65e",
        VisionSettings.tokens(64, "new_image_token_num"),
        Parameter.of("chunks", "16", "runs of the raster in a tile (num_patches, utils.py)"),
        Parameter.of("surplus", "zero",
            "a quota above the chunk's size: zero, rows of zeros as in the public code; refill, given to chunks with room (the paper"
            + " reallocates; the order is ours)"),
        VisionSettings.block("block", "block whose class attention ranks (attentions[-2], code)"));
  }

  @Override VisionCut cut(ModelShape shape, Settings settings) {
    VisionSettings.requireClass(name(), shape);
    int chunks = settings.integer("chunks");
    if (chunks < 1) throw settings.wrong("chunks", String.valueOf(chunks), "1 or more");
    boolean refill = settings.choice("surplus", "zero", "refill").equals("refill");
    return new VisionCut(Site.PROJECTED,
        new ChunkQuotas(VisionSettings.block(shape, settings, "block"), chunks, VisionSettings.tokens(settings), refill));
  }
}
