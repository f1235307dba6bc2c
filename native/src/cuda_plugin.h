/*
 * cuda_plugin.h - what libwinnow and libwinnow_cuda.so agree on.
 *
 * The CUDA library is opened on demand (dlopen), exports the one function wn_cuda_plugin_get and needs no symbol of libwinnow: a JVM
 * loads libwinnow with RTLD_LOCAL. Descriptors are those of winnow.h and arrive checked: everything the host can know (sizes, enums,
 * strides, null pointers) has been refused by libwinnow's border before a plugin function runs.
 */
#ifndef WINNOW_CUDA_PLUGIN_H
#define WINNOW_CUDA_PLUGIN_H

#include "winnow.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One device as the plugin sees it: limits that choose launch shapes. Made by open, freed by close. */
typedef struct wn_cuda_device wn_cuda_device;

typedef struct wn_cuda_plugin {
  int32_t struct_size;
  int32_t abi_version; /* WN_ABI_VERSION that the plugin was built with */
  /* Message of the calling thread's last failed plugin call; never NULL. */
  const char* (*last_error)(void);
  /* Number of devices, 0 when there is no driver (last_error then says why). */
  int32_t (*device_count)(void);
  int32_t (*open)(int32_t ordinal, wn_cuda_device** out);
  void (*close)(wn_cuda_device* device);

  /* The calls of winnow.h, with a workspace that is large enough and aligned to 256 bytes. All calls are asynchronous on `stream`. */
  int64_t (*score_workspace)(const wn_score_desc*);
  int32_t (*score)(const wn_cuda_device*, const wn_score_desc*, void* workspace, void* stream);
  int64_t (*sim_workspace)(const wn_sim_desc*);
  int32_t (*sim)(const wn_cuda_device*, const wn_sim_desc*, void* workspace, void* stream);
  int64_t (*greedy_workspace)(const wn_greedy_desc*);
  int32_t (*greedy)(const wn_cuda_device*, const wn_greedy_desc*, void* workspace, void* stream);
  int64_t (*select_workspace)(const wn_select_desc*);
  int32_t (*select)(const wn_cuda_device*, const wn_select_desc*, void* workspace, void* stream);
  int32_t (*gather_rows)(const wn_cuda_device*, const wn_gather_desc*, void* stream);
  int32_t (*kv_compact)(const wn_cuda_device*, const wn_kv_desc*, void* stream);
  int32_t (*merge_rows)(const wn_cuda_device*, const wn_merge_desc*, void* stream);
} wn_cuda_plugin;

/* The only exported symbol. */
WN_API const wn_cuda_plugin* wn_cuda_plugin_get(void);

#ifdef __cplusplus
}
#endif
#endif
