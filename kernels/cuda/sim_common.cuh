// What similarity and greedy subsets share: similarity from a dot product, and keys that order (value, index) pairs.
#pragma once
#include <float.h>

#include "device.cuh"
#include "winnow.h"

namespace similarity {

constexpr float kUnusable = -1.0f;  // in place of a squared norm

__device__ __forceinline__ bool finite(float v) { return fabsf(v) <= FLT_MAX; }

// What a row's squared norm is to its similarities: its length for cosines, never below eps; negative: similar to nothing, as a row is
// whose squared norm float32 does not hold.
__device__ __forceinline__ float row_term(float norm2, int metric, float eps) {
  return norm2 < 0.0f || norm2 > FLT_MAX ? kUnusable : metric == WN_COSINE ? fmaxf(sqrtf(norm2), eps) : norm2;
}

__device__ __forceinline__ float similarity_of_terms(float dot, float a, float b, int metric) {
  if (a < 0.0f || b < 0.0f) return -INFINITY;
  if (metric == WN_DOT) return dot;
  if (metric == WN_NEG_L2) return -fmaxf(0.0f, a + b - 2.0f * dot);
  float norms = a * b;
  return norms == 0.0f ? 0.0f : dot / norms;
}

__device__ __forceinline__ float similarity_of(float dot, float norm2_a, float norm2_b, int metric, float eps) {
  return similarity_of_terms(dot, row_term(norm2_a, metric, eps), row_term(norm2_b, metric, eps), metric);
}

// Total order of (value, index) for which larger is better and lower indices win; 0: nothing.
__device__ __forceinline__ uint64_t rank_key(float value, int index) {
  return uint64_t(dev::order_key(value)) << 32 | uint32_t(~index);
}
__device__ __forceinline__ int key_index(uint64_t key) { return int(~uint32_t(key)); }
__device__ __forceinline__ float key_score(uint64_t key) { return dev::key_value(unsigned(key >> 32)); }
__device__ __forceinline__ uint64_t better(uint64_t a, uint64_t b) { return a > b ? a : b; }

__device__ __forceinline__ uint64_t warp_best(uint64_t key) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) key = better(key, __shfl_xor_sync(dev::kFullMask, key, step));
  return key;
}

}  // namespace similarity
