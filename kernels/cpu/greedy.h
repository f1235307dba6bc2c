// wn_greedy for one CPU tier: farthest point, determinantal process (pivoted Cholesky), facility location.
//
// Only the similarities that are needed are computed: a row per choice. All of them are kept where the objective looks at all of them
// anyway, or so many rows are asked for that half a matrix is cheaper, and the matrix is not too large.
#pragma once

#include "similarity.h"

namespace wn::WN_TIER {

constexpr int largest_kept_matrix = 4096;  // 64 MiB

inline bool keeps_matrix(const wn_greedy_desc& d) {
  if (d.matrix || d.n > largest_kept_matrix) return false;
  return d.objective != WN_DPP || d.k > d.n / 6;
}

/** Places of the workspace, in bytes from its start. */
struct GreedyLayout {
  int64_t measure, state, weight, value, start, taken, matrix, row, values, indices, columns, covered, total;
  int64_t n;     // floats per row, padded
  int64_t rows;  // rows that WN_COVERAGE covers, padded

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
    taken = place(n);
    row = place(4 * n);
    matrix = place(keeps_matrix(d) ? 4 * n * n : 0);
    const bool nearest = d.objective == WN_MAX_MIN && !keeps_matrix(d) && !d.matrix;
    values = place(nearest ? 4 * similarity_parts * n : 0);
    indices = place(nearest ? 4 * similarity_parts * n : 0);
    const int64_t k = d.k < d.n ? d.k : d.n;
    columns = place(d.objective == WN_DPP ? 4 * n * k : 0);
    covered = place(d.objective == WN_COVERAGE ? 2 * 4 * rows : 0);
    total = at;
  }
};

inline int64_t greedy_workspace(const wn_greedy_desc& d) { return GreedyLayout(d).total; }

/** One batch row of a greedy choice. */
template <typename T>
struct Greedy {
  using E = typename T::E;
  const wn_ctx& ctx;
  const wn_greedy_desc& d;
  const int b, n, k;
  const int64_t width;
  Rows<T> x;
  float *weight, *value, *start, *kept, *fresh, *columns, *covered, *row_weight;
  uint8_t* taken;  // 1: chosen, 2: not usable
  const float* given;
  char* memory;
  const GreedyLayout& layout;
  int32_t* out;
  float* gains;
  int count = 0;

  Greedy(const wn_ctx& context, const wn_greedy_desc& desc, const GreedyLayout& places, int batch_row, char* workspace)
      : ctx(context), d(desc), b(batch_row), n(desc.n_valid ? static_cast<const int32_t*>(desc.n_valid)[batch_row] : desc.n),
        k(desc.k < n ? desc.k : n), width(places.n), memory(workspace), layout(places) {
    x = {d.matrix ? nullptr : static_cast<const E*>(d.x) + b * d.x_sb, d.x_sn, nullptr, n, d.dim, floats(layout.measure),
         reinterpret_cast<uint8_t*>(memory + layout.state)};
    weight = floats(layout.weight);
    value = floats(layout.value);
    start = floats(layout.start);
    kept = floats(layout.matrix);
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
    for (int64_t i = 0; i < width; ++i) value[i] = fresh[i] = start[i] = 0.0f;
    if (given) {
      for (int i = 0; i < n; ++i) {
        const float sign = d.objective == WN_COVERAGE ? (weights ? weights[i] : 0.0f) : given[i * d.matrix_sr + i];
        taken[i] = sign != sign ? 2 : 0;
      }
      return;
    }
    measure_rows(x, 0, n, WN_COSINE, d.eps);
    for (int i = 0; i < n; ++i) taken[i] = x.state[i] & Rows<T>::unusable ? 2 : 0;
    if (keeps_matrix(d)) keep_matrix();
  }

  void keep_matrix() {
    symmetric_tiles(ctx, x, WN_COSINE, [&](int64_t, int i, int j, F lanes) {
      alignas(64) float v[16];
      store(v, lanes);
      for (int p = 0; p < 16; ++p) {
        const int a = i + p / 4, c = j + p % 4;
        if (a >= n || c >= n || a > c) continue;
        kept[a * width + c] = v[p];
        kept[c * width + a] = v[p];
      }
    });
    for (int i = 0; i < n; ++i) {
      for (int64_t j = n; j < width; ++j) kept[i * width + j] = 0.0f;
    }
  }

  /** Similarities of row i to all rows. */
  const float* similarities(int i) {
    if (given) return given + i * d.matrix_sr;
    if (keeps_matrix(d)) return kept + i * width;
    constexpr int chunk = 128;
    const int32_t index[1] = {i};
    const Rows<T> one = {x.base, x.stride, index, 1, x.dim, x.measure + i, x.state + i};
    parallel(ctx, (n + chunk - 1) / chunk, static_cast<int64_t>(n) * d.dim * sizeof(E), [&](int64_t task) {
      const int begin = static_cast<int>(task) * chunk, end = begin + chunk < n ? begin + chunk : n;
      row_similarity(one, x, begin, end, fresh);
    });
    return fresh;
  }

