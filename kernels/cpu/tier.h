// The CPU implementations: one translation unit per instruction set, the same sources in each, behind one function table.
#pragma once

#include "context.h"

namespace wn {

struct Tier {
  const char* name;
  bool (*supported)();
  const Device* device;
};

extern const Device portable_device;
#ifdef WN_X86
extern const Device avx2_device;
extern const Device avx512_device;
extern const Device avx512bf16_device;
#endif
#ifdef WN_AMX
extern decltype(Device::sim) const amx_sim;
#endif

}  // namespace wn
