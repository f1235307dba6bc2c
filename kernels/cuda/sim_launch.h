// The similarity product for other launch code: greedy subsets start from it.
#pragma once
#include <stdint.h>

#include "winnow.h"

namespace wn_cuda {

// Whether a product has more tiles along its pivots than one launch takes.
bool similarity_too_large(const wn_sim_desc&);

// Keys per pivot of `best`: the tiles that the rows of x are cut into, or 1 where tensor cores join them.
int64_t similarity_tiles(const wn_sim_desc&);

// Floats of the scratch memory that similarity_pairs wants; 0 where tensor cores are not used.
int64_t similarity_scratch(const wn_sim_desc&);

// All pairs of pivots and rows: values [b][p][j] (or null), best [b][p][tile] (or null); see similarity::pairs and similarity::products.
void similarity_pairs(const wn_sim_desc&, float* values, int64_t value_sb, int64_t value_sp, uint64_t* best, float* scratch, void* stream);

}  // namespace wn_cuda
