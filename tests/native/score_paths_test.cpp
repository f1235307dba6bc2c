// The ways through wn_score that give the same bits: caches that hold all heads of a token side by side, and the dot instruction.
#include "score_case.h"

using namespace testing;

namespace {

/** Keys copied to [B][Hkv][L][D]: another way through the kernel, the same bits. */
void same_from_other_layout(ScoreCase& c) {
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
    ScoreCase c(d, random, i % 4 == 0 ? 3.0f : 1.0f, i % 2 == 0, i % 3 == 1, d.causal && i % 4 == 1, true);
    compare(c);
    subject() = "token-major " + describe(d);
    same_from_other_layout(c);
  }
}

/** One row of the model's shape, so long that several threads share the keys. */
void long_token_major() {
  Random random(45);
  wn_score_desc d = one_query(WN_BF16, 6, 128, 1301);
  d.key_begin = 35, d.key_count = 1201, d.scale = 1.0f / std::sqrt(128.0f);
  for (int group : {1, 7}) {
    d.heads_q = group * d.heads_kv;
    subject() = "long token-major " + describe(d);
    ScoreCase c(d, random, 1.0f, false, false, false, true);
    compare(c);
    same_from_other_layout(c);
  }
}

/**
 * Several query rows per key, of bfloat16 numbers of which few or many are none for the dot instruction: zeros, denormals and others that
 * are tiny or huge, infinities, NaN. It takes groups of sixteen keys until it meets one of them.
 */
void elements_of_any_size(int count) {
  Random random(46);
  for (int i = 0; i < count; ++i) {
    wn_score_desc d = {};
    d.dtype = WN_BF16, d.mode = between(random, 0, 2), d.reduce = between(random, 0, 3);
    d.batch = between(random, 1, 2), d.heads_kv = between(random, 1, 3), d.heads_q = d.heads_kv * between(random, 1, 8);
    d.n_query = between(random, 1, 3), d.head_dim = 32 * between(random, 1, 4), d.max_key = between(random, 16, 100);
    d.key_begin = 0, d.key_count = d.max_key, d.scale = 1.0f / std::sqrt(float(d.head_dim));
    subject() = "any size " + describe(d);
    ScoreCase c(d, random, 1.0f, false, false, false, i % 2 == 0);
    const float odd[] = {0.0f, -0.0f, 0x1p-133f, -0x1p-126f, 0x1p-51f, 0x1p-50f, 0x1p49f, -0x1p50f, 0x1p127f, INFINITY, NAN};
    const int kinds = d.mode == WN_RAW_DOT ? 7 : 11;  // sums of raw dots stay finite
    for (Array* array : {&c.q, &c.k}) {
      const bool queries = array == &c.q;
      if (queries && i % 3) continue;
      for (int n = between(random, 0, i % 4 ? 2 : 40); n > 0; --n) {
        array->set(between(random, 0, int(array->size()) - 1), odd[between(random, 0, kinds - 1)]);
      }
    }
    // Products that are denormal, of queries that the instruction takes and keys that it must not.
    if (d.mode == WN_RAW_DOT && d.reduce >= WN_MAX) {
      for (int64_t e = 0; e < c.q.size(); ++e) c.q.set(e, c.q.get(e) * 0x1p-40f);
      for (int64_t e = 0; e < c.k.size(); ++e) c.k.set(e, c.k.get(e) * 0x1p-90f);
    }
    if (d.mode == WN_SOFTMAX_LSE) c.lse.clear(), c.supply_lse();
    Context one, three(3);
    std::vector<float> first;
    on_every_tier([&](const std::string& tier) {
      const std::vector<float> got = c.run(one);
      if (first.empty()) first = got;
      subject() += " " + tier;
      EXPECT(same_bits(got, first));
      EXPECT(same_bits(c.run(three), first));
    });
  }
}

}  // namespace

int main() {
  token_major(220);
  long_token_major();
  elements_of_any_size(300);
  return finish("score_paths_test");
}
