// Sixteen floats at a time in plain C++ (the compiler's vector extension): the tier that every machine can run.
//
// All tiers offer the same small vocabulary and the same arithmetic: 16 lanes, fused multiplication and addition where a kernel says so and
// nowhere else, one fixed tree for horizontal sums. So every tier computes the same bits, and the tokens chosen do not depend on the
// machine.
#pragma once

#include <cstdint>
#include <cstring>

namespace wn::WN_TIER {

typedef float F __attribute__((vector_size(64)));
typedef uint32_t U __attribute__((vector_size(64)));

/** Dot products that are accumulated together; what the registers hold. */
constexpr int dots_at_once = 2;
/** Rows by columns of a tile of dot products that the registers hold. */
constexpr int tile_side = 1;

static inline F zero() { return F{}; }
static inline F set1(float v) { return v - F{}; }
static inline F load(const float* p) {
  F v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
/** v, of which the compiler must not make a memory operand of every use: loads are the limit where one register serves several. */
static inline F in_register(F v) { return v; }
static inline void store(float* p, F v) { std::memcpy(p, &v, sizeof v); }
/** Stores to a 64-byte boundary past the caches, where the instruction set can; end_of_stream before other threads may look. */
static inline void stream(void* p, F v) { std::memcpy(p, &v, sizeof v); }
static inline void end_of_stream() {}
static inline F add(F a, F b) { return a + b; }
static inline F sub(F a, F b) { return a - b; }
static inline F mul(F a, F b) { return a * b; }
static inline F divide(F a, F b) { return a / b; }
/** The second operand wins if either is NaN, as in maxps and minps. */
static inline F maximum(F a, F b) { return a > b ? a : b; }
static inline F minimum(F a, F b) { return a < b ? a : b; }
typedef double D __attribute__((vector_size(128)));
typedef int64_t L __attribute__((vector_size(128)));
/**
 * a * b + c, rounded once: the result of a fused instruction. In double the product is exact; the sum may not be, and rounding it twice
 * could end on the wrong side of a tie. So what the first rounding lost is found (two-sum), and the sum is made odd where it lost
 * something: cut off towards zero with its last bit set. The second rounding then sees that there is more below. An infinity or a NaN
 * makes the loss a NaN, which is neither above nor below zero, and stays as it is.
 */
static inline F multiply_add(F a, F b, F c) {
  const D p = __builtin_convertvector(a, D) * __builtin_convertvector(b, D), q = __builtin_convertvector(c, D);
  const D sum = p + q, of_q = sum - p;
  const D lost = (p - (sum - of_q)) + (q - of_q);
  const L bits = (L)sum, inexact = (lost > 0) | (lost < 0), away = (lost > 0) ^ (sum > 0);  // all ones where true
  const L odd = (bits + (inexact & away)) | (inexact & 1);
  return __builtin_convertvector((D)odd, F);
}
/** The same of factors that have 16 bits each: the sum in double is exact wherever its low bits could reach the float's rounding. */
static inline F multiply_add_exact(F a, F b, F c) {
  return __builtin_convertvector(__builtin_convertvector(a, D) * __builtin_convertvector(b, D) + __builtin_convertvector(c, D), F);
}
/** v where x >= low (x > low), 0 elsewhere. */
static inline F keep_if_ge(F x, F low, F v) { return x >= low ? v : F{}; }
static inline F keep_if_gt(F x, F low, F v) { return x > low ? v : F{}; }
static inline bool any_ge(F a, F b) {
  bool any = false;
  for (int i = 0; i < 16; ++i) any |= a[i] >= b[i];
  return any;
}
/** p * 2^n where the low bits of t hold the integer n. */
static inline F scale_by_bits(F p, F t) { return (F)((U)p + ((U)t << 23)); }

static inline float half(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t rest = h & 0x7fff;
  uint32_t bits;
  float value;
  if (rest >= 0x7c00) {
    bits = sign | 0x7f800000 | ((rest & 0x3ff) << 13) | ((rest & 0x3ff) ? 0x400000 : 0);
    std::memcpy(&value, &bits, 4);
    return value;
  }
  bits = rest << 13;  // exponent and fraction in place; the bias is off by 112, which a multiplication by 2^112 repairs, denormals too
  std::memcpy(&value, &bits, 4);
  value *= 5.192296858534828e33f;
  std::memcpy(&bits, &value, 4);
  bits |= sign;
  std::memcpy(&value, &bits, 4);
  return value;
}
static inline uint16_t to_half(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  const uint32_t sign = (bits >> 16) & 0x8000;
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | ((bits >> 13) & 0x3ff));
  if (bits >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);
  if (bits < 0x38800000) {  // below the smallest normal: adding 0.5 leaves the rounded denormal in the low bits
    float a;
    std::memcpy(&a, &bits, 4);
    a += 0.5f;
    std::memcpy(&bits, &a, 4);
    return static_cast<uint16_t>(sign | (bits - 0x3f000000));
  }
  bits += 0xfff + ((bits >> 13) & 1) - (112u << 23);
  return static_cast<uint16_t>(sign | (bits >> 13));
}

static inline F load_f16(const uint16_t* p) {
  F v;
  for (int i = 0; i < 16; ++i) v[i] = half(p[i]);
  return v;
}
static inline void store_f16(uint16_t* p, F v) {
  for (int i = 0; i < 16; ++i) p[i] = to_half(v[i]);
}
static inline F load_bf16(const uint16_t* p) {
  U v;
  for (int i = 0; i < 16; ++i) v[i] = static_cast<uint32_t>(p[i]) << 16;
  return (F)v;
}
static inline void store_bf16(uint16_t* p, F v) {
  for (int i = 0; i < 16; ++i) {
    uint32_t bits;
    const float f = v[i];
    std::memcpy(&bits, &f, 4);
    p[i] = static_cast<uint16_t>(f != f ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
}
/** 32 bfloat16: those at odd places and those at even places. */
static inline void load_bf16_pair(const uint16_t* p, F* odd, F* even) {
  U v;
  std::memcpy(&v, p, sizeof v);
  *odd = (F)(v & 0xffff0000u);
  *even = (F)(v << 16);
}

/** The tree that all tiers share: ((0+2)+(1+3)) in each quad, then (quad 0 + quad 1) + (quad 2 + quad 3). */
static inline float sum(F v) {
  float quad[4];
  for (int j = 0; j < 4; ++j) quad[j] = (v[4 * j] + v[4 * j + 2]) + (v[4 * j + 1] + v[4 * j + 3]);
  return (quad[0] + quad[1]) + (quad[2] + quad[3]);
}
static inline float largest(F v) {
  float top = v[0];
  for (int i = 1; i < 16; ++i) top = v[i] > top ? v[i] : top;
  return top;
}
/** Lane r of the result is sum(v[r]). */
static inline F sums(const F* v) {
  F out;
  for (int r = 0; r < 16; ++r) out[r] = sum(v[r]);
  return out;
}

/** The smallest and the largest key. */
static inline void key_range(const int32_t* keys, int64_t n, int32_t* low, int32_t* high) {
  int32_t a = INT32_MAX, b = INT32_MIN;
  for (int64_t i = 0; i < n; ++i) {
    a = keys[i] < a ? keys[i] : a;
    b = keys[i] > b ? keys[i] : b;
  }
  *low = a;
  *high = b;
}
/** Order-preserving keys: int32 that compare like the scores, NaN lowest, -0 as +0; and their range. */
static inline void order_keys(const float* scores, int64_t n, int32_t* keys, int32_t* low, int32_t* high) {
  for (int64_t i = 0; i < n; ++i) {
    const float s = scores[i] + 0.0f;  // -0 becomes +0
    int32_t bits;
    std::memcpy(&bits, &s, 4);
    keys[i] = s != s ? INT32_MIN : bits ^ ((bits >> 31) & 0x7fffffff);
  }
  key_range(keys, n, low, high);
}
static inline int64_t count_ge(const int32_t* keys, int64_t n, int32_t t) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += keys[i] >= t;
  return count;
}
/** Eight bits of each key, from bit shift on, counted from low, which no key is below; room for n + 16. */
static inline void narrow_keys(const int32_t* keys, int64_t n, int32_t low, int shift, uint8_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<uint8_t>((static_cast<uint32_t>(keys[i]) - static_cast<uint32_t>(low)) >> shift);
}
static inline int64_t count_bytes_ge(const uint8_t* bytes, int64_t n, uint8_t t) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += bytes[i] >= t;
  return count;
}
/** Copies the keys in low..high to out (room for n + 16), returns their number. */
static inline int64_t filter_keys(const int32_t* keys, int64_t n, int32_t low, int32_t high, int32_t* out) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    out[count] = keys[i];
    count += keys[i] >= low && keys[i] <= high;
  }
  return count;
}
/** Writes, ascending, first + i for every key above t and for the first equals keys equal to t; room for n + 16. */
static inline int64_t emit_indices(const int32_t* keys, int64_t n, int32_t t, int64_t equals, int32_t first, int32_t* out) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    const bool equal = keys[i] == t && equals > 0;
    out[count] = first + static_cast<int32_t>(i);
    equals -= equal;
    count += keys[i] > t || equal;
  }
  return count;
}

}  // namespace wn::WN_TIER
