// Runs the kernel cases of tests/native/simt on a CUDA device: plainly, and with every call captured in a graph first.
// usage: gpu_cases [small]; exit status 3: there is no GPU
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

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

}  // namespace

int main(int argc, char** argv) {
  bool small = argc > 1 && std::strcmp(argv[1], "small") == 0;
  const wn_cuda_plugin* plugin = wn_cuda_plugin_get();
  wn_cuda_device* device = nullptr;
  if (plugin->open(0, &device) != WN_OK) {
    std::fprintf(stderr, "no GPU found: %s\n", plugin->last_error());
    return kNoGpu;
  }
  struct Group {
    const char* name;
    void (*run)(cases::Machine&);
  };
  const Group groups[] = {{"select", cases::select_cases}, {"rows", cases::row_cases}, {"score", cases::score_cases},
                          {"similarity", cases::similarity_cases}, {"greedy", cases::greedy_cases}, {"lists", cases::list_cases}};
  int failures = 0;
  for (const Group& group : groups) {
    uint64_t first = 0;
    // Captured first, so that no kernel was launched before its first capture; then twice plainly: the same bits every time.
    for (int round = 0; round < 3; ++round) {
      GpuMachine machine(plugin, device, round == 0);
      machine.small = small;
      group.run(machine);
      if (round == 0) first = machine.digest;
      machine.check(machine.digest == first, std::string(group.name) + ": round " + std::to_string(round) + " gives other bits");
      failures += machine.failures;
      std::printf("%-10s %s: %d checks, %d failures\n", group.name, round == 0 ? "captured" : "plain   ", machine.checks, machine.failures);
    }
  }
  GpuMachine machine(plugin, device, false);
  agreement::run(machine, small ? 50 : 10000);
  failures += machine.failures;
  plugin->close(device);
  return failures == 0 ? 0 : 1;
}
