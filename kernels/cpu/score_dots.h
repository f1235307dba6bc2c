// The dot products of K1, attention scores: a few widened query rows against keys, sixteen keys at a time.
#pragma once

#include "dot.h"

namespace wn::WN_TIER {

/** Keys that R rows meet at once: as many dot products as the registers hold. */
constexpr int keys_at_once(int rows) {
  int keys = 1;
  while (2 * keys * rows <= dots_at_once) keys *= 2;
  return keys;
}

/** Where the keys lie. */
template <typename T>
struct KeyRows {
  const typename T::E* k;
  int64_t per_key, per_head;  // strides in elements
  int heads, dim;

  const typename T::E* row(int64_t key, int64_t head) const { return k + key * per_key + head * per_head; }
};

/** Widened queries: row r of head h at [h * per_head + r]; and where the logits of each go. */
struct QueryRows {
  const float* q;
  int64_t q_size;
  float* logits;
  int64_t logits_size;
  int per_head;

  QueryRows from(int64_t row, int64_t key) const {
    return {q + row * q_size, q_size, logits + row * logits_size + key, logits_size, per_head};
  }
};

/** Sixteen keys of one head, and sixteen others that are asked for while these are worked on. */
template <typename T>
struct KeyGroup {
  const typename T::E* first;
  int64_t stride;
  const typename T::E* later;
  int64_t later_stride, later_step;  // in the order in which they lie in memory: key after key of a step, or all steps of a key first

  KeyGroup(const KeyRows<T>& keys, int key, int head, int later_key, int later_head)
      : first(keys.row(key, head)), stride(keys.per_key), later(keys.row(later_key, later_head)) {
    const bool packed = stride == keys.dim && keys.dim % T::step == 0;
    later_stride = packed ? T::step : stride;
    later_step = packed ? 16 : 1;
  }
};

/** How a step of a key meets a widened query, in general. Exact: both were widened from the same type. */
template <typename T, bool Exact>
struct LaneByLane {
  struct Lanes {
    F v[T::planes];
  };
  static inline Lanes key(const typename T::E* p) {
    Lanes k;
    T::widen(p, k.v);
    return k;
  }
  static inline Lanes query(const float* p) {
    Lanes q;
    for (int i = 0; i < T::planes; ++i) q.v[i] = load(p + 16 * i);
    return q;
  }
  static inline F accumulate(const Lanes& k, const Lanes& q, F sum) {
    for (int i = 0; i < T::planes; ++i) sum = Exact ? T::accumulate(k.v[i], q.v[i], sum) : multiply_add(k.v[i], q.v[i], sum);
    return sum;
  }
};

// Of numbers from 2^-50 to 2^50 and zeros, products and sums of products are whole multiples of 2^-114 and far from overflow: never
// denormal, infinite or NaN, so that the bfloat16 dot instruction, which flushes denormals, gives the bits of LaneByLane.
constexpr float least_moderate = 0x1p-50f, past_moderate = 0x1p50f;

/** Whether all elements of a widened row are such numbers. */
inline bool is_moderate(const float* row, int64_t size) {
  F odd = zero();  // 0 in all lanes as long as they are
  const F one = set1(1.0f);
  for (int64_t c = 0; c < size; c += 16) {
    const F x = load(row + c), a = maximum(x, sub(zero(), x));
    const F within = sub(keep_if_ge(a, set1(least_moderate), one), keep_if_ge(a, set1(past_moderate), one));
    const F is_zero = sub(keep_if_ge(a, zero(), one), keep_if_gt(a, zero(), one));
    odd = maximum(odd, sub(one, add(within, is_zero)));
  }
  return !any_ge(odd, one);
}

#ifdef WN_HAS_DPBF16
/** The bfloat16 dot instruction, which does a step at once, and whether all keys met were moderate; zeros are not worth telling apart. */
struct DotInstruction {
  static constexpr int offset = 2 * ((127 - 50) << 7), range = 2 * (100 << 7);
  __m512i largest = _mm512_setzero_si512();  // of twice the magnitude minus that of 2^-50, modulo 2^16

