#define WN_TIER avx512
#include "simd_avx512.h"
#include "tier_table.h"

WN_DEFINE_TIER(avx512_device);
