// Plain element access that the reference kernels share: float16 and bfloat16 to float and back, and optional arrays.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "winnow.h"

namespace wn::ref {

inline float from_bits(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

inline uint32_t to_bits(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}

inline float half_to_float(uint16_t h) {
  const float sign = (h & 0x8000) ? -1.0f : 1.0f;
  const int exponent = (h >> 10) & 31;
  const int fraction = h & 1023;
  if (exponent == 31) return fraction ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
}

/** Rounds to the nearest float16, ties to even; beyond 65519 to infinity. */
inline uint16_t float_to_half(float f) {
  const uint16_t sign = static_cast<uint16_t>((to_bits(f) >> 16) & 0x8000);
  const float a = std::fabs(f);
  if (std::isnan(f)) return static_cast<uint16_t>(sign | 0x7e00);
  if (a >= 65520.0f) return static_cast<uint16_t>(sign | 0x7c00);
  if (a < 6.103515625e-05f) return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(a, 24))));
  int exponent;
  const float m = std::frexp(a, &exponent);  // a = m * 2^exponent, m in [0.5, 1)
  const int fraction = static_cast<int>(std::nearbyint(std::ldexp(m, 11))) - 1024;  // may round up to 1024: carries into the exponent
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + fraction));
}

inline float bfloat_to_float(uint16_t b) { return from_bits(static_cast<uint32_t>(b) << 16); }

inline uint16_t float_to_bfloat(float f) {
  const uint32_t bits = to_bits(f);
  if (std::isnan(f)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/** Element i of an array of the given wn_dtype. */
inline float get(const void* base, int32_t dtype, int64_t i) {
  if (dtype == WN_F32) return static_cast<const float*>(base)[i];
  const uint16_t u = static_cast<const uint16_t*>(base)[i];
  return dtype == WN_F16 ? half_to_float(u) : bfloat_to_float(u);
}

inline void put(void* base, int32_t dtype, int64_t i, float v) {
  if (dtype == WN_F32) {
    static_cast<float*>(base)[i] = v;
  } else {
    static_cast<uint16_t*>(base)[i] = dtype == WN_F16 ? float_to_half(v) : float_to_bfloat(v);
  }
}

inline int32_t get_i32(const void* base, int64_t i, int32_t if_null) { return base ? static_cast<const int32_t*>(base)[i] : if_null; }

inline float get_f32(const void* base, int64_t i, float if_null) { return base ? static_cast<const float*>(base)[i] : if_null; }

}  // namespace wn::ref
