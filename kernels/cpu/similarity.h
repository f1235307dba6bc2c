// K2, similarity of rows, for one CPU tier: tiles of 4 x 4 dot products, norms from the same data, no N x N matrix unless it is the result.
#pragma once

#include "dot.h"
#include "select.h"
#include "tasks.h"

namespace wn::WN_TIER {

/** Two rows multiplied lane by lane: the general way, by widening both. */
template <typename T>
struct Widened {
  using E = typename T::E;
  static constexpr int step = T::step;
  static constexpr bool converts = sizeof(E) < sizeof(float);
  struct Lanes {
    F v[T::planes];
  };
  static inline Lanes lanes(const E* p) {
    Lanes x;
    T::widen(p, x.v);
    return x;
  }
  static inline F accumulate(const Lanes& a, const Lanes& b, F sum) {
    for (int p = 0; p < T::planes; ++p) sum = T::accumulate(a.v[p], b.v[p], sum);
    return sum;
  }
};

/** The quickest way for rows without tiny elements: the same bits as Widened. */
template <typename T>
struct Fast : Widened<T> {};

#ifdef WN_HAS_DPBF16
template <>
struct Fast<BF16> {
  using E = uint16_t;
  static constexpr int step = 32;
  static constexpr bool converts = false;
  using Lanes = __m512bh;
  static inline Lanes lanes(const E* p) { return (__m512bh)_mm512_loadu_si512(p); }
  static inline F accumulate(Lanes a, Lanes b, F sum) { return _mm512_dpbf16_ps(sum, a, b); }
};
#endif

/** Lane 4 * i + j: dot product of a[i] and b[j]. */
template <typename T, typename Way>
inline F tile_dots(const typename T::E* const* a, const typename T::E* const* b, int dim) {
  constexpr int side = tile_side;
  F total[16];
  const int whole = dim / T::step * T::step;
  for (int i0 = 0; i0 < 4; i0 += side) {
    for (int j0 = 0; j0 < 4; j0 += side) {
      F part[side * side];
#pragma GCC unroll 16
      for (int p = 0; p < side * side; ++p) part[p] = zero();
      for (int c = 0; c < whole; c += T::step) {
        typename Way::Lanes x[side];
#pragma GCC unroll 4
        for (int i = 0; i < side; ++i) x[i] = Way::lanes(a[i0 + i] + c);
#pragma GCC unroll 4
        for (int j = 0; j < side; ++j) {
          const typename Way::Lanes y = Way::lanes(b[j0 + j] + c);
#pragma GCC unroll 4
          for (int i = 0; i < side; ++i) part[i * side + j] = Way::accumulate(x[i], y, part[i * side + j]);
        }
      }
      if (whole < dim) {
        for (int i = 0; i < side; ++i) {
          const Tail<T> left(a[i0 + i], dim);
          for (int j = 0; j < side; ++j) {
            const Tail<T> right(b[j0 + j], dim);
            part[i * side + j] = Way::accumulate(Way::lanes(left.element), Way::lanes(right.element), part[i * side + j]);
          }
        }
      }
#pragma GCC unroll 16
      for (int p = 0; p < side * side; ++p) total[4 * (i0 + p / side) + j0 + p % side] = part[p];
    }
  }
  return sums(total);
}

/** Rows of a tensor, possibly chosen by an index list, and what is known of each. */
template <typename T>
struct Rows {
  using E = typename T::E;
  const E* base;
  int64_t stride;
  const int32_t* index;  // or NULL
  int n, dim;
  float* measure;  // [n] cosine: max(norm, eps); squared distance: squared norm
  uint8_t* state;  // [n] bits below
  static constexpr uint8_t unusable = 1, slow = 2;

