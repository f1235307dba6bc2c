// Runs the kernel cases of tests/native/simt on a CUDA device: plainly, and with every call captured in a graph first.
// usage: gpu_cases [small] [GROUP...], all groups where none is named; exit status 2: no such group, 3: there is no GPU
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "agreement.h"
#include "harness.h"

namespace {

constexpr int kNoGpu = 3;  // exit status

void must(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "FAILED %s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

class GpuMachine : public cases::Machine {
 public:
  GpuMachine(const wn_cuda_plugin* plugin, wn_cuda_device* device, bool capture) : Machine(plugin, device), capture_(capture) {
    must(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream");
  }
  ~GpuMachine() override { cudaStreamDestroy(stream_); }

  void* allocate(size_t bytes) override {
    void* memory = nullptr;
    must(cudaMalloc(&memory, bytes > 0 ? bytes : 1), "cudaMalloc");
    return memory;
  }
  void release(void* memory) override {
    must(cudaDeviceSynchronize(), "kernels");
    must(cudaFree(memory), "cudaFree");
  }
  void upload(void* to, const void* from, size_t bytes) override {
    must(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "upload");
    must(cudaDeviceSynchronize(), "upload");  // the cases' stream does not wait for the default one
  }
  void download(void* to, const void* from, size_t bytes) override {
    must(cudaStreamSynchronize(stream_), "kernels");
    must(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "download");
  }
  int32_t launch(const std::function<int32_t(void*)>& call) override {
    if (!capture_) return call(stream_);
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    must(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), "begin capture");
    int32_t status = call(stream_);
    must(cudaStreamEndCapture(stream_, &graph), "end capture");
    must(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
    must(cudaGraphLaunch(executable, stream_), "graph launch");
    must(cudaStreamSynchronize(stream_), "graph");
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
    return status;
  }

 private:
  bool capture_;
  cudaStream_t stream_ = nullptr;
};

struct Group {
  const char* name;
  void (*run)(cases::Machine&);
};

const Group kGroups[] = {{"select", cases::select_cases}, {"rows", cases::row_cases}, {"score", cases::score_cases},
                         {"similarity", cases::similarity_cases}, {"greedy", cases::greedy_cases}, {"lists", cases::list_cases},
                         {"huge", cases::huge_row_cases}};
constexpr const char* kAgreement = "agreement";  // CPU against GPU, through winnow.h

// Captured first, so that no kernel was launched before its first capture; then twice plainly: the same bits every time.
int failures_of(const Group& group, const wn_cuda_plugin* plugin, wn_cuda_device* device, bool small) {
  int failures = 0;
  uint64_t first = 0;
  for (int round = 0; round < 3; ++round) {
    GpuMachine machine(plugin, device, round == 0);
    machine.small = small;
    group.run(machine);
    if (round == 0) first = machine.digest;
    machine.check(machine.digest == first, std::string(group.name) + ": round " + std::to_string(round) + " gives other bits");
    failures += machine.failures;
    std::printf("%-10s %s: %d checks, %d failures\n", group.name, round == 0 ? "captured" : "plain   ", machine.checks, machine.failures);
  }
  return failures;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // what was found is told even where a later case hangs and is killed
  bool small = argc > 1 && std::strcmp(argv[1], "small") == 0;
  const std::vector<std::string> named(argv + (small ? 2 : 1), argv + argc);
  for (const std::string& name : named) {
    bool known = name == kAgreement;
    for (const Group& group : kGroups) known = known || name == group.name;
    if (known) continue;
    std::fprintf(stderr, "gpu_cases: no group is called '%s'\n", name.c_str());
    return 2;
  }
  auto wanted = [&](const char* name) { return named.empty() || std::find(named.begin(), named.end(), name) != named.end(); };
  const wn_cuda_plugin* plugin = wn_cuda_plugin_get();
  wn_cuda_device* device = nullptr;
  if (plugin->open(0, &device) != WN_OK) {
    std::fprintf(stderr, "no GPU found: %s\n", plugin->last_error());
    return kNoGpu;
  }
  int failures = 0;
  for (const Group& group : kGroups) {
    if (wanted(group.name)) failures += failures_of(group, plugin, device, small);
  }
  if (wanted(kAgreement)) {
    GpuMachine machine(plugin, device, false);
    agreement::run(machine, small ? 50 : 10000);
    failures += machine.failures;
  }
  plugin->close(device);
  return failures == 0 ? 0 : 1;
}
