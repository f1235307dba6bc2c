// Where a greedy choice gets its rows of similarities from: a matrix that the caller has, one that is computed first, or row by row.
#pragma once

#include "panels.h"

namespace wn::WN_TIER {

constexpr int largest_kept_matrix = 4096;  // 64 MiB
constexpr int cached_rows = 64;

constexpr int most_a_pass = 8;
constexpr int64_t near_bytes = 4 << 20;  // what mostly stays in the second-level cache from pass to pass

/**
 * Rows of similarities of one pass over x. Four cost about what one does; where x does not stay near, eight do. The row asked for brings
 * the candidates that stand next: three of four are chosen later even where weights are equal, nearly all where they differ.
 */
inline int rows_a_pass(int64_t packed) { return packed > near_bytes ? 8 : 4; }

/**
 * The whole matrix takes n / 4 passes of four rows, but only half of each, its triangle, and these half as long as one that waits for x;
 * k choices take between k / 4 and k / 3 of the latter.
 */
inline bool keeps_matrix(const wn_greedy_desc& d) {
  if (d.matrix || d.n > largest_kept_matrix) return false;
  return d.objective != WN_DPP || d.k / 2 > d.n / 8;
}

/**
 * Whether rows are packed in panels. A few passes of float32 rows, which need no conversion, run as fast over the rows where they lie, and
 * packing would cost as much as several of them.
 */
inline bool packs_rows(const wn_greedy_desc& d) { return !d.matrix && (d.dtype != WN_F32 || d.objective != WN_DPP || keeps_matrix(d)); }

template <typename T>
struct GreedyRows {
  using E = typename T::E;
  const wn_ctx& ctx;
  Panels<T> x;
  bool packed;
  int64_t width;       // floats per row, padded
  float* kept;         // [n][width], or NULL
  float* cache;        // [cached_rows][width]
  int32_t* slot;       // [n] place of a row in the cache or -1
  int32_t owner[cached_rows];
  int next;
  char* picked;        // memory of the panels of most_a_pass rows
  float eps;
  bool backward;       // a pass begins where the one before, or the packing, ended: with what that left in the caches

  void clear() {
    backward = true;
    for (int i = 0; i < x.rows.n; ++i) slot[i] = -1;
    for (int32_t& o : owner) o = -1;
  }

  void keep_matrix() const {
    const int n = x.rows.n;
    const auto put = [&](int64_t, int i, int j, F lanes) {
      alignas(64) float v[16], across[16];
      store(v, lanes);
      for (int p = 0; p < 16; ++p) across[p] = v[p % 4 * 4 + p / 4];
      for (int p = 0; p < 4; ++p) {
        std::memcpy(kept + (i + p) * width + j, v + 4 * p, 16);
        std::memcpy(kept + (j + p) * width + i, across + 4 * p, 16);
      }
    };
    if (packed) {
      symmetric_panels(ctx, x, WN_COSINE, [&](int64_t part, int i, int j, F lanes) { put(part, 4 * i, 4 * j, lanes); });
    } else {
      symmetric_tiles(ctx, x.rows, WN_COSINE, put);
    }
    for (int i = 0; i < n; ++i) {
      for (int64_t j = n; j < width; ++j) kept[i * width + j] = 0.0f;
    }
  }

  /** Similarities of row i to all rows, n floats, until the next call; waiting[j] orders the candidates that may be asked for next. */
  const float* row(int i, const float* waiting, const uint8_t* taken) {
    if (kept) return kept + i * width;
    if (slot[i] < 0) compute(i, waiting, taken);
    return cache + slot[i] * width;
  }

  /** Candidates without a row, first i, then those of the largest waiting; returns how many. */
  int choose(int i, const float* waiting, const uint8_t* taken, int32_t* chosen) const {
    const int most = rows_a_pass(x.count() * Panels<T>::bytes(x.rows.dim));
    int count = 1;
    chosen[0] = i;
    for (int j = 0; j < x.rows.n; ++j) {
      if (taken[j] || slot[j] >= 0 || j == i || (count == most && !(waiting[j] > waiting[chosen[most - 1]]))) continue;
      int at = count < most ? count++ : most - 1;
      for (; at > 1 && waiting[j] > waiting[chosen[at - 1]]; --at) chosen[at] = chosen[at - 1];
      chosen[at] = j;
    }
    return count;
  }

  void compute(int i, const float* waiting, const uint8_t* taken) {
    int32_t chosen[most_a_pass];
    float measure[most_a_pass];
    uint8_t state[most_a_pass];
    const int count = choose(i, waiting, taken, chosen);
    const Panels<T> some = {picked, {x.rows.base, x.rows.stride, chosen, count, x.rows.dim, measure, state}};
    for (int p = 0; packed && p < some.count(); ++p) some.pack(p, WN_COSINE, eps);
    for (int r = 0; !packed && r < count; ++r) measure[r] = x.rows.measure[chosen[r]], state[r] = x.rows.state[chosen[r]];
    float* out[most_a_pass];
    for (int r = 0; r < count; ++r) {
      if (owner[next] >= 0) slot[owner[next]] = -1;
      owner[next] = chosen[r];
      slot[chosen[r]] = next;
      out[r] = cache + next * width;
      next = (next + 1) % cached_rows;
    }
    const int64_t parts = ctx.threads > 1 ? similarity_parts : 1;
    parallel(ctx, parts, x.count() * Panels<T>::bytes(x.rows.dim), [&](int64_t part) {
      const auto put = [&](int l, int p, F lanes) {
        alignas(64) float v[16];
        store(v, lanes);
        for (int r = 0; r < 4 && 4 * l + r < count; ++r) std::memcpy(out[4 * l + r] + 4 * p, v + 4 * r, 16);
      };
      const int first = static_cast<int>(x.count() * part / parts), last = static_cast<int>(x.count() * (part + 1) / parts);
      const int runs = (last - first + wide_run - 1) / wide_run;
      for (int r = 0; r < runs; ++r) {
        const int from = first + (backward ? runs - 1 - r : r) * wide_run, to = from + wide_run < last ? from + wide_run : last;
        if (!packed) {
          for (int p = from; p < to; ++p) {
            for (int l = 0; l < some.count(); ++l) put(l, p, tile_similarity(some.rows, 4 * l, x.rows, 4 * p, WN_COSINE));
          }
        } else if (count > 4) {
          panel_run<T, 2>(some, 0, x, from, to, WN_COSINE, part, put);
        } else {
          panel_run<T, 1>(some, 0, x, from, to, WN_COSINE, part, put);
        }
      }
    });
    backward = !backward;
  }
};

}  // namespace wn::WN_TIER
