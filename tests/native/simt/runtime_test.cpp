// native/cuda/runtime.cu over the emulated runtime: every kernel is loaded when a device is opened, for that device, and errors are told
// apart: those from before a call, those of kernels that ran earlier, and the call's own.
// usage: runtime_test BUDGET, the file that lists every compiled kernel
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "descriptors.h"
#include "emulated_runtime.h"
#include "engine.h"
#include "runtime.h"

namespace {

int failures = 0;
const wn_cuda_plugin* plugin = wn_cuda_plugin_get();

void check(bool good, const char* what) {
  if (good) return;
  ++failures;
  std::fprintf(stderr, "FAILED %s; last error: %s\n", what, plugin->last_error());
}

bool says(const char* text) { return std::strstr(plugin->last_error(), text) != nullptr; }

// Top 10 of a row that only the kernel with more than 48 KiB of shared memory takes.
int32_t long_selection(const wn_cuda_device* device) {
  static std::vector<float> scores(20000, 0.5f);
  std::vector<int32_t> keep(10, -1);
  int32_t count = -1;
  wn_select_desc d = testing::top_of(scores, 10);
  d.max_keep = int32_t(keep.size());
  d.keep = keep.data();
  d.keep_count = &count;
  uint64_t before = simt::statistics().launches;
  int32_t status = plugin->select(device, &d, nullptr, nullptr);
  bool launched = simt::statistics().launches > before;
  check(launched == (status == WN_OK) && (count == 10) == launched, "a refused call launches nothing, any other does its work");
  return status;
}

int kernels_in(const char* budget) {
  std::ifstream file(budget);
  int lines = 0;
  for (std::string line; std::getline(file, line);) lines += !line.empty() && line[0] != '#';
  return lines;
}

void lists(const char* budget) {
  std::set<const void*> kernels;
  int entries = 0;
  for (wn_cuda::KernelList list : {wn_cuda::row_kernels(), wn_cuda::select_kernels(), wn_cuda::score_kernels(), wn_cuda::sim_kernels(),
                                   wn_cuda::greedy_kernels()}) {
    for (const wn_cuda::Kernel& kernel : list) {
      check(kernels.insert(kernel.function).second, kernel.name);
      ++entries;
    }
  }
  check(entries == kernels_in(budget), "as many kernels are listed as are compiled");
  check(simt::runtime().loaded == 0, "nothing is loaded before a device is opened");
}

void devices() {
  wn_cuda_device *first = nullptr, *second = nullptr;
  simt::runtime().loading_fails = cudaErrorNoKernelImageForDevice;
  check(plugin->open(0, &first) == WN_EUNSUPPORTED && !first && says("WINNOW_CUDA_ARCHITECTURES"), "a build for another architecture");
  simt::runtime().loading_fails = cudaErrorStreamCaptureUnsupported;
  check(plugin->open(0, &first) == WN_EUNSUPPORTED && !first && says("before the capture"), "a context made inside a capture");
  simt::runtime().loading_fails = cudaSuccess;
  check(cudaPeekAtLastError() == cudaSuccess, "what was reported is not left pending");
  simt::runtime().major = 7;
  check(plugin->open(0, &first) == WN_EUNSUPPORTED && !first && says("8.0"), "a device that is too old");
  simt::runtime().major = 9;
  check(plugin->open(2, &first) == WN_EUNSUPPORTED && !first && says("there are 2"), "a device that is not there");

  check(plugin->open(0, &first) == WN_OK && simt::runtime().loaded > 70 && simt::runtime().allowed > 10, "the first device");
  check(simt::runtime().device == 0, "the current device is as before");
  check(first && long_selection(first) == WN_OK, "a selection on the first device");
  int loaded = simt::runtime().loaded, allowed = simt::runtime().allowed;
  check(plugin->open(1, &second) == WN_OK && simt::runtime().loaded == 2 * loaded && simt::runtime().allowed == 2 * allowed,
        "the second device: loaded and allowed as much");
  check(simt::runtime().device == 0, "the current device is as before");
  check(second && long_selection(second) == WN_OK, "a selection on the second device");
  check(simt::runtime().device == 0 && simt::runtime().loaded == 2 * loaded, "calls load nothing and leave the first device current");
  plugin->close(second);
  plugin->close(first);
}

void errors() {
  wn_cuda_device* device = nullptr;
  check(plugin->open(0, &device) == WN_OK, "a device");
  simt::Runtime& runtime = simt::runtime();

  runtime.last_error = cudaErrorMemoryAllocation;
  check(long_selection(device) == WN_EDEVICE && says("wn_select") && says("out of memory") && says("pending before the call"),
        "an error of before is told as such");
  check(runtime.last_error == cudaErrorMemoryAllocation, "and left to its owner");
  check(plugin->open(0, &device) == WN_EDEVICE && says("pending"), "also where a device is opened");
  cudaGetLastError();
  check(long_selection(device) == WN_OK, "once it has been taken, calls go on");

  runtime.broken = cudaErrorIllegalAddress;
  check(long_selection(device) == WN_EDEVICE && says("illegal memory access") && says("launched earlier") && says("started anew"),
        "a kernel that failed earlier is not this call's fault");
  runtime.broken = cudaSuccess;

  {
    wn_cuda::Call call(*device, "wn_test");
    check(call.begun(), "a call begins");
    runtime.last_error = cudaErrorInvalidValue;  // as a launch leaves it
    check(call.finish() == WN_EDEVICE && says("wn_test: CUDA: another error") && !says("earlier"), "the call's own error");
    check(runtime.last_error == cudaSuccess, "which is not left pending");
  }
  {
    wn_cuda::Call call(*device, "wn_test");
    runtime.last_error = cudaErrorIllegalAddress;
    check(call.finish() == WN_EDEVICE && says("launched earlier"), "a failed kernel that shows at a launch");
  }
  {
    wn_cuda_device gone{7, 4, 1024};
    wn_cuda::Call call(gone, "wn_test");
    check(!call.begun() && call.status() == WN_EDEVICE && runtime.device == 0, "a device that cannot be made current");
  }
  runtime.devices = 0;
  check(plugin->device_count() == 0 && says("no CUDA-capable device") && runtime.last_error == cudaSuccess, "no device at all");
  runtime.devices = 2;
  plugin->close(device);
}

// At the largest counts that the border lets through, what no grid holds is refused before anything is read, and sizes of memory that
// nobody has are still numbers.
void sizes() {
  constexpr int32_t most = (1 << 30) - 1;
  wn_cuda_device* device = nullptr;
  check(plugin->open(0, &device) == WN_OK, "a device");
  uint64_t before = simt::statistics().launches;
  wn_kv_desc kv;
  std::memset(&kv, 0, sizeof kv);
  kv.n_planes = kv.row_bytes = kv.n_rows = kv.max_keep = 1;
  kv.batch = kv.heads = most;
  check(plugin->kv_compact(device, &kv, nullptr) == WN_EUNSUPPORTED && says("batch times heads"), "too many planes");
  wn_score_desc score;
  std::memset(&score, 0, sizeof score);
  score.batch = score.heads_q = score.heads_kv = score.n_query = score.max_key = score.key_count = most;
  score.head_dim = 128;
  check(plugin->score_workspace(&score) >= wn_cuda::kNoMemory, "scores that need more memory than there is");
  check(plugin->score(device, &score, nullptr, nullptr) == WN_EUNSUPPORTED && says("split the call"), "and are refused");
  wn_sim_desc sim;
  std::memset(&sim, 0, sizeof sim);
  sim.batch = sim.n = sim.n_pivot = sim.dim = most;
  for (int dtype : {WN_F32, WN_BF16}) {
    for (int op : {WN_SIM_ARGMAX, WN_SIM_TOPM, WN_SIM_PIVOTS}) {
      sim.dtype = dtype;
      sim.op = op;
      check(plugin->sim_workspace(&sim) >= 0, "similarities that need more memory than there is");
    }
  }
  check(plugin->sim(device, &sim, nullptr, nullptr) == WN_EUNSUPPORTED, "and are refused");
  wn_greedy_desc greedy;
  std::memset(&greedy, 0, sizeof greedy);
  greedy.batch = greedy.n = greedy.dim = greedy.k = greedy.matrix_rows = most;
  for (int objective : {WN_MAX_MIN, WN_DPP, WN_COVERAGE}) {
    greedy.objective = objective;
    check(plugin->greedy_workspace(&greedy) >= wn_cuda::kNoMemory, "choices that need more memory than there is");
  }
  check(plugin->greedy(device, &greedy, nullptr, nullptr) == WN_EUNSUPPORTED, "and are refused");
  greedy.batch = greedy.dim = greedy.k = 1;
  greedy.n = most;
  greedy.dtype = WN_BF16;
  for (int objective : {WN_MAX_MIN, WN_COVERAGE}) {
    greedy.objective = objective;
    check(plugin->greedy(device, &greedy, nullptr, nullptr) == WN_EUNSUPPORTED && says("batch or n"), "more tiles than a grid has");
  }
  check(simt::statistics().launches == before, "nothing is launched");

  // What an operation does not use does not count.
  std::vector<float> x(4 * 3, 1.0f);
  float mean = -9.0f;
  std::memset(&sim, 0, sizeof sim);
  sim.op = WN_SIM_WINDOWS;
  sim.batch = 1;
  sim.n = 4;
  sim.dim = 3;
  sim.n_pivot = most;
  sim.win_h = sim.win_w = sim.grid_w = 2;
  sim.x = x.data();
  sim.x_sn = 3;
  sim.out_val = &mean;
  check(plugin->sim(device, &sim, nullptr, nullptr) == WN_OK && mean > 0.99f && mean < 1.01f, "windows, whatever n_pivot holds");
  plugin->close(device);
}

// A choice takes a launch; places that no row is left for take none.
void launches() {
  wn_cuda_device* device = nullptr;
  check(plugin->open(0, &device) == WN_OK, "a device");
  std::vector<float> x = {1, 0, 0, 1, 1, 1}, gain(2000, -9.0f);
  std::vector<int32_t> chosen(2000, -9), expected(2000, -1);
  std::copy_n(std::vector<int32_t>{0, 1, 2}.data(), 3, expected.data());
  wn_greedy_desc d = testing::subset_of(WN_DPP, WN_F32, 3, 2, int(chosen.size()), x.data());
  d.flags = WN_GREEDY_ASCENDING;
  d.out_idx = chosen.data();
  d.out_gain = gain.data();
  int64_t bytes = plugin->greedy_workspace(&d);
  check(bytes > 0 && bytes <= 16 * wn_cuda::kWorkspaceAlign, "the workspace knows no more choices than there are rows");
  std::vector<char> memory(size_t(bytes) + 256);
  char* workspace = memory.data() + (256 - reinterpret_cast<uintptr_t>(memory.data()) % 256) % 256;
  uint64_t before = simt::statistics().launches;
  check(plugin->greedy(device, &d, workspace, nullptr) == WN_OK, "2000 of three rows");
  check(simt::statistics().launches - before == 1 + 4 + 1, "a first launch, one for each row and one more, and the order");
  check(chosen == expected && gain[2] >= 0.0f && gain[3] == 0.0f && gain[1999] == 0.0f, "all rows, then nothing");
  plugin->close(device);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  lists(argv[1]);
  devices();
  errors();
  sizes();
  launches();
  std::printf("runtime: %d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
