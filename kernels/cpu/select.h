// K3, selection, for one CPU tier: the threshold is found byte by byte on order-preserving keys, then one pass emits the positions in
// order. No sort: an ascending keep-list and the lower index among equals come for free.
#pragma once

#include "status.h"
#include "tasks.h"

namespace wn::WN_TIER {

/** Memory of one selection over n scores: keys, candidates and the indices found, each with room for a whole vector more. */
struct SelectMemory {
  int32_t* keys;
  int32_t* candidates;
  int32_t* found;
  uint8_t* bytes() const { return reinterpret_cast<uint8_t*>(found); }  // one per key, while nothing has been found yet

  static int64_t stride(int64_t n) { return (n + 16 + 15) / 16 * 16; }
  static int64_t bytes(int64_t n) { return 3 * stride(n) * static_cast<int64_t>(sizeof(int32_t)); }
  SelectMemory(void* memory, int64_t n)
      : keys(static_cast<int32_t*>(memory)), candidates(keys + stride(n)), found(candidates + stride(n)) {}
};

struct Threshold {
  int32_t key;     // smallest key that is chosen
  int64_t equals;  // how many of the keys equal to it are chosen, the first ones
};

struct KeyRange {
  int32_t low, high;
};

/** Keys at or above a byte's value, and those above it. */
struct ByteSearch {
  uint32_t value;
  int64_t from_it, above;
};

/** The value of the k-th largest byte, bit by bit; stops where exactly k bytes are at or above a value. */
inline ByteSearch kth_largest_byte(const uint8_t* bytes, int64_t n, int64_t k) {
  ByteSearch s = {0, n, 0};
  for (uint32_t bit = 128; bit != 0 && s.from_it != k; bit >>= 1) {
    const int64_t count = count_bytes_ge(bytes, n, static_cast<uint8_t>(s.value | bit));
    const bool up = count >= k;
    s.value = up ? s.value | bit : s.value;
    s.from_it = up ? count : s.from_it;
    s.above = up ? s.above : count;
  }
  return s;
}

/**
 * The k-th largest of keys in range, 1 <= k <= n. The first eight bits in which keys differ go together in an array of bytes, of which one
 * instruction compares many; the keys that share the byte found are looked at in the same way, and so on: four rounds at most, mostly two.
 */
inline Threshold kth_largest(const int32_t* keys, int64_t n, KeyRange range, int64_t k, const SelectMemory& memory) {
  for (;;) {
    const uint32_t width = static_cast<uint32_t>(range.high) - static_cast<uint32_t>(range.low);
    if (width == 0) return {range.low, k};
    const int shift = width < 256 ? 0 : 24 - __builtin_clz(width);
    narrow_keys(keys, n, range.low, shift, memory.bytes());
    const ByteSearch byte = kth_largest_byte(memory.bytes(), n, k);
    const uint32_t first = static_cast<uint32_t>(range.low) + (byte.value << shift);
    const int32_t low = static_cast<int32_t>(first);
    if (byte.from_it == k) return {low, k};
    k -= byte.above;
    if (shift == 0) return {low, k};
    const int32_t high = static_cast<int32_t>(first + ((1u << shift) - 1));
    n = filter_keys(keys, n, low, high < low || high > range.high ? range.high : high, memory.candidates);
    keys = memory.candidates;
    key_range(keys, n, &range.low, &range.high);
  }
}

/** The k-th largest key itself, as kth_largest may stop at a lower bound that selects the same keys. */
inline int32_t exact_key(const int32_t* keys, int64_t n, KeyRange range, int64_t k, const SelectMemory& memory) {
  const Threshold t = kth_largest(keys, n, range, k, memory);
  int32_t low, high;
  const int64_t size = filter_keys(keys, n, t.key, INT32_MAX, memory.candidates);
  key_range(memory.candidates, size, &low, &high);
  return low;
}

inline int32_t order_key_of(float score) {
  int32_t key, low, high;
  order_keys(&score, 1, &key, &low, &high);
  return key;
}

/** The score behind a key; NaN for the lowest. */
inline float score_of(int32_t key) {
  const int32_t bits = key == INT32_MIN ? 0x7fc00000 : key ^ ((key >> 31) & 0x7fffffff);
  float score;
  std::memcpy(&score, &bits, 4);
  return score;
}

/** numpy's linear interpolation, in float32, of the order statistics around (n - 1) * quarter / 4. */
inline float quartile(const int32_t* keys, int64_t n, KeyRange range, int quarter, const SelectMemory& memory) {
  const int64_t at = (n - 1) * quarter;
  const int64_t rank = at / 4;  // ascending; the largest has rank n - 1
  const float low = score_of(exact_key(keys, n, range, n - rank, memory));
  const int part = static_cast<int>(at % 4);
  if (part == 0) return low;
  const float high = score_of(exact_key(keys, n, range, n - rank - 1, memory));
  const float difference = high - low;
  const float t = static_cast<float>(part) * 0.25f;
  return t < 0.5f ? low + difference * t : high - difference * (1.0f - t);
}

/** Which keys of a row the rule chooses. */
inline Threshold rule_threshold(const wn_select_desc& d, int64_t n, KeyRange range, int64_t k, const SelectMemory& memory) {
  const Threshold none = {INT32_MAX, 0};
  if (n == 0) return none;
  if (d.rule == WN_TOPK) return k <= 0 ? none : k >= n ? Threshold{INT32_MIN, n} : kth_largest(memory.keys, n, range, k, memory);
  float fence = d.threshold;
  if (d.rule == WN_IQR_HIGH) {
    const float q1 = quartile(memory.keys, n, range, 1, memory);
    const float q3 = quartile(memory.keys, n, range, 3, memory);
    const float width = q3 - q1;
    fence = q3 + d.iqr_factor * width;
    if (fence != fence) return none;
  }
  return {order_key_of(fence), d.rule == WN_GE ? n : 0};
}

inline int32_t row_length(const wn_select_desc& d, int r) { return d.row_len ? static_cast<const int32_t*>(d.row_len)[r] : d.max_len; }

inline int32_t row_total(const wn_select_desc& d, int r) {
  return d.total_len ? static_cast<const int32_t*>(d.total_len)[r] : d.prefix + row_length(d, r);
}

/** Indices chosen in row r, ascending and moved by the prefix, in memory.found; returns their number. */
inline int64_t choose_row(const wn_select_desc& d, int r, const SelectMemory& memory) {
  const int64_t n = row_length(d, r);
  KeyRange range;
  order_keys(static_cast<const float*>(d.scores) + r * d.scores_s, n, memory.keys, &range.low, &range.high);
  const int64_t k = d.row_k ? static_cast<const int32_t*>(d.row_k)[r] : d.k;
  const Threshold t = rule_threshold(d, n, range, k, memory);
  return emit_indices(memory.keys, n, t.key, t.equals, d.prefix, memory.found);
}

/** Writes keep-list, inverse map and positions of row r from the chosen indices. */
inline void write_row(const wn_select_desc& d, int r, const int32_t* found, int64_t chosen) {
  const int32_t total = row_total(d, r), suffix = d.prefix + row_length(d, r);
  int32_t* keep = static_cast<int32_t*>(d.keep) + r * d.keep_s;
  for (int32_t i = 0; i < d.prefix; ++i) keep[i] = i;
  if (chosen > 0) std::memcpy(keep + d.prefix, found, chosen * sizeof(int32_t));
  const int64_t tail = d.prefix + chosen;
  for (int32_t i = suffix; i < total; ++i) keep[tail + (i - suffix)] = i;
  const int64_t count = tail + (total - suffix);
  static_cast<int32_t*>(d.keep_count)[r] = static_cast<int32_t>(count);
  if (d.inverse) {
    int32_t* inverse = static_cast<int32_t*>(d.inverse) + r * d.inverse_s;
    for (int32_t i = 0; i < total; ++i) inverse[i] = -1;
    for (int64_t j = 0; j < count; ++j) inverse[keep[j]] = static_cast<int32_t>(j);
  }
  if (d.new_pos) {
    int32_t* new_pos = static_cast<int32_t*>(d.new_pos) + r * d.new_pos_s;
    const int32_t* pos = d.pos ? static_cast<const int32_t*>(d.pos) + r * d.pos_s : nullptr;
    for (int64_t j = 0; j < count; ++j) new_pos[j] = pos ? pos[keep[j]] : keep[j];
  }
  if (d.first_moved) {
    int64_t j = d.prefix;
    while (j < count && keep[j] == j) ++j;
    static_cast<int32_t*>(d.first_moved)[r] = static_cast<int32_t>(j);
  }
}

inline int64_t select_workspace(const wn_select_desc& d) { return SelectMemory::bytes(d.max_len); }

inline int32_t select(const wn_ctx&, const wn_select_desc& d, void* workspace, void*) {
  const SelectMemory memory(workspace, d.max_len);
  // First whether everything fits, so that a refused call has written nothing. One row is chosen only once.
  int64_t chosen = 0;
  for (int r = 0; r < d.rows; ++r) {
    chosen = choose_row(d, r, memory);
    const int64_t count = chosen + d.prefix + row_total(d, r) - d.prefix - row_length(d, r);
    if (count > d.max_keep) {
      return fail(WN_EINVAL, "wn_select: max_keep = %d is too small: row %d keeps %lld", d.max_keep, r, static_cast<long long>(count));
    }
  }
  for (int r = 0; r < d.rows; ++r) {
    if (d.rows > 1) chosen = choose_row(d, r, memory);
    write_row(d, r, memory.found, chosen);
  }
  return WN_OK;
}

}  // namespace wn::WN_TIER
