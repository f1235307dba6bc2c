// wn_score against the plain double-precision reference on every tier, and bit for bit between tiers and thread counts.
#include "score_case.h"

using namespace testing;

namespace {

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
    ScoreCase c(d, random, i % 4 == 0 ? 3.0f : 1.0f, i % 2 == 0, i % 3 == 1, d.causal && i % 4 == 1);
    compare(c);
  }
}

void realistic_sizes() {
  Random random(7);
  for (int dtype : {WN_BF16, WN_F32}) {
    wn_score_desc d = one_query(dtype, 8, 128, 640);
    d.key_begin = 35, d.key_count = 576, d.scale = 1.0f / std::sqrt(128.0f);
    subject() = describe(d);
    ScoreCase c(d, random, 1.0f, false, false, false);
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
    wn_score_desc d = one_query(WN_F32, 2, 4, 21);
    d.batch = 3;
    ScoreCase plain(d, random, 1.0f, false, false, false);
    const std::vector<float> good = plain.run(ctx);

    ScoreCase short_row = plain;
    short_row.d.q = short_row.q.data(), short_row.d.k = short_row.k.data(), short_row.d.out = short_row.out.data();
    short_row.key_len = {21, 0, 21};
    short_row.d.key_len = short_row.key_len.data();
    std::vector<float> got = short_row.run(ctx);
    for (int i = 0; i < 63; ++i) EXPECT(got[i] == (i >= 21 && i < 42 ? 0.0f : good[i]));

    // all keys of batch row 1 give -infinity
    ScoreCase minus = short_row;
    minus.d.q = minus.q.data(), minus.d.k = minus.k.data(), minus.d.out = minus.out.data(), minus.d.key_len = nullptr;
    for (int i = 0; i < 2 * 4; ++i) minus.q.set(8 + i, 1.0f);
    for (int i = 0; i < 2 * 21 * 4; ++i) minus.k.set(2 * 21 * 4 + i, -inf);
    got = minus.run(ctx);
    for (int i = 0; i < 63; ++i) EXPECT(got[i] == (i >= 21 && i < 42 ? 0.0f : good[i]));

    // NaN keys count as masked, +infinity takes all
    minus.k.set(2 * 21 * 4, nan);
    got = minus.run(ctx);
    for (float v : got) EXPECT(std::isfinite(v));
    for (int h = 0; h < 2; ++h) {
      for (int c = 0; c < 4; ++c) minus.k.set((2 + h) * 21 * 4 + 5 * 4 + c, inf);
    }
    got = minus.run(ctx);
    EXPECT(got[21 + 5] == 1.0f);
    EXPECT(got[21 + 6] == 0.0f);

    // supplied LSE of -infinity, +infinity and NaN
    for (float bad : {-inf, inf, nan}) {
      ScoreCase with_lse = plain;
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
    ScoreCase none = plain;
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
    ScoreCase c(one_query(WN_BF16, 1, 1, 50), random, 0.0f, false, false, false);
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
  realistic_sizes();
  masked_rows();
  extreme_logits();
  return finish("score_test");
}
