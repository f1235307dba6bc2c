// The plain meaning of wn_score, in double precision: one row of logits after the other, no blocking, no tricks.
#pragma once

#include <algorithm>
#include <cfloat>
#include <vector>

#include "reference/values.h"

namespace wn::ref {

struct ScoreRow {
  std::vector<double> p;  // value of every key for one (batch row, head, query); NaN marks a key that the query cannot see
};

inline void score_row(const wn_score_desc& d, int b, int h, int t, ScoreRow& row) {
  const double hidden = std::numeric_limits<double>::quiet_NaN();
  const int len = get_i32(d.key_len, b, d.max_key);
  const int first = get_i32(d.key_first, b, 0);
  const int64_t last = d.causal ? (d.query_pos ? get_i32(d.query_pos, t, 0) : static_cast<int64_t>(d.query_pos0) + t) : d.max_key;
  const int64_t end = std::min<int64_t>(len, last + 1);
  const int kv = h / (d.heads_q / d.heads_kv);
  row.p.assign(d.max_key, hidden);
  double top = -INFINITY;
  for (int64_t j = first; j < end; ++j) {
    double dot = 0;
    for (int c = 0; c < d.head_dim; ++c) {
      dot += static_cast<double>(get(d.q, d.dtype, b * d.q_sb + h * d.q_sh + t * d.q_st + c)) *
             get(d.k, d.dtype, b * d.k_sb + kv * d.k_sh + j * d.k_sn + c);
    }
    double logit = dot * d.scale;
    if (d.mode != WN_RAW_DOT) logit = std::isnan(logit) ? -INFINITY : std::min<double>(logit, FLT_MAX);
    row.p[j] = logit;
    top = std::max(top, logit);
  }
  if (d.mode == WN_RAW_DOT) return;
  double shift = top;
  double total = 0;
  if (d.mode == WN_SOFTMAX) {
    for (int64_t j = first; j < end; ++j) total += top == -INFINITY ? 0 : std::exp(row.p[j] - top);
  } else {
    const double lse = static_cast<const float*>(d.lse)[b * d.lse_sb + h * d.lse_sh + t * d.lse_st];
    shift = lse * (d.lse_base == WN_LSE_2 ? std::log(2.0) : 1.0);
    total = std::isfinite(lse) ? 1 : 0;
  }
  for (int64_t j = first; j < end; ++j) row.p[j] = total > 0 ? std::exp(row.p[j] - shift) / total : 0;
}

inline void score(const wn_score_desc& d) {
  ScoreRow row;
  const int n = d.key_count;
  for (int b = 0; b < d.batch; ++b) {
    std::vector<double> sum(n, 0), seen(n, 0), best(n, -INFINITY), heads(n);
    double weights = 0;
    for (int t = 0; t < d.n_query; ++t) {
      const double w = get_f32(d.query_weight, t, 1);
      if (w == 0 || !std::isfinite(w)) continue;
      weights += w;
      heads.assign(n, 0);
      std::vector<char> visible(n, 0);
      for (int h = 0; h < d.heads_q; ++h) {
        score_row(d, b, h, t, row);
        const int len = get_i32(d.key_len, b, d.max_key), first = get_i32(d.key_first, b, 0);
        for (int i = 0; i < n; ++i) {
          const int j = d.key_begin + i;
          const int64_t last = d.causal ? (d.query_pos ? get_i32(d.query_pos, t, 0) : static_cast<int64_t>(d.query_pos0) + t) : d.max_key;
          if (j < first || j >= len || j > last) continue;
          visible[i] = 1;
          heads[i] += row.p[j];
          if (d.reduce == WN_MAX && row.p[j] > best[i]) best[i] = row.p[j];
        }
      }
      for (int i = 0; i < n; ++i) {
        if (!visible[i]) continue;
        seen[i] += w;
        sum[i] += w * heads[i];
        if (d.reduce == WN_HEADS_THEN_MAX && heads[i] / d.heads_q > best[i]) best[i] = heads[i] / d.heads_q;
      }
    }
    float* out = static_cast<float*>(d.out) + b * d.out_sb;
    for (int i = 0; i < n; ++i) {
      const double divisor = (d.flags & WN_SCORE_MEAN_VISIBLE) ? seen[i] : weights;
      if (d.reduce == WN_SUM) out[i] = static_cast<float>(sum[i]);
      if (d.reduce == WN_MEAN) out[i] = divisor == 0 ? 0.0f : static_cast<float>(sum[i] / divisor / d.heads_q);
      if (d.reduce >= WN_MAX) out[i] = best[i] == -INFINITY ? 0.0f : static_cast<float>(best[i]);
    }
  }
}

}  // namespace wn::ref
