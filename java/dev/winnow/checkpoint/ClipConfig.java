package dev.winnow.checkpoint;

/**
 * Shape of a CLIP model's text side and of what carries both sides into their common space.
 *
 * @param hidden width of the text tower
 * @param positions tokens of one segment of text
 * @param vocab rows of the token embedding
 * @param layerNormEps of the text tower
 * @param activation "quick_gelu", "gelu" or "gelu_pytorch_tanh"
 * @param eosId id of the token whose state stands for the whole text, or {@link #LARGEST_ID_POOLS}
 * @param projection width of the common space
 * @param visionHidden width of the vision tower's features
 * @param visionLayerNormEps of the vision tower
 */
public record ClipConfig(int hidden, int intermediate, int layers, int heads, int positions, int vocab, double layerNormEps,
    String activation, int eosId, int projection, int visionHidden, double visionLayerNormEps) {
  /** With this id, a mistake that published configs carry, transformers takes the state of the largest id of a text. */
  public static final int LARGEST_ID_POOLS = 2;

  /**
   * The position whose state stands for a segment, as transformers decides it.
   *
   * @param ids of the segment, padding included
   * @return place of the largest id with the old {@code eosId}, else of the first end of text; 0 where there is none
   */
  public int pooledPosition(int[] ids) {
    int place = 0;
    for (int i = 0; i < ids.length; i++) {
      if (eosId == LARGEST_ID_POOLS) {
        if (ids[i] > ids[place]) place = i;
      } else if (ids[i] == eosId) {
        return i;
      }
    }
    return place;
  }
}
