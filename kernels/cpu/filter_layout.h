// Where the filter of amx_nearest.h keeps what it knows. Every tier asks for this memory, because a workspace must not depend on the tier.
#pragma once

#include "panels.h"

namespace wn::WN_TIER {

constexpr int filter_side = 32;  // rows and columns of a block of dot products: two matrix tiles by two; of fewer rows nothing is filtered

/** Two rows that may be each other's most similar, and what their similarity cannot exceed. */
struct Candidate {
  int32_t i, j;
  float upper;
};

/** Places of the filter, in bytes from the start of its memory; total is 0 for what is not filtered. */
struct FilterLayout {
  int64_t rows;      // padded to whole blocks
  int64_t capacity;  // candidates of a part
  int64_t steps;     // of 32 columns
  int64_t scale, shift, spread, reach, usable, floor, found, tiles, total;

  FilterLayout(int32_t dtype, int n, int dim) {
    int64_t at = 0;
    const auto place = [&](int64_t bytes) {
      const int64_t here = at;
      at += (bytes + 63) / 64 * 64;
      return here;
    };
    rows = (static_cast<int64_t>(n) + filter_side - 1) / filter_side * filter_side;
    capacity = 2 * static_cast<int64_t>(n) + 256;
    steps = Panels<BF16>::steps(dim);
    scale = place(4 * rows);
    shift = place(4 * rows);
    spread = place(4 * rows);
    reach = place(4 * rows);
    usable = place(rows / 8);
    floor = place(similarity_parts * 4 * rows);
    found = place(similarity_parts * capacity * static_cast<int64_t>(sizeof(Candidate)));
    tiles = at;
    const __int128 all = at + static_cast<__int128>(64) * rows * steps;
    total = dtype != WN_BF16 || n < filter_side || all > largest_packing ? 0 : static_cast<int64_t>(all);
  }
};

}  // namespace wn::WN_TIER
