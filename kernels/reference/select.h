// The plain meaning of wn_select: a stable sort.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "reference/values.h"

namespace wn::ref {

/** Total order of scores: NaN below everything, -0 equal to +0. */
inline bool ranks_above(float a, float b) {
  if (std::isnan(a)) return false;
  return std::isnan(b) || a > b;
}

/** Order statistic q (0.25 or 0.75) as numpy's linear interpolation does it in float32. s is ascending. */
inline float quartile(const std::vector<float>& s, int quarter) {
  const int64_t at = static_cast<int64_t>(s.size() - 1) * quarter;
  const float low = s[at / 4];
  const float high = s[std::min<size_t>(at / 4 + 1, s.size() - 1)];
  const float part = static_cast<float>(at % 4) * 0.25f;
  const float difference = high - low;
  if (part == 0.0f) return low;
  return part < 0.5f ? low + difference * part : high - difference * (1.0f - part);
}

/** Chosen indices of one row of len scores, ascending. */
inline std::vector<int32_t> choose(const wn_select_desc& d, const float* scores, int len, int k) {
  std::vector<int32_t> order(len), kept;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return ranks_above(scores[a], scores[b]); });
  if (d.rule == WN_TOPK) {
    kept.assign(order.begin(), order.begin() + std::max(0, std::min(k, len)));
    std::sort(kept.begin(), kept.end());
    return kept;
  }
  float fence = d.threshold;
  if (d.rule == WN_IQR_HIGH) {
    if (len == 0) return kept;
    std::vector<float> ascending(len);
    for (int i = 0; i < len; ++i) ascending[i] = scores[order[len - 1 - i]];
    const float q1 = quartile(ascending, 1);
    const float q3 = quartile(ascending, 3);
    const float width = q3 - q1;
    fence = q3 + d.iqr_factor * width;
  }
  for (int i = 0; i < len; ++i) {
    if (d.rule == WN_GE ? scores[i] >= fence : scores[i] > fence) kept.push_back(i);
  }
  return kept;
}

/** Keep-list of one whole row. */
inline std::vector<int32_t> keep_list(const wn_select_desc& d, int r) {
  const int len = get_i32(d.row_len, r, d.max_len);
  const int total = get_i32(d.total_len, r, d.prefix + len);
  std::vector<int32_t> list;
  for (int i = 0; i < d.prefix; ++i) list.push_back(i);
  const float* scores = static_cast<const float*>(d.scores) + r * d.scores_s;
  for (int32_t i : choose(d, scores, len, get_i32(d.row_k, r, d.k))) list.push_back(d.prefix + i);
  for (int i = d.prefix + len; i < total; ++i) list.push_back(i);
  return list;
}

/** Returns the first row whose list does not fit (nothing is written then), or -1. */
inline int select(const wn_select_desc& d) {
  std::vector<std::vector<int32_t>> lists;
  for (int r = 0; r < d.rows; ++r) {
    lists.push_back(keep_list(d, r));
    if (static_cast<int64_t>(lists.back().size()) > d.max_keep) return r;
  }
  for (int r = 0; r < d.rows; ++r) {
    const std::vector<int32_t>& list = lists[r];
    const int count = static_cast<int>(list.size());
    int32_t* keep = static_cast<int32_t*>(d.keep) + r * d.keep_s;
    std::copy(list.begin(), list.end(), keep);
    static_cast<int32_t*>(d.keep_count)[r] = count;
    if (d.inverse) {
      int32_t* inverse = static_cast<int32_t*>(d.inverse) + r * d.inverse_s;
      std::fill(inverse, inverse + get_i32(d.total_len, r, d.prefix + get_i32(d.row_len, r, d.max_len)), -1);
      for (int j = 0; j < count; ++j) inverse[list[j]] = j;
    }
    if (d.new_pos) {
      int32_t* new_pos = static_cast<int32_t*>(d.new_pos) + r * d.new_pos_s;
      for (int j = 0; j < count; ++j) new_pos[j] = d.pos ? static_cast<const int32_t*>(d.pos)[r * d.pos_s + list[j]] : list[j];
    }
    if (d.first_moved) {
      int j = 0;
      while (j < count && list[j] == j) ++j;
      static_cast<int32_t*>(d.first_moved)[r] = j;
    }
  }
  return -1;
}

}  // namespace wn::ref
