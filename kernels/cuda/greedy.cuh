// Greedy subsets: farthest points (max-min), determinantal MAP by pivoted Cholesky (DPP), facility location (coverage).
//
// One small launch per choice, all of them on the stream, so nothing waits on the host and the sequence can be captured. A block owns
// kSlice candidates. Launch t first finds choice t - 1: every block reads the best key that each block left behind in launch t - 1 and so
// comes to the same answer; then it brings its own candidates up to date and leaves its best key. The keys of two launches lie in two
// buffers: a block that is ahead never writes what a block that is behind still reads. Only the similarities of the chosen rows are ever
// computed (coverage needs all of them, once). Keys order by value, then by lower index; a candidate that can only be chosen last has
// an upper half of 0, one that is gone is 0.
#pragma once
#include "greedy_state.cuh"

namespace greedy_subset {

// Dot product of two rows by one warp; usable tells whether all entries of both are finite.
template <class T>
__device__ __forceinline__ float dot_of_rows(const T* left, const T* right, int dim, bool vector, bool* usable) {
  constexpr int P = dev::kPack<T>;
  float dot = 0.0f;
  bool good = true;
  for (int c = int(threadIdx.x & 31) * P; c < dim; c += 32 * P) {
    float l[P], r[P];
    dev::load_pack(left, c, dim, vector, l);
    dev::load_pack(right, c, dim, vector, r);
#pragma unroll
    for (int i = 0; i < P; ++i) {
      good = good && similarity::finite(l[i]) && similarity::finite(r[i]);
      dot = fmaf(l[i], r[i], dot);
    }
  }
  *usable = __all_sync(dev::kFullMask, good) != 0;
  return dev::warp_sum(dot);
}

template <class T>
__device__ __forceinline__ const T* row_of(const wn_greedy_desc& d, int b, int i) {
  return static_cast<const T*>(d.x) + b * d.x_sb + i * d.x_sn;
}

// Distance to the nearest other row, from the tiles of the similarity product or along a row of the given matrix (one warp).
__device__ __forceinline__ float nearest_distance(const wn_greedy_desc& d, const State& s, int b, int i, int n) {
  int lane = int(threadIdx.x & 31);
  uint64_t top = 0;
  if (d.matrix) {
    const float* matrix = matrix_of(d, s, b);
    for (int j = lane; j < n; j += 32) {
      float diagonal = matrix[j * d.matrix_sr + j], v = matrix[i * d.matrix_sr + j];
      if (j != i && diagonal == diagonal) top = better(top, similarity::rank_key(v, j));
    }
  } else {
    for (int t = lane; t < s.tiles; t += 32) top = better(top, s.nearest[(int64_t(b) * d.n + i) * s.tiles + t]);
  }
  top = similarity::warp_best(top);
  return top ? 1.0f - similarity::key_score(top) : INFINITY;
}

// Norms, statuses and the values of the first choice. grid: (blocks, batch).
template <class T>
__global__ void __launch_bounds__(kThreads) begin(wn_greedy_desc d, State s, bool vector) {
  int b = int(blockIdx.y), n = candidates(d, b), warp = int(threadIdx.x >> 5), lane = int(threadIdx.x & 31);
  for (int i = int(blockIdx.x) * kSlice + warp; i < int(blockIdx.x + 1) * kSlice && i < d.n; i += kWarps) {
    int64_t at = int64_t(b) * d.n + i;
    if (i >= n) {
      if (lane == 0) s.status[at] = kGone;
      continue;
    }
    bool usable = true;
    float norm2 = 0.0f, self = 0.0f, state = 0.0f;
    if (d.matrix) {
      if (d.objective == WN_COVERAGE) {
        float w = d.weight ? static_cast<const float*>(d.weight)[b * d.weight_sb + i] : 1.0f;
        usable = w == w;
      } else {
        self = matrix_of(d, s, b)[i * d.matrix_sr + i];
        usable = self == self;
      }
    } else {
      norm2 = dot_of_rows(row_of<T>(d, b, i), row_of<T>(d, b, i), d.dim, vector, &usable);
      usable = usable && similarity::finite(norm2);
      float norm = sqrtf(norm2);  // a row is exactly as similar to itself as any other is: rounding must not choose
      self = norm2 == 0.0f ? 0.0f : norm >= d.eps ? 1.0f : norm2 / (d.eps * d.eps);
    }
    if (d.objective == WN_MAX_MIN) state = usable ? nearest_distance(d, s, b, i, n) : 0.0f;
    if (d.objective == WN_DPP) {
      float w = weight_of(d.weight, b * d.weight_sb + i);
      state = w * w * self;
    }
    if (lane == 0) {
      s.norm2[at] = usable ? norm2 : kUnusable;
      s.status[at] = usable ? kFree : kLast;
      s.state[at] = state;
      if (d.objective == WN_DPP) s.variance[at] = state;
    }
  }
  if (d.objective == WN_COVERAGE && blockIdx.x == 0) {
    int rows = d.matrix ? d.matrix_rows : d.n;
    for (int r = int(threadIdx.x); r < rows; r += kThreads) s.covered[int64_t(b) * rows + r] = 0.0f;
  }
}

// Sum of one number per thread over the kParts threads of each candidate, in a fixed order; for thread < kSlice the sum of its candidate.
__device__ __forceinline__ float sum_parts(float v, dev::Shared<float> scratch) {
  scratch[threadIdx.x] = v;
  __syncthreads();
  float sum = 0.0f;
  if (threadIdx.x < kSlice) {
    for (int p = 0; p < kParts; ++p) sum += scratch[p * kSlice + int(threadIdx.x)];
  }
  return sum;
}

// Gain of candidate i from covering more: this thread's share of the rows.
__device__ __forceinline__ float coverage_part(const wn_greedy_desc& d, const State& s, int b, int i, int n, int t, Pick pick) {
  const float* matrix = matrix_of(d, s, b);
  int64_t stride = matrix_stride(d);
  int rows = d.matrix ? d.matrix_rows : n, all = d.matrix ? d.matrix_rows : d.n;
  const float* covered = s.covered + (int64_t((t + 1) & 1) * gridDim.y + b) * all;  // as launch t - 1 left it
  if (t == 0) covered = s.covered + int64_t(b) * all;
  float sum = 0.0f;
  for (int r = int(threadIdx.x) / kSlice; r < rows; r += kParts) {
    float base = covered[r];
    if (pick.updates) {
      float chosen = d.f_scale * matrix[r * stride + pick.row] + d.f_shift;
      if (chosen > base) base = chosen;
    }
    float value = d.f_scale * matrix[r * stride + i] + d.f_shift;
    if (value > base) sum = fmaf(weight_of(d.row_weight, b * d.row_weight_sb + r), value - base, sum);
  }
  return sum;
}

// One block leaves the coverage as it is after the previous choice for the next launch.
__device__ __forceinline__ void store_coverage(const wn_greedy_desc& d, const State& s, int b, int n, int t, Pick pick) {
  const float* matrix = matrix_of(d, s, b);
  int64_t stride = matrix_stride(d);
  int rows = d.matrix ? d.matrix_rows : n, all = d.matrix ? d.matrix_rows : d.n;
  const float* from = s.covered + (int64_t((t + 1) & 1) * gridDim.y + b) * all;
  float* to = s.covered + (int64_t(t & 1) * gridDim.y + b) * all;
  for (int r = int(threadIdx.x); r < rows; r += kThreads) {
    float value = from[r];
    if (pick.updates) {
      float chosen = d.f_scale * matrix[r * stride + pick.row] + d.f_shift;
      if (chosen > value) value = chosen;
    }
    to[r] = value;
  }
}

// Places beyond the choices there can be hold nothing.
__device__ __forceinline__ void clear_rest(const wn_greedy_desc& d, const State& s, int b) {
  for (int64_t c = s.choices + int64_t(blockIdx.x) * kThreads + threadIdx.x; c < d.k; c += int64_t(gridDim.x) * kThreads) {
    static_cast<int32_t*>(d.out_idx)[b * d.out_sb + c] = -1;
    if (d.out_gain) static_cast<float*>(d.out_gain)[b * d.out_sb + c] = 0.0f;
  }
}

// Launch t = 0..choices: records choice t - 1, then values the candidates for choice t; the last one fills the places left instead.
// grid: (blocks, batch).
template <class T>
__global__ void __launch_bounds__(kThreads, 2) step(wn_greedy_desc d, State s, bool vector, int t) {
  WN_SHARED(uint64_t, keys, kWarps);
  WN_SHARED(float, to_pick, kSlice);
  WN_SHARED(float, parts, kThreads);
  int b = int(blockIdx.y), n = candidates(d, b), blocks = int(gridDim.x), i0 = int(blockIdx.x) * kSlice;
  Pick pick{-1, 0.0f, false};
  if (t > 0) {
    pick = previous_pick(d, s.best + (int64_t((t + 1) & 1) * gridDim.y + b) * blocks, blocks, keys);
    if (blockIdx.x == 0 && threadIdx.x == 0) {
      s.picks[b * s.picks_sb + t - 1] = pick.row;
      if (d.out_gain) static_cast<float*>(d.out_gain)[b * d.out_sb + t - 1] = pick.gain;
    }
  }
  if (t == s.choices) {
    clear_rest(d, s, b);
    return;
  }

  // Similarity of the chosen row to the candidates of this block.
  if (pick.updates && d.objective != WN_COVERAGE) {
    for (int c = int(threadIdx.x >> 5); c < kSlice; c += kWarps) {
      int i = i0 + c;
      float similar = 0.0f;
      if (i < n && s.status[int64_t(b) * d.n + i] == kFree) {
        if (d.matrix) {
          similar = matrix_of(d, s, b)[pick.row * d.matrix_sr + i];
        } else {
          bool usable;
          float dot = dot_of_rows(row_of<T>(d, b, pick.row), row_of<T>(d, b, i), d.dim, vector, &usable);
          similar = similarity::similarity_of(dot, s.norm2[int64_t(b) * d.n + pick.row], s.norm2[int64_t(b) * d.n + i], WN_COSINE, d.eps);
        }
      }
      if ((threadIdx.x & 31) == 0) to_pick[c] = similar;
    }
  }
  int i = i0 + int(threadIdx.x % kSlice);
  bool in = i < n;
  float part = 0.0f;
  if (d.objective == WN_DPP && pick.updates && in) {
    const float* columns = s.columns + int64_t(b) * s.choices * d.n;
    for (int c = int(threadIdx.x) / kSlice; c < t - 1; c += kParts) part = fmaf(columns[int64_t(c) * d.n + pick.row],
        columns[int64_t(c) * d.n + i], part);
  }
  if (d.objective == WN_COVERAGE && in) part = coverage_part(d, s, b, i, n, t, pick);
  if (d.objective == WN_COVERAGE && blockIdx.x == 0 && t > 0) store_coverage(d, s, b, n, t, pick);
  float sum = sum_parts(part, parts);  // its barrier also publishes to_pick
  if (threadIdx.x >= 32) return;
  uint64_t value_key = 0, weight_key = 0;
  if (threadIdx.x < kSlice && in) {
    int64_t at = int64_t(b) * d.n + i;
    int32_t status = s.status[at];
    if (i == pick.row) {
      status = kGone;
      s.status[at] = kGone;
    }
    float w = weight_of(d.weight, b * d.weight_sb + i), value = s.state[at];
    if (status == kFree && d.objective == WN_COVERAGE) value = w * sum;
    if (status == kFree && pick.updates && d.objective == WN_MAX_MIN) {
      // The first choice was by distance to the nearest neighbour; from then on the chosen rows count.
      float distance = 1.0f - to_pick[int(threadIdx.x)];
      value = t == 1 ? distance : fminf(value, distance);
      s.state[at] = value;
    }
    if (t > 0 && d.objective == WN_MAX_MIN) value *= w;
    if (pick.updates && d.objective == WN_DPP) {
      float row_weight = weight_of(d.weight, b * d.weight_sb + pick.row);
      float column = status == kFree ? (row_weight * to_pick[int(threadIdx.x)] * w - sum) / sqrtf(pick.gain) : 0.0f;
      s.columns[(int64_t(b) * s.choices + t - 1) * d.n + i] = column;
      value -= column * column;
      s.state[at] = value;
    }
    if (status == kFree) {
      bool spent = d.objective == WN_DPP && !(value > kSpent * s.variance[at]);
      value_key = spent ? 0 : similarity::rank_key(value, i);
      weight_key = similarity::rank_key(w, i);
    } else if (status == kLast) {
      value_key = uint32_t(~i);
    }
  }
  value_key = similarity::warp_best(value_key);
  weight_key = similarity::warp_best(weight_key);
  if (threadIdx.x == 0) s.best[(int64_t(t & 1) * gridDim.y + b) * blocks + blockIdx.x] = Best{value_key, weight_key};
}

// Reports the choices in ascending order; places left (-1) stay at the end. grid: (ceil(choices / kThreads), batch).
__global__ void __launch_bounds__(kThreads) ascending(wn_greedy_desc d, State s) {
  int c = int(blockIdx.x) * kThreads + int(threadIdx.x), b = int(blockIdx.y);
  if (c >= s.choices) return;
  const int32_t* picks = s.picks + b * s.picks_sb;
  int mine = picks[c], rank = c;
  if (mine >= 0) {
    rank = 0;
    for (int j = 0; j < s.choices; ++j) rank += picks[j] >= 0 && picks[j] < mine;
  }
  static_cast<int32_t*>(d.out_idx)[b * d.out_sb + rank] = mine;
}

}  // namespace greedy_subset
