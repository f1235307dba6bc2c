// wn_score against the plain double-precision reference on every tier, and bit for bit between tiers and thread counts.
#include "reference/score.h"
#include "testing.h"

using namespace testing;

namespace {

struct Case {
  wn_score_desc d;
  Array q, k;
  std::vector<float> lse, weight, out;
  std::vector<int32_t> key_len, key_first, pos;

  /** by_token: keys [B][L][2][Hkv][D], in which all heads of a token lie side by side, and values follow. */
  Case(const wn_score_desc& shape, Random& random, float spread, bool ragged, bool weights, bool positions, bool by_token = false)
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

void compare(Case& c) {
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

std::string describe(const wn_score_desc& d) {
  char text[200];
  std::snprintf(text, sizeof text, "%s mode %d reduce %d B%d H%d/%d D%d Q%d L%d span %d+%d causal %d flags %d", dtype_name(d.dtype), d.mode, d.reduce,
                d.batch, d.heads_q, d.heads_kv, d.head_dim, d.n_query, d.max_key, d.key_begin, d.key_count, d.causal, d.flags);
  return text;
}

void random_cases(int count) {
  Random random(20261125);
  const int dims[] = {1, 3, 8, 15, 16, 17, 31, 32, 33, 64, 72, 80, 96, 128, 256, 1024};
  for (int i = 0; i < count; ++i) {
    wn_score_desc d = {};
    d.dtype = between(random, 0, 2);
    d.mode = between(random, 0, 2);
    d.reduce = between(random, 0, 3);
    d.batch = between(random, 1, 3);
    d.heads_kv = between(random, 1, 10);
    d.heads_q = d.heads_kv * between(random, 1, 3) + (i % 7 == 0 ? 8 * d.heads_kv : 0);
    d.head_dim = dims[between(random, 0, 15)];
    d.n_query = i % 11 == 0 ? 0 : between(random, 1, i % 5 == 0 ? 20 : 3);
    d.max_key = between(random, 1, i % 3 == 0 ? 200 : 40);
    d.key_begin = between(random, 0, d.max_key);
    d.key_count = between(random, 0, d.max_key - d.key_begin);
    d.causal = between(random, 0, 1);
    d.query_pos0 = between(random, -2, d.max_key);
    d.lse_base = between(random, 0, 1);
    d.flags = between(random, 0, 1);
    d.scale = 1.0f / std::sqrt(float(d.head_dim));
    subject() = describe(d);
    Case c(d, random, i % 4 == 0 ? 3.0f : 1.0f, i % 2 == 0, i % 3 == 1, d.causal && i % 4 == 1);
    compare(c);
  }
}

/** Keys copied to [B][Hkv][L][D]: another way through the kernel, the same bits. */
void same_from_other_layout(Case& c) {
  Context ctx;
  wn_score_desc apart = c.d;
  Array keys(c.d.dtype, int64_t(c.d.batch) * c.d.heads_kv * c.d.max_key * c.d.head_dim);
  apart.k = keys.data(), apart.k_sn = c.d.head_dim, apart.k_sh = apart.k_sn * c.d.max_key, apart.k_sb = apart.k_sh * c.d.heads_kv;
  for (int b = 0; b < c.d.batch; ++b) {
    for (int h = 0; h < c.d.heads_kv; ++h) {
      for (int j = 0; j < c.d.max_key; ++j) {
        for (int i = 0; i < c.d.head_dim; ++i) {
          keys.set(b * apart.k_sb + h * apart.k_sh + j * apart.k_sn + i, c.k.get(b * c.d.k_sb + h * c.d.k_sh + j * c.d.k_sn + i));
        }
      }
    }
  }
  EXPECT_OK(wn_set_cpu_tier(tiers().back().c_str()));
  const std::vector<float> expected = c.run(ctx);
  std::vector<float> got(expected.size());
  apart.out = got.data();
  const int64_t bytes = wn_score_workspace(ctx, &apart);
  Workspace workspace(bytes);
  EXPECT_OK(wn_score(ctx, &apart, workspace.get(), bytes, nullptr));
  subject() += " other layout";
  EXPECT(same_bits(got, expected));
}

/** Rows of all heads per token: every mode, few rows (logits of all heads first) and many, spans and ends anywhere, up to three tasks. */
void token_major(int count) {
  Random random(44);
  const int dims[] = {1, 7, 16, 20, 32, 40, 64, 100, 128};
  for (int i = 0; i < count; ++i) {
    wn_score_desc d = {};
    d.dtype = between(random, 0, 2), d.mode = between(random, 0, 2), d.reduce = between(random, 0, 3);
    d.batch = between(random, 1, 3);
    d.heads_kv = between(random, 1, 9), d.heads_q = d.heads_kv * (i % 3 ? 1 : between(random, 2, 8));
    d.head_dim = dims[between(random, 0, 8)];
    d.n_query = i % 4 ? 1 : between(random, 0, 9);
    d.max_key = between(random, 1, i % 5 ? 70 : 700);
    d.key_begin = between(random, 0, d.max_key), d.key_count = between(random, 0, d.max_key - d.key_begin);
    d.causal = between(random, 0, 2) == 0, d.query_pos0 = between(random, -2, d.max_key);
    d.lse_base = between(random, 0, 1), d.flags = between(random, 0, 1);
    d.scale = 1.0f / std::sqrt(float(d.head_dim));
    subject() = "token-major " + describe(d);
    Case c(d, random, i % 4 == 0 ? 3.0f : 1.0f, i % 2 == 0, i % 3 == 1, d.causal && i % 4 == 1, true);
    compare(c);
    subject() = "token-major " + describe(d);
    same_from_other_layout(c);
  }
}

/** One row of the model's shape, so long that several threads share the keys. */
void long_token_major() {
  Random random(45);
  wn_score_desc d = {};
  d.dtype = WN_BF16, d.batch = 1, d.heads_kv = d.heads_q = 6, d.head_dim = 128, d.n_query = 1, d.max_key = 1301, d.key_begin = 35, d.key_count = 1201;
  d.scale = 1.0f / std::sqrt(128.0f);
  for (int group : {1, 7}) {
    d.heads_q = group * d.heads_kv;
    subject() = "long token-major " + describe(d);
    Case c(d, random, 1.0f, false, false, false, true);
    compare(c);
    same_from_other_layout(c);
  }
}

void realistic_sizes() {
  Random random(7);
  for (int dtype : {WN_BF16, WN_F32}) {
    wn_score_desc d = {};
    d.dtype = dtype, d.batch = 1, d.heads_q = d.heads_kv = 8, d.head_dim = 128, d.n_query = 1, d.max_key = 640, d.key_begin = 35, d.key_count = 576;
    d.scale = 1.0f / std::sqrt(128.0f);
    subject() = describe(d);
    Case c(d, random, 1.0f, false, false, false);
    compare(c);
  }
}

/** Fully masked rows, infinities and NaN: zeros for the row concerned, good rows untouched. */
void masked_rows() {
  Context ctx;
  const float inf = INFINITY, nan = NAN;
  on_every_tier([&](const std::string& tier) {
    subject() = "masked rows " + tier;
    Random random(3);
    wn_score_desc d = {};
    d.dtype = WN_F32, d.batch = 3, d.heads_q = d.heads_kv = 2, d.head_dim = 4, d.n_query = 1, d.max_key = 21, d.key_count = 21, d.scale = 1;
    Case plain(d, random, 1.0f, false, false, false);
    const std::vector<float> good = plain.run(ctx);

    Case short_row = plain;
    short_row.d.q = short_row.q.data(), short_row.d.k = short_row.k.data(), short_row.d.out = short_row.out.data();
    short_row.key_len = {21, 0, 21};
    short_row.d.key_len = short_row.key_len.data();
    std::vector<float> got = short_row.run(ctx);
    for (int i = 0; i < 63; ++i) EXPECT(got[i] == (i >= 21 && i < 42 ? 0.0f : good[i]));

    // all keys of batch row 1 give -infinity
    Case minus = short_row;
    minus.d.q = minus.q.data(), minus.d.k = minus.k.data(), minus.d.out = minus.out.data(), minus.d.key_len = nullptr;
    for (int i = 0; i < 2 * 4; ++i) minus.q.set(8 + i, 1.0f);
    for (int i = 0; i < 2 * 21 * 4; ++i) minus.k.set(2 * 21 * 4 + i, -inf);
    got = minus.run(ctx);
    for (int i = 0; i < 63; ++i) EXPECT(got[i] == (i >= 21 && i < 42 ? 0.0f : good[i]));

    // NaN keys count as masked, +infinity takes all
    minus.k.set(2 * 21 * 4, nan);
    got = minus.run(ctx);
    for (float v : got) EXPECT(std::isfinite(v));
    for (int h = 0; h < 2; ++h) minus.k.set((2 + h) * 21 * 4 + 5 * 4, inf), minus.k.set((2 + h) * 21 * 4 + 5 * 4 + 1, inf), minus.k.set((2 + h) * 21 * 4 + 5 * 4 + 2, inf), minus.k.set((2 + h) * 21 * 4 + 5 * 4 + 3, inf);
    got = minus.run(ctx);
    EXPECT(got[21 + 5] == 1.0f);
    EXPECT(got[21 + 6] == 0.0f);

    // supplied LSE of -infinity, +infinity and NaN
    for (float bad : {-inf, inf, nan}) {
      Case with_lse = plain;
      with_lse.d.q = with_lse.q.data(), with_lse.d.k = with_lse.k.data(), with_lse.d.out = with_lse.out.data();
      with_lse.d.mode = WN_SOFTMAX_LSE;
      with_lse.lse.clear();
      with_lse.supply_lse();
      const std::vector<float> before = with_lse.run(ctx);
      with_lse.lse[2] = with_lse.lse[3] = bad;
      got = with_lse.run(ctx);
      for (int i = 0; i < 63; ++i) EXPECT(got[i] == (i >= 21 && i < 42 ? 0.0f : before[i]));
    }

    // no key reported at all
    Case none = plain;
    none.d.key_count = 0, none.d.out = nullptr;
    EXPECT_OK(wn_score(ctx, &none.d, Workspace(wn_score_workspace(ctx, &none.d)).get(), 1 << 20, nullptr));
  });
}

/** Logits of 1e4 and one-hot rows: no overflow, the mass is where it must be. */
void extreme_logits() {
  Context ctx;
  on_every_tier([&](const std::string& tier) {
    subject() = "extreme logits " + tier;
    Random random(5);
    wn_score_desc d = {};
    d.dtype = WN_BF16, d.batch = 1, d.heads_q = d.heads_kv = 1, d.head_dim = 1, d.n_query = 1, d.max_key = 50, d.key_count = 50, d.scale = 1;
    Case c(d, random, 0.0f, false, false, false);
    std::vector<float> got = c.run(ctx);  // all keys equal
    for (float v : got) EXPECT(std::fabs(v - 0.02f) < 1e-7f);
    c.q.set(0, 100.0f);
    for (int i = 0; i < 50; ++i) c.k.set(i, i == 17 ? 100.0f : i % 2 ? -100.0f : 0.0f);
    got = c.run(ctx);
    for (int i = 0; i < 50; ++i) EXPECT(got[i] == (i == 17 ? 1.0f : 0.0f));
  });
}

}  // namespace

int main() {
  random_cases(220);
  token_major(220);
  long_token_major();
  realistic_sizes();
  masked_rows();
  extreme_logits();
  return finish("score_test");
}
