// What a test may make of the emulated runtime.
#pragma once
#include "cuda_runtime.h"

namespace simt {

struct Runtime {
  int devices = 2, device = 0;               // how many, which is current
  int major = 9;                             // compute capability
  cudaError_t last_error = cudaSuccess;      // as the runtime remembers it, until it is taken
  cudaError_t broken = cudaSuccess;          // what every call answers from now on
  cudaError_t loading_fails = cudaSuccess;   // what loading a kernel answers
  int loaded = 0, allowed = 0;               // kernels loaded, and allowed more shared memory, since the start
};
Runtime& runtime();

/** The runtime of an emulated plugin that was loaded as a library: the name of the function and what it is. */
constexpr const char* kRuntimeOfPlugin = "simt_runtime_of_plugin";
using RuntimeOfPlugin = Runtime* (*)();

}  // namespace simt
