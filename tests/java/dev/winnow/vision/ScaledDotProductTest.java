package dev.winnow.vision;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.winnow.kernels.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScaledDotProductTest {
  /** Every dtype, with causal rows, an added mask, a bool mask and shared key heads, against the formula written out in float32. */
  @ParameterizedTest
  @EnumSource(value = ScalarType.class, names = {"Float", "BFloat16", "Half"})
  void equalsTheFormula(ScalarType dtype) {
    try (PointerScope scope = new PointerScope()) {
      Tensor query = torch.randn(2, 4, 7, 16).to(dtype);
      Tensor key = torch.randn(2, 4, 7, 16).to(dtype);
      Tensor value = torch.randn(2, 4, 7, 16).to(dtype);
      Tensor below = torch.ones(7, 7).tril().to(ScalarType.Bool);
      Tensor added = torch.zeros(7, 7).masked_fill(below.logical_not(), new Scalar(Double.NEGATIVE_INFINITY));
      Tensor bias = torch.randn(1, 1, 1, 7).to(dtype);
      assertNear(formula(query, key, value, added), ScaledDotProduct.attend(query, key, value, null, true, false), dtype);
      assertNear(formula(query, key, value, added), ScaledDotProduct.attend(query, key, value, below, false, false), dtype);
      assertNear(formula(query, key, value, added), ScaledDotProduct.attend(query, key, value, added.to(dtype), false, false), dtype);
      assertNear(formula(query, key, value, bias), ScaledDotProduct.attend(query, key, value, bias, false, false), dtype);
      Tensor sharedKey = key.narrow(1, 0, 2);
      Tensor sharedValue = value.narrow(1, 0, 2);
      Tensor headOfQuery = Tensors.indices(new int[] {0, 0, 1, 1}, Tensors.CPU);
      Tensor expected = formula(query, sharedKey.index_select(1, headOfQuery), sharedValue.index_select(1, headOfQuery), torch.zeros(1));
      assertNear(expected, ScaledDotProduct.attend(query, sharedKey, sharedValue, null, false, true), dtype);
    }
  }

  private static Tensor formula(Tensor query, Tensor key, Tensor value, Tensor mask) {
    Tensor logits = query.to(ScalarType.Float).matmul(key.to(ScalarType.Float).transpose(2, 3)).mul(new Scalar(0.25));
    return logits.add(mask.to(ScalarType.Float)).softmax(-1).matmul(value.to(ScalarType.Float));
  }

  private static void assertNear(Tensor expected, Tensor actual, ScalarType dtype) {
    assertEquals(dtype, actual.scalar_type().intern());
    // half precision: only the result is rounded, to 8 or 11 bits of values below 4
    float tolerance = dtype == ScalarType.Float ? 1e-5f : dtype == ScalarType.Half ? 2e-3f : 1.6e-2f;
    assertArrayEquals(Fixtures.floats(expected), Fixtures.floats(actual), tolerance);
  }
}
