// Dot products of rows: the inner loops of scores and similarities. Included once per tier, after its simd_*.h.
//
// Every dot product here runs over the row in steps of 16 lanes (bfloat16: 32 elements, those at odd places first), each lane adding in
// turn, and ends in the one tree of sums(). The order is that of the bfloat16 dot instruction, so all tiers give the same bits. Every
// product enters its lane's sum unrounded: the multiplication and the addition are one fused operation.
#pragma once

#include "winnow.h"

namespace wn::WN_TIER {

/** A row type: how many elements make one step, and how they become float lanes. */
struct F32 {
  using E = float;
  static constexpr int step = 16, planes = 1;
  static inline void widen(const E* p, F* v) { v[0] = load(p); }
  static inline F accumulate(F a, F b, F sum) { return multiply_add(a, b, sum); }
  static inline F load16(const E* p) { return load(p); }
  static inline void store16(E* p, F v) { store(p, v); }
};
struct F16 {
  using E = uint16_t;
  static constexpr int step = 16, planes = 1;
  static inline void widen(const E* p, F* v) { v[0] = load_f16(p); }
  static inline F accumulate(F a, F b, F sum) { return multiply_add_exact(a, b, sum); }
  static inline F load16(const E* p) { return load_f16(p); }
  static inline void store16(E* p, F v) { store_f16(p, v); }
};
struct BF16 {
  using E = uint16_t;
  static constexpr int step = 32, planes = 2;
  static inline void widen(const E* p, F* v) { load_bf16_pair(p, v, v + 1); }
  static inline F accumulate(F a, F b, F sum) { return multiply_add_exact(a, b, sum); }
  static inline F load16(const E* p) { return load_bf16(p); }
  static inline void store16(E* p, F v) { store_bf16(p, v); }
};

/** Floats that a widened row of dim elements takes: whole steps. */
template <typename T>
inline int widened_size(int dim) {
  return (dim + T::step - 1) / T::step * T::step;
}

/** The last, incomplete step of a row, padded with zeros: rows are never read past their end. */
template <typename T>
struct Tail {
  alignas(64) typename T::E element[T::step];
  Tail(const typename T::E* row, int dim) {
    const int rest = dim % T::step;
    std::memset(element, 0, sizeof element);
    std::memcpy(element, row + (dim - rest), rest * sizeof *row);
  }
};

/** Writes the lanes of a row in the order in which dot products read them. */
template <typename T>
inline void widen_row(const typename T::E* row, int dim, float* out) {
  F v[2];
  int c = 0;
  for (; c + T::step <= dim; c += T::step) {
    T::widen(row + c, v);
    for (int p = 0; p < T::planes; ++p) store(out + c + 16 * p, v[p]);
  }
  if (c < dim) {
    const Tail<T> tail(row, dim);
    T::widen(tail.element, v);
    for (int p = 0; p < T::planes; ++p) store(out + c + 16 * p, v[p]);
  }
}

/** 2^x for x <= 127, elementwise, relative error below 1.1e-7; 0 below -126. The coefficients are a minimax fit of 2^f on [-1/2, 1/2]. */
inline F exp2(F x) {
  const F magic = set1(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer, which then sits in the low bits
  const F t = add(x, magic);
  const F f = sub(x, sub(t, magic));
  F p = set1(0.00015353361959569156f);
  p = add(mul(p, f), set1(0.0013398873852565885f));
  p = add(mul(p, f), set1(0.00961843691766262f));
  p = add(mul(p, f), set1(0.055503323674201965f));
  p = add(mul(p, f), set1(0.24022647738456726f));
  p = add(mul(p, f), set1(0.6931471824645996f));
  p = add(mul(p, f), set1(1.0f));
  return keep_if_ge(x, set1(-126.0f), scale_by_bits(p, t));
}

}  // namespace wn::WN_TIER