  inline __m512i key(const uint16_t* p) {
    const __m512i x = _mm512_loadu_si512(p);
    largest = _mm512_max_epu16(largest, _mm512_sub_epi16(_mm512_add_epi16(x, x), _mm512_set1_epi16(offset)));
    return x;
  }
  static inline __m512i query(const float* p) {
    return _mm512_or_si512(_mm512_loadu_si512(p), _mm512_srli_epi32(_mm512_loadu_si512(p + 16), 16));
  }
  static inline F accumulate(__m512i k, __m512i q, F sum) { return _mm512_dpbf16_ps(sum, (__m512bh)k, (__m512bh)q); }
  bool gave_exact_dots() const { return _mm512_cmpge_epu16_mask(largest, _mm512_set1_epi16(range)) == 0; }
};
#endif

/** scale * q.k of R rows with 16 keys. Each step of a key is loaded once for all R rows. Ask: prefetch the later keys. */
template <typename T, int R, bool Ask, typename Way>
inline void dots_tile(Way& met, const QueryRows& rows, const KeyGroup<T>& keys, int dim, F scale) {
  Way way = met;
  constexpr int together = keys_at_once(R);
  constexpr int side = together < 4 ? together : 4;  // keys that are reached from one address
  F total[R][16];
  const int whole = dim / T::step * T::step;
  for (int first = 0; first < 16; first += together) {
    F part[R * together];
#pragma GCC unroll 16
    for (int i = 0; i < R * together; ++i) part[i] = zero();
    decltype(Way::query(rows.q)) q[R];
    const auto step = [&](const typename T::E* key, int j) {
      const auto k = way.key(key);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) part[r * together + j] = Way::accumulate(k, q[r], part[r * together + j]);
    };
    for (int c = 0; c < dim; c += T::step) {
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) q[r] = Way::query(rows.q + r * rows.q_size + c);
      const typename T::E* key = keys.first + first * keys.stride + c;
      const typename T::E* later = keys.later + first * keys.later_stride + c * keys.later_step;
      if (c == whole) {
#pragma GCC unroll 16
        for (int j = 0; j < together; ++j) step(Tail<T>(key + j * keys.stride - c, dim).element, j);
        break;
      }
#pragma GCC unroll 4
      for (int j = 0; j < together; j += side) {
#pragma GCC unroll 4
        for (int i = 0; i < side; ++i) {
          if (Ask) __builtin_prefetch(later + i * keys.later_stride);
          step(key + i * keys.stride, j + i);
        }
        key += side * keys.stride;
        later += side * keys.later_stride;
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < R * together; ++i) total[i / together][first + i % together] = part[i];
  }
  for (int r = 0; r < R; ++r) store(rows.logits + r * rows.logits_size, mul(sums(total[r]), scale));
  met = way;
}

/** The same for n rows. */
template <typename T, typename Way>
inline void dots_rows(Way& way, const QueryRows& rows, int n, const KeyGroup<T>& keys, int dim, F scale) {
  int r = 0;
  if constexpr (tile_side >= 4) {
    if (n >= 4) dots_tile<T, 4, true>(way, rows, keys, dim, scale), r = 4;
    for (; r + 4 <= n; r += 4) dots_tile<T, 4, false>(way, rows.from(r, 0), keys, dim, scale);
    if (r > 0 && r + 3 == n) dots_tile<T, 3, false>(way, rows.from(r, 0), keys, dim, scale), r = n;
  }
  if constexpr (tile_side >= 2) {
    if (r == 0 && n >= 2) dots_tile<T, 2, true>(way, rows, keys, dim, scale), r = 2;
    for (; r + 2 <= n; r += 2) dots_tile<T, 2, false>(way, rows.from(r, 0), keys, dim, scale);
  }
  if (r == 0) dots_tile<T, 1, true>(way, rows, keys, dim, scale), r = 1;
  for (; r < n; ++r) dots_tile<T, 1, false>(way, rows.from(r, 0), keys, dim, scale);
}

