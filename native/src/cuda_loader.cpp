// Finds the CUDA library. Its absence is an answer: the CPU goes on working.
#include <dlfcn.h>

#include <array>
#include <mutex>
#include <string>

#include "context.h"
#include "cuda_plugin.h"
#include "status.h"

namespace wn {
namespace {

constexpr int max_devices = 64;

std::mutex lock;
const wn_cuda_plugin* plugin = nullptr;
std::string loaded_from;
// Opened once per device and kept while the process lives, as is the library: kernels may still be running on some stream.
std::array<wn_cuda_device*, max_devices> opened{};

/** libwinnow_cuda.so beside this library. */
std::string beside_this_library() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void*>(&wn_cuda_open), &info) || !info.dli_fname) return "libwinnow_cuda.so";
  const std::string self = info.dli_fname;
  const size_t slash = self.rfind('/');
  return slash == std::string::npos ? "libwinnow_cuda.so" : self.substr(0, slash + 1) + "libwinnow_cuda.so";
}

/** Loads the plugin if it is not there yet. Whoever names a path gets that library or an error. The lock is held. */
int32_t load(const char* path) {
  if (plugin && (!path || loaded_from == path)) return WN_OK;
  if (plugin) return fail(WN_EUNSUPPORTED, "wn_cuda_open: the CUDA library is already loaded from %s", loaded_from.c_str());
  const std::string file = path ? path : beside_this_library();
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail(WN_EUNSUPPORTED, "the CUDA library cannot be loaded (%s); use the CPU, or build with nvcc on the PATH",
      dlerror());
  using get_function = const wn_cuda_plugin* (*)();
  const auto get = reinterpret_cast<get_function>(dlsym(library, "wn_cuda_plugin_get"));
  const wn_cuda_plugin* found = get ? get() : nullptr;
  if (!found || found->struct_size != static_cast<int32_t>(sizeof(wn_cuda_plugin)) || found->abi_version != WN_ABI_VERSION) {
    dlclose(library);
    return fail(WN_EUNSUPPORTED, "%s is not the CUDA library of this version (ABI %d); install the two from one build", file.c_str(),
        WN_ABI_VERSION);
  }
  plugin = found;
  loaded_from = file;
  return WN_OK;
}

/** Hands on the plugin's message, which lives in the plugin's own thread-local storage. */
int32_t relay(int32_t status) { return status == WN_OK ? WN_OK : fail(status, "%s", plugin->last_error()); }

const wn_cuda_device* device_of(const wn_ctx& ctx) { return opened[static_cast<size_t>(ctx.ordinal)]; }

const Device cuda_table = {
    [](const wn_score_desc& d) { return plugin->score_workspace(&d); },
    [](const wn_ctx& c, const wn_score_desc& d, void* w, void* s) { return relay(plugin->score(device_of(c), &d, w, s)); },
    [](const wn_sim_desc& d) { return plugin->sim_workspace(&d); },
    [](const wn_ctx& c, const wn_sim_desc& d, void* w, void* s) { return relay(plugin->sim(device_of(c), &d, w, s)); },
    [](const wn_greedy_desc& d) { return plugin->greedy_workspace(&d); },
    [](const wn_ctx& c, const wn_greedy_desc& d, void* w, void* s) { return relay(plugin->greedy(device_of(c), &d, w, s)); },
    [](const wn_select_desc& d) { return plugin->select_workspace(&d); },
    [](const wn_ctx& c, const wn_select_desc& d, void* w, void* s) { return relay(plugin->select(device_of(c), &d, w, s)); },
    [](const wn_ctx& c, const wn_gather_desc& d, void* s) { return relay(plugin->gather_rows(device_of(c), &d, s)); },
    [](const wn_ctx& c, const wn_kv_desc& d, void* s) { return relay(plugin->kv_compact(device_of(c), &d, s)); },
    [](const wn_ctx& c, const wn_merge_desc& d, void* s) { return relay(plugin->merge_rows(device_of(c), &d, s)); },
};

}  // namespace

int32_t open_cuda_device(int32_t ordinal, const Device** table) {
  const std::lock_guard<std::mutex> guard(lock);
  WN_CHECK(load(nullptr));
  if (ordinal >= max_devices) {
    return fail(WN_EUNSUPPORTED, "wn_ctx_create: ordinal = %d, at most %d devices are supported", ordinal, max_devices);
  }
  wn_cuda_device*& device = opened[static_cast<size_t>(ordinal)];
  if (!device) WN_CHECK(relay(plugin->open(ordinal, &device)));
  *table = &cuda_table;
  return WN_OK;
}

}  // namespace wn

extern "C" {

int32_t wn_cuda_open(const char* path) {
  const std::lock_guard<std::mutex> guard(wn::lock);
  return wn::load(path);
}

int32_t wn_cuda_devices(void) {
  const std::lock_guard<std::mutex> guard(wn::lock);
  if (wn::load(nullptr) != WN_OK) return 0;
  const int32_t count = wn::plugin->device_count();
  if (count == 0) wn::fail(WN_EUNSUPPORTED, "%s", wn::plugin->last_error());
  return count;
}

}  // extern "C"
