#define WN_TIER avx512bf16
#define WN_HAS_DPBF16
#include "simd_avx512.h"
#include "tier_table.h"

WN_DEFINE_TIER(avx512bf16_device);