/** The logits of the rows of heads with keys up to to; those of key j at logits[row][j - from]. */
template <typename T, bool Exact>
class HeadDots {
 public:
  HeadDots(const KeyRows<T>& keys, const QueryRows& rows, int64_t all_rows, int from, int to, float scale)
      : keys(keys), rows(rows), from(from), to(to), scale(scale) {
#ifdef WN_HAS_DPBF16
    if constexpr (T::planes == 2 && Exact) {
      instruction = rows.per_head > 1 && keys.dim % T::step == 0 && is_moderate(rows.q, all_rows * rows.q_size);
    }
#else
    (void)all_rows;
#endif
  }

  /** Sixteen keys, or what there is of them, of one head, whose query rows start at row; asks for later ones meanwhile. */
  void group(int key, int head, int64_t row, int later_key, int later_head) {
    const QueryRows at = rows.from(row, key - from);
    if (key + 16 > to) return one_by_one(key, head, at);
    if (later_key + 16 > to) later_key = key, later_head = head;
    const KeyGroup<T> group(keys, key, head, later_key, later_head);
#ifdef WN_HAS_DPBF16
    if constexpr (T::planes == 2 && Exact) {
      if (instruction) {
        DotInstruction way;
        dots_rows<T>(way, at, at.per_head, group, keys.dim, set1(scale));
        instruction = way.gave_exact_dots();
        if (instruction) return;
      }
    }
#endif
    LaneByLane<T, Exact> way;
    dots_rows<T>(way, at, at.per_head, group, keys.dim, set1(scale));
  }

 private:
  const KeyRows<T>& keys;
  const QueryRows rows;
  const int from, to;
  const float scale;
#ifdef WN_HAS_DPBF16
  bool instruction = false;  // as long as no key was met that it is not exact for
#endif

  void one_by_one(int key, int head, const QueryRows& at) const {
    using Way = LaneByLane<T, Exact>;
    const int whole = keys.dim / T::step * T::step;
    for (int j = 0; key + j < to; ++j) {
      const typename T::E* k = keys.row(key + j, head);
      for (int r = 0; r < at.per_head; ++r) {
        const float* q = at.q + r * at.q_size;
        F total = zero();
        for (int c = 0; c < whole; c += T::step) total = Way::accumulate(Way::key(k + c), Way::query(q + c), total);
        if (whole < keys.dim) total = Way::accumulate(Way::key(Tail<T>(k, keys.dim).element), Way::query(q + whole), total);
        at.logits[r * at.logits_size + j] = sum(total) * scale;
      }
    }
  }
};

/** Logits of the rows of one head for keys from..to. */
template <typename T, bool Exact>
inline void dots_of_head(const KeyRows<T>& keys, int head, const QueryRows& rows, int from, int to, float scale) {
  constexpr int ahead = 32;
  HeadDots<T, Exact> dots(keys, rows, rows.per_head, from, to, scale);
  for (int j = from; j < to; j += 16) dots.group(j, head, 0, j + ahead, head);
}

/**
 * Logits of all heads for keys begin..end, where the keys of all heads lie side by side in one row per token: sixteen tokens, then head
 * after head, so that memory is read in as many streams, page after page, while what lies some heads further is asked for. Keys exist
 * up to to.
 */
template <typename T, bool Exact>
inline void dots_by_token(const KeyRows<T>& keys, const QueryRows& rows, int from, int begin, int end, int to, float scale) {
  constexpr int bytes_ahead = 1536;
  HeadDots<T, Exact> dots(keys, rows, static_cast<int64_t>(keys.heads) * rows.per_head, from, to, scale);
  const int ahead = bytes_ahead / (keys.dim * static_cast<int>(sizeof(typename T::E))) + 1;
  int later_key = begin + 16 * (ahead / keys.heads), later_head = ahead % keys.heads;
  for (int key = begin; key < end; key += 16) {
    for (int head = 0; head < keys.heads; ++head) {
      dots.group(key, head, static_cast<int64_t>(head) * rows.per_head, later_key, later_head);
      if (++later_head == keys.heads) later_head = 0, later_key += 16;
    }
  }
}

}  // namespace wn::WN_TIER
