// K3, selection, for one CPU tier: the threshold is found bit by bit on order-preserving keys, then one pass emits the positions in order.
// No sort: an ascending keep-list and the lower index among equals come for free.
#pragma once

#include "status.h"
#include "tasks.h"

namespace wn::WN_TIER {

/** Memory of one selection over n scores: keys, candidates and the indices found, each with room for a whole vector more. */
struct SelectMemory {
  int32_t* keys;
  int32_t* candidates;
  int32_t* found;

  static int64_t stride(int64_t n) { return (n + 16 + 15) / 16 * 16; }
  static int64_t bytes(int64_t n) { return 3 * stride(n) * static_cast<int64_t>(sizeof(int32_t)); }
  SelectMemory(void* memory, int64_t n)
      : keys(static_cast<int32_t*>(memory)), candidates(keys + stride(n)), found(candidates + stride(n)) {}
};

struct Threshold {
  int32_t key;     // smallest key that is chosen
  int64_t equals;  // how many of the keys equal to it are chosen, the first ones
};

inline int32_t flip(uint32_t u) { return static_cast<int32_t>(u ^ 0x80000000u); }
inline uint32_t flip(int32_t s) { return static_cast<uint32_t>(s) ^ 0x80000000u; }

/**
 * The k-th largest key, 1 <= k <= n. Halves, bit by bit, the interval of values that holds it; whenever the interval holds no more than
 * half of the keys still looked at, those are moved together, so that the later passes are short.
 */
inline Threshold kth_largest(const int32_t* keys, int64_t n, int64_t k, int32_t* candidates) {
  int32_t low, high;
  key_range(keys, n, &low, &high);
  uint32_t a = flip(low), b = flip(high);
  int64_t inside = n;  // keys in a..b
  int64_t above = 0;   // keys over b that are still in the array looked at
  int64_t need = k;    // rank within a..b
  const int32_t* from = keys;
  int64_t size = n;
  while (a < b && inside > need) {
    // Split where the first bit that differs becomes 1.
    const int bit = 31 - __builtin_clz(a ^ b);
    const uint32_t middle = b >> bit << bit;
    const int64_t upper = count_ge(from, size, flip(middle)) - above;
    if (upper >= need) {
      a = middle;
      inside = upper;
    } else {
      need -= upper;
      above += upper;
      inside -= upper;
      b = middle - 1;
    }
    if (inside * 2 <= size && size > 64) {
      size = filter_keys(from, size, flip(a), flip(b), candidates);
      from = candidates;
      above = 0;
      key_range(from, size, &low, &high);
      a = flip(low);
      b = flip(high);
    }
  }
  return {flip(a), need};
}

/** The k-th largest key itself, as kth_largest may stop at a lower bound that selects the same keys. */
inline int32_t exact_key(const int32_t* keys, int64_t n, int64_t k, int32_t* candidates) {
  const Threshold t = kth_largest(keys, n, k, candidates);
  int32_t low, high;
  const int64_t size = filter_keys(keys, n, t.key, INT32_MAX, candidates);
  key_range(candidates, size, &low, &high);
  return low;
}

inline int32_t order_key_of(float score) {
  int32_t key;
  order_keys(&score, 1, &key);
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
inline float quartile(const int32_t* keys, int64_t n, int quarter, int32_t* candidates) {
  const int64_t at = (n - 1) * quarter;
  const int64_t rank = at / 4;  // ascending; the largest has rank n - 1
  const float low = score_of(exact_key(keys, n, n - rank, candidates));
  const int part = static_cast<int>(at % 4);
  if (part == 0) return low;
  const float high = score_of(exact_key(keys, n, n - rank - 1, candidates));
  const float difference = high - low;
  const float t = static_cast<float>(part) * 0.25f;
  return t < 0.5f ? low + difference * t : high - difference * (1.0f - t);
}

/** Which keys of a row the rule chooses. */
inline Threshold rule_threshold(const wn_select_desc& d, const int32_t* keys, int64_t n, int64_t k, int32_t* candidates) {
  const Threshold none = {INT32_MAX, 0};
  if (n == 0) return none;
  if (d.rule == WN_TOPK) return k <= 0 ? none : k >= n ? Threshold{INT32_MIN, n} : kth_largest(keys, n, k, candidates);
  float fence = d.threshold;
  if (d.rule == WN_IQR_HIGH) {
    const float q1 = quartile(keys, n, 1, candidates);
    const float q3 = quartile(keys, n, 3, candidates);
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
  order_keys(static_cast<const float*>(d.scores) + r * d.scores_s, n, memory.keys);
  const int64_t k = d.row_k ? static_cast<const int32_t*>(d.row_k)[r] : d.k;
  const Threshold t = rule_threshold(d, memory.keys, n, k, memory.candidates);
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
    if (count > d.max_keep) return fail(WN_EINVAL, "wn_select: max_keep = %d is too small: row %d keeps %lld", d.max_keep, r, static_cast<long long>(count));
  }
  for (int r = 0; r < d.rows; ++r) {
    if (d.rows > 1) chosen = choose_row(d, r, memory);
    write_row(d, r, memory.found, chosen);
  }
  return WN_OK;
}

}  // namespace wn::WN_TIER
