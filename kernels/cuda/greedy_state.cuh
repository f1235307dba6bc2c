// What a run of greedy choices keeps in the workspace from one launch to the next, and how the launches read it.
#pragma once
#include "sim_common.cuh"

namespace greedy_subset {

using similarity::better;
using similarity::kUnusable;

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kSlice = 16;                     // candidates per block
constexpr int kParts = kThreads / kSlice;      // threads that share a candidate's sums
constexpr float kSpent = 1e-6f;                // share of its own variance below which a candidate is a combination of those chosen

enum Status : int32_t { kFree = 0, kLast = 1, kGone = 2 };

// Best keys of one block: by value, and, for the determinantal process when all candidates are spent, by weight.
struct Best {
  uint64_t value, weight;
};

struct State {
  float* norm2;      // [b][n] squared norm of a row, kUnusable
  int32_t* status;   // [b][n]
  float* state;      // [b][n] max-min: distance to the chosen; DPP: residual variance
  float* variance;   // [b][n] DPP: the variance before any choice
  float* columns;    // [b][choices][n] DPP: columns of the Cholesky factor
  float* covered;    // [2][b][rows] coverage, in turn
  float* matrix;     // [b][n][n] coverage from x: all similarities
  uint64_t* nearest;  // [b][n][tiles] max-min from x: nearest neighbours
  int32_t tiles;
  float* scratch;    // of the similarity product
  Best* best;        // [2][b][blocks]
  int32_t* picks;    // [b][choices] by picks_sb, in the order of choice
  int64_t picks_sb;
  int32_t choices;   // launches that may find one: min(k, n)
};

__device__ __forceinline__ int candidates(const wn_greedy_desc& d, int b) {
  return d.n_valid ? max(0, min(static_cast<const int32_t*>(d.n_valid)[b], d.n)) : d.n;
}

__device__ __forceinline__ float weight_of(const void* weights, int64_t at) {
  if (!weights) return 1.0f;
  float w = static_cast<const float*>(weights)[at];
  return w > 0.0f ? w : 0.0f;
}

__device__ __forceinline__ const float* matrix_of(const wn_greedy_desc& d, const State& s, int b) {
  if (d.matrix) return static_cast<const float*>(d.matrix) + b * d.matrix_sb;
  return s.matrix ? s.matrix + int64_t(b) * d.n * d.n : nullptr;
}
__device__ __forceinline__ int64_t matrix_stride(const wn_greedy_desc& d) { return d.matrix ? d.matrix_sr : d.n; }

// The best of one key per thread, known to the whole block.
__device__ __forceinline__ uint64_t block_best(uint64_t key, dev::Shared<uint64_t> scratch) {
  key = similarity::warp_best(key);
  __syncthreads();  // an earlier result has been read
  if ((threadIdx.x & 31) == 0) scratch[int(threadIdx.x >> 5)] = key;
  __syncthreads();
  for (int w = 0; w < kWarps; ++w) key = better(key, scratch[w]);
  return key;
}

struct Pick {
  int row;       // -1: nothing is left
  float gain;    // value that won
  bool updates;  // whether it changes the state of the others
};

__device__ __forceinline__ Pick previous_pick(const wn_greedy_desc& d, const Best* best, int blocks, dev::Shared<uint64_t> scratch) {
  uint64_t value = 0, weight = 0;
  for (int i = int(threadIdx.x); i < blocks; i += kThreads) {
    value = better(value, best[i].value);
    weight = better(weight, best[i].weight);
  }
  value = block_best(value, scratch);
  if (value >> 32 != 0) return {similarity::key_index(value), similarity::key_score(value), true};
  if (d.objective == WN_DPP) {
    weight = block_best(weight, scratch);
    if (weight != 0) return {similarity::key_index(weight), 0.0f, false};
  }
  return {value == 0 ? -1 : similarity::key_index(value), 0.0f, false};
}

}  // namespace greedy_subset
