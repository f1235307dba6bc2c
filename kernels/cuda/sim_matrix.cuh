// Similarity of many pivots and rows of 16-bit types on tensor cores: a tiled product over chunks of 64 columns that are copied to shared
// memory asynchronously, a few chunks ahead.
//
// `norms` takes the squared norms from the diagonal of the same product, summed in the same order, so that equal rows are as similar as one
// rounding of their norms allows; a row with an entry or a norm that is not finite shows there. `products` computes the tiles. Where the
// pivots are the rows themselves only tiles on and above the diagonal are computed, each for its rows and for its columns. The best of a
// pivot is one 64-bit key, (order of the value, complement of the index), raised by an atomic maximum: whatever the order of the
// blocks, the largest value wins, and the lower index among equals. The sums of a tile go through shared memory once more, so that every
// thread looks for the best of one pivot or one row by itself.
//
// A few tiles of long rows would leave most of a GPU idle: their columns are cut into parts, each with blocks of its own, which leave
// their sums in the workspace; `join_parts` adds them up, always in the order of the columns.
#pragma once
#include "matrix.cuh"
#include "sim.cuh"

namespace similarity {

constexpr int kChunk = 64;                    // columns staged at a time
constexpr int kPieces = kChunk / dev::kPiece;
constexpr int kStride = kPieces + 1;
constexpr int kNormRows = 16, kNormThreads = 32, kNormStages = 8;  // few rows a block and far ahead: the way through the columns is long
constexpr int kSplitTile = 64;                // the tile whose columns may be cut

// TILE: rows and columns of a tile. A warp computes half of its rows and 32 of its columns.
template <int TILE> constexpr int kTileThreads = 2 * TILE;
template <int TILE> constexpr int kStages = TILE > 64 ? 2 : 3;
template <int TILE> constexpr size_t kTileShared = size_t(kStages<TILE>) * 2 * TILE * kStride * sizeof(uint4);
// Afterwards the sums lie in the same place, pivot by pivot, with one float of padding: neither direction meets a bank twice. Then the
// terms (row_term) of the tile's pivots and rows.
template <int TILE> constexpr int kSumStride = TILE + 1;
template <int TILE> constexpr int kSums = TILE * kSumStride<TILE>;
template <int TILE> constexpr bool kSumsFit = (kSums<TILE> + 2 * TILE) * sizeof(float) <= kTileShared<TILE>;
static_assert(kSumsFit<64> && kSumsFit<128>, "the sums and terms of a tile take the place of its buffers");
constexpr size_t kNormShared = size_t(kNormStages) * kNormRows * kStride * sizeof(uint4);

// Brings one chunk of `count` rows to shared memory; row_of(i) is null past the end.
template <class T, class F>
__device__ __forceinline__ void stage_chunk(dev::Shared<uint4> tile, int count, int threads, int chunk, int dim, bool vector, F row_of) {
  for (int i = int(threadIdx.x); i < count * kPieces; i += threads) {
    int row = i / kPieces, piece = i % kPieces;
    dev::stage_piece(tile + (row * kStride + piece), row_of(row), chunk * kChunk + piece * dev::kPiece, dim, vector);
  }
}

// The columns in `parts` ranges of `chunks` chunks; sums: [part][b][tile][TILE * TILE], where there are several parts.
struct Split {
  int parts, chunks;
  int64_t tiles;  // a batch row's
  float* sums;
  __device__ __forceinline__ int first(int part) const { return part * chunks; }
  __device__ __forceinline__ int end(int part, int dim) const { return min((part + 1) * chunks, (dim + kChunk - 1) / kChunk); }
};

// Squared norms by part of the columns; norm_x: [part][b][n], norm_y (pivots from y): [part][b][n_pivot]. kUnusable: not finite.
struct Norms {
  float *x, *y;
};

__device__ __forceinline__ float joined_norm(const float* norm, int64_t at, int64_t part_stride, int parts) {
  float sum = norm[at];
  bool usable = sum >= 0.0f;
  for (int part = 1; part < parts; ++part) {
    float more = norm[at + part * part_stride];
    usable = usable && more >= 0.0f;
    sum += more;
  }
  return usable && finite(sum) ? sum : kUnusable;
}

__device__ __forceinline__ float row_norm(const wn_sim_desc& d, const Norms& norms, int parts, int b, int row) {
  return joined_norm(norms.x, int64_t(b) * d.n + row, int64_t(d.batch) * d.n, parts);
}
__device__ __forceinline__ float pivot_norm(const wn_sim_desc& d, const Norms& norms, int parts, int b, int p, int own) {
  if (own == kNoRow) return kUnusable;
  return d.y ? joined_norm(norms.y, int64_t(b) * d.n_pivot + p, int64_t(d.batch) * d.n_pivot, parts) : row_norm(d, norms, parts, b, own);
}

// Norms of the rows of x (z = 0) and of y (z = 1); best keys of all pivots to none.
// grid: (ceil(max(n, n_pivot) / kNormRows), parts * batch, sources). best: [b][n_pivot] or null.
template <class T>
__global__ void __launch_bounds__(kNormThreads) norms(wn_sim_desc d, bool vector, Split split, Norms out, uint64_t* best) {
  WN_SHARED_DYNAMIC(arena);
  auto tiles = dev::shared_at<uint4>(arena, 0);
  int b = int(blockIdx.y) % d.batch, part = int(blockIdx.y) / d.batch, r0 = int(blockIdx.x) * kNormRows, lane = int(threadIdx.x);
  bool of_x = blockIdx.z == 0;
  if (of_x && part == 0 && best && lane < kNormRows && r0 + lane < d.n_pivot) best[int64_t(b) * d.n_pivot + r0 + lane] = 0;
  int end = of_x ? valid_rows(d, b) : d.n_pivot;
  const T* rows = static_cast<const T*>(of_x ? d.x : d.y) + b * (of_x ? d.x_sb : d.y_sb);
  int64_t stride = of_x ? d.x_sn : d.y_sn;
  if (r0 >= end) return;
  float sums[2][4] = {};
  auto fetch = [&](int chunk, int buffer) {
    stage_chunk<T>(tiles + buffer * kNormRows * kStride, kNormRows, kNormThreads, chunk, d.dim, vector,
                   [&](int row) { return r0 + row < end ? rows + int64_t(r0 + row) * stride : nullptr; });
  };
  auto use = [&](int, int buffer) {
#pragma unroll
    for (int step = 0; step < kPieces; step += 2) {
      unsigned left[4], right[4];
      dev::load_left(left, tiles + buffer * kNormRows * kStride, kStride, 0, step);
      dev::load_right(right, tiles + buffer * kNormRows * kStride, kStride, 0, step);
      dev::multiply_add(T(), sums[0], left, right[0], right[1]);
      dev::multiply_add(T(), sums[1], left, right[2], right[3]);
    }
  };
  dev::stream<kNormStages>(split.first(part), split.end(part, d.dim), fetch, use);
  // Row g meets itself in lane 4 g + g / 2: in the first product as row g, in the second as row g + 8.
  int g = lane / 4;
  if (lane % 4 != g / 2) return;
  float diagonal[2] = {g % 2 ? sums[0][1] : sums[0][0], g % 2 ? sums[1][3] : sums[1][2]};
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    int row = r0 + g + 8 * half;
    float norm2 = finite(diagonal[half]) ? diagonal[half] : kUnusable;
    if (row < end && of_x) out.x[(int64_t(part) * d.batch + b) * d.n + row] = norm2;
    if (row < end && !of_x) out.y[(int64_t(part) * d.batch + b) * d.n_pivot + row] = norm2;
  }
}

