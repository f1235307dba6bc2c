// The context behind wn_ctx and the table of functions through which a device does the work.
#pragma once

#include <cstdint>

#include "winnow.h"

namespace wn {

/**
 * What a device implements. Descriptors arrive checked and never empty of work; workspaces are large enough. Functions return a
 * wn_status and record their message with fail(). The CPU's functions find in host arrays nothing that was not checked before.
 */
struct Device {
  int64_t (*score_workspace)(const wn_score_desc&);
  int32_t (*score)(const wn_ctx&, const wn_score_desc&, void* workspace, void* stream);
  int64_t (*sim_workspace)(const wn_sim_desc&);
  int32_t (*sim)(const wn_ctx&, const wn_sim_desc&, void* workspace, void* stream);
  int64_t (*greedy_workspace)(const wn_greedy_desc&);
  int32_t (*greedy)(const wn_ctx&, const wn_greedy_desc&, void* workspace, void* stream);
  int64_t (*select_workspace)(const wn_select_desc&);
  int32_t (*select)(const wn_ctx&, const wn_select_desc&, void* workspace, void* stream);
  int32_t (*gather_rows)(const wn_ctx&, const wn_gather_desc&, void* stream);
  int32_t (*kv_compact)(const wn_ctx&, const wn_kv_desc&, void* stream);
  int32_t (*merge_rows)(const wn_ctx&, const wn_merge_desc&, void* stream);
};

class Pool;

/** WN_OK if there is a CPU tier to use; otherwise the failure says what WINNOW_CPU_TIER asks for and what the machine has. */
int32_t check_cpu_tier(const char* function);

/** The table of the CPU tier now in use (kernels/cpu). No CPU context exists without one. */
const Device& cpu_device();

/** Opens the device of a CUDA ordinal, once in the process, and hands out the CUDA library's table. */
int32_t open_cuda_device(int32_t ordinal, const Device** table);

}  // namespace wn

struct wn_ctx {
  int32_t device;
  int32_t ordinal;
  int32_t threads;
  wn::Pool* pool;                // threads - 1 parked workers, or NULL
  wn_parallel_for parallel_for;  // the caller's threads, or NULL
  void* parallel_user;
  const wn::Device* cuda;        // CUDA contexts only

  const wn::Device& work() const { return cuda ? *cuda : wn::cpu_device(); }
};
