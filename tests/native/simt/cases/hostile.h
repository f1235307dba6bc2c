// Numbers that a list on the device may hold by mistake.
#pragma once
#include <climits>

#include "harness.h"

namespace cases {

inline const std::vector<int32_t> kHostile = {-1, INT_MIN, INT_MAX, -77, INT_MAX - 1, 1 << 30};

// Any of `good` numbers from 0, every third one hostile; `clean` gets `instead` for those.
inline std::vector<int32_t> spoilt(Random& random, size_t count, int good, int instead, std::vector<int32_t>* clean) {
  std::vector<int32_t> list(count);
  clean->assign(count, instead);
  for (size_t i = 0; i < count; ++i) {
    bool bad = i % 3 == 1;
    list[i] = !bad ? random.below(good) : i % 2 ? kHostile[i / 6 % kHostile.size()] : good + random.below(5);
    if (!bad) (*clean)[i] = list[i];
  }
  return list;
}

void list_cases_of_rows(Machine&);

}  // namespace cases
