// Selection of tokens per row: which scores stay, as an ascending keep-list.
//
// Idea. Scores become order-preserving 32-bit keys. A search over the bits, from the highest one in which the row's largest and smallest
// key differ, finds the largest threshold that at least k keys reach; counting needs no histogram, so scores that share an exponent cost
// nothing extra. The keep-list is then emitted in position order: ballots and one prefix over the warps give every kept element its
// place, so the list is ascending without a sort, equal scores go to the lower index, and every run gives the same bits.
// Rows up to 1024 elements: one warp per row, keys in registers, no block barrier. Longer rows: one block per row, keys in shared memory
// while they fit, else re-read from L2. Each warp owns a contiguous range of positions.
#pragma once
#include "device.cuh"
#include "winnow.h"

namespace select_rows {

constexpr int kWarpItems = 32;                        // keys per lane of the warp kernel
constexpr int kWarpMax = 32 * kWarpItems;             // longest row for one warp
constexpr int kWarpBlock = 128;                       // threads: four rows per block
constexpr int kBlockThreads = 512;  // 1024 would leave 64 registers a thread, and spill
constexpr int kMostRows = 0x7fffffff - kBlockThreads;  // of a sequence: a step beyond must still be an int

// What is left to decide element by element: key above `threshold`, or equal to it while fewer than `need` equals came before.
struct Cut {
  unsigned threshold;
  int need;
  bool none;
};

// Keys of one warp's range in registers; element i of lane l is position 32 i + l.
template <int ITEMS>
struct RegisterKeys {
  unsigned key[ITEMS];
  int n;
  template <class F>
  __device__ __forceinline__ void for_each(F f) const {
#pragma unroll
    for (int i = 0; i < ITEMS; ++i) {
      int j = i * 32 + int(threadIdx.x & 31);
      if (i * 32 < n) f(j, j < n, key[i]);
    }
  }
};

// Keys of one warp's range of a row in shared memory, or, if they do not fit, made from the scores at every pass.
template <bool SHARED>
struct MemoryKeys {
  dev::Shared<unsigned> stored;
  const float* scores;
  int begin, end;
  template <class F>
  __device__ __forceinline__ void for_each(F f) const {
    for (int base = begin; base < end; base += 32) {
      int j = base + int(threadIdx.x & 31);
      bool in = j < end;
      unsigned key = 0;
      if (in) {
        if (SHARED) {
          key = stored[j];
        } else {
          key = dev::order_key(scores[j]);
        }
      }
      f(j, in, key);
    }
  }
};

// Sums and extremes over the threads that share a row.
struct WarpGroup {
  static constexpr int kThreads = 32;
  __device__ __forceinline__ int rank() const { return int(threadIdx.x & 31); }
  __device__ __forceinline__ unsigned sum(unsigned v) { return __reduce_add_sync(dev::kFullMask, v); }
  __device__ __forceinline__ unsigned largest(unsigned v) { return __reduce_max_sync(dev::kFullMask, v); }
  // Exclusive prefix over the warps of a row, and the total.
  __device__ __forceinline__ uint2 prefix(unsigned, unsigned total_a, unsigned total_b, uint2* total) {
    *total = make_uint2(total_a, total_b);
    return make_uint2(0u, 0u);
  }
};

struct BlockGroup {
  static constexpr int kThreads = kBlockThreads;
  static constexpr int kWarps = kThreads / 32;
  dev::Shared<unsigned> partial;  // two halves of kWarps words, used in turn: one barrier per exchange is enough
  int turn;
  __device__ __forceinline__ int rank() const { return int(threadIdx.x); }

