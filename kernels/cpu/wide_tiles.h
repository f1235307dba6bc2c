// Dot products of one or two panels of 16-bit rows with a run of others, the left rows widened once for the whole run.
//
// A tile that converts both sides spends a third of the vector ports on conversions. Here only the right side is converted in the loop;
// the left side is read as float32. Widened rows must stay in the first-level cache, so the columns are taken in chunks, and the 16 lanes
// of every sum wait in memory between two chunks: each lane still adds in the order of dot.h, so that the bits stay the same.
#pragma once

#include "similarity.h"

namespace wn::WN_TIER {

constexpr int wide_columns = 512;  // of a chunk: 16 KiB for eight left rows
constexpr int wide_run = 16;       // right panels of a run: their sums take 32 KiB

/** What a run needs: two widened panels of one chunk, and 16 sums of 16 lanes for each pair of panels. */
struct WideScratch {
  float left[8 * wide_columns];
  float sums[wide_run][2][16 * 16];
};

/** Bytes for all parts of a wn_dtype, the same in every tier. */
inline int64_t wide_scratch_bytes(int32_t dtype) {
  return dtype == WN_F32 ? 0 : similarity_parts * static_cast<int64_t>(sizeof(WideScratch));
}

/** Whether it pays: enough registers for tiles of 16 sums, and elements that have to be converted. */
template <typename T>
constexpr bool widens_left = tile_side == 4 && Fast<T>::converts;

/**
 * Adds some steps to 16 sums: of `left_rows` widened rows, [step][plane][row][16], and 16 / left_rows neighbouring rows of a packed panel.
 * Sum left * right_rows + right is at sums + 16 times that.
 */
template <typename T, int left_rows>
inline void wide_tile(const float* left, const typename T::E* right, int steps, bool begins, float* sums) {
  constexpr int right_rows = 16 / left_rows;
  F part[16];
#pragma GCC unroll 16
  for (int p = 0; p < 16; ++p) part[p] = begins ? zero() : load(sums + 16 * p);
  for (int c = 0; c < steps; ++c, left += 16 * T::planes * left_rows, right += 4 * T::step) {
    F y[right_rows][T::planes];
#pragma GCC unroll 4
    for (int j = 0; j < right_rows; ++j) T::widen(right + j * T::step, y[j]);
#pragma GCC unroll 2
    for (int plane = 0; plane < T::planes; ++plane) {
#pragma GCC unroll 8
      for (int i = 0; i < left_rows; ++i) {
        const F x = in_register(load(left + 16 * (plane * left_rows + i)));
#pragma GCC unroll 4
        for (int j = 0; j < right_rows; ++j) part[i * right_rows + j] = T::accumulate(x, y[j][plane], part[i * right_rows + j]);
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < 16; ++p) store(sums + 16 * p, part[p]);
}

/** Widens `steps` steps of neighbouring panels in the order that wide_tile reads. */
template <typename T, int left_rows>
inline void widen_panels(const typename T::E* const* panels, int steps, float* out) {
  for (int c = 0; c < steps; ++c, out += 16 * T::planes * left_rows) {
#pragma GCC unroll 8
    for (int r = 0; r < left_rows; ++r) {
      F v[T::planes];
      T::widen(panels[r / 4] + (4 * c + r % 4) * T::step, v);
#pragma GCC unroll 2
      for (int plane = 0; plane < T::planes; ++plane) store(out + 16 * (plane * left_rows + r), v[plane]);
    }
  }
}

/**
 * Dot products of `count` panels (1 or 2) with `run` others, at most wide_run, as sink(l, q, dots): lane 4 * i + j belongs to row i of left
 * panel l and row j of right panel q. right(q) gives the packed elements of a panel.
 */
template <typename T, int count, typename Right, typename Sink>
inline void wide_dots(const typename T::E* const* left, int run, const Right& right, int steps, WideScratch& scratch, const Sink& sink) {
  constexpr int left_rows = 4 * count, right_rows = 4 / count, chunk = wide_columns / T::step;
  for (int begin = 0; begin < steps; begin += chunk) {
    const int some = begin + chunk < steps ? chunk : steps - begin;
    const typename T::E* from[count];
    for (int l = 0; l < count; ++l) from[l] = left[l] + 4 * begin * T::step;
    widen_panels<T, left_rows>(from, some, scratch.left);
    for (int q = 0; q < run; ++q) {
      for (int h = 0; h < count; ++h) {
        const typename T::E* to = right(q) + (4 * begin + h * right_rows) * T::step;
        wide_tile<T, left_rows>(scratch.left, to, some, begin == 0, scratch.sums[q][h]);
      }
      for (int l = 0; l < count && begin + some == steps; ++l) {
        F total[16];
#pragma GCC unroll 16
        for (int p = 0; p < 16; ++p) {
          const int i = 4 * l + p / 4, j = p % 4;
          total[p] = load(scratch.sums[q][j / right_rows] + 16 * (i * right_rows + j % right_rows));
        }
        sink(l, q, sums(total));
      }
    }
  }
}

}  // namespace wn::WN_TIER
