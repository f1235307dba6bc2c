package dev.winnow.prune;

import dev.winnow.WinnowException;
import dev.winnow.kernels.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** Something known of every token of a picture: one tensor a tile, of as many tokens as the tile has. */
final class PerTile {
  /** [tiles, ...]; null where the tiles were cut one by one. */
  private final Tensor together;
  private final List<Tensor> tiles;

  private PerTile(Tensor together, List<Tensor> tiles) {
    this.together = together;
    this.tiles = tiles;
  }

  /** @param all [tiles, ...] */
  static PerTile of(Tensor all) { return new PerTile(all, null); }

  static PerTile of(List<Tensor> tiles) { return new PerTile(null, List.copyOf(tiles)); }

  int count() { return together == null ? tiles.size() : Math.toIntExact(together.size(0)); }

  List<Tensor> tiles() { return IntStream.range(0, count()).mapToObj(this::tile).toList(); }

  Tensor tile(int t) { return together == null ? tiles.get(t) : together.select(0, t); }

  /** [tiles, ...]; there is no such tensor once a cut has chosen in every tile. */
  Tensor together() {
    if (together == null) throw new WinnowException("tiles that were cut do not lie in one tensor; ask for them one by one");
    return together;
  }

  /**
   * Only some of the tokens.
   *
   * @param dim of the tokens in the tensor of a tile
   * @param others what stands before the tokens of the tile and stays, such as a class token
   * @param tokens per tile, in the order wanted
   */
  PerTile keep(int dim, int others, int[][] tokens) {
    List<Tensor> kept = new ArrayList<>();
    for (int t = 0; t < tokens.length; t++) {
      int[] at = new int[others + tokens[t].length];
      for (int i = 0; i < at.length; i++) at[i] = i < others ? i : others + tokens[t][i - others];
      Tensor tile = tile(t);
      kept.add(tile.index_select(dim, Tensors.indices(at, tile.device())));
    }
    return of(kept);
  }
}
