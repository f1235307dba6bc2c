// One part of the work of K1, attention scores: the rows of some kv heads, or of some queries, reduced into a result of its own.
#pragma once

#include <cfloat>

#include "score_dots.h"
#include "score_layout.h"
#include "tasks.h"

namespace wn::WN_TIER {

/** One part of one batch row. */
template <typename T>
struct ScorePart {
  using E = typename T::E;
  const wn_score_desc& d;
  const ScoreLayout& layout;
  const int b;
  const int first, len;       // keys that exist
  const int group;            // query heads per kv head
  const int64_t span, logits_size, row_size;
  float* partial;             // [span] this part's result
  float* heads;               // [span] mean over heads of one query, for HEADS_THEN_MAX
  float* rows;                // [score_rows][row_size], widened queries; or the shared ones, [kv head][query head in group][query]
  float* logits;              // [score_rows][logits_size]; or the shared ones

  ScorePart(const wn_score_desc& desc, const ScoreLayout& sizes, int batch_row, float* workspace, int64_t part)
      : d(desc), layout(sizes), b(batch_row), first(int_at(desc.key_first, batch_row, 0)),
        len(int_at(desc.key_len, batch_row, desc.max_key)), group(desc.heads_q / desc.heads_kv), span(sizes.span),
        logits_size(sizes.logits), row_size(sizes.row),
        partial(workspace + part * sizes.part), heads(partial + span), rows(sizes.by_token ? workspace + sizes.shared_at() : heads + span),
        logits(rows + (sizes.by_token ? sizes.shared_rows + 1 : score_rows) * row_size) {}

  const E* query(int h, int t) const { return static_cast<const E*>(d.q) + b * d.q_sb + h * d.q_sh + t * d.q_st; }

  /** Past the last key that query t sees. */
  int end(int t) const {
    if (!d.causal) return len;
    const int64_t after = static_cast<int64_t>(d.query_pos ? int_at(d.query_pos, t, 0) : static_cast<int64_t>(d.query_pos0) + t) + 1;
    return after < 0 ? 0 : after < len ? static_cast<int>(after) : len;
  }

  KeyRows<T> keys() const { return {static_cast<const E*>(d.k) + b * d.k_sb, d.k_sn, d.k_sh, d.heads_kv, d.head_dim}; }

  /** What a logit is multiplied by: softmax works with powers of two. */
  float factor() const { return d.mode == WN_RAW_DOT ? d.scale : d.scale * log2_e; }

  /** The keys whose logits are needed for queries that see none at or past last: without a normaliser, only the reported ones. */
  int begin_of_keys() const { return d.mode == WN_SOFTMAX || first > d.key_begin ? first : d.key_begin; }
  int end_of_keys(int last) const { return d.mode == WN_SOFTMAX || last < d.key_begin + d.key_count ? last : d.key_begin + d.key_count; }

  /** Adds or maximises x * factor over the reported keys seen by a row: x[i] belongs to key from + i. */
  void reduce(float* into, const float* x, int from, int to, float factor, bool largest_wins) const {
    const int low = from > d.key_begin ? from : d.key_begin;
    const int high = to < d.key_begin + d.key_count ? to : d.key_begin + d.key_count;
    const F f = set1(factor);
    float* out = into + (low - d.key_begin);
    const float* in = x + (low - from);
    int i = 0;
    for (; i + 16 <= high - low; i += 16) {
      const F v = mul(load(in + i), f);
      store(out + i, largest_wins ? maximum(v, load(out + i)) : add(load(out + i), v));
    }
    for (; i < high - low; ++i) {
      const float v = in[i] * factor;
      out[i] = largest_wins ? (v > out[i] ? v : out[i]) : out[i] + v;
    }
  }

