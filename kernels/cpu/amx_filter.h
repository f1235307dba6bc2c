// Which pairs of rows can be each other's most similar: what is known from approximate dot products and a bound of their error.
//
// u = 2^-24 is the most that one rounding to float32 takes from a value of 1. Products of bfloat16 are exact in float32, so only sums
// round, and a sum of numbers t_k in which no term passes more than m roundings is off by at most m u (1 + m u) sum |t_k|. Here
// t_k = a_k b_k, and sum |a_k b_k| <= |a| |b| (Cauchy-Schwarz). A row of `steps` steps of 32 columns passes
// - in dot.h: two fused additions in a lane for each step, and four more in the tree: 2 steps + 4 roundings;
// - in a tile (Intel's description of TDPBF16PS): for each step sixteen fused additions and one that joins two sums, and one more for each
//   step from there on: steps + 17 roundings.
// What turns a dot product into a similarity rounds at most three times in similarity_of and five times here. So the two similarities
// differ by at most (3 steps + 29) u |a| |b|, where for the cosine |a| |b| is divided by what is at least that, and for the squared
// distance, where the dot product is doubled, 2 |a| |b| <= |a|^2 + |b|^2. The bound used is twice that: it takes in the terms of order
// u^2, the rounding of the norms and of the bound itself. (That similarity_of lets no squared distance fall below 0 changes nothing: with
// the rounding of the norms it is off from one that is not below 0 by less than the bound, so that those cut at 0 all stay candidates.)
//
// Tiles take elements below 2^-126 as zeros and flush products and sums there. An element costs at most 2^-126 times the other row's
// elements, together 2^-126 sqrt(dim) |b|; a flushed sum costs 2^-126, and there are at most 34 in a step. With dim <= 2^23 (what is
// packed at all) that is below 2^-114 |b| + 2^-114 |a| + 2^-102. It vanishes in the bound, which is never below 64 u = 2^-18 times the
// product of the norms, where norms are taken to be 2^-30 or more. The cosine divides by the norms, so there rows with a divisor below
// 2^-40 are not bounded at all; nor are rows that could overflow in a sum, from a norm of 2^60 on. Their pairs always are candidates.
#pragma once

#include "amx_tiles.h"

namespace wn::WN_TIER {

/** Lane by lane: similarity is dot * (scale_i * scale_j) + shift_i + shift_j, off by at most spread_i * reach_j + reach_i * spread_j. */
struct Bounds {
  int n;
  float *scale, *shift, *spread, *reach;
  __mmask16* usable;  // of 16 rows each
  float factor;

  Bounds(int count, int metric, const FilterLayout& at, char* memory)
      : n(count), scale(reinterpret_cast<float*>(memory + at.scale)), shift(reinterpret_cast<float*>(memory + at.shift)),
        spread(reinterpret_cast<float*>(memory + at.spread)), reach(reinterpret_cast<float*>(memory + at.reach)),
        usable(reinterpret_cast<__mmask16*>(memory + at.usable)), factor(metric == WN_NEG_L2 ? 2.0f : 1.0f) {}

  /** Fills in sixteen rows from their measures. */
  void set(const Rows<BF16>& x, int first, int metric, int64_t steps) const {
    const float share = 2.0f * static_cast<float>(3 * steps + 29) * 0x1p-24f;
    usable[first / 16] = 0;
    for (int i = first; i < first + 16; ++i) {
      const bool known = i < n && !(x.state[i] & Rows<BF16>::unusable);
      const float measure = known ? x.measure[i] : 0.0f;
      usable[first / 16] |= static_cast<__mmask16>(known << (i - first));
      scale[i] = reach[i] = 1.0f;
      shift[i] = 0.0f;
      bool bounded = true;
      if (metric == WN_NEG_L2) {
        shift[i] = -measure;
        spread[i] = share * (measure > 0x1p-60f ? measure : 0x1p-60f);
        bounded = measure < 0x1p120f;
      } else if (metric == WN_DOT) {
        reach[i] = measure > 0x1p-30f ? measure : 0x1p-30f;
        spread[i] = share / 2 * reach[i];
        bounded = measure < 0x1p60f;
      } else {
        scale[i] = measure > 0.0f ? 1.0f / measure : 0.0f;  // a divisor of 0 means a similarity of 0
        spread[i] = share / 2;
        bounded = measure == 0.0f || (measure > 0x1p-40f && measure < 0x1p60f);
      }
      if (!bounded) spread[i] = infinity;
    }
  }
};

/** Candidates among n rows beyond which comparing all pairs is the better way: pair by pair takes about twice as long as in tiles. */
inline int64_t most_candidates(int n) { return static_cast<int64_t>(n) * n / 16 + 2 * static_cast<int64_t>(n); }

/**
 * The candidates that one part finds. floor[i] is what the best similarity of row i, as far as this part has seen, cannot be below: a pair
 * whose similarity is surely below the floors of both its rows is none.
 */
struct Candidates {
  float* floor;
  Candidate* found;
  int64_t capacity = 0, count = 0;

