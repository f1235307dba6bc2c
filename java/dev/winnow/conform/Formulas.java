package dev.winnow.conform;


/** The closed formulas and the window blend of the golden files, in float64 and rounded once. */
final class Formulas {
  private Formulas() {}

  static void fill(CaseNode node, int[] shape, float[] x) {
    int width = shape[shape.length - 1];
    int middle = shape.length > 2 ? shape[shape.length - 2] : 1;
    String name = node.get("name").asText();
    for (int i = 0; i < x.length; i++) {
      int column = i % width;
      int row = i / width;
      x[i] = (float) switch (name) {
        case "attn_sines" -> 2 * Math.sin(0.7 * (row / middle) + 0.5 * (row % middle) + 1.1 * column);
        case "rater_vision" -> Math.sin(0.6 * row + 0.8 * column);
        case "rater_text" -> Math.cos(0.5 * row * (column + 1));
        case "cluster_points" -> Math.sin(0.9 * row * row + 0.4 * column) + 0.3 * Math.cos(1.7 * row + column);
        case "window_sines" -> windowSines(node, row, column);
        default -> throw node.get("name").mustBe("one of attn_sines, rater_vision, rater_text, cluster_points, window_sines");
      };
    }
  }

  private static double windowSines(CaseNode node, int row, int column) {
    CaseNode params = node.get("params");
    if (row == 0) return params.get("cls").get(column).asDouble();
    int side = params.get("side").asInt();
    int t = row - 1;
    int window = window(t, side);
    return Math.sin(1.7 * window + 0.9 * column) + 0.05 * params.get("a").get(window).asDouble() * Math.sin(2.3 * t + 0.7 * column);
  }

  static TensorSpec windowBlend(CaseNode node) {
    TensorSpec base = TensorSpec.read(node.get("base"));
    TensorSpec noise = TensorSpec.read(node.get("noise"));
    int side = node.get("side").asInt();
    int width = noise.shape()[1];
    float[] x = new float[noise.values().length];
    for (int row = 0; row < noise.rows(); row++) {
      int window = row == 0 ? -1 : window(row - 1, side);
      float amplitude = row == 0 ? 1 : (float) node.get("amp").get(window).asDouble();
      for (int j = 0; j < width; j++) {
        float scaled = amplitude * noise.values()[row * width + j];
        x[row * width + j] = row == 0 ? scaled : base.values()[window * width + j] + scaled;
      }
    }
    return new TensorSpec(noise.shape(), x);
  }

  private static int window(int token, int side) { return (token / side / 3) * (side / 3) + token % side / 3; }
}
