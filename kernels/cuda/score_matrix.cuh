// Attention scores of many rows on tensor cores: the two passes of score.cuh, `split` and `columns`, for 16-bit types and sixteen rows
// (queries times heads of a group) or more. All rows of a kv head share every load of a key.
//
// A block owns 64 rows of one kind and streams the rows of the other kind past them, 64 at a time through two buffers in shared memory that
// are filled asynchronously in turn. `split_matrix` owns queries and streams the keys of one piece; `columns_matrix` owns keys and streams
// queries. What a warp owns (16 rows) stays in registers as the left operand. Four warps own the 64 rows; two groups of four share the
// streamed ones, even and odd sixteens, and are joined at the end. Every lane keeps its own maximum or sum of what it sees: no exchange
// between lanes until the end, and one fixed order.
#pragma once
#include "matrix.cuh"
#include "score_common.cuh"

namespace scores {

constexpr int kOwned = 64, kStreamed = 64;
constexpr int kOwnerWarps = kOwned / 16;
constexpr int kGroups = kWarps / kOwnerWarps;

// DEPTH: steps of sixteen columns that the registers hold.
template <int DEPTH> constexpr int kStride = 2 * DEPTH + 1;  // pieces from one staged row to the next
template <int DEPTH> constexpr int kBuffer = kStreamed * kStride<DEPTH>;
template <int DEPTH> constexpr size_t kMatrixShared = 2 * kBuffer<DEPTH> * sizeof(uint4);

// row_of(i) is null where there is no row.
template <class T, int DEPTH, class F>
__device__ __forceinline__ void stage_rows(dev::Shared<uint4> buffer, int count, int head_dim, bool vector, F row_of) {
  int pieces = (head_dim + 15) / 16 * 2;
  for (int i = int(threadIdx.x); i < count * pieces; i += kThreads) {
    int row = i / pieces, piece = i % pieces;
    dev::stage_piece(buffer + (row * kStride<DEPTH> + piece), row_of(row), piece * dev::kPiece, head_dim, vector);
  }
}

// Brings this warp's sixteen rows into registers; leaves the buffer free for others.
template <class T, int DEPTH, class F>
__device__ __forceinline__ void own_rows(unsigned (&own)[DEPTH][4], dev::Shared<uint4> buffer, int head_dim, bool vector, F row_of) {
  stage_rows<T, DEPTH>(buffer, kOwned, head_dim, vector, row_of);
  dev::commit_async();
  dev::wait_async<0>();
  __syncthreads();
  int r0 = int(threadIdx.x >> 5) % kOwnerWarps * 16;
#pragma unroll
  for (int step = 0; step < DEPTH; ++step) {
    if (step * 16 < head_dim) dev::load_left(own[step], buffer, kStride<DEPTH>, r0, 2 * step);
  }
  __syncthreads();
}

// Dot products of the warp's sixteen rows with the sixteen staged rows from r0.
template <class T, int DEPTH>
__device__ __forceinline__ void multiply_rows(const unsigned (&own)[DEPTH][4], dev::Shared<uint4> buffer, int head_dim, int r0,
                                              float (&sums)[2][4]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) sums[0][i] = sums[1][i] = 0.0f;
#pragma unroll
  for (int step = 0; step < DEPTH; ++step) {
    if (step * 16 >= head_dim) break;
    unsigned right[4];
    dev::load_right(right, buffer, kStride<DEPTH>, r0, 2 * step);
    dev::multiply_add(T(), sums[0], own[step], right[0], right[1]);
    dev::multiply_add(T(), sums[1], own[step], right[2], right[3]);
  }
}

template <class T>
__device__ __forceinline__ const T* query_row(const wn_score_desc& d, int b, RowMap map, int r) {
  return static_cast<const T*>(d.q) + b * d.q_sb + map.head_of(r) * d.q_sh + map.query_of(r) * d.q_st;
}

// The maximum and sum of exponentials of two sets of logits, as one.
__device__ __forceinline__ float2 join_pair(float2 a, float2 b) {
  float top = fmaxf(a.x, b.x);
  if (top == -INFINITY) return make_float2(top, 0.0f);
  return make_float2(top, a.y * exp2f(a.x - top) + b.y * exp2f(b.x - top));
}

__device__ __forceinline__ float2 shuffled(float2 v, int step) {
  return make_float2(__shfl_xor_sync(dev::kFullMask, v.x, step), __shfl_xor_sync(dev::kFullMask, v.y, step));
}

