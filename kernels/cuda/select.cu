// Launch of the selection kernels.
#include "select.cuh"

#include "runtime.h"

namespace wn_cuda {

constexpr size_t kReserved = 1024;  // at least the kernel's static shared memory

KernelList select_kernels() {
  static const Kernel kernels[] = {
      WN_KERNEL(0, select_rows::warp_kernel<20>),
      WN_KERNEL(0, select_rows::warp_kernel<select_rows::kWarpItems>),
      WN_KERNEL(kAllShared, select_rows::block_kernel<true>),
      WN_KERNEL(0, select_rows::block_kernel<false>),
  };
  return {kernels, sizeof kernels / sizeof kernels[0]};
}

int64_t select_workspace(const wn_select_desc*) { return 0; }

int32_t select(const wn_cuda_device* device, const wn_select_desc* d, void*, void* stream) {
  if (d->rows == 0) return WN_OK;
  Call call(*device, "wn_select");
  if (!call.begun()) return call.status();
  unsigned warp_blocks = unsigned(ceil_div(d->rows, select_rows::kWarpBlock / 32));
  if (d->max_len <= 640) {
    WN_LAUNCH(select_rows::warp_kernel<20>, dim3(warp_blocks), dim3(select_rows::kWarpBlock), 0, stream, *d);
  } else if (d->max_len <= select_rows::kWarpMax) {
    WN_LAUNCH(select_rows::warp_kernel<select_rows::kWarpItems>, dim3(warp_blocks), dim3(select_rows::kWarpBlock), 0, stream, *d);
  } else {
    size_t bytes = size_t(d->max_len) * sizeof(unsigned);
    dim3 grid(unsigned(d->rows)), block(select_rows::kBlockThreads);
    if (bytes <= size_t(device->shared_bytes) - kReserved) {
      WN_LAUNCH(select_rows::block_kernel<true>, grid, block, bytes, stream, *d);
    } else {
      WN_LAUNCH(select_rows::block_kernel<false>, grid, block, 0, stream, *d);
    }
  }
  return call.finish();
}

}  // namespace wn_cuda
