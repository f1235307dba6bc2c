// Gather of rows: dst[b][j] = src[b][keep[b][j]]. One read and one write of the kept rows; at prune sizes the launch is the cost.
// The list lies on the device, where the host cannot check it: an entry that names no row leaves its row of dst alone.
#pragma once
#include "device.cuh"
#include "winnow.h"

namespace gather_rows {

constexpr int kThreads = 256;

// WORD: the widest type that both bases, all strides and the row size are multiples of. A row is moved by 2^lanes_log2 threads.
// grid: (ceil(max_keep / rows per block), batch).
template <class WORD>
__global__ void __launch_bounds__(kThreads) kernel(wn_gather_desc d, int words, int lanes_log2) {
  int b = int(blockIdx.y), lanes = 1 << lanes_log2;
  int count = d.keep_count ? min(static_cast<const int32_t*>(d.keep_count)[b], d.max_keep) : d.max_keep;
  int j = int(blockIdx.x) * (kThreads >> lanes_log2) + int(threadIdx.x >> lanes_log2);
  if (j >= count) return;
  int from = static_cast<const int32_t*>(d.keep)[b * d.keep_s + j];
  if (!dev::within(from, d.n_rows)) return;
  const char* src = static_cast<const char*>(d.src) + b * d.src_sb + from * d.src_sn;
  char* dst = static_cast<char*>(d.dst) + b * d.dst_sb + j * d.dst_sn;
  for (int c = int(threadIdx.x) & (lanes - 1); c < words; c += lanes) {
    reinterpret_cast<WORD*>(dst)[c] = reinterpret_cast<const WORD*>(src)[c];
  }
}

}  // namespace gather_rows
