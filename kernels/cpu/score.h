// K1, attention scores, for one CPU tier. The map [heads, queries, keys] never exists: a few rows of logits live in the workspace.
//
// The work of a batch row is cut into at most eight parts (ranges of kv heads; of queries where heads are averaged before the maximum),
// each with its own partial result, added up in order at the end. The cut does not depend on the threads, so neither does the result.
//
// Where few query rows meet a cache whose rows hold the keys of all heads, the logits of all heads are computed first, token by token
// (score_dots.h), and the parts start from them.
#pragma once

#include "score_part.h"

namespace wn::WN_TIER {

/** What each key's sum is divided by: the weight of all queries, or of those that see it, times the heads. 0 asks for a score of 0. */
template <typename T>
void score_divisors(const ScorePart<T>& part, float* divisor) {
  const wn_score_desc& d = part.d;
  for (int64_t i = 0; i < part.span; ++i) divisor[i] = 0.0f;
  for (int t = 0; t < d.n_query; ++t) {
    const float w = query_weight(d, t);
    const bool visible = d.flags & WN_SCORE_MEAN_VISIBLE;
    const int low = visible && part.first > d.key_begin ? part.first - d.key_begin : 0;
    const int high = visible && part.end(t) < d.key_begin + d.key_count ? part.end(t) - d.key_begin : d.key_count;
    for (int i = low; i < high; ++i) divisor[i] += w;
  }
  for (int i = 0; i < d.key_count; ++i) divisor[i] *= static_cast<float>(d.heads_q);
}

template <typename T>
void score_typed(const wn_ctx& ctx, const wn_score_desc& d, float* memory) {
  const ScoreLayout layout(d);
  const bool largest_wins = d.reduce == WN_MAX || d.reduce == WN_HEADS_THEN_MAX;
  const int units = d.reduce == WN_HEADS_THEN_MAX ? d.n_query : d.heads_kv;
  const int64_t key_bytes = static_cast<int64_t>(d.heads_kv) * d.max_key * d.head_dim * sizeof(typename T::E);
  const int64_t bytes = layout.by_token ? layout.shared_rows * layout.logits * 16 : key_bytes * (d.n_query / score_rows + 1);
  for (int b = 0; b < d.batch; ++b) {
    const ScorePart<T> whole(d, layout, b, memory, 0);
    if (layout.by_token && whole.tasks() > 0) {
      whole.share_queries();
      parallel(ctx, whole.tasks(), key_bytes, [&](int64_t task) { whole.share_logits(task); });
    }
    parallel(ctx, layout.parts, bytes, [&](int64_t p) {
      ScorePart<T> part(d, layout, b, memory, p);
      part.run(static_cast<int>(units * p / layout.parts), static_cast<int>(units * (p + 1) / layout.parts));
    });
    float* divisor = memory + layout.parts * layout.part;
    if (d.reduce == WN_MEAN) score_divisors(whole, divisor);
    float* out = static_cast<float*>(d.out) + b * d.out_sb;
    for (int i = 0; i < d.key_count; ++i) {
      float v = memory[i];
      for (int p = 1; p < layout.parts; ++p) {
        const float x = memory[p * layout.part + i];
        v = largest_wins ? (x > v ? x : v) : v + x;
      }
      if (d.reduce == WN_MEAN) v = divisor[i] == 0.0f ? 0.0f : v / divisor[i];
      if (largest_wins && v == -infinity) v = 0.0f;
      if (d.mode != WN_RAW_DOT && v != v) v = 0.0f;  // weights so large that their sums overflowed
      out[i] = v;
    }
  }
}

inline int32_t score(const wn_ctx& ctx, const wn_score_desc& d, void* workspace, void*) {
  float* memory = static_cast<float*>(workspace);
  if (d.dtype == WN_F32) score_typed<F32>(ctx, d, memory);
  if (d.dtype == WN_F16) score_typed<F16>(ctx, d, memory);
  if (d.dtype == WN_BF16) score_typed<BF16>(ctx, d, memory);
  return WN_OK;
}

}  // namespace wn::WN_TIER
