// Every row's most similar other row in two steps: matrix tiles multiply all pairs approximately, and the few pairs that their errors leave
// open are compared in the order of dot.h. So the result has the bits of nearest_of_panels, in a fraction of the time.
#pragma once

#include "amx_filter.h"

namespace wn::WN_TIER {

/** Lane r: dot product of left[r] and right[r], in the order of dot.h. */
inline F dots_of_pairs(const uint16_t* const* left, const uint16_t* const* right, int dim) {
  using Way = Widened<BF16>;
  constexpr int step = BF16::step;
  const int whole = dim / step * step;
  F total[16];
  for (int r = 0; r < 16; r += 4) {
    F part[4] = {zero(), zero(), zero(), zero()};
    for (int c = 0; c < whole; c += step) {
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) part[q] = Way::accumulate(Way::lanes(left[r + q] + c), Way::lanes(right[r + q] + c), part[q]);
    }
    for (int q = 0; q < 4 && whole < dim; ++q) {
      const Tail<BF16> a(left[r + q], dim), b(right[r + q], dim);
      part[q] = Way::accumulate(Way::lanes(a.element), Way::lanes(b.element), part[q]);
    }
    for (int q = 0; q < 4; ++q) total[r + q] = part[q];
  }
  return sums(total);
}

/** The filter over one set of rows, in the memory that FilterLayout describes. */
struct Filter {
  const wn_ctx& ctx;
  Rows<BF16> x;
  int metric;
  FilterLayout at;
  char* memory;
  Bounds bounds;
  int parts, blocks;

  Filter(const wn_ctx& context, const Rows<BF16>& rows, int sim_metric, const FilterLayout& layout, char* filter_memory)
      : ctx(context), x(rows), metric(sim_metric), at(layout), memory(filter_memory), bounds(rows.n, sim_metric, layout, filter_memory),
        parts(context.threads > 1 ? similarity_parts : 1), blocks((rows.n + filter_side - 1) / filter_side) {}

  Candidates candidates(int64_t part) const { return {x.n, part, parts, at, memory}; }
  /** The right tiles of a block of rows. */
  uint16_t* tiles(int block) const { return reinterpret_cast<uint16_t*>(memory + at.tiles) + block * at.steps * right_step; }

  /** Packs all rows; fills in their measures, states and bounds. */
  void prepare(float eps) const {
    parallel(ctx, blocks, 2 * static_cast<int64_t>(x.n) * x.dim, [&](int64_t block) {
      for (int half = 0; half < 2; ++half) {
        const int first = filter_side * static_cast<int>(block) + 16 * half;
        const uint16_t* rows[16];
        rows_from(x, first, rows);
        alignas(64) float square[16];
        store(square, dots_of_pairs(rows, rows, x.dim));
        for (int r = 0; r < 16 && first + r < x.n; ++r) {
          const Measure m = measure_of(square[r], metric, eps);
          x.measure[first + r] = m.value;
          x.state[first + r] = m.unusable ? Rows<BF16>::unusable : 0;
        }
        bounds.set(x, first, metric, at.steps);
        pack_right(rows, x.dim, tiles(static_cast<int>(block)) + half * (right_step / 2));
      }
    });
  }

  /** Strips part, part + parts ... of 32 rows against the blocks first..last: false if there are too many candidates. */
  bool multiply(int64_t part, int first, int last, Candidates& open) const {
    Block sums;
    for (int64_t strip = part; strip < last; strip += parts) {
      const int i0 = filter_side * static_cast<int>(strip);
      const int above = i0 + filter_side > x.n ? i0 + filter_side - x.n : 0;  // the last strip begins higher, to be whole
      const LeftRows left(x, i0 - above);
      for (int block = strip > first ? static_cast<int>(strip) : first; block < last; ++block) {
        left.multiply(tiles(block), sums);
        if (!open.take(bounds, i0, filter_side * block, sums.sums + above)) return false;
      }
    }
    return true;
  }

