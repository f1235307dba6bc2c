// Rows packed for tiles of 4 x 4 dot products: four rows side by side, step by step, so that a tile reads two streams without gaps.
// Rows of a power of two of bytes would otherwise share a few places of the first-level cache and push each other out.
#pragma once

#include "wide_tiles.h"

namespace wn::WN_TIER {

constexpr int64_t largest_packing = int64_t(64) << 20;  // bytes; beyond it rows are read where they lie
constexpr int64_t block_bytes = 512 << 10;              // panels that stay in the second-level cache while others meet them

/** What is known of the four rows of a panel, in the lanes of a tile: as its left side (0 0 0 0 1 ...) and as its right (0 1 2 3 0 ...). */
struct PanelHead {
  float left[16], right[16];
  int32_t state;  // union of the rows' states
  int32_t padding[15];
};

/** Rows of a set in panels of four; past the last row its last panel repeats it. */
template <typename T>
struct Panels {
  using E = typename T::E;
  char* memory;
  Rows<T> rows;

  static int steps(int dim) { return (dim + T::step - 1) / T::step; }
  static int64_t bytes(int dim) { return sizeof(PanelHead) + static_cast<int64_t>(4 * T::step * sizeof(E)) * steps(dim); }
  /** Bytes for n rows, or 0 if that is too much to pack. */
  static int64_t total(int n, int dim) {
    const __int128 all = static_cast<__int128>((static_cast<int64_t>(n) + 3) / 4) * bytes(dim);
    return all > largest_packing ? 0 : static_cast<int64_t>(all);
  }

  int count() const { return (rows.n + 3) / 4; }
  PanelHead* head(int p) const { return reinterpret_cast<PanelHead*>(memory + p * bytes(rows.dim)); }
  E* lanes(int p) const { return reinterpret_cast<E*>(head(p) + 1); }
  /** Memory behind the panels, wide_scratch_bytes in all. */
  WideScratch& scratch(int64_t part) const { return reinterpret_cast<WideScratch*>(memory + count() * bytes(rows.dim))[part]; }

  /** Packs panel p, and fills measure and state of its rows. */
  void pack(int p, int metric, float eps) const {
    constexpr int step = T::step;
    PanelHead& about = *head(p);
    E* out = lanes(p);
    const int whole = rows.dim / step, all = steps(rows.dim);
    about.state = 0;
    for (int r = 0; r < 4; ++r) {
      const E* row = rows.row(4 * p + r < rows.n ? 4 * p + r : rows.n - 1);
      for (int c = 0; c < whole; ++c) std::memcpy(out + (4 * c + r) * step, row + c * step, step * sizeof(E));
      if (whole < all) std::memcpy(out + (4 * whole + r) * step, Tail<T>(row, rows.dim).element, step * sizeof(E));
      if constexpr (T::planes == 2) about.state |= has_tiny_elements(row, rows.dim) ? Rows<T>::slow : 0;
    }
    const F squares = about.state ? four_squares<Widened<T>>(out, all) : four_squares<Fast<T>>(out, all);
    alignas(64) float square[16];
    store(square, squares);
    for (int r = 0; r < 4; ++r) {
      const Measure m = measure_of(square[r], metric, eps);
      about.state |= m.unusable ? Rows<T>::unusable : 0;
      for (int q = 0; q < 4; ++q) about.left[4 * r + q] = about.right[4 * q + r] = m.value;
      if (4 * p + r >= rows.n) continue;
      rows.measure[4 * p + r] = m.value;
      rows.state[4 * p + r] = static_cast<uint8_t>((about.state & Rows<T>::slow) | (m.unusable ? Rows<T>::unusable : 0));
    }
  }

  template <typename Way>
  static F four_squares(const E* panel, int steps) {
    F part[16];
    for (F& v : part) v = zero();
    F square[4] = {zero(), zero(), zero(), zero()};
    for (int c = 0; c < steps; ++c) {
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        const typename Way::Lanes x = Way::lanes(panel + (4 * c + r) * T::step);
        square[r] = Way::accumulate(x, x, square[r]);
      }
    }
    for (int r = 0; r < 4; ++r) part[r] = square[r];
    return sums(part);
  }

  void pack_all(const wn_ctx& ctx, int metric, float eps) const {
    constexpr int chunk = 8;
    parallel(ctx, (count() + chunk - 1) / chunk, count() * bytes(rows.dim), [&](int64_t task) {
      for (int p = static_cast<int>(task) * chunk; p < (task + 1) * chunk && p < count(); ++p) pack(p, metric, eps);
    });
  }
};

/** Bytes of n packed rows of a wn_dtype; 0 if they are too many to pack. */
inline int64_t packed_bytes(int32_t dtype, int n, int dim) {
  return dtype == WN_F32 ? Panels<F32>::total(n, dim) : dtype == WN_F16 ? Panels<F16>::total(n, dim) : Panels<BF16>::total(n, dim);
}