// What a launch leaves: values [b][p][j] by value_sb, value_sp (or null), best keys [b][p] (or null).
struct Results {
  float* values;
  int64_t value_sb, value_sp;
  uint64_t* best;
};

// One tile's place among pivots and rows.
struct Place {
  int b, p0, p_end, j0, n;
  int64_t number;  // of the tiles that are computed
  bool mirrored;   // it stands for its mirror image as well
  bool empty;
};

template <int TILE>
__device__ __forceinline__ Place place_of_tile(const wn_sim_desc& d, int b) {
  int x = int(blockIdx.x), y = int(blockIdx.y), n = valid_rows(d, b), p_end = pivots(d, b);
  bool triangle = !d.y && !d.pivot;
  int64_t number = triangle ? int64_t(x) * (x + 1) / 2 + y : int64_t(y) * gridDim.x + x;
  return {b, y * TILE, p_end, x * TILE, n, number, triangle && x != y, x * TILE >= n || y * TILE >= p_end || (triangle && x < y)};
}

// Turns the sums of a tile in `sums` into similarities and reports them; `terms` is scratch memory for 2 * TILE floats. All threads.
template <int TILE>
__device__ __forceinline__ void report_tile(const wn_sim_desc& d, const Place& at, dev::Shared<float> sums, dev::Shared<float> terms,
                                            const Norms& norms, int parts, const Results& out) {
  constexpr int THREADS = kTileThreads<TILE>;
  static_assert(THREADS == 2 * TILE, "one thread for each pivot and each row");
  int i = int(threadIdx.x) % TILE, p = at.p0 + i, j = at.j0 + i;
  bool for_pivot = threadIdx.x < TILE;
  int own = p < at.p_end ? own_row(d, at.b, p) : kNoRow;
  float norm2 = kUnusable;
  if (for_pivot && p < at.p_end) norm2 = pivot_norm(d, norms, parts, at.b, p, own);
  if (!for_pivot && j < at.n) norm2 = row_norm(d, norms, parts, at.b, j);
  terms[int(threadIdx.x)] = row_term(norm2, d.metric, d.eps);
  __syncthreads();  // and the sums are there
#pragma unroll 4
  for (int e = int(threadIdx.x); e < TILE * TILE; e += THREADS) {
    int row = e / TILE, column = e % TILE;
    float s = similarity_of_terms(sums[row * kSumStride<TILE> + column], terms[row], terms[TILE + column], d.metric);
    sums[row * kSumStride<TILE> + column] = s;
    if (out.values && at.p0 + row < at.p_end && at.j0 + column < at.n) {
      out.values[at.b * out.value_sb + (at.p0 + row) * out.value_sp + at.j0 + column] = s;
    }
  }
  __syncthreads();
  if (out.values && at.mirrored) {
#pragma unroll 4
    for (int e = int(threadIdx.x); e < TILE * TILE; e += THREADS) {
      int row = e % TILE, column = e / TILE;
      if (at.p0 + row >= at.p_end || at.j0 + column >= at.n) continue;
      out.values[at.b * out.value_sb + (at.j0 + column) * out.value_sp + at.p0 + row] = sums[row * kSumStride<TILE> + column];
    }
  }
  if (!out.best || (for_pivot ? p >= at.p_end : j >= at.n || !at.mirrored)) return;
  // This thread's pivot along the rows, or its row along the pivots; the first of equals stays.
  int first = for_pivot ? at.j0 : at.p0, count = min(TILE, (for_pivot ? at.n : at.p_end) - first);
  int from = for_pivot ? i * kSumStride<TILE> : i, step = for_pivot ? 1 : kSumStride<TILE>, itself = for_pivot ? own : j;
  float top = -INFINITY;
  int where = -1;
#pragma unroll 4
  for (int k = 0; k < count; ++k) {
    float s = sums[from + k * step];
    if (s > top && first + k != itself) {
      top = s;
      where = first + k;
    }
  }
  if (where >= 0) dev::atomic_max(out.best + (int64_t(at.b) * d.n_pivot + (for_pivot ? p : j)), rank_key(top, where));
}

