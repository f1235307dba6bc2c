#define WN_TIER avx2
#include "simd_avx2.h"
#include "tier_table.h"

WN_DEFINE_TIER(avx2_device);
