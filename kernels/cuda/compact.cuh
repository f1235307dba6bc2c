// In-place compaction of cache planes: row j becomes old row keep[j].
//
// Why it is safe. A keep-list is strictly ascending, so keep[j] >= j: a row is read by destinations that lie at or before it. Tiles of
// destinations are processed in ascending order by one block; a tile's sources are never below its first destination, so the stores of
// earlier tiles cannot touch them, and the loads of the next tile may even start before the stores of this one. The only hazard is a
// store of a tile overtaking a load of the same tile by another thread: all loads, one barrier, all stores. Planes, and groups of columns
// of one plane, never interact, so each has a block of its own. The cache pointer is neither const nor __restrict__: the non-coherent
// load path must not see memory that the kernel writes.
//
// The lists lie on the device, where the host cannot check them. Whatever they hold, no row outside the plane is read or written; a list
// that names a row that is not there, or does not ascend, leaves rows below its count that are no promise.
#pragma once
#include "device.cuh"
#include "winnow.h"

namespace compact_rows {

constexpr int kThreads = 256;
constexpr int kUnroll = 8;          // words in flight per thread
constexpr int kMaxLanes = 16;       // words of a row that one block moves: 256 bytes at full width
constexpr int kPlanesPerLaunch = 240;

// Plane addresses travel by value: no copy to the device, no synchronisation.
struct Planes {
  int64_t address[kPlanesPerLaunch];
  int32_t first;  // plane number of address[0]
};

// The row that an entry names, or the last one: one instruction, where a test for each load in flight would cost registers.
__device__ __forceinline__ int source(int entry, int n_rows) { return int(min(unsigned(entry), unsigned(n_rows - 1))); }

// First j of the list whose row moves: keep[j] == j holds for a prefix of an ascending list.
__device__ __forceinline__ int first_moved(const int32_t* keep, int low, int high) {
  while (low < high) {
    int middle = (low + high) >> 1;
    if (keep[middle] == middle) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// How many of the first `count` rows stay where they are in WN_ANY: entries of the list below `count`.
__device__ __forceinline__ int entries_below(const int32_t* keep, int count) {
  int low = 0, high = count;
  while (low < high) {
    int middle = (low + high) >> 1;
    if (keep[middle] < count) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// The m-th row (from 0) below `count` that the list leaves out: keep[i] - i rows are left out before entry i.
__device__ __forceinline__ int hole(const int32_t* keep, int stay, int m) {
  int low = 0, high = stay;
  while (low < high) {
    int middle = (low + high) >> 1;
    if (keep[middle] - middle <= m) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return m + low;
}

template <class WORD>
__device__ __forceinline__ WORD* word_at(char* plane, const wn_kv_desc& d, int row, int column) {
  return reinterpret_cast<WORD*>(plane + int64_t(row) * d.sn) + column;
}

// grid: (planes of this launch * batch * heads, column groups). Rows are `words` WORDs; a block moves 2^lanes_log2 of them.
template <class WORD>
__global__ void __launch_bounds__(kThreads) kernel(Planes planes, wn_kv_desc d, int words, int lanes_log2) {
  int h = int(blockIdx.x) % d.heads, b = int(blockIdx.x) / d.heads % d.batch, local = int(blockIdx.x) / d.heads / d.batch;
  int p = planes.first + local;
  char* plane = reinterpret_cast<char*>(planes.address[local]) + b * d.sb + h * d.sh;
  const int32_t* keep = static_cast<const int32_t*>(d.keep) + p * d.keep_sp + b * d.keep_sb + h * d.keep_sh;
  int count = d.max_keep;
  if (d.keep_count) count = min(static_cast<const int32_t*>(d.keep_count)[p * d.count_sp + b * d.count_sb + h * d.count_sh], count);
  int lanes = 1 << lanes_log2, per_pass = kThreads >> lanes_log2, r = int(threadIdx.x) >> lanes_log2;
  int groups = (words + lanes - 1) >> lanes_log2;
  for (int group = int(blockIdx.y); group < groups; group += int(gridDim.y)) {
    int column = group * lanes + (int(threadIdx.x) & (lanes - 1));
    bool mine = column < words;
    if (d.order == WN_ANY) {  // sources at or above count, destinations below it: disjoint, no order needed
      int stay = entries_below(keep, max(count, 0));
      for (int m = r; m < count - stay; m += per_pass) {
        int from = source(keep[stay + m], d.n_rows);
        if (mine) *word_at<WORD>(plane, d, hole(keep, stay, m), column) = *word_at<WORD>(plane, d, from, column);
      }
      continue;
    }
    WORD held[kUnroll];
    for (int tile = first_moved(keep, min(d.first_row, max(count, 0)), max(count, 0)); tile < count; tile += per_pass * kUnroll) {
#pragma unroll
      for (int u = 0; u < kUnroll; ++u) {
        int j = tile + u * per_pass + r;
        if (mine && j < count) held[u] = *word_at<WORD>(plane, d, source(keep[j], d.n_rows), column);
      }
      __syncthreads();
#pragma unroll
      for (int u = 0; u < kUnroll; ++u) {
        int j = tile + u * per_pass + r;
        if (mine && j < count) *word_at<WORD>(plane, d, j, column) = held[u];
      }
    }
  }
}

}  // namespace compact_rows
