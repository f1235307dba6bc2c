// Blocks of 32 x 32 approximate dot products of bfloat16 rows with the matrix tiles of AMX.
#pragma once

#include "filter_layout.h"

namespace wn::WN_TIER {

/** The shapes of all eight tiles, as LDTILECFG reads them. */
struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
alignas(64) constexpr TileShapes tile_shapes = {};

/** Lets this thread use tiles for as long as it lives; then they are given up, which spares the system keeping them. */
struct TilesInUse {
  TilesInUse() { _tile_loadconfig(&tile_shapes); }
  ~TilesInUse() { _tile_release(); }
  TilesInUse(const TilesInUse&) = delete;
};

/** Tile instructions are opaque to the compiler: what was written before them is in memory, what comes after is read again. */
inline void memory_is_current() { asm volatile("" ::: "memory"); }

constexpr int right_step = 2 * 16 * 32;  // elements of a step of right rows

/** A block of dot products. */
struct Block {
  alignas(64) float sums[filter_side][filter_side];
};

/** Adds `steps` steps to the sums in tiles 0 to 3. left: 32 rows, left_bytes apart; right: [step][2][16 pairs][16 rows][2], packed. */
inline void multiply_steps(const uint16_t* left, int64_t left_bytes, const uint16_t* right, int64_t steps) {
  const uint16_t* below = left + 16 * (left_bytes / static_cast<int64_t>(sizeof *left));
  for (int64_t s = 0; s < steps; ++s, left += 32, below += 32, right += right_step) {
    _tile_loadd(4, left, left_bytes);
    _tile_loadd(6, right, 64);
    _tile_loadd(7, right + right_step / 2, 64);
    _tile_loadd(5, below, left_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

/** The left side of blocks: 32 rows where they lie, but for the columns after the last whole step, which are copied. */
struct LeftRows {
  const uint16_t* rows;
  int64_t bytes, whole;
  bool has_rest;
  alignas(64) uint16_t rest[filter_side][32];

  LeftRows(const Rows<BF16>& x, int first)
      : rows(x.row(first)), bytes(x.stride * static_cast<int64_t>(sizeof *rows)), whole(x.dim / 32), has_rest(x.dim % 32 > 0) {
    if (!has_rest) return;
    std::memset(rest, 0, sizeof rest);
    for (int r = 0; r < filter_side; ++r) std::memcpy(rest[r], x.row(first + r) + 32 * whole, sizeof *rows * (x.dim % 32));
  }

  void multiply(const uint16_t* right, Block& block) const {
    constexpr int line = filter_side * sizeof(float);
    memory_is_current();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    multiply_steps(rows, bytes, right, whole);
    if (has_rest) multiply_steps(rest[0], sizeof rest[0], right + whole * right_step, 1);
    _tile_stored(0, &block.sums[0][0], line);
    _tile_stored(1, &block.sums[0][16], line);
    _tile_stored(2, &block.sums[16][0], line);
    _tile_stored(3, &block.sums[16][16], line);
    memory_is_current();
  }
};

/** Elements of step s that a row of dim has. */
inline __mmask32 step_lanes(int dim, int s) {
  const int rest = dim - 32 * s;
  return rest >= 32 ? ~__mmask32{0} : (__mmask32{1} << rest) - 1;
}

/** One step of sixteen rows as a right tile: their 16 x 16 pairs of elements with rows and columns exchanged. */
inline void transpose(const uint16_t* const* rows, int s, __mmask32 lanes, uint16_t* out) {
  __m512i a[16], b[16];
#pragma GCC unroll 16
  for (int r = 0; r < 16; ++r) a[r] = _mm512_maskz_loadu_epi16(lanes, rows[r] + 32 * static_cast<int64_t>(s));
#pragma GCC unroll 8
  for (int r = 0; r < 16; r += 2) {  // quads of two words of two rows
    b[r] = _mm512_unpacklo_epi32(a[r], a[r + 1]);
    b[r + 1] = _mm512_unpackhi_epi32(a[r], a[r + 1]);
  }
#pragma GCC unroll 4
  for (int r = 0; r < 16; r += 4) {  // a[r + w]: word w of each quad, of four rows
    a[r] = _mm512_unpacklo_epi64(b[r], b[r + 2]);
    a[r + 1] = _mm512_unpackhi_epi64(b[r], b[r + 2]);
    a[r + 2] = _mm512_unpacklo_epi64(b[r + 1], b[r + 3]);
    a[r + 3] = _mm512_unpackhi_epi64(b[r + 1], b[r + 3]);
  }
#pragma GCC unroll 4
  for (int w = 0; w < 4; ++w) {  // even and odd quads, of rows 0..7 and 8..15
    const __m512i even0 = _mm512_shuffle_i32x4(a[w], a[4 + w], 0x88), odd0 = _mm512_shuffle_i32x4(a[w], a[4 + w], 0xdd);
    const __m512i even8 = _mm512_shuffle_i32x4(a[8 + w], a[12 + w], 0x88), odd8 = _mm512_shuffle_i32x4(a[8 + w], a[12 + w], 0xdd);
    _mm512_storeu_si512(out + 32 * w, _mm512_shuffle_i32x4(even0, even8, 0x88));
    _mm512_storeu_si512(out + 32 * (4 + w), _mm512_shuffle_i32x4(odd0, odd8, 0x88));
    _mm512_storeu_si512(out + 32 * (8 + w), _mm512_shuffle_i32x4(even0, even8, 0xdd));
    _mm512_storeu_si512(out + 32 * (12 + w), _mm512_shuffle_i32x4(odd0, odd8, 0xdd));
  }
}

/** Addresses of sixteen rows from first on; past the last row it again, whose sums nobody looks at. */
inline void rows_from(const Rows<BF16>& x, int first, const uint16_t** rows) {
  for (int r = 0; r < 16; ++r) rows[r] = x.row(first + r < x.n ? first + r : x.n - 1);
}

/** Sixteen rows as right tiles, one in each step of out. */
inline void pack_right(const uint16_t* const* rows, int dim, uint16_t* out) {
  for (int s = 0; 32 * s < dim; ++s) transpose(rows, s, step_lanes(dim, s), out + s * static_cast<int64_t>(right_step));
}

}  // namespace wn::WN_TIER
