// The avx512 tier with the matrix tiles of AMX, which only similarities use. Nothing but data is exported: code that is compiled for tiles
// must not run before the machine is known to have them.
#define WN_TIER amx
#define WN_HAS_AMX
#include "simd_avx512.h"
#include "sim.h"
#include "tier.h"

decltype(wn::Device::sim) const wn::amx_sim = wn::amx::sim;
