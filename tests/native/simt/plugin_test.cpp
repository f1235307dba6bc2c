// The way from the public header to a CUDA plugin: absent, foreign and real libraries, then a call through a context. The plugin of this
// test is the emulated one, whose device memory is host memory.
// usage: plugin_test EMULATED_PLUGIN SOME_OTHER_LIBRARY PLUGIN_OF_ANOTHER_ABI
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "descriptors.h"
#include "emulated_runtime.h"

namespace {

int failures = 0;

void check(bool good, const char* what) {
  if (good) return;
  ++failures;
  std::fprintf(stderr, "FAILED %s; last error: %s\n", what, wn_last_error());
}

bool says(const char* text) { return std::strstr(wn_last_error(), text) != nullptr; }

std::vector<int32_t> top_four(wn_ctx* ctx) {
  std::vector<float> scores = {1, 9, 3, 9, 5, 0, 9, 2};
  std::vector<int32_t> keep(4, -1);
  int32_t count = -1;
  wn_select_desc d = testing::top_of(scores, 4);
  d.max_keep = int32_t(keep.size());
  d.keep = keep.data();
  d.keep_count = &count;
  int64_t bytes = wn_select_workspace(ctx, &d);
  std::vector<char> memory(size_t(bytes > 0 ? bytes : 0) + 256);
  char* workspace = memory.data() + (256 - reinterpret_cast<uintptr_t>(memory.data()) % 256) % 256;
  check(wn_select(ctx, &d, workspace, bytes, nullptr) == WN_OK && count == 4, "wn_select");
  d.k = -1;
  check(wn_select(ctx, &d, workspace, bytes, nullptr) == WN_EINVAL, "a negative k is refused before the device sees it");
  return keep;
}

// A context that cannot be made has the status of what stands in the way, and is NULL.
void refused_contexts(const char* emulated_plugin) {
  void* library = dlopen(emulated_plugin, RTLD_NOW | RTLD_NOLOAD);
  auto runtime_of = library ? reinterpret_cast<simt::RuntimeOfPlugin>(dlsym(library, simt::kRuntimeOfPlugin)) : nullptr;
  check(runtime_of != nullptr, "the runtime behind the plugin");
  if (!runtime_of) return;
  simt::Runtime& runtime = *runtime_of();
  const auto refused = [](int32_t status, int32_t ordinal, const char* text) {
    wn_ctx* ctx = reinterpret_cast<wn_ctx*>(1);
    check(wn_ctx_create(WN_CUDA, ordinal, &ctx) == status && ctx == nullptr && says(text), text);
  };
  refused(WN_EUNSUPPORTED, 2, "device 2");
  refused(WN_EUNSUPPORTED, 64, "ordinal = 64");
  runtime.last_error = cudaErrorMemoryAllocation;
  refused(WN_EDEVICE, 0, "pending before the call");
  runtime.last_error = cudaSuccess;
  runtime.loading_fails = cudaErrorNoKernelImageForDevice;
  refused(WN_EUNSUPPORTED, 0, "WINNOW_CUDA_ARCHITECTURES");
  runtime.loading_fails = cudaSuccess;
  runtime.devices = 0;
  check(wn_cuda_devices() == 0 && says("no CUDA-capable device"), "no device, and why");
  refused(WN_EUNSUPPORTED, 0, "no CUDA-capable device");
  runtime.devices = 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  check(wn_cuda_open("/no/such/library.so") == WN_EUNSUPPORTED && says("/no/such/library.so"), "an absent library is named");
  check(wn_cuda_open(argv[2]) == WN_EUNSUPPORTED && says("is not the CUDA library"), "a foreign library is told apart");
  check(wn_cuda_open(argv[3]) == WN_EUNSUPPORTED && says("is not the CUDA library of this version"), "and so is one of another ABI");
  check(wn_cuda_open(argv[1]) == WN_OK, "the plugin is opened");
  check(wn_cuda_open(argv[1]) == WN_OK, "opening it again is no fault");
  check(wn_cuda_open("/no/such/library.so") == WN_EUNSUPPORTED && says("already loaded"), "another path after that is an error");
  check(wn_cuda_devices() == 2, "it has two devices");
  wn_ctx *cuda = nullptr, *cpu = nullptr;
  refused_contexts(argv[1]);
  check(wn_ctx_create(WN_CUDA, 0, &cuda) == WN_OK, "a context on the device");
  check(wn_ctx_create(WN_CPU, 0, &cpu) == WN_OK, "a context on the CPU");
  if (cuda && cpu) check(top_four(cuda) == top_four(cpu) && top_four(cpu) == std::vector<int32_t>({1, 3, 4, 6}), "both choose the same");
  wn_ctx_destroy(cuda);
  wn_ctx_destroy(cpu);
  std::printf("plugin: %d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
