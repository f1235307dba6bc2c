// Launch of the kernels that move rows: gather, in-place compaction, merge.
#include <cstddef>
#include <cstring>

#include "compact.cuh"
#include "gather.cuh"
#include "merge.cuh"
#include "runtime.h"

namespace wn_cuda {
namespace {

uint64_t bits(const void* p) { return reinterpret_cast<uintptr_t>(p); }

int log2_lanes(int words, int limit) {
  int log2 = 0;
  while ((1 << log2) < words && (1 << log2) < limit) ++log2;
  return log2;
}

template <class WORD>
void launch_gather(const wn_gather_desc& d, void* stream) {
  int words = d.row_bytes / int(sizeof(WORD));
  int lanes = log2_lanes(words, gather_rows::kThreads);
  int64_t per_block = gather_rows::kThreads >> lanes;
  wn_gather_desc part = d;
  for (int32_t b = 0; b < d.batch; b += kMostBlocks) {
    part.batch = d.batch - b < kMostBlocks ? d.batch - b : kMostBlocks;
    dim3 grid(unsigned(ceil_div(d.max_keep, per_block)), unsigned(part.batch));
    WN_LAUNCH(gather_rows::kernel<WORD>, grid, dim3(gather_rows::kThreads), 0, stream, part, words, lanes);
    part.src = static_cast<const char*>(part.src) + kMostBlocks * d.src_sb;
    part.dst = static_cast<char*>(part.dst) + kMostBlocks * d.dst_sb;
    part.keep = static_cast<const int32_t*>(part.keep) + kMostBlocks * d.keep_s;
    if (part.keep_count) part.keep_count = static_cast<const int32_t*>(part.keep_count) + kMostBlocks;
  }
}

template <class WORD>
void launch_compact(const wn_kv_desc& d, void* stream) {
  int words = d.row_bytes / int(sizeof(WORD));
  int lanes = log2_lanes(words, compact_rows::kMaxLanes);
  int64_t groups = ceil_div(words, 1 << lanes);
  compact_rows::Planes planes;
  for (int32_t p = 0; p < d.n_planes; p += compact_rows::kPlanesPerLaunch) {
    int32_t count = d.n_planes - p < compact_rows::kPlanesPerLaunch ? d.n_planes - p : compact_rows::kPlanesPerLaunch;
    std::memset(&planes, 0, sizeof planes);
    std::memcpy(planes.address, d.plane_addr + p, sizeof(int64_t) * size_t(count));
    planes.first = p;
    dim3 grid(unsigned(int64_t(count) * d.batch * d.heads), unsigned(groups < kMostBlocks ? groups : kMostBlocks));
    WN_LAUNCH(compact_rows::kernel<WORD>, grid, dim3(compact_rows::kThreads), 0, stream, planes, d, words, lanes);
  }
}

template <class T>
void launch_merge(const wn_merge_desc& d, void* stream) {
  uint64_t size = sizeof(T);
  bool vector = common_width(16, bits(d.src) | size * uint64_t(d.src_sb) | size * uint64_t(d.src_sn)) == 16;
  wn_merge_desc part = d;
  for (int32_t b = 0; b < d.batch; b += kMostBlocks) {
    part.batch = d.batch - b < kMostBlocks ? d.batch - b : kMostBlocks;
    WN_LAUNCH(merge_rows::kernel<T>, dim3(unsigned(d.n_seg), unsigned(part.batch)), dim3(merge_rows::kThreads), 0, stream, part, vector);
    part.src = static_cast<const T*>(part.src) + kMostBlocks * d.src_sb;
    part.dst = static_cast<T*>(part.dst) + kMostBlocks * d.dst_sb;
    part.seg_begin = static_cast<const int32_t*>(part.seg_begin) + kMostBlocks * d.seg_begin_sb;
  }
}

}  // namespace

KernelList row_kernels() {
  static const Kernel kernels[] = {
      WN_KERNEL(0, gather_rows::kernel<uint4>),      WN_KERNEL(0, gather_rows::kernel<uint2>),
      WN_KERNEL(0, gather_rows::kernel<uint32_t>),   WN_KERNEL(0, gather_rows::kernel<uint16_t>),
      WN_KERNEL(0, gather_rows::kernel<uint8_t>),    WN_KERNEL(0, compact_rows::kernel<uint4>),
      WN_KERNEL(0, compact_rows::kernel<uint2>),     WN_KERNEL(0, compact_rows::kernel<uint32_t>),
      WN_KERNEL(0, compact_rows::kernel<uint16_t>),  WN_KERNEL(0, compact_rows::kernel<uint8_t>),
      WN_KERNEL(0, merge_rows::kernel<float>),       WN_KERNEL(0, merge_rows::kernel<dev::F16>),
      WN_KERNEL(0, merge_rows::kernel<dev::BF16>),
  };
  return {kernels, sizeof kernels / sizeof kernels[0]};
}

int32_t gather_rows(const wn_cuda_device* device, const wn_gather_desc* d, void* stream) {
  if (d->batch == 0 || d->max_keep == 0) return WN_OK;
  Call call(*device, "wn_gather_rows");
  if (!call.begun()) return call.status();
  uint64_t combined = bits(d->src) | bits(d->dst) | uint64_t(d->src_sb) | uint64_t(d->src_sn) | uint64_t(d->dst_sb) | uint64_t(d->dst_sn);
  switch (common_width(16, combined | uint64_t(d->row_bytes))) {
    case 16: launch_gather<uint4>(*d, stream); break;
    case 8: launch_gather<uint2>(*d, stream); break;
    case 4: launch_gather<uint32_t>(*d, stream); break;
    case 2: launch_gather<uint16_t>(*d, stream); break;
    default: launch_gather<uint8_t>(*d, stream); break;
  }
  return call.finish();
}

int32_t kv_compact(const wn_cuda_device* device, const wn_kv_desc* d, void* stream) {
  if (d->n_planes == 0 || d->batch == 0 || d->heads == 0 || d->max_keep == 0) return WN_OK;
  if (times({compact_rows::kPlanesPerLaunch, d->batch, d->heads}) > 0x7fffffff) {
    return refuse(WN_EUNSUPPORTED, "wn_kv_compact: batch times heads is too large for one launch; call once per batch row");
  }
  Call call(*device, "wn_kv_compact");
  if (!call.begun()) return call.status();
  uint64_t combined = uint64_t(d->sb) | uint64_t(d->sh) | uint64_t(d->sn) | uint64_t(d->row_bytes);
  for (int32_t p = 0; p < d->n_planes; ++p) combined |= uint64_t(d->plane_addr[p]);
  switch (common_width(16, combined)) {
    case 16: launch_compact<uint4>(*d, stream); break;
    case 8: launch_compact<uint2>(*d, stream); break;
    case 4: launch_compact<uint32_t>(*d, stream); break;
    case 2: launch_compact<uint16_t>(*d, stream); break;
    default: launch_compact<uint8_t>(*d, stream); break;
  }
  return call.finish();
}

int32_t merge_rows(const wn_cuda_device* device, const wn_merge_desc* d, void* stream) {
  if (d->batch == 0 || d->n_seg == 0) return WN_OK;
  Call call(*device, "wn_merge_rows");
  if (!call.begun()) return call.status();
  switch (d->dtype) {
    case WN_F32: launch_merge<float>(*d, stream); break;
    case WN_F16: launch_merge<dev::F16>(*d, stream); break;
    default: launch_merge<dev::BF16>(*d, stream); break;
  }
  return call.finish();
}

}  // namespace wn_cuda
