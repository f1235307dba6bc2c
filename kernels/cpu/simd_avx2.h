// Sixteen floats at a time as two AVX2 registers; the same vocabulary and the same bits as simd_portable.h, where it is explained.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace wn::WN_TIER {

struct F {
  __m256 a, b;
};

constexpr int dots_at_once = 4;
constexpr int tile_side = 2;

static inline F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
static inline F set1(float v) { return {_mm256_set1_ps(v), _mm256_set1_ps(v)}; }
static inline F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
static inline F in_register(F v) { return v; }
static inline void store(float* p, F v) {
  _mm256_storeu_ps(p, v.a);
  _mm256_storeu_ps(p + 8, v.b);
}
static inline void stream(void* p, F v) {
  _mm256_stream_ps(static_cast<float*>(p), v.a);
  _mm256_stream_ps(static_cast<float*>(p) + 8, v.b);
}
static inline void end_of_stream() { _mm_sfence(); }
static inline F add(F x, F y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
static inline F sub(F x, F y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
static inline F mul(F x, F y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
static inline F divide(F x, F y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
static inline F maximum(F x, F y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
static inline F minimum(F x, F y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
static inline F multiply_add(F x, F y, F c) { return {_mm256_fmadd_ps(x.a, y.a, c.a), _mm256_fmadd_ps(x.b, y.b, c.b)}; }
static inline F multiply_add_exact(F x, F y, F c) { return multiply_add(x, y, c); }
static inline F keep_if_ge(F x, F low, F v) {
  return {_mm256_and_ps(_mm256_cmp_ps(x.a, low.a, _CMP_GE_OQ), v.a), _mm256_and_ps(_mm256_cmp_ps(x.b, low.b, _CMP_GE_OQ), v.b)};
}
static inline F keep_if_gt(F x, F low, F v) {
  return {_mm256_and_ps(_mm256_cmp_ps(x.a, low.a, _CMP_GT_OQ), v.a), _mm256_and_ps(_mm256_cmp_ps(x.b, low.b, _CMP_GT_OQ), v.b)};
}
static inline bool any_ge(F x, F y) {
  return _mm256_movemask_ps(_mm256_or_ps(_mm256_cmp_ps(x.a, y.a, _CMP_GE_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_GE_OQ))) != 0;
}
static inline __m256 scale_by_bits(__m256 p, __m256 t) {
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23)));
}
static inline F scale_by_bits(F p, F t) { return {scale_by_bits(p.a, t.a), scale_by_bits(p.b, t.b)}; }

static inline __m128i load128(const uint16_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
static inline F load_f16(const uint16_t* p) { return {_mm256_cvtph_ps(load128(p)), _mm256_cvtph_ps(load128(p + 8))}; }
static inline void store_f16(uint16_t* p, F v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v.a, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(v.b, _MM_FROUND_TO_NEAREST_INT));
}
static inline __m256 widen_bf16(__m128i u) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(u), 16)); }
static inline F load_bf16(const uint16_t* p) { return {widen_bf16(load128(p)), widen_bf16(load128(p + 8))}; }
/** The rounded upper halves, each in the low 16 bits of its lane. */
static inline __m256i round_bf16(__m256 v) {
  const __m256i bits = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
}
static inline void store_bf16(uint16_t* p, F v) {
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(round_bf16(v.a), round_bf16(v.b)), 0xd8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), packed);
}
static inline __m256 odd_bf16(__m256i v) {
  return _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32(static_cast<int>(0xffff0000))));
}
static inline __m256 even_bf16(__m256i v) { return _mm256_castsi256_ps(_mm256_slli_epi32(v, 16)); }
static inline void load_bf16_pair(const uint16_t* p, F* odd, F* even) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 16));
  *odd = {odd_bf16(low), odd_bf16(high)};
  *even = {even_bf16(low), even_bf16(high)};
}

