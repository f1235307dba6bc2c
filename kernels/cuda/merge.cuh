// Weighted merge of rows in gather form: every output row sums its own sources in list order in float32, so no atomics are needed and the
// result is the same in every run, and the same as the CPU's: products and sums are rounded apart. One read of the sources, one write of
// the result. The lists lie on the device, where the host cannot check them: an entry that names no row is left out of sum and mean, and a
// segment reaches no further than the entries there are.
#pragma once
#include "device.cuh"
#include "winnow.h"

namespace merge_rows {

constexpr int kThreads = 128;

// grid: (n_seg, batch). `vector`: bases, strides and dim allow 16-byte accesses of src.
template <class T>
__global__ void __launch_bounds__(kThreads) kernel(wn_merge_desc d, bool vector) {
  constexpr int P = dev::kPack<T>;
  int s = int(blockIdx.x), b = int(blockIdx.y);
  const int32_t* begin = static_cast<const int32_t*>(d.seg_begin) + b * d.seg_begin_sb + s;
  const int32_t* source = static_cast<const int32_t*>(d.seg_src);
  const float* weight = static_cast<const float*>(d.seg_weight);
  const T* src = static_cast<const T*>(d.src) + b * d.src_sb;
  T* dst = static_cast<T*>(d.dst) + b * d.dst_sb + s * d.dst_sn;
  int first = max(begin[0], 0), last = min(begin[1], d.n_entry);
  float total = 0.0f;
  for (int e = first; e < last; ++e) {
    if (dev::within(source[e], d.n_rows)) total = __fadd_rn(total, weight ? weight[e] : 1.0f);
  }
  bool mean = d.normalise == WN_MERGE_MEAN;
  for (int c = int(threadIdx.x) * P; c < d.dim; c += kThreads * P) {
    float sum[P];
#pragma unroll
    for (int i = 0; i < P; ++i) sum[i] = 0.0f;
    for (int e = first; e < last; ++e) {
      int row = source[e];
      if (!dev::within(row, d.n_rows)) continue;
      float w = weight ? weight[e] : 1.0f, x[P];
      dev::load_pack(src + row * d.src_sn, c, d.dim, vector, x);
#pragma unroll
      for (int i = 0; i < P; ++i) sum[i] = __fadd_rn(sum[i], __fmul_rn(w, x[i]));
    }
#pragma unroll
    for (int i = 0; i < P; ++i) {
      float value = !mean ? sum[i] : total == 0.0f ? 0.0f : sum[i] / total;
      if (c + i < d.dim) dst[c + i] = dev::from_float<T>(value);
    }
  }
}

}  // namespace merge_rows
