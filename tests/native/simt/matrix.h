// The warp's matrix instructions, lane by lane as PTX lays them out: ldmatrix and mma.sync.m16n8k16.
#pragma once
#include "shared.h"

namespace simt {

// What one lane brings to mma: d += a * b.
struct MultiplyLane {
  float* d;
  const unsigned* a;
  unsigned b[2];
  float (*element)(uint16_t bits);
};
void multiply(Lanes lanes);

// What one lane brings to ldmatrix.x4: the 16 bytes it addresses, as words, and the four registers it gets.
struct LoadLane {
  uint32_t row[4];
  unsigned* registers;
};
void load(Lanes lanes);

}  // namespace simt

namespace dev {

template <class T>
void multiply_add_at(::simt::Site site, T, float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  ::simt::MultiplyLane lane{d, a, {b0, b1}, [](uint16_t bits) { return to_float(T{bits}); }};
  ::simt::warp_together(::simt::multiply, &lane, site);
}

template <class U>
void load_matrices_at(::simt::Site site, unsigned (&registers)[4], ::simt::SharedPointer<U> row) {
  if (row.byte() % 16 != 0) ::simt::fail("ldmatrix at " + site.text() + ": a row is not aligned to 16 bytes");
  ::simt::LoadLane lane;
  for (size_t word = 0; word < 4; ++word) lane.row[word] = ::simt::SharedReference<uint32_t>(row.block(), row.byte() + 4 * word);
  lane.registers = registers;
  ::simt::warp_together(::simt::load, &lane, site);
}

}  // namespace dev
