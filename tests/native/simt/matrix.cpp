#include "matrix.h"

#include <cmath>

namespace simt {
namespace {

constexpr int kRows = 16, kColumns = 8, kDepth = 16;

// Tensor cores cut off what does not fit into float32 rather than rounding it; how they group the products is not documented. Here all
// of an instruction's products are added exactly (to double precision) and cut off once.
float cut_off(double exact) {
  float rounded = float(exact);
  if (std::isfinite(rounded) && std::fabs(double(rounded)) > std::fabs(exact)) rounded = std::nextafter(rounded, 0.0f);
  return rounded;
}

}  // namespace

// Fragments, with g = lane / 4 and t = lane % 4; a register holds two neighbours along the sum, the lower one in its lower half:
// a0: row g, k 2t; a1: row g + 8, k 2t; a2: row g, k 2t + 8; a3: row g + 8, k 2t + 8. b0: k 2t, column g; b1: k 2t + 8, column g.
// d0, d1: row g, columns 2t, 2t + 1; d2, d3: row g + 8.
void multiply(Lanes lanes) {
  float a[kRows][kDepth], b[kDepth][kColumns];
  for (int l = 0; l < 32; ++l) {
    const auto& lane = *static_cast<const MultiplyLane*>(lanes[l]);
    int g = l / 4, t = l % 4;
    for (int half = 0; half < 2; ++half) {
      for (int r = 0; r < 4; ++r) a[g + r % 2 * 8][2 * t + r / 2 * 8 + half] = lane.element(uint16_t(lane.a[r] >> 16 * half));
      for (int r = 0; r < 2; ++r) b[2 * t + r * 8 + half][g] = lane.element(uint16_t(lane.b[r] >> 16 * half));
    }
  }
  for (int l = 0; l < 32; ++l) {
    const auto& lane = *static_cast<const MultiplyLane*>(lanes[l]);
    for (int i = 0; i < 4; ++i) {
      int row = l / 4 + i / 2 * 8, column = l % 4 * 2 + i % 2;
      double sum = lane.d[i];
      for (int k = 0; k < kDepth; ++k) sum += double(a[row][k]) * double(b[k][column]);
      lane.d[i] = cut_off(sum);
    }
  }
}

// Lanes 8m .. 8m + 7 address the rows of matrix m; register m of lane l is elements 2 (l % 4) and the next of row l / 4 of matrix m.
void load(Lanes lanes) {
  for (int l = 0; l < 32; ++l) {
    for (int m = 0; m < 4; ++m) {
      const auto& source = *static_cast<const LoadLane*>(lanes[8 * m + l / 4]);
      static_cast<LoadLane*>(lanes[l])->registers[m] = source.row[l % 4];
    }
  }
}

}  // namespace simt
