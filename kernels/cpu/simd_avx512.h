// Sixteen floats at a time as one AVX-512 register; the same vocabulary and the same bits as simd_portable.h, where it is explained.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace wn::WN_TIER {

using F = __m512;

constexpr int dots_at_once = 16;
constexpr int tile_side = 4;

static inline F zero() { return _mm512_setzero_ps(); }
static inline F set1(float v) { return _mm512_set1_ps(v); }
static inline F load(const float* p) { return _mm512_loadu_ps(p); }
static inline F in_register(F v) {
  asm("" : "+v"(v));
  return v;
}
static inline void store(float* p, F v) { _mm512_storeu_ps(p, v); }
static inline void stream(void* p, F v) { _mm512_stream_ps(static_cast<float*>(p), v); }
static inline void end_of_stream() { _mm_sfence(); }
static inline F add(F a, F b) { return _mm512_add_ps(a, b); }
static inline F sub(F a, F b) { return _mm512_sub_ps(a, b); }
static inline F mul(F a, F b) { return _mm512_mul_ps(a, b); }
static inline F divide(F a, F b) { return _mm512_div_ps(a, b); }
static inline F maximum(F a, F b) { return _mm512_max_ps(a, b); }
static inline F minimum(F a, F b) { return _mm512_min_ps(a, b); }
static inline F multiply_add(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
static inline F multiply_add_exact(F a, F b, F c) { return multiply_add(a, b, c); }
static inline F keep_if_ge(F x, F low, F v) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, low, _CMP_GE_OQ), v); }
static inline F keep_if_gt(F x, F low, F v) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, low, _CMP_GT_OQ), v); }
static inline bool any_ge(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ) != 0; }
static inline F scale_by_bits(F p, F t) {
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(t), 23)));
}

static inline __m256i load256(const uint16_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
static inline F load_f16(const uint16_t* p) { return _mm512_cvtph_ps(load256(p)); }
static inline void store_f16(uint16_t* p, F v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
static inline F load_bf16(const uint16_t* p) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load256(p)), 16)); }
static inline void store_bf16(uint16_t* p, F v) {
  const __m512i bits = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
  const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  const __m512i chosen = _mm512_mask_or_epi32(rounded, nan, bits, _mm512_set1_epi32(0x400000));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(chosen, 16)));
}
static inline void load_bf16_pair(const uint16_t* p, F* odd, F* even) {
  const __m512i v = _mm512_loadu_si512(p);
  *odd = _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32(static_cast<int>(0xffff0000))));
  *even = _mm512_castsi512_ps(_mm512_slli_epi32(v, 16));
}

/** Quad j of the result holds the sums of quad j of four registers. */
static inline F quad_sums(const F* v) {
  const F t0 = _mm512_add_ps(_mm512_unpacklo_ps(v[0], v[1]), _mm512_unpackhi_ps(v[0], v[1]));  // v0:0+2, v1:0+2, v0:1+3, v1:1+3
  const F t1 = _mm512_add_ps(_mm512_unpacklo_ps(v[2], v[3]), _mm512_unpackhi_ps(v[2], v[3]));
  return _mm512_add_ps(_mm512_shuffle_ps(t0, t1, 0x44), _mm512_shuffle_ps(t0, t1, 0xee));
}
static inline F sums(const F* v) {
  const F q0 = quad_sums(v), q1 = quad_sums(v + 4), q2 = quad_sums(v + 8), q3 = quad_sums(v + 12);
  // even quads plus odd quads, of two groups of rows at once
  const F h0 = _mm512_add_ps(_mm512_shuffle_f32x4(q0, q1, 0x88), _mm512_shuffle_f32x4(q0, q1, 0xdd));
  const F h1 = _mm512_add_ps(_mm512_shuffle_f32x4(q2, q3, 0x88), _mm512_shuffle_f32x4(q2, q3, 0xdd));
  return _mm512_add_ps(_mm512_shuffle_f32x4(h0, h1, 0x88), _mm512_shuffle_f32x4(h0, h1, 0xdd));
}
static inline float sum(F v) {
  const F s = _mm512_add_ps(v, _mm512_permute_ps(v, 0x4e));                 // 0+2, 1+3 in each quad
  const F q = _mm512_add_ps(s, _mm512_permute_ps(s, 0xb1));                 // the quad's sum
  const F h = _mm512_add_ps(q, _mm512_shuffle_f32x4(q, q, 0xb1));           // quad 0 + quad 1, quad 2 + quad 3
  return _mm512_cvtss_f32(_mm512_add_ps(h, _mm512_shuffle_f32x4(h, h, 0x4e)));
}
static inline float largest(F v) { return _mm512_reduce_max_ps(v); }

