// A CUDA library as a later version might have it: plugin_test sees it refused before a function of it is called.
#include "cuda_plugin.h"

extern "C" const wn_cuda_plugin* wn_cuda_plugin_get(void) {
  static const wn_cuda_plugin table = [] {
    wn_cuda_plugin later{};
    later.struct_size = sizeof later;
    later.abi_version = WN_ABI_VERSION + 1;
    return later;
  }();
  return &table;
}
