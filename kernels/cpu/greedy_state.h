// The memory and the state of one greedy choice, shared by the three objectives of greedy.h.
#pragma once

#include "greedy_rows.h"

namespace wn::WN_TIER {

/** Places of the workspace, in bytes from its start. */
struct GreedyLayout {
  int64_t measure, state, weight, value, start, closed, taken, matrix, row, panels, picked, slot, values, indices, columns, covered, total;
  int64_t n;     // floats per row, padded
  int64_t rows;  // rows that WN_COVERAGE covers, padded
  bool packed;   // x is packed in panels

  explicit GreedyLayout(const wn_greedy_desc& d) {
    int64_t at = 0;
    const auto place = [&](int64_t bytes) {
      const int64_t here = at;
      at += (bytes + 63) / 64 * 64;
      return here;
    };
    n = (static_cast<int64_t>(d.n) + 15) / 16 * 16;
    rows = d.matrix ? (static_cast<int64_t>(d.matrix_rows) + 15) / 16 * 16 : n;
    measure = place(4 * n);
    state = place(n);
    weight = place(4 * n);
    value = place(4 * n);
    start = place(4 * n);
    closed = place(4 * n);
    taken = place(n);
    row = place(4 * n);
    matrix = place(keeps_matrix(d) ? 4 * n * n : d.matrix ? 0 : 4 * cached_rows * n);
    const int64_t bytes = packs_rows(d) ? packed_bytes(d.dtype, d.n, d.dim) : 0;
    packed = bytes > 0;
    panels = place(packed ? bytes + wide_scratch_bytes(d.dtype) : 0);
    picked = place(bytes == 0 ? 0 : packed_bytes(d.dtype, d.n < most_a_pass ? d.n : most_a_pass, d.dim));
    slot = place(4 * n);
    const bool nearest = d.objective == WN_MAX_MIN && !keeps_matrix(d) && !d.matrix;
    values = place(nearest ? 4 * similarity_parts * n : 0);
    indices = place(nearest ? 4 * similarity_parts * n : 0);
    const int64_t k = d.k < d.n ? d.k : d.n;
    columns = place(d.objective == WN_DPP ? 4 * (n + 1) * k : 0);
    covered = place(d.objective == WN_COVERAGE ? 2 * 4 * rows : 0);
    total = at;
  }
};

inline int64_t greedy_workspace(const wn_greedy_desc& d) { return GreedyLayout(d).total; }

/** One batch row of a greedy choice: its candidates, which of them are taken, and what is reported. */
template <typename T>
struct GreedyState {
  using E = typename T::E;
  const wn_ctx& ctx;
  const wn_greedy_desc& d;
  const int b, n, k;
  const int64_t width;
  GreedyRows<T> rows;
  float *weight, *value, *start, *closed, *fresh, *columns, *covered, *row_weight;  // closed: 0 for an open candidate, else -infinity
  uint8_t* taken;  // 1: chosen, 2: not usable
  const float* given;
  char* memory;
  const GreedyLayout& layout;
  int32_t* out;
  float* gains;
  int count = 0;

  GreedyState(const wn_ctx& context, const wn_greedy_desc& desc, const GreedyLayout& places, int batch_row, char* workspace)
      : ctx(context), d(desc), b(batch_row), n(desc.n_valid ? static_cast<const int32_t*>(desc.n_valid)[batch_row] : desc.n),
        k(desc.k < n ? desc.k : n), width(places.n),
        rows{context, {}, places.packed, places.n, nullptr, nullptr, nullptr, {}, 0, nullptr, desc.eps, false},
        memory(workspace), layout(places) {
    const Rows<T> x = {d.matrix ? nullptr : static_cast<const E*>(d.x) + b * d.x_sb, d.x_sn, nullptr, n, d.dim, floats(layout.measure),
                       reinterpret_cast<uint8_t*>(memory + layout.state)};
    rows.x = {memory + layout.panels, x};
    (keeps_matrix(d) ? rows.kept : rows.cache) = floats(layout.matrix);
    rows.slot = reinterpret_cast<int32_t*>(memory + layout.slot);
    rows.picked = memory + layout.picked;
    weight = floats(layout.weight);
    value = floats(layout.value);
    start = floats(layout.start);
    closed = floats(layout.closed);
    fresh = floats(layout.row);
    columns = floats(layout.columns);
    covered = floats(layout.covered);
    row_weight = covered + layout.rows;
    taken = reinterpret_cast<uint8_t*>(memory + layout.taken);
    given = d.matrix ? static_cast<const float*>(d.matrix) + b * d.matrix_sb : nullptr;
    out = static_cast<int32_t*>(d.out_idx) + b * d.out_sb;
    gains = d.out_gain ? static_cast<float*>(d.out_gain) + b * d.out_sb : nullptr;
  }

  float* floats(int64_t place) const { return reinterpret_cast<float*>(memory + place); }

  static float positive(const float* weights, int64_t i) { return !weights ? 1.0f : weights[i] > 0.0f ? weights[i] : 0.0f; }

  void prepare() {
    const float* weights = d.weight ? static_cast<const float*>(d.weight) + b * d.weight_sb : nullptr;
    for (int i = 0; i < n; ++i) weight[i] = positive(weights, i);
    for (int64_t i = 0; i < width; ++i) value[i] = fresh[i] = start[i] = 0.0f, closed[i] = -infinity;
    for (int64_t i = n; i < width; ++i) weight[i] = 0.0f;
    if (given) {
      for (int i = 0; i < n; ++i) {
        const float sign = d.objective == WN_COVERAGE ? (weights ? weights[i] : 0.0f) : given[i * d.matrix_sr + i];
        taken[i] = sign != sign ? 2 : 0;
      }
    } else {
      const Rows<T>& x = rows.x.rows;
      if (layout.packed) {
        rows.x.pack_all(ctx, WN_COSINE, d.eps);
      } else {
        measure_rows(x, 0, n, WN_COSINE, d.eps);
      }
      for (int i = 0; i < n; ++i) taken[i] = x.state[i] & Rows<T>::unusable ? 2 : 0;
      if (rows.kept) {
        rows.keep_matrix();
      } else {
        rows.clear();
      }
    }
    for (int i = 0; i < n; ++i) closed[i] = taken[i] ? -infinity : 0.0f;
  }

  /** Similarities of row i to all rows; the caller's, copied, so that they may be read in whole registers. */
  const float* similarities(int i) {
    if (!given) return rows.row(i, value, taken);
    std::memcpy(fresh, given + i * d.matrix_sr, 4 * static_cast<size_t>(n));
    return fresh;
  }

  void take(int i, float gain) {
    taken[i] |= 1;
    closed[i] = -infinity;
    out[count] = i;
    if (gains) gains[count] = gain;
    ++count;
  }

  /** The open candidate of the largest value, the lowest index among equals, NaN last; -1 if none is left. */
  int best(const float* values) const {
    F most = set1(-infinity);
    for (int64_t i = 0; i < width; i += 16) most = maximum(add(load(values + i), load(closed + i)), most);
    const float top = largest(most);
    for (int i = 0; i < n; ++i) {
      if (taken[i] == 0 && (values[i] == top || top == -infinity)) return i;
    }
    return -1;
  }
};

}  // namespace wn::WN_TIER
