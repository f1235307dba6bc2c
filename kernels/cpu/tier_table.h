// Fills the function table of a tier. Included last in its translation unit; WN_TIER names the tier.
#pragma once

#include "greedy.h"
#include "rows.h"
#include "score.h"
#include "select.h"
#include "sim.h"
#include "tier.h"

#define WN_DEFINE_TIER(table)                                                                                              \
  const wn::Device wn::table = {wn::WN_TIER::score_workspace,  wn::WN_TIER::score,       wn::WN_TIER::sim_workspace,       \
                                wn::WN_TIER::sim,              wn::WN_TIER::greedy_workspace, wn::WN_TIER::greedy,         \
                                wn::WN_TIER::select_workspace, wn::WN_TIER::select,      wn::WN_TIER::gather_rows,         \
                                wn::WN_TIER::kv_compact,       wn::WN_TIER::merge_rows}