// grid: (tiles of rows, tiles of pivots, parts * batch).
template <class T, int TILE>
__global__ void __launch_bounds__(kTileThreads<TILE>, TILE > 64 ? 1 : 2) products(wn_sim_desc d, bool vector, Split split,
    Norms norms, Results out) {
  constexpr int MT = TILE / 32, TILE_PIECES = TILE * kStride;
  WN_SHARED_DYNAMIC(arena);
  auto tiles = dev::shared_at<uint4>(arena, 0);
  int b = int(blockIdx.z) % d.batch, part = int(blockIdx.z) / d.batch;
  Place at = place_of_tile<TILE>(d, b);
  if (at.empty) return;
  const T* rows = static_cast<const T*>(d.x) + b * d.x_sb;
  int lane = int(threadIdx.x & 31), warp = int(threadIdx.x >> 5), wp = warp % 2 * (TILE / 2), wj = warp / 2 * 32;
  float sums[MT][4][4] = {};
  auto fetch = [&](int chunk, int buffer) {
    stage_chunk<T>(tiles + 2 * buffer * TILE_PIECES, TILE, kTileThreads<TILE>, chunk, d.dim, vector,
                   [&](int i) { return pivot_row<T>(d, b, at.p0 + i, at.p_end); });
    stage_chunk<T>(tiles + (2 * buffer + 1) * TILE_PIECES, TILE, kTileThreads<TILE>, chunk, d.dim, vector,
                   [&](int i) { return at.j0 + i < at.n ? rows + int64_t(at.j0 + i) * d.x_sn : nullptr; });
  };
  auto use = [&](int, int buffer) {
    auto left_tile = tiles + 2 * buffer * TILE_PIECES, right_tile = tiles + (2 * buffer + 1) * TILE_PIECES;
#pragma unroll
    for (int step = 0; step < kPieces; step += 2) {
      unsigned right[2][4];
      dev::load_right(right[0], right_tile, kStride, wj, step);
      dev::load_right(right[1], right_tile, kStride, wj + 16, step);
#pragma unroll
      for (int i = 0; i < MT; ++i) {
        unsigned left[4];
        dev::load_left(left, left_tile, kStride, wp + 16 * i, step);
#pragma unroll
        for (int f = 0; f < 4; ++f) dev::multiply_add(T(), sums[i][f], left, right[f / 2][f % 2 * 2], right[f / 2][f % 2 * 2 + 1]);
      }
    }
  };
  dev::stream<kStages<TILE>>(split.first(part), split.end(part, d.dim), fetch, use);

  auto position = [&](int i, int f, int r) {  // pivot and row within the tile of two sums side by side
    return int2{wp + 16 * i + lane / 4 + 8 * r, wj + 8 * f + lane % 4 * 2};
  };
  if (split.parts > 1) {
    float* all_sums = split.sums + ((int64_t(part) * d.batch + b) * split.tiles + at.number) * (TILE * TILE);
#pragma unroll
    for (int e = 0; e < 8 * MT; ++e) {
      int2 to = position(e / 8, e % 4, e / 4 % 2);
      const float* pair = &sums[e / 8][e % 4][e / 4 % 2 * 2];
      *reinterpret_cast<float2*>(all_sums + to.x * TILE + to.y) = make_float2(pair[0], pair[1]);
    }
    return;
  }
  auto all_sums = dev::shared_at<float>(arena, 0);
  __syncthreads();  // the buffers are no longer needed
#pragma unroll
  for (int e = 0; e < 16 * MT; ++e) {
    int2 to = position(e / 16, e / 2 % 4, e / 8 % 2);
    all_sums[to.x * kSumStride<TILE> + to.y + e % 2] = sums[e / 16][e / 2 % 4][e / 8 % 2 * 2 + e % 2];
  }
  report_tile<TILE>(d, at, all_sums, all_sums + kSums<TILE>, norms, 1, out);
}

