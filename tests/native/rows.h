// What the tests of gathering and of compaction share: bytes, where they begin, and amounts of them that do not stay in the caches.
#pragma once

#include "descriptors.h"
#include "reference/rows.h"
#include "testing.h"

namespace testing {

using Bytes = std::vector<unsigned char>;

inline Bytes pattern(size_t n, int seed) {
  Bytes bytes(n);
  Random random(seed);
  for (unsigned char& b : bytes) b = static_cast<unsigned char>(random());
  return bytes;
}

/** Memory from a 64-byte boundary on, or shift bytes past one. */
struct Boundary {
  Bytes memory;
  unsigned char* start;
  Boundary(const Bytes& content, int shift) : memory(content.size() + 128) {
    start = reinterpret_cast<unsigned char*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64 + shift);
    std::memcpy(start, content.data(), content.size());
  }
};

/** Rows at 64-byte boundaries and not, with and without a rest, short and long: of each so many that stores go past the caches. */
struct MuchShape {
  int row, pitch, shift;
};
constexpr int much_rows = 300, much_kept = 100;
inline int much_planes(const MuchShape& shape) { return (10 << 20) / (much_kept * shape.row) + 1; }

inline void for_much(const std::function<void(const MuchShape&, const std::vector<int32_t>& keep, const Bytes& rows)>& body) {
  const MuchShape shapes[] = {{64, 64, 0},     {256, 256, 0},   {256, 256, 16},    {320, 384, 0},   {300, 320, 0},
                              {1000, 1000, 0}, {2048, 2048, 0}, {16384, 16384, 0}, {9000, 9024, 0}, {9000, 9001, 0}};
  Random random(12);
  for (const MuchShape& shape : shapes) {
    std::vector<int32_t> keep;
    for (int r = 0; r < much_rows; ++r) {
      if (r < 11 || r > 280 || between(random, 0, 2) == 0) keep.push_back(r);
    }
    keep.resize(much_kept);
    body(shape, keep, pattern(size_t(much_rows) * shape.pitch * much_planes(shape), shape.row));
  }
}

void compaction();

}  // namespace testing
