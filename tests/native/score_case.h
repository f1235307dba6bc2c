// A random case of wn_score, held against the plain double-precision reference and bit for bit between tiers and thread counts.
#pragma once

#include "descriptors.h"
#include "reference/score.h"
#include "testing.h"

namespace testing {

struct ScoreCase {
  wn_score_desc d;
  Array q, k;
  std::vector<float> lse, weight, out;
  std::vector<int32_t> key_len, key_first, pos;

  /** by_token: keys [B][L][2][Hkv][D], in which all heads of a token lie side by side, and values follow. */
  ScoreCase(const wn_score_desc& shape, Random& random, float spread, bool ragged, bool weights, bool positions, bool by_token = false)
      : d(shape), q(Array::normal(d.dtype, int64_t(d.batch) * d.heads_q * d.n_query * d.head_dim, random, spread)),
        k(Array::normal(d.dtype, int64_t(by_token ? 2 : 1) * d.batch * d.heads_kv * d.max_key * d.head_dim, random, spread)) {
    d.struct_size = sizeof d;
    // queries [B][Q][H][D], keys [B][Hkv][L][D]
    d.q = q.data(), d.q_sh = d.head_dim, d.q_st = int64_t(d.heads_q) * d.head_dim, d.q_sb = d.q_st * d.n_query;
    d.k = k.data(), d.k_sn = d.head_dim, d.k_sh = int64_t(d.max_key) * d.head_dim, d.k_sb = d.k_sh * d.heads_kv;
    if (by_token) d.k_sh = d.head_dim, d.k_sn = 2 * int64_t(d.heads_kv) * d.head_dim, d.k_sb = d.k_sn * d.max_key;
    for (int b = 0; ragged && b < d.batch; ++b) {
      key_len.push_back(between(random, 0, d.max_key));
      key_first.push_back(between(random, 0, d.max_key / 3));
    }
    for (int t = 0; t < d.n_query; ++t) {
      if (weights) weight.push_back(between(random, 0, 2) == 0 ? 0.0f : 0.25f * between(random, 1, 8));
      if (positions) pos.push_back(between(random, -2, d.max_key + 1));
    }
    d.key_len = ragged ? key_len.data() : nullptr;
    d.key_first = ragged ? key_first.data() : nullptr;
    d.query_weight = weights && d.n_query ? weight.data() : nullptr;
    d.query_pos = positions && d.n_query ? pos.data() : nullptr;
    out.assign(size_t(d.batch) * d.key_count, 0);
    d.out = out.data(), d.out_sb = d.key_count;
    if (d.mode == WN_SOFTMAX_LSE) supply_lse();
  }

  void supply_lse() {
    for (int b = 0; b < d.batch; ++b) {
      for (int h = 0; h < d.heads_q; ++h) {
        for (int t = 0; t < d.n_query; ++t) {
          wn_score_desc raw = d;
          raw.mode = WN_RAW_DOT;
          wn::ref::ScoreRow row;
          wn::ref::score_row(raw, b, h, t, row);
          double sum = 0;
          for (double x : row.p) sum += std::isnan(x) ? 0 : std::exp(x);
          lse.push_back(float(d.lse_base == WN_LSE_2 ? std::log2(sum) : std::log(sum)));  // -infinity where nothing is visible
        }
      }
    }
    d.lse = lse.data(), d.lse_st = 1, d.lse_sh = d.n_query, d.lse_sb = int64_t(d.heads_q) * d.n_query;
  }

  std::vector<float> run(wn_ctx* ctx) {
    std::fill(out.begin(), out.end(), -7.0f);
    const int64_t bytes = wn_score_workspace(ctx, &d);
    EXPECT(bytes >= 0);
    Workspace workspace(bytes);
    EXPECT_OK(wn_score(ctx, &d, workspace.get(), bytes, nullptr));
    return out;
  }
};

inline void compare(ScoreCase& c) {
  Context one, three(3);
  std::vector<float> first;
  on_every_tier([&](const std::string& tier) {
    const std::vector<float> got = c.run(one);
    if (first.empty()) {
      first = got;
      wn::ref::score(c.d);
      double largest = 0;
      for (float v : c.out) largest = std::max<double>(largest, std::fabs(v));
      for (size_t i = 0; i < got.size(); ++i) {
        if (std::fabs(got[i] - c.out[i]) > 2e-5 * largest + 1e-7) {
          subject() += " at " + std::to_string(i) + ": " + std::to_string(got[i]) + " for " + std::to_string(c.out[i]);
          EXPECT(!"far from the reference");
          return;
        }
      }
    }
    subject() += " " + tier;
    EXPECT(same_bits(got, first));
    EXPECT(same_bits(c.run(three), first));
  });
}

inline std::string describe(const wn_score_desc& d) {
  char text[200];
  std::snprintf(text, sizeof text, "%s mode %d reduce %d B%d H%d/%d D%d Q%d L%d span %d+%d causal %d flags %d", dtype_name(d.dtype), d.mode,
                d.reduce, d.batch, d.heads_q, d.heads_kv, d.head_dim, d.n_query, d.max_key, d.key_begin, d.key_count, d.causal, d.flags);
  return text;
}

}  // namespace testing