  /** Turns logits (base 2) of keys 0..count into exp2(logit - shift), in place, and returns their sum. Lanes past count become 0. */
  static float exponentials(float* x, int count, float shift) {
    const F top = set1(shift);
    F total = zero();
    for (int i = 0; i < count; i += 16) {
      const F e = exp2(minimum(sub(load(x + i), top), set1(127.0f)));
      store(x + i, e);
      total = add(total, e);
    }
    return sum(total);
  }

  /** Masks NaN to -infinity, clips +infinity, pads to whole vectors with -infinity, and returns the largest logit. */
  static float clean(float* x, int count) {
    for (int i = count; i % 16 != 0; ++i) x[i] = -infinity;
    F top = set1(-infinity);
    for (int i = 0; i < count; i += 16) {
      const F v = minimum(maximum(load(x + i), set1(-infinity)), set1(FLT_MAX));
      store(x + i, v);
      top = maximum(v, top);
    }
    return largest(top);
  }

  /** Scores of up to score_rows queries of one kv head, reduced into into. Row r is query head h[r], query t[r]. */
  void rows_of_head(int kv, const int* h, const int* t, int n, float* into, bool largest_wins) {
    int last = 0;
    for (int r = 0; r < n; ++r) last = end(t[r]) > last ? end(t[r]) : last;
    const bool softmax = d.mode != WN_RAW_DOT;
    const int from = begin_of_keys(), to = end_of_keys(last);
    if (from >= to) return;
    if (!layout.by_token) {
      for (int r = 0; r < n; ++r) widen_row<T>(query(h[r], t[r]), d.head_dim, rows + r * row_size);
      dots_of_head<T, true>(keys(), kv, {rows, row_size, logits, logits_size, n}, from, to, factor());
    }
    for (int r = 0; r < n; ++r) {
      float* x = logits + (layout.by_token ? static_cast<int64_t>(h[r]) * d.n_query + t[r] : r) * logits_size;
      const int seen = (end(t[r]) < to ? end(t[r]) : to) - from;
      if (seen <= 0) continue;
      const float w = d.reduce == WN_MEAN || d.reduce == WN_SUM ? query_weight(d, t[r]) : 1.0f;
      if (!softmax) {
        reduce(into, x, from, from + seen, w, largest_wins);
        continue;
      }
      float shift = clean(x, seen);
      float total = 1.0f;
      if (d.mode == WN_SOFTMAX_LSE) {
        shift = static_cast<const float*>(d.lse)[b * d.lse_sb + h[r] * d.lse_sh + t[r] * d.lse_st];
        if (!(shift - shift == 0.0f)) continue;
        if (d.lse_base == WN_LSE_E) shift *= log2_e;
        exponentials(x, seen, shift);
      } else {
        if (shift == -infinity) continue;
        total = exponentials(x, seen, shift);
      }
      reduce(into, x, from, from + seen, w / total, largest_wins);
    }
  }

  /** All queries of one kv head: sums, means and plain maxima. */
  void head(int kv) {
    int h[score_rows], t[score_rows];
    int n = 0;
    for (int q = 0; q < d.n_query; ++q) {
      if (query_weight(d, q) == 0.0f) continue;
      for (int g = 0; g < group; ++g) {
        h[n] = kv * group + g;
        t[n++] = q;
        if (n == score_rows) {
          rows_of_head(kv, h, t, n, partial, d.reduce == WN_MAX);
          n = 0;
        }
      }
    }
    if (n > 0) rows_of_head(kv, h, t, n, partial, d.reduce == WN_MAX);
  }

  /** The widened sum of all queries of one kv head, each times its weight; scratch: one row. */
  void sum_queries(int kv, float* total, float* scratch) const {
    for (int c = 0; c < row_size; ++c) total[c] = 0.0f;
    for (int q = 0; q < d.n_query; ++q) {
      const float w = query_weight(d, q);
      if (w == 0.0f) continue;
      for (int g = 0; g < group; ++g) {
        widen_row<T>(query(kv * group + g, q), d.head_dim, scratch);
        for (int c = 0; c < widened_size<T>(d.head_dim); c += 16) store(total + c, add(load(total + c), mul(load(scratch + c), set1(w))));
      }
    }
  }