// As `split` without the exponentials. grid: (splits, heads_kv * tiles of kOwned rows, batch).
template <class T, int DEPTH>
__global__ void __launch_bounds__(kThreads, 2) split_matrix(wn_score_desc d, int chunk, bool vector, float2* piece) {
  WN_SHARED_DYNAMIC(arena);
  WN_SHARED(float2, other_group, kOwned);
  auto buffers = dev::shared_at<uint4>(arena, 0);
  int group = d.heads_q / d.heads_kv, rows = d.n_query * group, tiles = (rows + kOwned - 1) / kOwned;
  int b = int(blockIdx.z), kv_head = int(blockIdx.y) / tiles, row0 = int(blockIdx.y) % tiles * kOwned;
  int begin = int(blockIdx.x) * chunk, end = min(begin + chunk, d.max_key);
  RowMap map{kv_head * group, group};
  unsigned own[DEPTH][4];
  own_rows<T, DEPTH>(own, buffers, d.head_dim, vector,
                     [&](int i) { return row0 + i < rows ? query_row<T>(d, b, map, row0 + i) : nullptr; });

  int lane = int(threadIdx.x & 31), warp = int(threadIdx.x >> 5), mine = warp % kOwnerWarps * 16 + lane / 4;
  Visible sees[2];
  float2 best[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    int r = row0 + mine + 8 * i;
    sees[i] = r < rows ? visible_keys(d, b, map.query_of(r)) : Visible{0, 0};
    best[i] = make_float2(-INFINITY, 0.0f);
  }
  // Rows come in the order of their queries: the last one sees farthest, unless positions are listed.
  if (!d.query_pos) end = min(end, visible_keys(d, b, map.query_of(min(row0 + kOwned, rows) - 1)).end);
  float scale = d.scale * dev::kLog2e;
  int steps = end > begin ? (end - begin + kStreamed - 1) / kStreamed : 0;
  auto fetch = [&](int tile, int buffer) {
    int key0 = begin + tile * kStreamed;
    stage_rows<T, DEPTH>(buffers + buffer * kBuffer<DEPTH>, kStreamed, d.head_dim, vector,
                         [&](int i) { return key0 + i < end ? key_row<T>(d, b, kv_head, key0 + i) : nullptr; });
  };
  auto use = [&](int tile, int buffer) {
    for (int r0 = warp / kOwnerWarps * 16; r0 < kStreamed; r0 += 16 * kGroups) {
      float sums[2][4];
      multiply_rows<T, DEPTH>(own, buffers + buffer * kBuffer<DEPTH>, d.head_dim, r0, sums);
      int key = begin + tile * kStreamed + r0 + lane % 4 * 2;
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        float s[4], top = best[i].x;
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          s[j] = sees[i](key + j / 2 * 8 + j % 2) ? safe_logit(sums[j / 2][i * 2 + j % 2] * scale) : -INFINITY;
          top = fmaxf(top, s[j]);
        }
        if (top == -INFINITY) continue;
        float total = best[i].y * exp2f(best[i].x - top);
#pragma unroll
        for (int j = 0; j < 4; ++j) total += exp2f(s[j] - top);
        best[i] = make_float2(top, total);
      }
    }
  };
  dev::stream<2>(0, steps, fetch, use);
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    best[i] = join_pair(best[i], shuffled(best[i], 1));
    best[i] = join_pair(best[i], shuffled(best[i], 2));
    if (warp >= kOwnerWarps && lane % 4 == 0) other_group[mine + 8 * i] = best[i];
  }
  __syncthreads();
  if (warp >= kOwnerWarps || lane % 4 != 0) return;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    int r = row0 + mine + 8 * i;
    if (r >= rows) continue;
    int64_t row = (int64_t(b) * d.heads_q + map.head_of(r)) * d.n_query + map.query_of(r);
    piece[row * gridDim.x + blockIdx.x] = join_pair(best[i], other_group[mine + 8 * i]);
  }
}

// What turns a logit of a query row into its part of a score: exp2(logit - shift) * factor, or logit * factor for dot products.
struct alignas(16) RowTerms {
  float shift, factor;
  int first, end;  // keys that it counts for
};

__device__ __forceinline__ RowTerms row_terms(const wn_score_desc& d, const float2* joined, int b, int h, int t, bool by_maximum) {
  RowTerms terms{0.0f, 1.0f, 0, 0};
  float w = query_weight(d, t);
  if (d.mode != WN_RAW_DOT && joined) {
    float2 row = joined[(int64_t(b) * d.heads_q + h) * d.n_query + t];
    terms.shift = row.x;
    terms.factor = row.y;
  } else if (d.mode != WN_RAW_DOT) {
    terms.shift = static_cast<const float*>(d.lse)[b * d.lse_sb + h * d.lse_sh + t * d.lse_st];
    if (d.lse_base == WN_LSE_E) terms.shift *= dev::kLog2e;
  }
  if (w == 0.0f || !(fabsf(terms.shift) <= FLT_MAX) || !(terms.factor > 0.0f)) return terms;
  if (!by_maximum) terms.factor *= w;
  Visible sees = visible_keys(d, b, t);
  terms.first = sees.first;
  terms.end = sees.end;
  return terms;
}