  /** Finds the candidates of all parts, counts[part] of them; false if there are too many. */
  bool find(int64_t* counts) const {
    constexpr int64_t kept_bytes = 1 << 20;  // right tiles that stay in the second-level cache
    const int64_t fit = kept_bytes / (at.steps * right_step * static_cast<int64_t>(sizeof(uint16_t)));
    const int group = fit < 1 ? 1 : fit < blocks ? static_cast<int>(fit) : blocks;
    parallel(ctx, parts, 2 * static_cast<int64_t>(x.n) * x.dim * (blocks / 8 + 1), [&](int64_t part) {
      const TilesInUse in_use;
      Candidates open = candidates(part);
      open.clear(at.rows);
      counts[part] = -1;
      for (int first = 0; first < blocks; first += group) {
        if (!multiply(part, first, first + group < blocks ? first + group : blocks, open)) return;
      }
      counts[part] = open.count;
    });
    for (int part = 0; part < parts; ++part) {
      if (counts[part] < 0) return false;
    }
    return drop(counts);
  }

  /** Joins the floors of the parts and drops by them; false if what is left would take longer than the comparison of all pairs. */
  bool drop(int64_t* counts) const {
    float* floor = candidates(0).floor;
    for (int part = 1; part < parts; ++part) {
      const float* other = candidates(part).floor;
      for (int i = 0; i < x.n; ++i) floor[i] = other[i] > floor[i] ? other[i] : floor[i];
    }
    int64_t all = 0;
    for (int part = 0; part < parts; ++part) {
      Candidates open = candidates(part);
      open.count = counts[part];
      open.drop(floor);
      all += counts[part] = open.count;
    }
    return all <= most_candidates(x.n);
  }

  /** Compares the candidates as all pairs would be, each part for itself. */
  void compare(const int64_t* counts, float* values, int32_t* indices) const {
    int64_t all = 0;
    for (int part = 0; part < parts; ++part) all += counts[part];
    parallel(ctx, parts, 4 * all * x.dim, [&](int64_t part) {
      const Candidate* open = candidates(part).found;
      const Best best{values + part * x.n, indices + part * x.n};
      for (int64_t c = 0; c < counts[part]; c += 16) {
        const int here = static_cast<int>(c + 16 < counts[part] ? 16 : counts[part] - c);
        const uint16_t *left[16], *right[16];
        alignas(64) float of_left[16], of_right[16], value[16];
        for (int r = 0; r < 16; ++r) {
          const Candidate& pair = open[c + (r < here ? r : here - 1)];
          left[r] = x.row(pair.i), right[r] = x.row(pair.j);
          of_left[r] = x.measure[pair.i], of_right[r] = x.measure[pair.j];
        }
        store(value, similarity_of(dots_of_pairs(left, right, x.dim), load(of_left), load(of_right), metric));
        for (int r = 0; r < here; ++r) {
          best.offer(open[c + r].i, value[r], open[c + r].j);
          best.offer(open[c + r].j, value[r], open[c + r].i);
        }
      }
    });
  }
};

/**
 * Most similar other row of every row, from rows as they lie: the result of nearest_of_panels, or false where it is the better way and
 * nothing is promised of the memory. Values and indices are similarity_parts sets of n, the result is in the first.
 */
template <typename T>
inline bool nearest_by_tiles(const wn_ctx& ctx, const Rows<T>& x, int metric, float eps, const FilterLayout& layout, char* memory,
                             float* values, int32_t* indices) {
  if constexpr (T::planes == 2) {
    if (layout.total == 0 || x.n < filter_side) return false;  // n_valid may leave fewer rows than the descriptor has
    const Filter filter(ctx, x, metric, layout, memory);
    int64_t counts[similarity_parts];
    filter.prepare(eps);
    if (!filter.find(counts)) return false;
    for (int64_t p = 0; p < similarity_parts; ++p) Best{values + p * x.n, indices + p * x.n}.clear(x.n);
    filter.compare(counts, values, indices);
    join_parts(values, indices, x.n);
    return true;
  }
  return false;
}

}  // namespace wn::WN_TIER