// Adds up the parts of a tile's sums and reports it. grid: (tiles of rows, tiles of pivots, batch).
__global__ void __launch_bounds__(kTileThreads<kSplitTile>) join_parts(wn_sim_desc d, Split split, Norms norms, Results out) {
  constexpr int TILE = kSplitTile, THREADS = kTileThreads<TILE>, AT_ONCE = 8;
  WN_SHARED(float, all_sums, kSums<TILE>);
  WN_SHARED(float, terms, 2 * TILE);
  Place at = place_of_tile<TILE>(d, int(blockIdx.z));
  if (at.empty) return;
  const float* from = split.sums + (int64_t(at.b) * split.tiles + at.number) * (TILE * TILE);
  int64_t part_stride = int64_t(d.batch) * split.tiles * (TILE * TILE);
  for (int e0 = int(threadIdx.x); e0 < TILE * TILE; e0 += AT_ONCE * THREADS) {
    float sum[AT_ONCE] = {};
    for (int part = 0; part < split.parts; ++part) {
#pragma unroll
      for (int u = 0; u < AT_ONCE; ++u) sum[u] += from[part * part_stride + e0 + u * THREADS];
    }
#pragma unroll
    for (int u = 0; u < AT_ONCE; ++u) {
      int e = e0 + u * THREADS;
      all_sums[e / TILE * kSumStride<TILE> + e % TILE] = sum[u];
    }
  }
  report_tile<TILE>(d, at, all_sums, terms, norms, split.parts, out);
}

}  // namespace similarity