/** Lanes 0..3: sums of the eight lanes of four registers, quads first. */
static inline __m128 sums4(__m256 v0, __m256 v1, __m256 v2, __m256 v3) {
  const __m256 t0 = _mm256_add_ps(_mm256_unpacklo_ps(v0, v1), _mm256_unpackhi_ps(v0, v1));  // v0:0+2, v1:0+2, v0:1+3, v1:1+3
  const __m256 t1 = _mm256_add_ps(_mm256_unpacklo_ps(v2, v3), _mm256_unpackhi_ps(v2, v3));
  const __m256 quads = _mm256_add_ps(_mm256_shuffle_ps(t0, t1, 0x44), _mm256_shuffle_ps(t0, t1, 0xee));
  return _mm_add_ps(_mm256_castps256_ps128(quads), _mm256_extractf128_ps(quads, 1));
}
static inline __m128 sums4(const F* v) { return _mm_add_ps(sums4(v[0].a, v[1].a, v[2].a, v[3].a), sums4(v[0].b, v[1].b, v[2].b, v[3].b)); }
static inline F sums(const F* v) { return {_mm256_set_m128(sums4(v + 4), sums4(v)), _mm256_set_m128(sums4(v + 12), sums4(v + 8))}; }
static inline float sum(F v) {
  const F four[4] = {v, v, v, v};
  return _mm_cvtss_f32(sums4(four));
}
static inline float largest(F v) {
  const __m256 m = _mm256_max_ps(v.a, v.b);
  __m128 q = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}

static inline __m256i load_keys(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
static inline void store_keys(int32_t* p, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
static inline int32_t order_key(float score) {
  const float s = score + 0.0f;
  int32_t bits;
  std::memcpy(&bits, &s, 4);
  return s != s ? INT32_MIN : bits ^ ((bits >> 31) & 0x7fffffff);
}
/** Smallest and largest of the lanes of two registers and of further keys. */
static inline void range_of(__m256i a, __m256i b, const int32_t* rest, int64_t n, int32_t* low, int32_t* high) {
  alignas(32) int32_t lows[8], highs[8];
  store_keys(lows, a);
  store_keys(highs, b);
  *low = INT32_MAX;
  *high = INT32_MIN;
  for (int j = 0; j < 8; ++j) {
    *low = lows[j] < *low ? lows[j] : *low;
    *high = highs[j] > *high ? highs[j] : *high;
  }
  for (int64_t i = 0; i < n; ++i) {
    *low = rest[i] < *low ? rest[i] : *low;
    *high = rest[i] > *high ? rest[i] : *high;
  }
}
static inline void order_keys(const float* scores, int64_t n, int32_t* keys, int32_t* low, int32_t* high) {
  __m256i a = _mm256_set1_epi32(INT32_MAX), b = _mm256_set1_epi32(INT32_MIN);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 s = _mm256_add_ps(_mm256_loadu_ps(scores + i), _mm256_setzero_ps());
    const __m256i bits = _mm256_castps_si256(s);
    const __m256i ordered = _mm256_xor_si256(bits, _mm256_srli_epi32(_mm256_srai_epi32(bits, 31), 1));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(s, s, _CMP_UNORD_Q));
    const __m256i key = _mm256_blendv_epi8(ordered, _mm256_set1_epi32(INT32_MIN), nan);
    store_keys(keys + i, key);
    a = _mm256_min_epi32(a, key);
    b = _mm256_max_epi32(b, key);
  }
  const int64_t whole = i;
  for (; i < n; ++i) keys[i] = order_key(scores[i]);
  range_of(a, b, keys + whole, n - whole, low, high);
}
static inline void key_range(const int32_t* keys, int64_t n, int32_t* low, int32_t* high) {
  __m256i a = _mm256_set1_epi32(INT32_MAX), b = _mm256_set1_epi32(INT32_MIN);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    a = _mm256_min_epi32(a, load_keys(keys + i));
    b = _mm256_max_epi32(b, load_keys(keys + i));
  }
  range_of(a, b, keys + i, n - i, low, high);
}
static inline unsigned mask_of(__m256i m) { return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(m))); }
static inline int64_t count_ge(const int32_t* keys, int64_t n, int32_t t) {
  const __m256i threshold = _mm256_set1_epi32(t);
  __m256i below = _mm256_setzero_si256();  // counts down: a true compare is -1
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) below = _mm256_add_epi32(below, _mm256_cmpgt_epi32(threshold, load_keys(keys + i)));
  alignas(32) int32_t lanes[8];
  store_keys(lanes, below);
  int64_t count = i;
  for (int32_t lane : lanes) count += lane;
  for (; i < n; ++i) count += keys[i] >= t;
  return count;
}

