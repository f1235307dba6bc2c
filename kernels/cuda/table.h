// The function table that the plugin hands out; the same for the real and the emulated runtime.
#pragma once
#include "runtime.h"

namespace wn_cuda {

const char* last_error();
int32_t device_count();
int32_t open(int32_t ordinal, wn_cuda_device** out);
void close(wn_cuda_device* device);

inline constexpr wn_cuda_plugin kTable = {
    sizeof(wn_cuda_plugin), WN_ABI_VERSION, last_error,       device_count, open,   close,       score_workspace, score,     sim_workspace,
    sim,                    greedy_workspace, greedy,         select_workspace,     select,      gather_rows,     kv_compact, merge_rows,
};

}  // namespace wn_cuda
