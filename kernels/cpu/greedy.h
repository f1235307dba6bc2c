// wn_greedy for one CPU tier: farthest point, determinantal process (pivoted Cholesky), facility location.
//
// Only the similarities that are needed are computed: rows, four at a time (greedy_rows.h). All of them are kept where the objective
// looks at all of them anyway, or so many rows are asked for that half a matrix is cheaper, and the matrix is not too large.
#pragma once

#include "greedy_state.h"

namespace wn::WN_TIER {

/** One batch row of a greedy choice, by any of the objectives. */
template <typename T>
struct Greedy : GreedyState<T> {
  using State = GreedyState<T>;
  using State::State;
  using State::ctx, State::d, State::b, State::n, State::k, State::width, State::rows, State::weight, State::value, State::start;
  using State::closed, State::fresh, State::columns, State::covered, State::row_weight, State::taken, State::given, State::memory;
  using State::layout, State::out, State::gains, State::count, State::floats, State::positive, State::prepare, State::similarities;
  using State::take, State::best;

  /** Distance of every usable row to its nearest other usable one. */
  void nearest_distances() {
    if (rows.kept) {
      for (int i = 0; i < n; ++i) {
        float* s = rows.kept + i * width;
        const float own = s[i];
        s[i] = -infinity;
        F most = set1(-infinity);
        int j = 0;
        for (; j + 16 <= n; j += 16) most = maximum(load(s + j), most);
        float top = largest(most);
        for (; j < n; ++j) top = s[j] > top ? s[j] : top;
        s[i] = own;
        value[i] = 1.0f - top;
      }
    } else if (given) {
      for (int i = 0; i < n; ++i) {
        const float* s = given + i * d.matrix_sr;
        float closest = infinity;
        for (int j = 0; j < n; ++j) {
          const float distance = 1.0f - s[j];
          if (j != i && !((taken[i] | taken[j]) & 2) && distance < closest) closest = distance;
        }
        value[i] = closest;
      }
    } else {
      float* values = floats(layout.values);
      int32_t* indices = reinterpret_cast<int32_t*>(memory + layout.indices);
      if (layout.packed) {
        nearest_of_panels(ctx, rows.x, WN_COSINE, values, indices);
      } else {
        nearest_of_all(ctx, rows.x.rows, WN_COSINE, values, indices);
      }
      for (int i = 0; i < n; ++i) value[i] = 1.0f - values[i];
    }
  }

  void farthest_point() {
    float* nearest = start;
    nearest_distances();
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

  /**
   * Column of the Cholesky factor for choice i: (L_j - sum over earlier columns of c[i] * c[j]) / root, and what it leaves of value.
   * The factor lies in blocks of 16 rows, [width / 16][k][16], so that a block's columns are read in one stream; four streams at a time.
   */
  void cholesky_column(int i, const float* s, float root, int earlier) {
    float* factor = columns + width * k;  // of row i
    const float* own = columns + i / 16 * 16 * static_cast<int64_t>(k) + i % 16;
    for (int c = 0; c < earlier; ++c) factor[c] = own[16 * c];
    parallel(ctx, (width + 63) / 64, width * 4 * (earlier + 1), [&](int64_t task) {
      const int64_t first = task * 64;
      const int blocks = static_cast<int>(width - first < 64 ? (width - first) / 16 : 4);
      F v[4];
      float* block[4];
      for (int q = 0; q < 4; ++q) {
        const int64_t j = first + 16 * (q < blocks ? q : blocks - 1);
        v[q] = mul(mul(set1(weight[i]), load(s + j)), load(weight + j));
        block[q] = columns + j * k;
      }
      for (int c = 0; c < earlier; ++c) {
        const F scale = set1(-factor[c]);
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q) v[q] = multiply_add(scale, load(block[q] + 16 * c), v[q]);
      }
      for (int q = 0; q < blocks; ++q) {
        const F column = divide(v[q], set1(root));
        store(block[q] + 16 * earlier, column);
        store(value + first + 16 * q, sub(load(value + first + 16 * q), mul(column, column)));
      }
    });
  }

  /** The open candidate of the largest value among those that are not spent, the lowest index among equals; -1 if there is none. */
  int most_varied() const {
    constexpr float spent = 1e-6f;  // share of its own variance below which a candidate is a combination of those chosen
    F most = zero();
    for (int64_t j = 0; j < width; j += 16) {
      const F v = load(value + j);
      most = maximum(keep_if_gt(add(v, load(closed + j)), mul(set1(spent), load(start + j)), v), most);
    }
    const float top = largest(most);
    for (int j = 0; top > 0.0f && j < n; ++j) {
      if (taken[j] == 0 && value[j] == top && value[j] > spent * start[j]) return j;
    }
    return -1;
  }

  /** 1 but where eps is the larger norm, 0 for a row of zeros: a row is as similar to itself as any other is, rounding must not choose. */
  float self_similarity(int i) const {
    const Rows<T>& x = rows.x.rows;
    if (x.measure[i] != d.eps) return 1.0f;
    float square;
    uint8_t state;
    const int32_t index[1] = {i};
    measure_rows(Rows<T>{x.base, x.stride, index, 1, x.dim, &square, &state}, 0, 1, WN_NEG_L2, 0.0f);
    return square == 0.0f ? 0.0f : __builtin_sqrtf(square) >= d.eps ? 1.0f : square / (d.eps * d.eps);
  }

  void determinantal() {
    for (int i = 0; i < n; ++i) {
      const float own = given ? given[i * d.matrix_sr + i] : taken[i] ? 0.0f : self_similarity(i);
      value[i] = start[i] = weight[i] * weight[i] * own;
    }
    int columns_used = 0;
    while (count < k) {
      int i = most_varied();
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

  float worth(float similarity) const { return d.f_scale * similarity + d.f_shift; }

  /** What candidate u would add: 16 sums over the rows r, those of equal r mod 16, joined by the common tree. */
  float gain(int u) {
    F total = zero();
    const F scale = set1(d.f_scale), shift = set1(d.f_shift);
    const float* s = given ? nullptr : similarities(u);
    const int count_rows = given ? d.matrix_rows : n;
    alignas(64) float edge[16];
    for (int r = 0; r < count_rows; r += 16) {
      const float* line = s + r;
      if (given || r + 16 > count_rows) {
        for (int p = 0; p < 16; ++p) edge[p] = r + p >= count_rows ? 0.0f : given ? given[(r + p) * d.matrix_sr + u] : s[r + p];
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
    const int covers = given ? d.matrix_rows : n;
    const float* weights = d.row_weight ? static_cast<const float*>(d.row_weight) + b * d.row_weight_sb : nullptr;
    for (int64_t r = 0; r < layout.rows; ++r) {
      covered[r] = 0.0f;
      row_weight[r] = r < covers ? positive(weights, r) : 0.0f;
    }
    float* when = start;  // number of choices made when the bound was computed
    for (int i = 0; i < n; ++i) value[i] = taken[i] ? 0.0f : infinity;  // not known yet: rows are computed in this order
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
      for (int r = 0; r < covers; ++r) {
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