  /** Similarities of a single row to rows begin..end, 16 at a time. */
  static void row_similarity(const Rows<T>& one, const Rows<T>& all, int begin, int end, float* out) {
    alignas(64) float widened[2048];
    alignas(64) float v[16];
    const E* rows[16];
    const bool fits = widened_size<T>(all.dim) <= 2048;
    if (fits) widen_row<T>(one.row(0), all.dim, widened);
    for (int j = begin; j < end; j += 16) {
      for (int r = 0; r < 16; ++r) rows[r] = all.row(j + r < end ? j + r : end - 1);
      if (fits) {
        store(v, dots16<T, true>(widened, rows, all.dim));
      } else {
        for (int r = 0; r < 16; r += 4) {
          const E* same[4] = {one.row(0), one.row(0), one.row(0), one.row(0)};
          alignas(64) float tile[16];
          store(tile, tile_dots<T, Widened<T>>(same, rows + r, all.dim));
          for (int p = 0; p < 4; ++p) v[r + p] = tile[p];
        }
      }
      for (int r = 0; r < 16 && j + r < end; ++r) {
        const float both = one.measure[0] * all.measure[j + r];
        const bool unusable = (one.state[0] | all.state[j + r]) & Rows<T>::unusable;
        out[j + r] = unusable ? -infinity : both > 0.0f ? v[r] / both : 0.0f;
      }
    }
  }

  void take(int i, float gain) {
    taken[i] |= 1;
    out[count] = i;
    if (gains) gains[count] = gain;
    ++count;
  }

  /** The usable candidate of the largest value, the lowest index among equals; -1 if none is left. */
  int best(const float* values) const {
    int at = -1;
    for (int i = 0; i < n; ++i) {
      if (taken[i] == 0 && (at < 0 || values[i] > values[at])) at = i;
    }
    return at;
  }

  void farthest_point() {
    float* nearest = start;
    if (given || keeps_matrix(d)) {
      for (int i = 0; i < n; ++i) {
        const float* s = similarities(i);
        float closest = infinity;
        for (int j = 0; j < n; ++j) {
          const float distance = 1.0f - s[j];
          if (j != i && !((taken[i] | taken[j]) & 2) && distance < closest) closest = distance;
        }
        value[i] = closest;
      }
    } else {
      float* values = floats(layout.values);
      nearest_of_all(ctx, x, WN_COSINE, values, reinterpret_cast<int32_t*>(memory + layout.indices));
      for (int i = 0; i < n; ++i) value[i] = 1.0f - values[i];
    }
    for (int i = 0; i < n; ++i) nearest[i] = infinity;
    while (count < k) {
      const int i = best(value);
      if (i < 0) return;
      take(i, value[i]);
      if (count == k) return;
      const float* s = similarities(i);
      for (int j = 0; j < n; ++j) {
        const float distance = 1.0f - s[j];
        nearest[j] = distance < nearest[j] ? distance : nearest[j];
        value[j] = weight[j] * nearest[j];
      }
    }
  }

  /** Column of the Cholesky factor for choice i: (L_j - sum over earlier columns of c[i] * c[j]) / root, and what it leaves of value. */
  void cholesky_column(int i, const float* s, float root, int earlier) {
    float* column = columns + earlier * width;
    parallel(ctx, (width + 127) / 128, width * 4 * (earlier + 1), [&](int64_t task) {
      const int64_t end = task * 128 + 128 < width ? task * 128 + 128 : width;
      for (int64_t j = task * 128; j < end; j += 16) {
        alignas(64) float line[16] = {};
        for (int64_t r = j; r < j + 16 && r < n; ++r) line[r - j] = weight[i] * s[r] * weight[r];
        F v = load(line);
        for (int c = 0; c < earlier; ++c) v = sub(v, mul(set1(columns[c * width + i]), load(columns + c * width + j)));
        v = divide(v, set1(root));
        store(column + j, v);
        store(value + j, sub(load(value + j), mul(v, v)));
      }
    });
  }

  void determinantal() {
    constexpr float spent = 1e-6f;  // share of its own variance below which a candidate is a combination of those chosen
    for (int i = 0; i < n; ++i) {
      const float own = given ? given[i * d.matrix_sr + i] : taken[i] ? 0.0f : diagonal(i);
      value[i] = start[i] = weight[i] * weight[i] * own;
    }
    int columns_used = 0;
    while (count < k) {
      int i = -1;
      for (int j = 0; j < n; ++j) {
        if (taken[j] == 0 && value[j] > spent * start[j] && (i < 0 || value[j] > value[i])) i = j;
      }
      if (i < 0) {
        i = best(weight);
        if (i < 0) return;
        take(i, 0.0f);
        continue;
      }
      take(i, value[i]);
      if (count == k) return;
      cholesky_column(i, similarities(i), __builtin_sqrtf(value[i]), columns_used++);
    }
  }

