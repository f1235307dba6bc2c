// Launch of the selection kernels.
#include "select.cuh"

#include "runtime.h"

namespace wn_cuda {

constexpr size_t kReserved = 1024;  // for the kernel's static shared memory

int64_t select_workspace(const wn_select_desc*) { return 0; }

int32_t select(const wn_cuda_device* device, const wn_select_desc* d, void*, void* stream) {
  if (d->rows == 0) return WN_OK;
  DeviceScope scope(*device);
  unsigned warp_blocks = unsigned(ceil_div(d->rows, select_rows::kWarpBlock / 32));
  if (d->max_len <= 640) {
    WN_LAUNCH(select_rows::warp_kernel<20>, dim3(warp_blocks), dim3(select_rows::kWarpBlock), 0, stream, *d);
  } else if (d->max_len <= select_rows::kWarpMax) {
    WN_LAUNCH(select_rows::warp_kernel<select_rows::kWarpItems>, dim3(warp_blocks), dim3(select_rows::kWarpBlock), 0, stream, *d);
  } else {
    size_t bytes = size_t(d->max_len) * sizeof(unsigned);
    dim3 grid(unsigned(d->rows)), block(select_rows::kBlockThreads);
    size_t most = size_t(device->shared_bytes) - kReserved;
    if (bytes <= most) {
      WN_ALLOW_SHARED(select_rows::block_kernel<true>, most);
      WN_LAUNCH(select_rows::block_kernel<true>, grid, block, bytes, stream, *d);
    } else {
      WN_LAUNCH(select_rows::block_kernel<false>, grid, block, 0, stream, *d);
    }
  }
  return launched("wn_select");
}

}  // namespace wn_cuda