  /** Raw dots without a mask, summed: one pass over the keys with the sum of the queries. */
  void summed_queries(int kv) {
    const int from = begin_of_keys(), to = end_of_keys(len);
    if (from >= to) return;
    if (!layout.by_token) {
      sum_queries(kv, rows, rows + row_size);
      dots_of_head<T, false>(keys(), kv, {rows, row_size, logits, logits_size, 1}, from, to, factor());
    }
    reduce(partial, logits + (layout.by_token ? kv * logits_size : 0), from, to, 1.0f, false);
  }

  /** by_token: the queries of all heads, widened. */
  void share_queries() const {
    float* row = rows;
    for (int kv = 0; kv < d.heads_kv; ++kv) {
      if (layout.summed) {
        sum_queries(kv, row, rows + layout.shared_rows * row_size);
        row += row_size;
        continue;
      }
      for (int h = kv * group; h < (kv + 1) * group; ++h) {
        for (int t = 0; t < d.n_query; ++t, row += row_size) widen_row<T>(query(h, t), d.head_dim, row);
      }
    }
  }

  /** by_token: the keys for which any query needs logits, as a number of tasks. */
  int last_key() const {
    int last = layout.summed ? len : 0;
    for (int t = 0; t < d.n_query; ++t) last = end(t) > last ? end(t) : last;
    return end_of_keys(last);
  }
  int64_t tasks() const { return (static_cast<int64_t>(last_key()) - begin_of_keys() + tokens_per_task - 1) / tokens_per_task; }

  /** by_token: the logits of all heads for the keys of one task. */
  void share_logits(int64_t task) const {
    const int from = begin_of_keys(), to = last_key();
    const int begin = from + static_cast<int>(task) * tokens_per_task;
    const int end = begin + tokens_per_task < to ? begin + tokens_per_task : to;
    const QueryRows queries = {rows, row_size, logits, logits_size, static_cast<int>(layout.rows_per_head)};
    if (layout.summed) {
      dots_by_token<T, false>(keys(), queries, from, begin, end, to, factor());
    } else {
      dots_by_token<T, true>(keys(), queries, from, begin, end, to, factor());
    }
  }

  /** One query over all heads: the mean of the heads, then the maximum into the part's result. */
  void heads_then_max(int q) {
    if (query_weight(d, q) == 0.0f) return;
    int h[score_rows], t[score_rows];
    for (int i = 0; i < span; ++i) heads[i] = 0.0f;
    for (int kv = 0; kv < d.heads_kv; ++kv) {
      for (int g = 0; g < group; g += score_rows) {
        int n = 0;
        for (; n < score_rows && g + n < group; ++n) {
          h[n] = kv * group + g + n;
          t[n] = q;
        }
        rows_of_head(kv, h, t, n, heads, false);
      }
    }
    const int low = first > d.key_begin ? first : d.key_begin;
    const int high = end(q) < d.key_begin + d.key_count ? end(q) : d.key_begin + d.key_count;
    for (int j = low; j < high; ++j) {
      const float mean = heads[j - d.key_begin] / static_cast<float>(d.heads_q);
      float* best = partial + (j - d.key_begin);
      *best = mean > *best ? mean : *best;
    }
  }

  void run(int begin, int end_of_part) {
    const float start = d.reduce == WN_MAX || d.reduce == WN_HEADS_THEN_MAX ? -infinity : 0.0f;
    for (int i = 0; i < span; ++i) partial[i] = start;
    for (int u = begin; u < end_of_part; ++u) {
      if (d.reduce == WN_HEADS_THEN_MAX) {
        heads_then_max(u);
      } else if (layout.summed) {
        summed_queries(u);
      } else {
        head(u);
      }
    }
  }
};

}  // namespace wn::WN_TIER
