#define WN_TIER portable
#include "simd_portable.h"
#include "tier_table.h"

WN_DEFINE_TIER(portable_device);
