// The CPU's table of functions.
#include <cstring>
#include <new>

#include "context.h"
#include "reference/greedy.h"
#include "reference/rows.h"
#include "reference/score.h"
#include "reference/select.h"
#include "reference/similarity.h"
#include "status.h"

namespace wn {
namespace {

/** Runs work that may allocate; no exception crosses the C border. */
template <typename Work>
int32_t guarded(const char* function, Work work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(WN_ENOMEM, "%s: no memory", function);
  }
}

int32_t select_rows(const wn_ctx&, const wn_select_desc& d, void*, void*) {
  return guarded("wn_select", [&] {
    const int row = ref::select(d);
    return row < 0 ? WN_OK : fail(WN_EINVAL, "wn_select: max_keep = %d is too small for row %d", d.max_keep, row);
  });
}

template <typename Desc, void (*Run)(const Desc&)>
int32_t run(const wn_ctx&, const Desc& d, void*) {
  return guarded("winnow", [&] {
    Run(d);
    return static_cast<int32_t>(WN_OK);
  });
}

template <typename Desc, void (*Run)(const Desc&)>
int32_t run(const wn_ctx& ctx, const Desc& d, void*, void* stream) {
  return run<Desc, Run>(ctx, d, stream);
}

template <typename Desc>
int64_t none(const Desc&) {
  return 0;
}

}  // namespace

const Device& cpu_device() {
  static const Device device = {
      none<wn_score_desc>,  run<wn_score_desc, ref::score>,         none<wn_sim_desc>,
      run<wn_sim_desc, ref::sim>,   none<wn_greedy_desc>,           run<wn_greedy_desc, ref::greedy>,
      none<wn_select_desc>, select_rows,                            run<wn_gather_desc, ref::gather_rows>,
      run<wn_kv_desc, ref::kv_compact>, run<wn_merge_desc, ref::merge_rows>,
  };
  return device;
}

}  // namespace wn

extern "C" {

const char* wn_cpu_tier(void) { return "portable"; }

const char* wn_cpu_tiers(void) { return "portable"; }

int32_t wn_set_cpu_tier(const char* name) {
  WN_REQUIRE(name && std::strcmp(name, "portable") == 0, "wn_set_cpu_tier: no tier is named %s", name ? name : "NULL");
  return WN_OK;
}

}  // extern "C"