/** Lane 4 * i + j: dot product of row i of one panel and row j of another. */
template <typename T, typename Way>
inline F panel_dots(const typename T::E* a, const typename T::E* b, int steps) {
  constexpr int side = tile_side;
  F total[16];
  for (int i0 = 0; i0 < 4; i0 += side) {
    for (int j0 = 0; j0 < 4; j0 += side) {
      F part[side * side];
#pragma GCC unroll 16
      for (int p = 0; p < side * side; ++p) part[p] = zero();
      const typename T::E *left = a + i0 * T::step, *right = b + j0 * T::step;
      for (int c = 0; c < steps; ++c, left += 4 * T::step, right += 4 * T::step) {
        typename Way::Lanes x[side];
#pragma GCC unroll 4
        for (int i = 0; i < side; ++i) x[i] = Way::lanes(left + i * T::step);
#pragma GCC unroll 4
        for (int j = 0; j < side; ++j) {
          const typename Way::Lanes y = Way::lanes(right + j * T::step);
#pragma GCC unroll 4
          for (int i = 0; i < side; ++i) part[i * side + j] = Way::accumulate(x[i], y, part[i * side + j]);
        }
      }
#pragma GCC unroll 16
      for (int p = 0; p < side * side; ++p) total[4 * (i0 + p / side) + j0 + p % side] = part[p];
    }
  }
  return sums(total);
}

/** Similarities of the rows of panel p of a and panel q of b from their dot products, lane 4 * i + j: the bits of tile_similarity. */
template <typename T>
inline F panel_similarity(const Panels<T>& a, int p, const Panels<T>& b, int q, F dots, int metric) {
  const PanelHead &left = *a.head(p), &right = *b.head(q);
  const int state = left.state | right.state;
  F value = similarity_of(dots, load(left.left), load(right.right), metric);
  if (state & Rows<T>::unusable) {
    alignas(64) float lanes[16];
    store(lanes, value);
    for (int r = 0; r < 16; ++r) {
      const int i = 4 * p + r / 4 < a.rows.n ? 4 * p + r / 4 : a.rows.n - 1, j = 4 * q + r % 4 < b.rows.n ? 4 * q + r % 4 : b.rows.n - 1;
      if ((a.rows.state[i] | b.rows.state[j]) & Rows<T>::unusable) lanes[r] = -infinity;
    }
    value = load(lanes);
  }
  return value;
}

/** Similarities of panels p.. of a, `left` of them, with panels first..last of b, as sink(p, q, lanes); b lends its scratch memory. */
template <typename T, int left, typename Sink>
inline void panel_run(const Panels<T>& a, int p, const Panels<T>& b, int first, int last, int metric, int64_t part, const Sink& sink) {
  const int steps = Panels<T>::steps(a.rows.dim);
  if constexpr (widens_left<T>) {
    const typename T::E* lanes[left];
    for (int l = 0; l < left; ++l) lanes[l] = a.lanes(p + l);
    for (int from = first; from < last; from += wide_run) {
      const int run = from + wide_run < last ? wide_run : last - from;
      wide_dots<T, left>(lanes, run, [&](int q) { return b.lanes(from + q); }, steps, b.scratch(part), [&](int l, int q, F dots) {
        sink(p + l, from + q, panel_similarity(a, p + l, b, from + q, dots, metric));
      });
    }
  } else {
    for (int q = first; q < last; ++q) {
      for (int l = p; l < p + left; ++l) {
        const bool slow = (a.head(l)->state | b.head(q)->state) & Rows<T>::slow;
        const F dots = slow ? panel_dots<T, Widened<T>>(a.lanes(l), b.lanes(q), steps)
                            : panel_dots<T, Fast<T>>(a.lanes(l), b.lanes(q), steps);
        sink(l, q, panel_similarity(a, l, b, q, dots, metric));
      }
    }
  }
}

/**
 * Every pair of panels i <= j of one set, once, as sink(part, i, j, lanes). Blocks of j stay in the second-level cache; panels i go to the
 * parts in turn, two at a time where a pair shares its right side.
 */
template <typename T, typename Sink>
inline void symmetric_panels(const wn_ctx& ctx, const Panels<T>& x, int metric, const Sink& sink) {
  const int parts = ctx.threads > 1 ? similarity_parts : 1, count = x.count();
  const int64_t bytes = Panels<T>::bytes(x.rows.dim), fit = block_bytes / bytes;
  const int block = fit > 1 ? static_cast<int>(fit) : 1;
  constexpr int side = widens_left<T> ? 2 : 1;
  parallel(ctx, parts, count * bytes * (count / 8 + 1), [&](int64_t part) {
    for (int first = 0; first < count; first += block) {
      const int last = first + block < count ? first + block : count;
      for (int i = side * static_cast<int>(part); i < last; i += side * parts) {
        const auto upper = [&](int l, int j, F lanes) {
          if (l <= j) sink(part, l, j, lanes);
        };
        const int from = i > first ? i : first;
        if (i + side <= count) {
          panel_run<T, side>(x, i, x, from, last, metric, part, upper);
        } else {
          panel_run<T, 1>(x, i, x, from, last, metric, part, upper);
        }
      }
    }
  });
}

/** Most similar other row of every row. The memory for the best holds similarity_parts sets of n; the result is in the first. */
template <typename T>
inline void nearest_of_panels(const wn_ctx& ctx, const Panels<T>& x, int metric, float* values, int32_t* indices) {
  const int n = x.rows.n;
  for (int p = 0; p < similarity_parts; ++p) Best{values + p * static_cast<int64_t>(n), indices + p * static_cast<int64_t>(n)}.clear(n);
  symmetric_panels(ctx, x, metric, [&](int64_t part, int i, int j, F lanes) {
    const Best best{values + part * n, indices + part * n};
    if (4 * j + 4 <= n && !any_ge(lanes, set1(minimum_of(best.lowest(4 * i), best.lowest(4 * j))))) return;
    offer_tile(best, 4 * i, 4 * j, n, lanes);
  });
  join_parts(values, indices, n);
}

}  // namespace wn::WN_TIER