  /** Similarity of a row to itself: 1 but for rounding, less where eps is the larger norm, 0 for a row of zeros. */
  float diagonal(int i) const {
    float own;
    const int32_t index[1] = {i};
    const Rows<T> one = {x.base, x.stride, index, 1, x.dim, x.measure + i, x.state + i};
    row_similarity(one, one, 0, 1, &own);
    return own;
  }

  float worth(float similarity) const { return d.f_scale * similarity + d.f_shift; }

  /** What candidate u would add: 16 sums over the rows r, those of equal r mod 16, joined by the common tree. */
  float gain(int u) {
    F total = zero();
    const F scale = set1(d.f_scale), shift = set1(d.f_shift);
    const float* s = given ? nullptr : similarities(u);
    const int rows = given ? d.matrix_rows : n;
    alignas(64) float edge[16];
    for (int r = 0; r < rows; r += 16) {
      const float* line = s + r;
      if (given || r + 16 > rows) {
        for (int p = 0; p < 16; ++p) edge[p] = r + p >= rows ? 0.0f : given ? given[(r + p) * d.matrix_sr + u] : s[r + p];
        line = edge;
      }
      const F more = sub(add(mul(load(line), scale), shift), load(covered + r));
      total = add(total, keep_if_gt(more, zero(), mul(more, load(row_weight + r))));
    }
    const float g = weight[u] * sum(total);
    return g > 0.0f ? g : 0.0f;
  }

  /**
   * Gains never grow as more is covered (each term falls, and rounding is monotone), so a gain computed earlier is a bound: only
   * candidates whose bound reaches the top are computed again. The choice is the one that computing all would give.
   */
  void facility_location() {
    const int rows = given ? d.matrix_rows : n;
    const float* weights = d.row_weight ? static_cast<const float*>(d.row_weight) + b * d.row_weight_sb : nullptr;
    for (int64_t r = 0; r < layout.rows; ++r) {
      covered[r] = 0.0f;
      row_weight[r] = r < rows ? positive(weights, r) : 0.0f;
    }
    float* when = start;  // number of choices made when the bound was computed
    for (int i = 0; i < n; ++i) {
      value[i] = taken[i] ? 0.0f : gain(i);
      when[i] = 0.0f;
    }
    while (count < k) {
      int i = best(value);
      if (i < 0) return;
      while (when[i] != static_cast<float>(count)) {
        value[i] = gain(i);
        when[i] = static_cast<float>(count);
        i = best(value);
      }
      take(i, value[i]);
      if (count == k) return;
      const float* s = given ? nullptr : similarities(i);
      for (int r = 0; r < rows; ++r) {
        const float v = worth(given ? given[r * d.matrix_sr + i] : s[r]);
        covered[r] = v > covered[r] ? v : covered[r];
      }
    }
  }

  void run() {
    prepare();
    if (d.objective == WN_MAX_MIN) farthest_point();
    if (d.objective == WN_DPP) determinantal();
    if (d.objective == WN_COVERAGE) facility_location();
    for (int i = 0; i < n && count < k; ++i) {
      if (!(taken[i] & 1)) take(i, 0.0f);
    }
    if (d.flags & WN_GREEDY_ASCENDING) {
      // The marks of the chosen give their order.
      int j = 0;
      for (int i = 0; i < n; ++i) {
        if (taken[i] & 1) out[j++] = i;
      }
    }
    for (int i = count; i < d.k; ++i) {
      out[i] = -1;
      if (gains) gains[i] = 0.0f;
    }
  }
};

template <typename T>
inline void greedy_typed(const wn_ctx& ctx, const wn_greedy_desc& d, char* memory) {
  const GreedyLayout layout(d);
  for (int b = 0; b < d.batch; ++b) Greedy<T>(ctx, d, layout, b, memory).run();
}

inline int32_t greedy(const wn_ctx& ctx, const wn_greedy_desc& d, void* workspace, void*) {
  char* memory = static_cast<char*>(workspace);
  if (d.matrix || d.dtype == WN_F32) {
    greedy_typed<F32>(ctx, d, memory);
  } else if (d.dtype == WN_F16) {
    greedy_typed<F16>(ctx, d, memory);
  } else {
    greedy_typed<BF16>(ctx, d, memory);
  }
  return WN_OK;
}

}  // namespace wn::WN_TIER
