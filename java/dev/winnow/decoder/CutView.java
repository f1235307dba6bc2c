package dev.winnow.decoder;

import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/**
 * What a cut may look at: one sequence at the input of one layer. Tensors belong to the decoder's scope of the step and must not be kept.
 *
 * @param layer the layer about to run, 0-based
 * @param generating whether this is a decode step
 * @param segments segments of the whole sequence
 * @param origins original index of each row entering the layer: ascending from segment to segment, and within an image but for merged rows,
 *     which stand behind its other rows
 * @param hidden rows entering the layer, [rows, hidden]
 * @param queries rotated queries, [rows, heads, headDim]: of this layer under {@link LayerPruner.Need#PROJECTIONS}, else of the layer
 *     before where it was asked to keep them; null otherwise
 * @param keys rotated keys of the same layer as {@code queries}, [keyRows, kvHeads, headDim], earlier turns included;
 *     null where queries are
 * @param keyOrigins original index of each key row, in the same order
 * @param finalNorm the norm behind the last layer, for methods that compare rows as the output head would see them
 */
public record CutView(int layer, boolean generating, List<Segment> segments, int[] origins, Tensor hidden, Tensor queries, Tensor keys,
    int[] keyOrigins, UnaryOperator<Tensor> finalNorm) {}