static inline void narrow_keys(const int32_t* keys, int64_t n, int32_t low, int shift, uint8_t* out) {
  const __m128i by = _mm_cvtsi32_si128(shift);
  const __m256i lows = _mm256_set1_epi32(low);
  const auto eight = [&](int64_t at) { return _mm256_srl_epi32(_mm256_sub_epi32(load_keys(keys + at), lows), by); };
  const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m256i left = _mm256_packus_epi32(eight(i), eight(i + 8)), right = _mm256_packus_epi32(eight(i + 16), eight(i + 24));
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(left, right), in_order);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), bytes);
  }
  for (; i < n; ++i) out[i] = static_cast<uint8_t>((static_cast<uint32_t>(keys[i]) - static_cast<uint32_t>(low)) >> shift);
}
static inline int64_t count_bytes_ge(const uint8_t* bytes, int64_t n, uint8_t t) {
  const __m256i threshold = _mm256_set1_epi8(static_cast<char>(t));
  int64_t count = 0, i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + i));
    count += _mm_popcnt_u32(static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(v, threshold), v))));
  }
  for (; i < n; ++i) count += bytes[i] >= t;
  return count;
}

/** For every mask of eight: the permutation that moves the chosen lanes to the front. */
struct CompressTable {
  alignas(32) int32_t lane[256][8];
  constexpr CompressTable() : lane() {
    for (int mask = 0; mask < 256; ++mask) {
      int at = 0;
      for (int i = 0; i < 8; ++i) {
        if (mask >> i & 1) lane[mask][at++] = i;
      }
    }
  }
};
static constexpr CompressTable compress_table;

static inline int64_t append(int32_t* out, __m256i v, unsigned mask) {
  store_keys(out, _mm256_permutevar8x32_epi32(v, load_keys(compress_table.lane[mask])));
  return _mm_popcnt_u32(mask);
}
static inline int64_t filter_keys(const int32_t* keys, int64_t n, int32_t low, int32_t high, int32_t* out) {
  const __m256i lows = _mm256_set1_epi32(low), highs = _mm256_set1_epi32(high);
  int64_t count = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i v = load_keys(keys + i);
    const __m256i outside = _mm256_or_si256(_mm256_cmpgt_epi32(lows, v), _mm256_cmpgt_epi32(v, highs));
    count += append(out + count, v, ~mask_of(outside) & 255u);
  }
  for (; i < n; ++i) {
    out[count] = keys[i];
    count += keys[i] >= low && keys[i] <= high;
  }
  return count;
}
static inline int64_t emit_indices(const int32_t* keys, int64_t n, int32_t t, int64_t equals, int32_t first, int32_t* out) {
  const __m256i threshold = _mm256_set1_epi32(t);
  __m256i index = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
  int64_t count = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i v = load_keys(keys + i);
    unsigned equal = mask_of(_mm256_cmpeq_epi32(v, threshold));
    while (static_cast<int64_t>(_mm_popcnt_u32(equal)) > equals) equal &= ~(0x80000000u >> __builtin_clz(equal));
    equals -= _mm_popcnt_u32(equal);
    count += append(out + count, index, mask_of(_mm256_cmpgt_epi32(v, threshold)) | equal);
    index = _mm256_add_epi32(index, _mm256_set1_epi32(8));
  }
  for (; i < n; ++i) {
    const bool equal = keys[i] == t && equals > 0;
    out[count] = first + static_cast<int32_t>(i);
    equals -= equal;
    count += keys[i] > t || equal;
  }
  return count;
}

}  // namespace wn::WN_TIER
