// How the work of K1, attention scores, is cut, and what lies where in its workspace.
#pragma once

#include "winnow.h"

namespace wn::WN_TIER {

constexpr int score_parts = 8;
constexpr int score_rows = 8;  // query rows that share one pass over a block of keys
constexpr int tokens_per_task = 256;
constexpr int64_t most_shared = 16 << 20;  // floats that logits of all heads may take
constexpr float log2_e = 1.44269504088896340736f;

/** What the workspace holds, in floats, multiples of 16: the parts, [span] divisors, then the rows that the parts share, if any. */
struct ScoreLayout {
  bool summed;           // raw dots that are only added up: one row, the sum of the queries, per kv head
  bool by_token;         // logits of all heads first, into shared rows
  int parts;
  int64_t span, logits, row, part;
  int64_t rows_per_head;  // query rows that meet one kv head
  int64_t shared_rows;    // [shared_rows][row] queries, one row of scratch, [shared_rows][logits]

  explicit ScoreLayout(const wn_score_desc& d) {
    const int units = d.reduce == WN_HEADS_THEN_MAX ? d.n_query : d.heads_kv;
    parts = units < 1 ? 1 : units < score_parts ? units : score_parts;
    span = round16(d.key_count);
    logits = round16(d.max_key) + 16;
    row = (d.head_dim + 31) / 32 * 32;
    summed = d.n_query > 0 && d.mode == WN_RAW_DOT && !d.causal && (d.reduce == WN_MEAN || d.reduce == WN_SUM);
    rows_per_head = summed ? 1 : static_cast<int64_t>(d.n_query) * (d.heads_q / d.heads_kv);
    const bool one_row_per_token = d.heads_kv > 1 && d.k_sh > 0 && d.k_sn / d.heads_kv >= d.k_sh;
    by_token = one_row_per_token && rows_per_head > 0 && rows_per_head <= score_rows &&
               logits + row <= most_shared / (d.heads_kv * rows_per_head);
    shared_rows = by_token ? d.heads_kv * rows_per_head : 0;
    part = 2 * span + (by_token ? 0 : score_rows * (logits + row));
  }
  int64_t shared_at() const { return parts * part + span; }
  int64_t size() const { return shared_at() + (by_token ? shared_rows * (logits + row) + row : 0); }
  static int64_t round16(int64_t n) { return (n + 15) / 16 * 16; }
};

inline int64_t score_workspace(const wn_score_desc& d) { return ScoreLayout(d).size() * static_cast<int64_t>(sizeof(float)); }

inline int32_t int_at(const void* array, int64_t i, int32_t if_null) { return array ? static_cast<const int32_t*>(array)[i] : if_null; }

/** Weight of a query; 0 for those that are dropped. */
inline float query_weight(const wn_score_desc& d, int t) {
  if (!d.query_weight) return 1.0f;
  const float w = static_cast<const float*>(d.query_weight)[t];
  return w - w == 0.0f ? w : 0.0f;
}

}  // namespace wn::WN_TIER
