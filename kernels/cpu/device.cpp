// Which CPU implementation runs: the best that the machine can, or the one that WINNOW_CPU_TIER or wn_set_cpu_tier names.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

#include "status.h"
#include "tier.h"

namespace wn {
namespace {

bool always() { return true; }

#ifdef WN_X86
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("popcnt"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
}
bool has_avx512bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }
#endif

// Worst first.
const Tier tiers[] = {
    {"portable", always, &portable_device},
#ifdef WN_X86
    {"avx2", has_avx2, &avx2_device},
    {"avx512", has_avx512, &avx512_device},
    {"avx512bf16", has_avx512bf16, &avx512bf16_device},
#endif
};

const Tier* find(const char* name) {
  for (const Tier& tier : tiers) {
    if (std::strcmp(tier.name, name) == 0) return &tier;
  }
  return nullptr;
}

/** The tier that WINNOW_CPU_TIER asks for, if there is such a one and the machine runs it; else the best. */
const Tier* choose() {
  const char* wanted = std::getenv("WINNOW_CPU_TIER");
  const Tier* named = wanted ? find(wanted) : nullptr;
  if (named && named->supported()) return named;
  const Tier* best = nullptr;
  for (const Tier& tier : tiers) {
    if (tier.supported()) best = &tier;
  }
  return best;
}

std::atomic<const Tier*>& current() {
  static std::atomic<const Tier*> tier{choose()};
  return tier;
}

}  // namespace

const Device& cpu_device() { return *current().load(std::memory_order_relaxed)->device; }

}  // namespace wn

extern "C" {

const char* wn_cpu_tier(void) { return wn::current().load()->name; }

const char* wn_cpu_tiers(void) {
  static const std::string names = [] {
    std::string list;
    for (const wn::Tier& tier : wn::tiers) {
      if (tier.supported()) list += (list.empty() ? "" : " ") + std::string(tier.name);
    }
    return list;
  }();
  return names.c_str();
}

int32_t wn_set_cpu_tier(const char* name) {
  WN_REQUIRE(name, "wn_set_cpu_tier: name is NULL");
  const wn::Tier* tier = wn::find(name);
  WN_REQUIRE(tier, "wn_set_cpu_tier: no tier is named %.40s; this machine has: %s", name, wn_cpu_tiers());
  if (!tier->supported()) return wn::fail(WN_EUNSUPPORTED, "wn_set_cpu_tier: this machine cannot run %s; it has: %s", name, wn_cpu_tiers());
  wn::current().store(tier);
  return WN_OK;
}

}  // extern "C"