// As `columns`, one kv head a unit. grid: (ceil(key_count / kOwned), heads_kv, batch).
template <class T, int DEPTH>
__global__ void __launch_bounds__(kThreads, 2) columns_matrix(wn_score_desc d, bool vector, const float2* joined, float* part) {
  WN_SHARED_DYNAMIC(arena);
  WN_SHARED(RowTerms, terms, 2 * kStreamed);
  WN_SHARED(float, other_group, kOwned);
  auto buffers = dev::shared_at<uint4>(arena, 0);
  int group = d.heads_q / d.heads_kv, rows = d.n_query * group, b = int(blockIdx.z), kv_head = int(blockIdx.y);
  int n0 = int(blockIdx.x) * kOwned;
  bool raw = d.mode == WN_RAW_DOT, by_maximum = d.reduce >= WN_MAX;
  RowMap map{kv_head * group, group};
  unsigned own[DEPTH][4];
  own_rows<T, DEPTH>(own, buffers, d.head_dim, vector,
                     [&](int i) { return n0 + i < d.key_count ? key_row<T>(d, b, kv_head, d.key_begin + n0 + i) : nullptr; });

  int lane = int(threadIdx.x & 31), warp = int(threadIdx.x >> 5), mine = n0 + warp % kOwnerWarps * 16 + lane / 4;
  float scale = raw ? d.scale : d.scale * dev::kLog2e, none = by_maximum ? -INFINITY : 0.0f;
  float value[2] = {none, none};
  int tiles = (rows + kStreamed - 1) / kStreamed, first = 0;
  if (d.causal && !d.query_pos) {  // queries before the first key of the block see none of its keys
    int64_t blind = int64_t(d.key_begin) + n0 - d.query_pos0;
    if (blind > 0) first = int(min(blind * group / kStreamed, int64_t(tiles)));
  }
  auto fetch = [&](int tile, int buffer) {
    int row0 = tile * kStreamed;
    stage_rows<T, DEPTH>(buffers + buffer * kBuffer<DEPTH>, kStreamed, d.head_dim, vector,
                         [&](int i) { return row0 + i < rows ? query_row<T>(d, b, map, row0 + i) : nullptr; });
    if (threadIdx.x < kStreamed) {
      int r = row0 + int(threadIdx.x);
      terms[buffer * kStreamed + int(threadIdx.x)] =
          r < rows ? row_terms(d, joined, b, map.head_of(r), map.query_of(r), by_maximum) : RowTerms{0.0f, 0.0f, 0, 0};
    }
  };
  auto use = [&](int, int buffer) {
    for (int r0 = warp / kOwnerWarps * 16; r0 < kStreamed; r0 += 16 * kGroups) {
      float sums[2][4];
      multiply_rows<T, DEPTH>(own, buffers + buffer * kBuffer<DEPTH>, d.head_dim, r0, sums);
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        RowTerms row = terms[buffer * kStreamed + r0 + j / 2 * 8 + lane % 4 * 2 + j % 2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          int key = d.key_begin + mine + 8 * i;
          if (key < row.first || key >= row.end) continue;
          float s = sums[j / 2][i * 2 + j % 2] * scale;
          float p = raw ? s : exp2f(safe_logit(s) - row.shift);
          value[i] = by_maximum ? fmaxf(value[i], p * row.factor) : fmaf(p, row.factor, value[i]);
        }
      }
    }
  };
  dev::stream<2>(first, tiles, fetch, use);
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int step = 1; step < 4; step <<= 1) {
      float other = __shfl_xor_sync(dev::kFullMask, value[i], step);
      value[i] = by_maximum ? fmaxf(value[i], other) : value[i] + other;
    }
    if (warp >= kOwnerWarps && lane % 4 == 0) other_group[mine - n0 + 8 * i] = value[i];
  }
  __syncthreads();
  if (warp >= kOwnerWarps || lane % 4 != 0) return;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    int n = mine + 8 * i;
    float other = other_group[n - n0];
    if (n < d.key_count) {
      part[(int64_t(kv_head) * gridDim.z + b) * d.key_count + n] = by_maximum ? fmaxf(value[i], other) : value[i] + other;
    }
  }
}

}  // namespace scores