  // Every warp's value, one per lane of the calling warp.
  __device__ __forceinline__ unsigned exchange(unsigned warp_value) {
    turn ^= 1;
    if ((threadIdx.x & 31) == 0) partial[turn * kWarps + int(threadIdx.x >> 5)] = warp_value;
    __syncthreads();
    int lane = int(threadIdx.x & 31);
    return lane < kWarps ? unsigned(partial[turn * kWarps + lane]) : 0u;
  }
  __device__ __forceinline__ unsigned sum(unsigned v) {
    return __reduce_add_sync(dev::kFullMask, exchange(__reduce_add_sync(dev::kFullMask, v)));
  }
  __device__ __forceinline__ unsigned largest(unsigned v) {
    return __reduce_max_sync(dev::kFullMask, exchange(__reduce_max_sync(dev::kFullMask, v)));
  }
  __device__ __forceinline__ uint2 prefix(unsigned warp, unsigned total_a, unsigned total_b, uint2* total) {
    unsigned a = exchange(total_a), b = exchange(total_b);
    bool before = (threadIdx.x & 31) < warp;
    *total = make_uint2(__reduce_add_sync(dev::kFullMask, a), __reduce_add_sync(dev::kFullMask, b));
    return make_uint2(__reduce_add_sync(dev::kFullMask, before ? a : 0u), __reduce_add_sync(dev::kFullMask, before ? b : 0u));
  }
};

template <class Keys, class Group>
__device__ __forceinline__ unsigned count_at_least(const Keys& keys, Group& group, unsigned threshold) {
  unsigned count = 0;
  keys.for_each([&](int, bool in, unsigned key) { count += in && key >= threshold; });
  return group.sum(count);
}

// The largest threshold that at least `k` keys reach, 1 <= k <= n: the k-th largest key, or a value between it and the next when no more
// than k keys reach that.
template <class Keys, class Group>
__device__ __forceinline__ unsigned kth_largest(const Keys& keys, Group& group, unsigned k, unsigned low, unsigned high) {
  if (low == high) return high;
  int top = 31 - __clz(int(low ^ high));
  unsigned threshold = top == 31 ? 0u : high >> (top + 1) << (top + 1);
  for (int bit = top; bit >= 0; --bit) {
    unsigned candidate = threshold | 1u << bit;
    unsigned count = count_at_least(keys, group, candidate);
    if (count >= k) threshold = candidate;
    if (count == k) break;
  }
  return threshold;
}

// numpy's linear interpolation between two neighbouring order statistics, in float32 and without contraction.
__device__ __forceinline__ float interpolate(float a, float b, float t) {
  float step = __fsub_rn(b, a);
  if (t == 0.0f) return a;
  return t >= 0.5f ? __fsub_rn(b, __fmul_rn(step, 1.0f - t)) : __fadd_rn(a, __fmul_rn(step, t));
}

// The key of ascending rank r: the smallest key that is at least the threshold of the (n - r)-th largest.
template <class Keys, class Group>
__device__ __forceinline__ float order_statistic(const Keys& keys, Group& group, int n, int r, unsigned low, unsigned high) {
  unsigned threshold = kth_largest(keys, group, unsigned(n - r), low, high);
  unsigned complement = 0;  // largest of ~key = smallest key
  keys.for_each([&](int, bool in, unsigned key) {
    if (in && key >= threshold) complement = max(complement, ~key);
  });
  unsigned key = ~group.largest(complement);
  return key == 0u ? __uint_as_float(0x7fc00000u) : dev::key_value(key);
}

// Quartile q/4 of the row: position q (n - 1) / 4 between its two neighbours.
template <class Keys, class Group>
__device__ __forceinline__ float quartile(const Keys& keys, Group& group, int n, int q, unsigned low, unsigned high) {
  int64_t position = int64_t(q) * (n - 1);
  int r = int(position >> 2);
  float t = float(int(position & 3)) * 0.25f;
  float a = order_statistic(keys, group, n, r, low, high);
  float b = order_statistic(keys, group, n, min(r + 1, n - 1), low, high);
  return interpolate(a, b, t);
}

template <class Keys, class Group>
__device__ __forceinline__ Cut decide(const wn_select_desc& d, int row, int n, const Keys& keys, Group& group) {
  if (n == 0) return {0u, 0, true};
  if (d.rule == WN_GT) return {dev::order_key(d.threshold), 0, false};
  if (d.rule == WN_GE) return {dev::order_key(d.threshold), n, false};
  unsigned high = 0, complement = 0;
  keys.for_each([&](int, bool in, unsigned key) {
    if (in) {
      high = max(high, key);
      complement = max(complement, ~key);
    }
  });
  high = group.largest(high);
  unsigned low = ~group.largest(complement);
  if (d.rule == WN_IQR_HIGH) {
    float q1 = quartile(keys, group, n, 1, low, high), q3 = quartile(keys, group, n, 3, low, high);
    float fence = __fadd_rn(q3, __fmul_rn(d.iqr_factor, __fsub_rn(q3, q1)));
    return {dev::order_key(fence), 0, fence != fence};
  }
  int k = d.row_k ? static_cast<const int32_t*>(d.row_k)[row] : d.k;
  if (k <= 0) return {0u, 0, true};
  k = min(k, n);
  unsigned threshold = kth_largest(keys, group, unsigned(k), low, high);
  unsigned above = 0;
  keys.for_each([&](int, bool in, unsigned key) { above += in && key > threshold; });
  return {threshold, k - int(group.sum(above)), false};
}

// The longest sequence that an array has room for: total_len lies on the device, where the host cannot check it, and the array's stride is
// all that is known of its length (0: only the caller knows).
__device__ __forceinline__ int64_t room(const wn_select_desc& d, const void* array, int64_t stride) {
  return d.total_len && array && stride > 0 ? min(stride, int64_t(kMostRows)) : kMostRows;
}

// Writes everything that the descriptor asks for of one row.
template <class Keys, class Group>
__device__ __forceinline__ void emit(const wn_select_desc& d, int row, int n, const Keys& keys, Group& group, Cut cut) {
  int lane = int(threadIdx.x & 31);
  unsigned lower = (1u << lane) - 1u;
  unsigned above = 0, equal = 0;
  if (!cut.none) {
    keys.for_each([&](int, bool in, unsigned key) {
      above += in && key > cut.threshold;
      equal += in && key == cut.threshold;
    });
  }
  above = __reduce_add_sync(dev::kFullMask, above);
  equal = __reduce_add_sync(dev::kFullMask, equal);
  uint2 total;
  uint2 before = group.prefix(threadIdx.x >> 5, above, equal, &total);
  int kept = int(total.x) + min(int(total.y), cut.need);
  int prefix = d.prefix;
  int rows_before = d.total_len ? max(static_cast<const int32_t*>(d.total_len)[row], prefix + n) : prefix + n;
  int count = rows_before - n + kept;
  int32_t* keep_count = static_cast<int32_t*>(d.keep_count);
  if (count > d.max_keep || rows_before > min(room(d, d.inverse, d.inverse_s), room(d, d.pos, d.pos_s))) {
    if (group.rank() == 0) keep_count[row] = -1;
    return;
  }
  int32_t* keep = static_cast<int32_t*>(d.keep) + row * d.keep_s;
  int32_t* inverse = d.inverse ? static_cast<int32_t*>(d.inverse) + row * d.inverse_s : nullptr;
  int32_t* new_pos = d.new_pos ? static_cast<int32_t*>(d.new_pos) + row * d.new_pos_s : nullptr;
  const int32_t* pos = d.pos ? static_cast<const int32_t*>(d.pos) + row * d.pos_s : nullptr;
  int32_t* first_moved = static_cast<int32_t*>(d.first_moved);
  auto place = [&](int old_row, int new_row) {
    keep[new_row] = old_row;
    if (inverse) inverse[old_row] = new_row;
    if (new_pos) new_pos[new_row] = pos ? pos[old_row] : old_row;
  };
  if (group.rank() == 0) {
    keep_count[row] = count;
    if (first_moved && kept == n) first_moved[row] = count;
  }
  for (int j = group.rank(); j < prefix; j += Group::kThreads) place(j, j);
  for (int j = prefix + n + group.rank(); j < rows_before; j += Group::kThreads) place(j, j - n + kept);
  int above_before = int(before.x), equal_before = int(before.y);
  keys.for_each([&](int j, bool in, unsigned key) {
    bool is_above = in && !cut.none && key > cut.threshold;
    bool is_equal = in && !cut.none && key == cut.threshold;
    unsigned aboves = __ballot_sync(dev::kFullMask, is_above), equals = __ballot_sync(dev::kFullMask, is_equal);
    int rank_above = above_before + __popc(aboves & lower), rank_equal = equal_before + __popc(equals & lower);
    int chosen_before = rank_above + min(rank_equal, cut.need);
    if (is_above || (is_equal && rank_equal < cut.need)) {
      place(prefix + j, prefix + chosen_before);
    } else if (in) {
      if (inverse) inverse[prefix + j] = -1;
      if (first_moved && chosen_before == j) first_moved[row] = prefix + j;  // everything before it stays: it is the first to go
    }
    above_before += __popc(aboves);
    equal_before += __popc(equals);
  });
}

__device__ __forceinline__ int row_length(const wn_select_desc& d, int row) {
  if (!d.row_len) return d.max_len;
  return max(0, min(static_cast<const int32_t*>(d.row_len)[row], d.max_len));
}

// grid: ceil(rows / 4) blocks of kWarpBlock threads; every row has at most kWarpMax scores.
template <int ITEMS>
__global__ void __launch_bounds__(kWarpBlock, 1) warp_kernel(wn_select_desc d) {
  int row = int(blockIdx.x) * (kWarpBlock / 32) + int(threadIdx.x >> 5);
  if (row >= d.rows) return;
  int n = row_length(d, row);
  const float* scores = static_cast<const float*>(d.scores) + row * d.scores_s;
  RegisterKeys<ITEMS> keys;
  keys.n = n;
#pragma unroll
  for (int i = 0; i < ITEMS; ++i) {
    int j = i * 32 + int(threadIdx.x & 31);
    keys.key[i] = j < n ? dev::order_key(scores[j]) : 0u;
  }
  WarpGroup group;
  Cut cut = decide(d, row, n, keys, group);
  emit(d, row, n, keys, group, cut);
}

// grid: rows blocks of kBlockThreads threads; SHARED: max_len words of dynamic shared memory hold the keys.
template <bool SHARED>
__global__ void __launch_bounds__(kBlockThreads) block_kernel(wn_select_desc d) {
  WN_SHARED(unsigned, partial, 2 * BlockGroup::kWarps);
  WN_SHARED_DYNAMIC(arena);
  int row = int(blockIdx.x), n = row_length(d, row);
  const float* scores = static_cast<const float*>(d.scores) + row * d.scores_s;
  int chunks = (n + 31) / 32, per_warp = (chunks + BlockGroup::kWarps - 1) / BlockGroup::kWarps * 32;
  int warp = int(threadIdx.x >> 5);
  MemoryKeys<SHARED> keys{dev::shared_at<unsigned>(arena, 0), scores, min(warp * per_warp, n), min((warp + 1) * per_warp, n)};
  if (SHARED) {
    // Each lane stores what it alone reads again: no barrier.
    for (int j = keys.begin + int(threadIdx.x & 31); j < keys.end; j += 32) keys.stored[j] = dev::order_key(scores[j]);
  }
  BlockGroup group{partial, 0};
  Cut cut = decide(d, row, n, keys, group);
  emit(d, row, n, keys, group, cut);
}

}  // namespace select_rows
