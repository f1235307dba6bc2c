// Which CPU implementation runs: the best that the machine can, or the one that WINNOW_CPU_TIER or wn_set_cpu_tier names.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#ifdef WN_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "status.h"
#include "tier.h"

namespace wn {
namespace {

bool always() { return true; }

#ifdef WN_X86
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
         __builtin_cpu_supports("popcnt");
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
}
bool has_avx512bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }
#endif
#ifdef WN_AMX
/** Linux lets a process use tiles only once it has asked; a system that does not know them, or refuses, counts as one without. */
bool has_amx() {
  constexpr unsigned bf16 = 1u << 22, tile = 1u << 24;
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM and the number of the state component
  unsigned a, b, c, d = 0;
  if (!has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (bf16 | tile)) != (bf16 | tile)) return false;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

using Tiers = std::vector<Tier>;

/**
 * Worst first. Intel's bfloat16 dot instruction does half a register in a cycle (measured on model 207, Emerald Rapids), where two fused
 * multiplications and additions with the conversions before them take less: there the tier without it is the better one.
 */
Tiers in_order() {
  Tiers order = {{"portable", always, &portable_device}};
#ifdef WN_X86
  order.push_back({"avx2", has_avx2, &avx2_device});
  order.push_back({"avx512", has_avx512, &avx512_device});
  const Tier dots = {"avx512bf16", has_avx512bf16, &avx512bf16_device};
  __builtin_cpu_init();
  order.insert(__builtin_cpu_is("intel") ? order.end() - 1 : order.end(), dots);
#endif
#ifdef WN_AMX
  static Device with_tiles = avx512_device;
  with_tiles.sim = amx_sim;
  order.push_back({"amx", has_amx, &with_tiles});
#endif
  return order;
}

const Tiers& tiers() {
  static const Tiers order = in_order();
  return order;
}

const Tier* find(const char* name) {
  for (const Tier& tier : tiers()) {
    if (std::strcmp(tier.name, name) == 0) return &tier;
  }
  return nullptr;
}

/** What WINNOW_CPU_TIER asks for; NULL where it is not set, or empty. */
const char* wanted() {
  const char* name = std::getenv("WINNOW_CPU_TIER");
  return name && *name ? name : nullptr;
}

/** The best tier, or the one that WINNOW_CPU_TIER asks for; NULL if the machine does not run that one. */
const Tier* choose() {
  if (const char* name = wanted()) {
    const Tier* named = find(name);
    return named && named->supported() ? named : nullptr;
  }
  const Tier* best = nullptr;
  for (const Tier& tier : tiers()) {
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

int32_t check_cpu_tier(const char* function) {
  if (current().load()) return WN_OK;
  const char* name = wanted() ? wanted() : "";
  WN_REQUIRE(find(name), "%s: WINNOW_CPU_TIER = %.40s is not the name of a tier; this machine has: %s", function, name, wn_cpu_tiers());
  return fail(WN_EUNSUPPORTED, "%s: WINNOW_CPU_TIER = %s, which this machine cannot run; it has: %s", function, name, wn_cpu_tiers());
}

}  // namespace wn

extern "C" {

const char* wn_cpu_tier(void) {
  const wn::Tier* tier = wn::current().load();
  return tier ? tier->name : "";
}

const char* wn_cpu_tiers(void) {
  static const std::string names = [] {
    std::string list;
    for (const wn::Tier& tier : wn::tiers()) {
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
