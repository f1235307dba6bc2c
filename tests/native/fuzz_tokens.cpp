// Random calls of wn_score and wn_select.
#include "fuzz.h"

namespace testing {

void fuzz_score(Tally& tally) {
  Buffers b;
  Spoiler s;
  wn_score_desc d = {};
  d.struct_size = sizeof d, d.dtype = pick(0, 2), d.mode = pick(0, 2), d.reduce = pick(0, 3), d.batch = pick(0, 2);
  d.heads_kv = pick(1, 3), d.heads_q = d.heads_kv * pick(1, 3), d.head_dim = pick(1, 70), d.n_query = pick(0, 4), d.max_key = pick(0, 40);
  d.key_begin = pick(0, d.max_key), d.key_count = pick(0, d.max_key - d.key_begin), d.causal = pick(0, 1);
  d.query_pos0 = chance(5) ? INT32_MAX : pick(-3, 40), d.lse_base = pick(0, 1), d.flags = pick(0, 1), d.scale = 0.1f * pick(-5, 20);
  d.q_st = d.head_dim + pick(0, 2), d.q_sh = d.q_st * d.n_query, d.q_sb = d.q_sh * d.heads_q;
  d.k_sn = d.head_dim + pick(0, 2), d.k_sh = d.k_sn * d.max_key, d.k_sb = d.k_sh * d.heads_kv;
  d.lse_st = 1, d.lse_sh = d.n_query, d.lse_sb = int64_t(d.n_query) * d.heads_q, d.out_sb = d.key_count + pick(0, 3);
  d.q = b.input(d.q_sb * d.batch * size_of(d.dtype)), d.k = b.input(d.k_sb * d.batch * size_of(d.dtype));
  d.lse = b.input(4 * d.lse_sb * d.batch);
  const bool bad_lengths = chance(10);
  const auto length = [&](int64_t) { return bad_lengths && chance(40) ? absurd() : pick(0, d.max_key); };
  if (chance(50)) d.key_len = b.ints(d.batch, length);
  if (chance(50)) d.key_first = b.ints(d.batch, length);
  if (chance(30)) {
    d.query_pos = b.ints(d.n_query, [](int64_t) { return chance(5) ? INT32_MIN : chance(5) ? INT32_MAX : pick(-2, 45); });
  }
  if (chance(30)) d.query_weight = b.input(4 * d.n_query);
  d.out = b.output(4 * d.out_sb * d.batch);
  s.sizes(d.batch, d.heads_q, d.heads_kv, d.head_dim, d.n_query, d.max_key, d.key_begin, d.key_count, d.struct_size);
  s.enums(d.dtype, d.mode, d.reduce, d.causal, d.lse_base, d.flags, d.reserved);
  s.strides(d.q_sb, d.q_sh, d.q_st, d.k_sb, d.k_sh, d.k_sn, d.lse_sb, d.lse_sh, d.lse_st, d.out_sb);
  s.pointers(d.q, d.k, d.out, d.lse);
  s.anything([&] { d.scale = chance(50) ? NAN : INFINITY; });
  s.anything([&] { (chance(50) ? d.key_begin : d.key_count) = INT32_MAX; });
  s.anything([&] {
    if (d.n_query > 0 && d.max_key > 0) d.out = const_cast<void*>(d.k);  // an input that is not read may lie anywhere
  });
  const int dtype = d.dtype, mode = d.mode;
  bool spoiled = s.apply() || bad_lengths;
  keep_size(&d.dtype, dtype);
  const int32_t status = with_workspace(d, wn_score_workspace, wn_score, &spoiled);
  tally.count(status, b, spoiled);
  if (status == WN_OK && mode != WN_RAW_DOT && d.mode == mode) {
    for (int r = 0; r < d.batch; ++r) {
      for (int i = 0; i < d.key_count; ++i) EXPECT(!std::isnan(static_cast<float*>(d.out)[r * d.out_sb + i]));
    }
  }
}

void fuzz_select(Tally& tally) {
  Buffers b;
  Spoiler s;
  wn_select_desc d = {};
  d.struct_size = sizeof d, d.rule = pick(0, 3), d.rows = pick(0, 3), d.max_len = pick(0, chance(10) ? 400 : 50);
  d.k = chance(5) ? INT32_MAX : pick(0, d.max_len + 2), d.prefix = pick(0, 5), d.threshold = chance(5) ? -INFINITY : 0.5f * pick(-4, 4);
  d.iqr_factor = 1.5f, d.scores_s = d.max_len + pick(0, 3);
  const int whole = d.prefix + d.max_len + 7;
  d.max_keep = chance(80) ? whole : pick(0, whole), d.keep_s = d.max_keep + pick(0, 2), d.new_pos_s = d.max_keep;
  d.inverse_s = d.pos_s = whole;
  d.scores = b.input(4 * d.scores_s * d.rows);
  const bool bad = chance(10);
  std::vector<int> len;
  for (int r = 0; r < d.rows; ++r) len.push_back(bad && chance(30) ? absurd() : pick(0, d.max_len));
  if (chance(50)) d.row_len = b.ints(d.rows, [&](int64_t r) { return len[r]; });
  if (chance(30)) d.row_k = b.ints(d.rows, [&](int64_t) { return chance(5) ? INT32_MIN : pick(-1, d.max_len + 1); });
  if (chance(30)) {
    d.total_len = b.ints(d.rows, [&](int64_t r) {
      const int scored = d.row_len ? std::max(0, std::min(len[r], d.max_len)) : d.max_len;
      return d.prefix + scored + pick(0, 7) - (bad ? pick(0, 3) : 0);
    });
  }
  if (chance(50)) d.pos = b.ints(int64_t(whole) * d.rows, [](int64_t i) { return int32_t(i); });
  d.keep = b.output(4 * d.keep_s * d.rows), d.keep_count = b.output(4 * d.rows);
  if (chance(50)) d.inverse = b.output(4 * d.inverse_s * d.rows);
  if (chance(50)) d.new_pos = b.output(4 * d.new_pos_s * d.rows);
  if (chance(50)) d.first_moved = b.output(4 * d.rows);
  s.sizes(d.rows, d.max_len, d.max_keep, d.prefix, d.struct_size);
  s.enums(d.rule, d.flags);
  s.strides(d.scores_s, d.keep_s, d.inverse_s, d.new_pos_s, d.pos_s);
  s.pointers(d.scores, d.keep, d.keep_count, d.inverse, d.new_pos, d.first_moved);
  s.anything([&] { d.threshold = d.iqr_factor = NAN; });
  s.anything([&] { d.prefix = INT32_MAX; });
  s.anything([&] { d.k = -pick(1, 9); });
  s.anything([&] {
    if (d.max_keep > 0) d.keep_count = d.keep;
  });
  bool spoiled = s.apply() || bad;
  const int32_t status = with_workspace(d, wn_select_workspace, wn_select, &spoiled);
  tally.count(status, b, true);  // a selection may rightly not fit
  if (status != WN_OK) return;
  for (int r = 0; r < d.rows; ++r) {
    const int32_t* keep = static_cast<int32_t*>(d.keep) + r * d.keep_s;
    const int n = static_cast<int32_t*>(d.keep_count)[r];
    EXPECT(n >= 0 && n <= d.max_keep);
    for (int j = 1; j < n; ++j) EXPECT(keep[j] > keep[j - 1]);
  }
}

}  // namespace testing