static inline __mmask16 first_lanes(int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << n) - 1); }
static inline void order_keys(const float* scores, int64_t n, int32_t* keys, int32_t* low, int32_t* high) {
  __m512i a = _mm512_set1_epi32(INT32_MAX), b = _mm512_set1_epi32(INT32_MIN);
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    const F s = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, scores + i), _mm512_setzero_ps());
    const __m512i bits = _mm512_castps_si512(s);
    const __m512i ordered = _mm512_xor_si512(bits, _mm512_srli_epi32(_mm512_srai_epi32(bits, 31), 1));
    const __m512i key = _mm512_mask_mov_epi32(ordered, _mm512_cmp_ps_mask(s, s, _CMP_UNORD_Q), _mm512_set1_epi32(INT32_MIN));
    _mm512_mask_storeu_epi32(keys + i, lanes, key);
    a = _mm512_mask_min_epi32(a, lanes, a, key);
    b = _mm512_mask_max_epi32(b, lanes, b, key);
  }
  *low = _mm512_reduce_min_epi32(a);
  *high = _mm512_reduce_max_epi32(b);
}
static inline void key_range(const int32_t* keys, int64_t n, int32_t* low, int32_t* high) {
  __m512i a = _mm512_set1_epi32(INT32_MAX), b = _mm512_set1_epi32(INT32_MIN);
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    const __m512i v = _mm512_maskz_loadu_epi32(lanes, keys + i);
    a = _mm512_mask_min_epi32(a, lanes, a, v);
    b = _mm512_mask_max_epi32(b, lanes, b, v);
  }
  *low = _mm512_reduce_min_epi32(a);
  *high = _mm512_reduce_max_epi32(b);
}
static inline int64_t count_ge(const int32_t* keys, int64_t n, int32_t t) {
  const __m512i threshold = _mm512_set1_epi32(t);
  int64_t c0 = 0, c1 = 0, i = 0;
  for (; i + 32 <= n; i += 32) {
    c0 += _mm_popcnt_u32(_mm512_cmpge_epi32_mask(_mm512_loadu_si512(keys + i), threshold));
    c1 += _mm_popcnt_u32(_mm512_cmpge_epi32_mask(_mm512_loadu_si512(keys + i + 16), threshold));
  }
  for (; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    c0 += _mm_popcnt_u32(_mm512_mask_cmpge_epi32_mask(lanes, _mm512_maskz_loadu_epi32(lanes, keys + i), threshold));
  }
  return c0 + c1;
}
static inline void narrow_keys(const int32_t* keys, int64_t n, int32_t low, int shift, uint8_t* out) {
  const __m128i by = _mm_cvtsi32_si128(shift);
  for (int64_t i = 0; i < n; i += 16) {
    const __m512i above = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(first_lanes(n - i), keys + i), _mm512_set1_epi32(low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm512_cvtepi32_epi8(_mm512_srl_epi32(above, by)));
  }
}
static inline int64_t count_bytes_ge(const uint8_t* bytes, int64_t n, uint8_t t) {
  const __m512i threshold = _mm512_set1_epi8(static_cast<char>(t));
  int64_t count = 0, i = 0;
  for (; i + 64 <= n; i += 64) count += _mm_popcnt_u64(_mm512_cmpge_epu8_mask(_mm512_loadu_si512(bytes + i), threshold));
  if (i == n) return count;
  const __mmask64 lanes = (uint64_t{1} << (n - i)) - 1;
  return count + _mm_popcnt_u64(_mm512_mask_cmpge_epu8_mask(lanes, _mm512_maskz_loadu_epi8(lanes, bytes + i), threshold));
}
static inline int64_t filter_keys(const int32_t* keys, int64_t n, int32_t low, int32_t high, int32_t* out) {
  const __m512i lows = _mm512_set1_epi32(low), highs = _mm512_set1_epi32(high);
  int64_t count = 0;
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    const __m512i v = _mm512_maskz_loadu_epi32(lanes, keys + i);
    const __mmask16 inside = _mm512_mask_cmple_epi32_mask(_mm512_mask_cmpge_epi32_mask(lanes, v, lows), v, highs);
    _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi32(inside, v));
    count += _mm_popcnt_u32(inside);
  }
  return count;
}
static inline int64_t emit_indices(const int32_t* keys, int64_t n, int32_t t, int64_t equals, int32_t first, int32_t* out) {
  const __m512i threshold = _mm512_set1_epi32(t);
  __m512i index = _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(first));
  int64_t count = 0;
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 lanes = first_lanes(n - i);
    const __m512i v = _mm512_maskz_loadu_epi32(lanes, keys + i);
    unsigned equal = _mm512_mask_cmpeq_epi32_mask(lanes, v, threshold);
    while (static_cast<int64_t>(_mm_popcnt_u32(equal)) > equals) equal &= ~(0x80000000u >> __builtin_clz(equal));
    equals -= _mm_popcnt_u32(equal);
    const __mmask16 chosen = static_cast<__mmask16>(_mm512_mask_cmpgt_epi32_mask(lanes, v, threshold) | equal);
    _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi32(chosen, index));
    count += _mm_popcnt_u32(chosen);
    index = _mm512_add_epi32(index, _mm512_set1_epi32(16));
  }
  return count;
}

}  // namespace wn::WN_TIER
