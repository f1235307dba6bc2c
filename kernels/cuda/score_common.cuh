// What the score kernels share: which keys a query sees, how rows are numbered, how a sum becomes a score.
#pragma once
#include <float.h>

#include "device.cuh"
#include "winnow.h"

namespace scores {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

__device__ __forceinline__ float query_weight(const wn_score_desc& d, int t) {
  if (!d.query_weight) return 1.0f;
  float w = static_cast<const float*>(d.query_weight)[t];
  return fabsf(w) <= FLT_MAX ? w : 0.0f;
}

__device__ __forceinline__ int64_t last_key(const wn_score_desc& d, int t) {
  if (!d.causal) return d.max_key;
  return d.query_pos ? int64_t(static_cast<const int32_t*>(d.query_pos)[t]) : int64_t(d.query_pos0) + t;
}

// Keys that a query sees: [first, end).
struct Visible {
  int first, end;
  __device__ __forceinline__ bool operator()(int key) const { return key >= first && key < end; }
};

__device__ __forceinline__ Visible visible_keys(const wn_score_desc& d, int b, int t) {
  int first = d.key_first ? static_cast<const int32_t*>(d.key_first)[b] : 0;
  int64_t end = d.key_len ? static_cast<const int32_t*>(d.key_len)[b] : d.max_key;
  int64_t last = last_key(d, t) + 1;
  if (last < end) end = last;
  if (end > d.max_key) end = d.max_key;
  return {max(first, 0), int(end)};
}

// NaN counts as masked, infinity as the largest number.
__device__ __forceinline__ float safe_logit(float s) {
  if (s != s) return -INFINITY;
  return fminf(s, FLT_MAX);
}

// Row r of a kv head is query r / G of its (r mod G)-th query head; by_query: row r is query r of head `head`.
struct RowMap {
  int head, group;  // first query head, heads per kv head (1: rows are queries of one head)
  __device__ __forceinline__ int head_of(int r) const { return head + r % group; }
  __device__ __forceinline__ int query_of(int r) const { return r / group; }
};

template <class T>
__device__ __forceinline__ const T* key_row(const wn_score_desc& d, int b, int kv_head, int key) {
  return static_cast<const T*>(d.k) + b * d.k_sb + kv_head * d.k_sh + key * d.k_sn;
}

// What a sum over queries is divided by.
__device__ __forceinline__ float divisor(const wn_score_desc& d, int b, int key) {
  float weights = 0.0f;
  bool per_key = (d.flags & WN_SCORE_MEAN_VISIBLE) != 0;
  for (int t = 0; t < d.n_query; ++t) {
    if (!per_key || visible_keys(d, b, t)(key)) weights += query_weight(d, t);
  }
  return weights * float(d.heads_q);
}

__device__ __forceinline__ float finished(const wn_score_desc& d, int b, int key, float value) {
  if (d.reduce >= WN_MAX) return value == -INFINITY ? 0.0f : value;
  if (d.reduce == WN_MEAN) {
    float by = divisor(d, b, key);
    value = by == 0.0f ? 0.0f : value / by;
  }
  return d.mode != WN_RAW_DOT && value != value ? 0.0f : value;  // weights so large that their sums overflowed
}

}  // namespace scores