  Candidates(int n, int64_t part, int64_t parts, const FilterLayout& at, char* memory)
      : floor(reinterpret_cast<float*>(memory + at.floor) + part * at.rows) {
    const int64_t room = at.capacity * (similarity_parts / parts), most = most_candidates(n);
    found = reinterpret_cast<Candidate*>(memory + at.found) + part * room;
    capacity = room < most ? room : most;
  }

  void clear(int64_t rows) const {
    for (int64_t i = 0; i < rows; ++i) floor[i] = -__FLT_MAX__;
  }

  /** Drops those that are none any more, by these floors. */
  void drop(const float* floors) {
    int64_t kept = 0;
    for (int64_t c = 0; c < count; ++c) {
      const Candidate pair = found[c];
      found[kept] = pair;
      kept += !(pair.upper < floors[pair.i] && pair.upper < floors[pair.j]);
    }
    count = kept;
  }

  /** Makes room for 16; false if there are too many. */
  bool has_room() {
    if (count + 16 <= capacity) return true;
    drop(floor);
    return count <= capacity / 4 * 3;
  }

  /** Takes in a block of dot products of rows i0.. and j0..; false if there are too many candidates. A NaN is not below anything. */
  bool take(const Bounds& about, int i0, int j0, const float (*sums)[filter_side]) {
    for (int i = i0; i < i0 + filter_side && i < about.n; ++i, ++sums) {
      if (!(about.usable[i / 16] >> i % 16 & 1)) continue;
      const __m512 scale = _mm512_set1_ps(about.factor * about.scale[i]), shift = _mm512_set1_ps(about.shift[i]);
      const __m512 spread = _mm512_set1_ps(about.spread[i]), reach = _mm512_set1_ps(about.reach[i]);
      for (int half = 0; half < filter_side; half += 16) {
        const int j = j0 + half, first = i - j + 1;  // lanes from first on are right of the diagonal
        const __mmask16 right = first <= 0 ? 0xffff : first >= 16 ? 0 : static_cast<__mmask16>(0xffff << first);
        const __mmask16 lanes = about.usable[j / 16] & right;
        const __m512 product = _mm512_mul_ps(_mm512_mul_ps(_mm512_loadu_ps(*sums + half), scale), _mm512_loadu_ps(about.scale + j));
        const __m512 value = _mm512_add_ps(product, _mm512_add_ps(shift, _mm512_loadu_ps(about.shift + j)));
        const __m512 across = _mm512_mul_ps(reach, _mm512_loadu_ps(about.spread + j));
        const __m512 error = _mm512_fmadd_ps(spread, _mm512_loadu_ps(about.reach + j), across);
        const __m512 lower = _mm512_sub_ps(value, error), upper = _mm512_add_ps(value, error);
        // max gives its second operand where the first is NaN
        const __m512 floors = _mm512_mask_max_ps(_mm512_loadu_ps(floor + j), lanes, lower, _mm512_loadu_ps(floor + j));
        _mm512_storeu_ps(floor + j, floors);
        const __mmask16 better = _mm512_mask_cmp_ps_mask(lanes, lower, _mm512_set1_ps(floor[i]), _CMP_GT_OQ);
        if (better) floor[i] = _mm512_mask_reduce_max_ps(better, lower);
        unsigned open = _mm512_mask_cmp_ps_mask(lanes, upper, _mm512_min_ps(floors, _mm512_set1_ps(floor[i])), _CMP_NLT_UQ);
        if (!open) continue;
        if (!has_room()) return false;
        alignas(64) float uppers[16];
        _mm512_store_ps(uppers, upper);
        for (; open; open &= open - 1) {
          const int lane = __builtin_ctz(open);
          found[count++] = {i, j + lane, uppers[lane]};
        }
      }
    }
    return true;
  }
};

}  // namespace wn::WN_TIER