  const E* row(int i) const { return base + (index ? index[i] : i) * stride; }
};

/**
 * True if a bfloat16 element is not 0 but below 2^-50. Without such elements products and sums of products are whole multiples of
 * 2^-114: exact or rounded once, never denormal, so that the dot instruction (which fuses, and flushes denormals) gives the bits of the
 * general way.
 */
template <typename E>
inline bool has_tiny_elements(const E* row, int dim) {
  constexpr uint16_t limit = ((127 - 50) << 7) - 1;
  uint16_t any = 0;
  for (int c = 0; c < dim; ++c) {
    const uint16_t below = static_cast<uint16_t>((row[c] & 0x7fff) - 1);  // a zero becomes the largest
    any |= static_cast<uint16_t>(below < limit ? 1 : 0);
  }
  return any != 0;
}

/** What tiles need of a row, from its squared norm; a row whose square is not finite is not usable. */
struct Measure {
  float value;
  bool unusable;
};
inline Measure measure_of(float square, int metric, float eps) {
  const float norm = __builtin_sqrtf(square);
  return {metric == WN_NEG_L2 ? square : norm > eps ? norm : eps, !(square - square == 0.0f)};
}

/** Sixteen similarities from dot products and the measures of the two rows of each. */
inline F similarity_of(F dots, F left, F right, int metric) {
  if (metric == WN_DOT) return dots;
  if (metric == WN_NEG_L2) return minimum(sub(add(dots, dots), add(left, right)), zero());
  const F both = mul(left, right);
  return keep_if_gt(both, zero(), divide(dots, both));
}

/** Fills measure and state of rows begin..end. */
template <typename T>
inline void measure_rows(const Rows<T>& rows, int begin, int end, int metric, float eps) {
  using Way = Widened<T>;
  const int whole = rows.dim / T::step * T::step;
  for (int i = begin; i < end; ++i) {
    const typename T::E* row = rows.row(i);
    F total = zero();
    for (int c = 0; c < whole; c += T::step) {
      const typename Way::Lanes x = Way::lanes(row + c);
      total = Way::accumulate(x, x, total);
    }
    if (whole < rows.dim) {
      const Tail<T> tail(row, rows.dim);
      const typename Way::Lanes x = Way::lanes(tail.element);
      total = Way::accumulate(x, x, total);
    }
    const Measure m = measure_of(sum(total), metric, eps);
    rows.measure[i] = m.value;
    uint8_t state = m.unusable ? Rows<T>::unusable : 0;
    if constexpr (T::planes == 2) {
      if (has_tiny_elements(row, rows.dim)) state |= Rows<T>::slow;
    }
    rows.state[i] = state;
  }
}

/** Similarities of rows i..i+3 of a and j..j+3 of b, lane 4 * di + dj; rows past the end repeat the last. */
template <typename T>
inline F tile_similarity(const Rows<T>& a, int i, const Rows<T>& b, int j, int metric) {
  const typename T::E* left[4];
  const typename T::E* right[4];
  int at[4], to[4];
  uint8_t state = 0;
  for (int p = 0; p < 4; ++p) {
    at[p] = i + p < a.n ? i + p : a.n - 1;
    to[p] = j + p < b.n ? j + p : b.n - 1;
    left[p] = a.row(at[p]);
    right[p] = b.row(to[p]);
    state |= a.state[at[p]] | b.state[to[p]];
  }
  const F dots = state & Rows<T>::slow ? tile_dots<T, Widened<T>>(left, right, a.dim) : tile_dots<T, Fast<T>>(left, right, a.dim);
  alignas(64) float of_left[16], of_right[16];
  for (int p = 0; p < 16; ++p) {
    of_left[p] = a.measure[at[p / 4]];
    of_right[p] = b.measure[to[p % 4]];
  }
  F value = similarity_of(dots, load(of_left), load(of_right), metric);
  if (state & Rows<T>::unusable) {
    alignas(64) float lanes[16];
    store(lanes, value);
    for (int p = 0; p < 16; ++p) {
      if ((a.state[at[p / 4]] | b.state[to[p % 4]]) & Rows<T>::unusable) lanes[p] = -infinity;
    }
    value = load(lanes);
  }
  return value;
}

constexpr int similarity_parts = 8;
constexpr int pivot_group = 16;  // pivots that share one pass over the rows

/**
 * Every pair i <= j of one set of measured rows, once: sink(part, i, j, lanes) gets tiles of 4 x 4. Rows are taken in groups of 16, which
 * stay in the second-level cache while the others stream by; group g belongs to part g mod parts.
 */
template <typename T, typename Sink>
inline void symmetric_tiles(const wn_ctx& ctx, const Rows<T>& rows, int metric, const Sink& sink) {
  const int groups = (rows.n + pivot_group - 1) / pivot_group;
  const int64_t bytes = static_cast<int64_t>(rows.n) * groups * rows.dim * sizeof(typename T::E) / 2;
  parallel(ctx, similarity_parts, bytes, [&](int64_t part) {
    for (int64_t g = part; g < groups; g += similarity_parts) {
      const int i0 = static_cast<int>(g) * pivot_group;
      for (int j = i0; j < rows.n; j += 4) {
        for (int i = i0; i < i0 + pivot_group && i <= j; i += 4) sink(part, i, j, tile_similarity(rows, i, rows, j, metric));
      }
    }
  });
}

inline float minimum_of(float a, float b) { return a < b ? a : b; }

/** (value, index) pairs in which the larger value wins, and of equal ones the lower index. */
struct Best {
  float* value;
  int32_t* index;
  void clear(int n) {
    for (int i = 0; i < n; ++i) {
      value[i] = -infinity;
      index[i] = -1;
    }
  }
  /** The lowest value of four neighbours: nothing below it changes any of them. */
  float lowest(int first) const {
    return minimum_of(minimum_of(value[first], value[first + 1]), minimum_of(value[first + 2], value[first + 3]));
  }
  void offer(int at, float v, int32_t i) const {
    if (v > value[at] || (v == value[at] && v != -infinity && i < index[at])) {
      value[at] = v;
      index[at] = i;
    }
  }
};

/** Offers both ends of every pair of a tile whose first rows are i and j. */
inline void offer_tile(const Best& best, int i, int j, int n, F lanes) {
  alignas(64) float v[16];
  store(v, lanes);
  for (int p = 0; p < 16; ++p) {
    const int a = i + p / 4, b = j + p % 4;
    if (a >= n || b >= n || a >= b) continue;
    best.offer(a, v[p], b);
    best.offer(b, v[p], a);
  }
}

/** Joins the sets of the parts in the first: the order is total, so that it does not matter who found what. */
inline void join_parts(float* values, int32_t* indices, int n) {
  for (int p = 1; p < similarity_parts; ++p) {
    for (int i = 0; i < n; ++i) {
      Best{values, indices}.offer(i, values[p * static_cast<int64_t>(n) + i], indices[p * static_cast<int64_t>(n) + i]);
    }
  }
}

/** Most similar other row of every row. best holds similarity_parts sets of n; the result is in the first. */
template <typename T>
inline void nearest_of_all(const wn_ctx& ctx, const Rows<T>& rows, int metric, float* values, int32_t* indices) {
  const int n = rows.n;
  for (int p = 0; p < similarity_parts; ++p) Best{values + p * static_cast<int64_t>(n), indices + p * static_cast<int64_t>(n)}.clear(n);
  symmetric_tiles(ctx, rows, metric, [&](int64_t part, int i, int j, F lanes) {
    Best best{values + part * n, indices + part * n};
    alignas(64) float bound[16];
    for (int p = 0; p < 16; ++p) {
      const int a = i + p / 4 < n ? i + p / 4 : n - 1, b = j + p % 4 < n ? j + p % 4 : n - 1;
      bound[p] = best.value[a] < best.value[b] ? best.value[a] : best.value[b];
    }
    if (!any_ge(lanes, load(bound))) return;
    offer_tile(best, i, j, n, lanes);
  });
  join_parts(values, indices, n);
}

/** Sorts indices by falling value, equal ones by rising index (heap sort: no memory, no library code). */
inline void sort_by_value(int32_t* index, int64_t n, const float* value) {
  const auto before = [&](int32_t a, int32_t b) { return value[a] > value[b] || (value[a] == value[b] && a < b); };
  const auto sift = [&](int64_t root, int64_t size) {
    while (true) {
      int64_t child = 2 * root + 1;
      if (child >= size) return;
      if (child + 1 < size && before(index[child], index[child + 1])) ++child;
      if (!before(index[root], index[child])) return;
      const int32_t swap = index[root];
      index[root] = index[child];
      index[child] = swap;
      root = child;
    }
  };
  for (int64_t i = n / 2 - 1; i >= 0; --i) sift(i, n);
  for (int64_t i = n - 1; i > 0; --i) {
    const int32_t swap = index[0];
    index[0] = index[i];
    index[i] = swap;
    sift(0, i);
  }
}

}  // namespace wn::WN_TIER
