// Attention scores of keys: softmax probabilities or dot products, reduced over heads and queries, without the [heads, queries, keys] map.
//
// Few rows (one query, or a handful): `split` cuts the keys into pieces, computes the logits of one kv head's rows there and leaves
// exp2(logit - piece maximum) with the piece's maximum and sum; `finish` joins the pieces and sums the heads in a fixed order.
// Log-sum-exp supplied: `columns` owns some keys, loops over all rows of a kv head and adds up exp2(logit - lse); `reduce` sums the heads.
// Many rows: `split` without storing the exponentials, `combine` to each row's maximum and sum, then `columns`: keys are read twice,
// nothing of the map is stored. Dot products: `columns` alone; if a sum over queries is wanted and all see the same keys, the queries are
// summed first (`sum_queries`), which leaves one row per kv head. No atomics: every sum has one fixed order.
//
// Logits are in units of log2: scale * log2(e) is folded into q. A group of lanes shares a key; partial dot products of R rows are summed
// by a transposing reduction, after which lane l of the group holds row l mod R.
#pragma once
#include "score_common.cuh"

namespace scores {

// Lanes per key: one 16-byte load each covers head_dim 128. Wider heads loop, with the query rows in shared memory (REG = false).
template <class T, bool REG> constexpr int kLanes = REG && sizeof(T) == 2 ? 16 : 32;
template <class T, bool REG> constexpr int kKeysPerPass = kThreads / kLanes<T, REG>;
template <class T> constexpr int kRegisterDim = (sizeof(T) == 2 ? 16 : 32) * dev::kPack<T>;

// Floats per staged query row.
template <class T, bool REG>
constexpr __host__ __device__ __forceinline__ int staged_dim(int head_dim) {
  int step = kLanes<T, REG> * dev::kPack<T>;
  return REG ? step : (head_dim + step - 1) / step * step;
}

// Sums each of the R values over the lanes of a group (a power of two of them, at least R); lane l gets the sum of value l mod R.
template <int R, int LANES>
__device__ __forceinline__ float transposed_sum(float (&v)[R]) {
  int lane = int(threadIdx.x & 31);
#pragma unroll
  for (int d = 1; d < R; d <<= 1) {
    bool odd = (lane & d) != 0;
#pragma unroll
    for (int i = 0; i < R / (2 * d); ++i) {
      float keep = odd ? v[2 * i + 1] : v[2 * i], send = odd ? v[2 * i] : v[2 * i + 1];
      v[i] = keep + __shfl_xor_sync(dev::kFullMask, send, d);
    }
  }
  float sum = v[0];
#pragma unroll
  for (int d = R; d < LANES; d <<= 1) sum += __shfl_xor_sync(dev::kFullMask, sum, d);
  return sum;
}

// Brings R rows of queries, scaled, into shared memory; rows at or past `rows` and columns past head_dim are zero.
template <class T, int R>
__device__ __forceinline__ void stage_queries(const wn_score_desc& d, const float* summed, int b, int kv_head, RowMap map, int r0, int rows,
                                              int width, float scale, dev::Shared<float> staged) {
  for (int i = int(threadIdx.x); i < R * width; i += kThreads) {
    int r = r0 + i / width, c = i % width;
    float value = 0.0f;
    if (r < rows && c < d.head_dim) {
      if (summed) {
        value = summed[(int64_t(b) * d.heads_kv + kv_head) * d.head_dim + c];
      } else {
        const T* q = static_cast<const T*>(d.q) + b * d.q_sb + map.head_of(r) * d.q_sh + map.query_of(r) * d.q_st;
        value = dev::to_float(q[c]);
      }
    }
    staged[i] = value * scale;
  }
}

// Dot products of one key with R staged rows, this lane's part.
template <class T, bool REG, int R>
__device__ __forceinline__ void dot_rows(const T* key, int head_dim, bool vector, dev::Shared<float> staged, int width, float (&sum)[R]) {
  constexpr int P = dev::kPack<T>, LANES = kLanes<T, REG>;
#pragma unroll
  for (int r = 0; r < R; ++r) sum[r] = 0.0f;
#pragma unroll 1
  for (int c = (int(threadIdx.x) & (LANES - 1)) * P; c < width; c += LANES * P) {
    float k[P];
    dev::load_pack(key, c, head_dim, vector, k);
#pragma unroll
    for (int r = 0; r < R; ++r) {
#pragma unroll
      for (int i = 0; i < P; ++i) sum[r] = fmaf(staged[r * width + c + i], k[i], sum[r]);
    }
    if (REG) break;
  }
}

// grid: (splits, heads_kv * row tiles, batch). Dynamic shared memory: R staged rows, then R * chunk logits.
// piece[row][split] = (maximum, sum); exponentials[row][key] if not null; row = (b * H + h) * Q + t.
template <class T, bool REG, int R>
__global__ void __launch_bounds__(kThreads, 2) split(wn_score_desc d, int chunk, bool vector, float* exponentials, float2* piece) {
  constexpr int LANES = kLanes<T, REG>, PER_PASS = kKeysPerPass<T, REG>;
  WN_SHARED_DYNAMIC(arena);
  WN_SHARED(float, warp_best, kWarps * R);
  int width = staged_dim<T, REG>(d.head_dim);
  auto staged = dev::shared_at<float>(arena, 0);
  auto logits = dev::shared_at<float>(arena, size_t(R) * width * sizeof(float));
  int group = d.heads_q / d.heads_kv, rows = d.n_query * group, tiles = (rows + R - 1) / R;
  int b = int(blockIdx.z), kv_head = int(blockIdx.y) / tiles, r0 = int(blockIdx.y) % tiles * R;
  int begin = int(blockIdx.x) * chunk, end = min(begin + chunk, d.max_key);
  RowMap map{kv_head * group, group};
  stage_queries<T, R>(d, nullptr, b, kv_head, map, r0, rows, width, d.scale * dev::kLog2e, staged);
  __syncthreads();

  int lane = int(threadIdx.x & 31), warp = int(threadIdx.x >> 5), mine = lane & (R - 1);
  bool live = r0 + mine < rows;
  Visible sees = visible_keys(d, b, live ? map.query_of(r0 + mine) : 0);
  float best = -INFINITY;
  for (int base = begin; base < end; base += PER_PASS) {
    int key = base + int(threadIdx.x) / LANES;
    float sum[R];
    dot_rows<T, REG, R>(key_row<T>(d, b, kv_head, min(key, end - 1)), d.head_dim, vector, staged, width, sum);
    float s = safe_logit(transposed_sum<R, LANES>(sum));
    if (!live || key >= end || !sees(key)) s = -INFINITY;
    if (key < end && (lane & (LANES - 1)) < R) logits[mine * chunk + key - begin] = s;
    best = fmaxf(best, s);
  }
#pragma unroll
  for (int step = R; step < 32; step <<= 1) best = fmaxf(best, __shfl_xor_sync(dev::kFullMask, best, step));
  if (lane < R) warp_best[warp * R + lane] = best;
  __syncthreads();
  for (int r = warp; r < R && r0 + r < rows; r += kWarps) {
    float top = dev::warp_max(lane < kWarps ? float(warp_best[lane * R + r]) : -INFINITY);
    int64_t row = (int64_t(b) * d.heads_q + map.head_of(r0 + r)) * d.n_query + map.query_of(r0 + r);
    float total = 0.0f;
    for (int key = begin + lane; key < end; key += 32) {
      float s = logits[r * chunk + key - begin];
      float e = s == -INFINITY ? 0.0f : exp2f(s - top);
      total += e;
      if (exponentials) exponentials[row * d.max_key + key] = e;
    }
    total = dev::warp_sum(total);
    if (lane == 0) piece[row * gridDim.x + blockIdx.x] = make_float2(top, total);
  }
}

// Joins the pieces of a row: factor that turns exponentials of piece s into probabilities is exp2(top_s - top) / total.
struct Joined {
  float top, total;
};
__device__ __forceinline__ Joined join(const float2* piece, int splits) {
  Joined j{-INFINITY, 0.0f};
  for (int s = 0; s < splits; ++s) j.top = fmaxf(j.top, piece[s].x);
  if (j.top == -INFINITY) return j;
  for (int s = 0; s < splits; ++s) j.total += piece[s].y * exp2f(piece[s].x - j.top);
  return j;
}

// grid: (ceil(key_count / 32), batch); lane = key, warp = slice of the rows. Dynamic shared memory: heads_q * n_query * splits factors.
__global__ void __launch_bounds__(kThreads) finish(wn_score_desc d, int chunk, int splits, const float* exponentials, const float2* piece) {
  WN_SHARED_DYNAMIC(arena);
  WN_SHARED(float, slice, kThreads);
  auto factor = dev::shared_at<float>(arena, 0);
  int b = int(blockIdx.y), rows = d.heads_q * d.n_query;
  for (int r = int(threadIdx.x); r < rows; r += kThreads) {
    const float2* pieces = piece + (int64_t(b) * rows + r) * splits;
    Joined j = join(pieces, splits);
    for (int s = 0; s < splits; ++s) factor[r * splits + s] = j.total > 0.0f ? exp2f(pieces[s].x - j.top) / j.total : 0.0f;
  }
  __syncthreads();
  int lane = int(threadIdx.x & 31), warp = int(threadIdx.x >> 5), n = int(blockIdx.x) * 32 + lane, key = d.key_begin + n;
  bool in = n < d.key_count;
  const float* column = exponentials + int64_t(b) * rows * d.max_key + key;
  bool by_maximum = d.reduce >= WN_MAX;
  float value = by_maximum ? -INFINITY : 0.0f;
  if (in) {
    int s = key / chunk;
    // A step is one row, or, for the maximum over mean heads, all heads of one query.
    int steps = d.reduce == WN_HEADS_THEN_MAX ? d.n_query : rows, heads = d.reduce == WN_HEADS_THEN_MAX ? d.heads_q : 1;
    for (int step = warp; step < steps; step += kWarps) {
      float w = query_weight(d, step % d.n_query), sum = 0.0f;
      if (w == 0.0f) continue;
      for (int h = 0; h < heads; ++h) {
        int r = h * d.n_query + step;
        sum += column[int64_t(r) * d.max_key] * factor[r * splits + s];
      }
      value = by_maximum ? fmaxf(value, sum / float(heads)) : fmaf(w, sum, value);
    }
  }
  slice[threadIdx.x] = value;
  __syncthreads();
  if (warp != 0 || !in) return;
  for (int w = 1; w < kWarps; ++w) value = by_maximum ? fmaxf(value, slice[w * 32 + lane]) : value + slice[w * 32 + lane];
  static_cast<float*>(d.out)[b * d.out_sb + n] = finished(d, b, key, value);
}

// Maximum and 1 / sum of every row from its pieces; (0, 0) for a row that sees nothing. Kept apart, because a log-sum-exp rounded to
// float32 loses the sum beside a large maximum. grid: ceil(rows / kThreads).
__global__ void __launch_bounds__(kThreads) combine(const float2* piece, int splits, int64_t rows, float2* joined) {
  int64_t row = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (row >= rows) return;
  Joined j = join(piece + row * splits, splits);
  joined[row] = j.total > 0.0f ? make_float2(j.top, 1.0f / j.total) : make_float2(0.0f, 0.0f);
}

// summed[b][kv head][c] = sum over its rows of weight * q. grid: (ceil(head_dim / kThreads), heads_kv, batch).
template <class T>
__global__ void __launch_bounds__(kThreads) sum_queries(wn_score_desc d, float* summed) {
  int c = int(blockIdx.x) * kThreads + int(threadIdx.x), kv_head = int(blockIdx.y), b = int(blockIdx.z);
  if (c >= d.head_dim) return;
  int group = d.heads_q / d.heads_kv;
  float sum = 0.0f;
  for (int t = 0; t < d.n_query; ++t) {
    float w = query_weight(d, t);
    if (w == 0.0f) continue;
    for (int g = 0; g < group; ++g) {
      const T* q = static_cast<const T*>(d.q) + b * d.q_sb + (kv_head * group + g) * d.q_sh + t * d.q_st;
      sum = fmaf(w, dev::to_float(q[c]), sum);
    }
  }
  summed[(int64_t(b) * d.heads_kv + kv_head) * d.head_dim + c] = sum;
}

// One unit's part of every key: a kv head, or, for the maximum over mean heads, all heads. grid: (ceil(key_count / keys per pass), units,
// batch). joined: maximum and 1 / sum, [b][h][t]; null: the descriptor's log-sum-exp, or none for dot products. part[unit][b][n].
template <class T, bool REG, int R>
__global__ void __launch_bounds__(kThreads, REG ? 2 : 1) columns(wn_score_desc d, bool vector, const float* summed, const float2* joined,
    float* part) {
  constexpr int LANES = kLanes<T, REG>, PER_PASS = kKeysPerPass<T, REG>;
  WN_SHARED_DYNAMIC(arena);
  auto staged = dev::shared_at<float>(arena, 0);
  int width = staged_dim<T, REG>(d.head_dim), group = d.heads_q / d.heads_kv, b = int(blockIdx.z);
  bool raw = d.mode == WN_RAW_DOT, heads_first = d.reduce == WN_HEADS_THEN_MAX, by_maximum = d.reduce >= WN_MAX;
  float scale = raw ? d.scale : d.scale * dev::kLog2e;
  int lane = int(threadIdx.x & 31), mine = lane & (R - 1);
  int n = int(blockIdx.x) * PER_PASS + int(threadIdx.x) / LANES, key = d.key_begin + min(n, d.key_count - 1);
  int tile_first = d.key_begin + int(blockIdx.x) * PER_PASS;
  int rows = summed ? 1 : heads_first ? d.n_query : d.n_query * group;
  int first_head = heads_first ? 0 : int(blockIdx.y) * group, last_head = heads_first ? d.heads_q : first_head + 1;
  float value = by_maximum ? -INFINITY : 0.0f;
  for (int r0 = 0; r0 < rows; r0 += R) {
    float over_heads = 0.0f;
    bool seen = false;
    for (int head = first_head; head < last_head; ++head) {
      RowMap map{head, heads_first ? 1 : group};
      int kv_head = head / group;
      int last_query = map.query_of(min(r0 + R, rows) - 1);
      if (d.causal && !d.query_pos && last_key(d, last_query) < tile_first) continue;  // no row of the tile sees a key of the tile
      __syncthreads();  // the rows staged before are no longer needed
      stage_queries<T, R>(d, summed, b, kv_head, map, r0, rows, width, scale, staged);
      __syncthreads();
      float sum[R];
      dot_rows<T, REG, R>(key_row<T>(d, b, kv_head, key), d.head_dim, vector, staged, width, sum);
      float s = transposed_sum<R, LANES>(sum);
      int r = r0 + mine;
      if (r >= rows) continue;
      int t = summed ? 0 : map.query_of(r), h = map.head_of(r);
      float w = summed ? 1.0f : query_weight(d, t);
      if (w == 0.0f || !visible_keys(d, b, t)(key)) continue;
      float p = s;
      if (!raw) {
        float2 row = make_float2(0.0f, 1.0f);
        if (joined) {
          row = joined[(int64_t(b) * d.heads_q + h) * d.n_query + t];
        } else {
          row.x = static_cast<const float*>(d.lse)[b * d.lse_sb + h * d.lse_sh + t * d.lse_st];
          if (d.lse_base == WN_LSE_E) row.x *= dev::kLog2e;
        }
        p = fabsf(row.x) <= FLT_MAX && row.y > 0.0f ? exp2f(safe_logit(s) - row.x) * row.y : 0.0f;
      }
      seen = true;
      if (heads_first) {
        over_heads += p;
      } else {
        value = by_maximum ? fmaxf(value, p) : fmaf(w, p, value);
      }
    }
    if (heads_first && seen) value = fmaxf(value, over_heads / float(d.heads_q));
  }
  // Lanes 0..R-1 of the group hold the rows' parts; the other lanes repeat them.
#pragma unroll
  for (int step = 1; step < R; step <<= 1) {
    float other = __shfl_xor_sync(dev::kFullMask, value, step);
    value = by_maximum ? fmaxf(value, other) : value + other;
  }
  if (n < d.key_count && (lane & (LANES - 1)) == 0) part[(int64_t(blockIdx.y) * gridDim.z + b) * d.key_count + n] = value;
}

// grid: (ceil(key_count / kThreads), batch).
__global__ void __launch_bounds__(kThreads) reduce(wn_score_desc d, int units, const float* part) {
  int n = int(blockIdx.x) * kThreads + int(threadIdx.x), b = int(blockIdx.y);
  if (n >= d.key_count) return;
  bool by_maximum = d.reduce >= WN_MAX;
  float value = by_maximum ? -INFINITY : 0.0f;
  for (int u = 0; u < units; ++u) {
    float p = part[(int64_t(u) * gridDim.y + b) * d.key_count + n];
    value = by_maximum ? fmaxf(value, p) : value + p;
  }
  static_cast<float*>(d.out)[b * d.out_sb + n] = finished(d, b, d.key_begin + n, value);
}

}  // namespace scores
