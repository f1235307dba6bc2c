// The real CUDA library, built but without a GPU or driver to use: it loads, and says what is missing. With a GPU: a context is made.
#include <cstdio>

#include "winnow.h"

int main() {
  int32_t opened = wn_cuda_open(nullptr), devices = wn_cuda_devices();
  wn_ctx* ctx = nullptr;
  int32_t created = wn_ctx_create(WN_CUDA, 0, &ctx);
  std::printf("opened: %d, devices: %d, context: %d, message: %s\n", opened, devices, created, wn_last_error());
  wn_ctx_destroy(ctx);
  if (opened != WN_OK) return 1;
  if (devices == 0) return created == WN_EUNSUPPORTED && wn_last_error()[0] != 0 ? 0 : 1;
  return created == WN_OK ? 0 : 1;
}
