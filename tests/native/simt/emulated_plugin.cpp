// The CUDA plugin compiled for the emulator: its kernels, its launch code and its use of the runtime, unchanged, over an emulated runtime.
// -DWN_SIMT is set for this file.
#include <algorithm>

#include "greedy.cu"
#include "rows.cu"
#include "runtime.cu"
#include "score.cu"
#include "select.cu"
#include "sim.cu"
