// The similarity product for other launch code: greedy subsets start from it.
#pragma once
#include <stdint.h>

#include "winnow.h"

namespace wn_cuda {

// Tiles that the rows of x are cut into: entries per pivot of `best`.
int64_t similarity_tiles(const wn_sim_desc&);

// All pairs of pivots and rows: values [b][p][j] (or null), best [b][p][tile] (or null); see similarity::pairs.
void similarity_pairs(const wn_sim_desc&, float* values, int64_t value_sb, int64_t value_sp, uint64_t* best, void* stream);

}  // namespace wn_cuda
