// wn_score against double precision: every mode, reduction and dtype, GQA, ragged and masked rows, odd sizes, hostile values.
#include "descriptors.h"
#include "harness.h"
#include "reference/score.h"

namespace cases {
namespace {

struct Shape {
  int dtype, mode, reduce, batch, heads_q, heads_kv, dim, queries, keys, begin, count;
  bool causal, ragged, weights, positions, mean_visible, odd_stride, log2_lse;
  float spread;  // of q: large values make sharp rows
};

std::string describe(const Shape& s) {
  return std::string("score ") + dtype_name(s.dtype) + " mode=" + std::to_string(s.mode) + " reduce=" + std::to_string(s.reduce) + " H=" +
         std::to_string(s.heads_q) + "/" + std::to_string(s.heads_kv) + " D=" + std::to_string(s.dim) + " Q=" + std::to_string(s.queries) +
         " L=" + std::to_string(s.keys) + (s.causal ? " causal" : "") + (s.ragged ? " ragged" : "") + (s.weights ? " weights" : "");
}

// Log-sum-exp of every row as an attention kernel would have stored it.
std::vector<float> row_lse(wn_score_desc d, bool base2) {
  std::vector<float> lse;
  d.mode = WN_RAW_DOT;
  wn::ref::ScoreRow row;
  for (int b = 0; b < d.batch; ++b) {
    for (int h = 0; h < d.heads_q; ++h) {
      for (int t = 0; t < d.n_query; ++t) {
        wn::ref::score_row(d, b, h, t, row);
        double top = -INFINITY, total = 0;
        for (double s : row.p) top = std::isnan(s) ? top : std::max(top, s);
        for (double s : row.p) total += std::isnan(s) ? 0 : std::exp(s - top);
        double value = total > 0 ? top + std::log(total) : (t % 2 ? INFINITY : -INFINITY);
        lse.push_back(float(base2 ? value / std::log(2.0) : value));
      }
    }
  }
  return lse;
}

void run(Machine& m, const Shape& s, uint64_t seed, float poison = 0.0f) {
  Random random(seed);
  std::string name = describe(s);
  int64_t pad = s.odd_stride ? 1 : 0, row = s.dim + pad;
  std::vector<float> q_values = normals(random, size_t(s.batch) * s.heads_q * s.queries * row, s.spread);
  std::vector<float> k_values = normals(random, size_t(s.batch) * s.heads_kv * s.keys * row);
  if (poison != 0.0f) {
    for (int i = 0; i < 3; ++i) k_values[size_t(random.below(int(k_values.size())))] = poison;
  }
  std::vector<int32_t> len(s.batch), first(s.batch), pos(s.queries);
  for (int b = 0; b < s.batch; ++b) {
    len[b] = b == 0 ? s.keys : random.below(s.keys + 1);
    first[b] = b == 1 ? len[b] : random.below(len[b] + 1) / 2;  // row 1 sees nothing
  }
  for (int t = 0; t < s.queries; ++t) pos[t] = t == 1 ? -5 : random.below(s.keys + 3);
  std::vector<float> weight(s.queries);
  for (int t = 0; t < s.queries; ++t) weight[t] = t % 3 == 1 ? (t % 2 ? 0.0f : NAN) : 0.5f + random.unit();

  Twin<unsigned char> q(m, encode(q_values, s.dtype)), k(m, encode(k_values, s.dtype));
  Twin<int32_t> lens(m, len), firsts(m, first), positions(m, pos);
  Twin<float> weights(m, weight), out(m, size_t(s.batch) * (s.count + 1), -7.0f);
  wn_score_desc d = blank<wn_score_desc>();
  d.dtype = s.dtype;
  d.mode = s.mode;
  d.reduce = s.reduce;
  d.batch = s.batch;
  d.heads_q = s.heads_q;
  d.heads_kv = s.heads_kv;
  d.head_dim = s.dim;
  d.n_query = s.queries;
  d.max_key = s.keys;
  d.key_begin = s.begin;
  d.key_count = s.count;
  d.causal = s.causal;
  d.query_pos0 = s.keys - s.queries;
  d.lse_base = s.log2_lse ? WN_LSE_2 : WN_LSE_E;
  d.flags = s.mean_visible ? WN_SCORE_MEAN_VISIBLE : 0;
  d.scale = 1.0f / std::sqrt(float(s.dim));
  d.q_st = d.k_sn = row;
  d.q_sh = row * s.queries;
  d.q_sb = d.q_sh * s.heads_q;
  d.k_sh = row * s.keys;
  d.k_sb = d.k_sh * s.heads_kv;
  d.out_sb = s.count + 1;
  auto place = [&](bool device, Twin<float>* lse) {
    auto at = [&](auto& twin) { return static_cast<void*>(device ? twin.dev() : twin.data()); };
    d.q = at(q);
    d.k = at(k);
    d.out = at(out);
    if (s.ragged) d.key_len = at(lens);
    if (s.ragged) d.key_first = at(firsts);
    if (s.positions) d.query_pos = at(positions);
    if (s.weights) d.query_weight = at(weights);
    if (lse) d.lse = at(*lse);
  };
  place(false, nullptr);
  Twin<float> lse(m, s.mode == WN_SOFTMAX_LSE ? row_lse(d, s.log2_lse) : std::vector<float>(1, 0.0f));
  d.lse_st = 1;
  d.lse_sh = s.queries;
  d.lse_sb = int64_t(s.queries) * s.heads_q;
  place(true, s.mode == WN_SOFTMAX_LSE ? &lse : nullptr);
  call(m, m.plugin->score_workspace, m.plugin->score, d, name);
  std::vector<float> found = out.read();
  place(false, s.mode == WN_SOFTMAX_LSE ? &lse : nullptr);
  wn::ref::score(d);
  float largest = 0.0f;
  for (float v : out.host) largest = std::isfinite(v) ? std::fmax(largest, std::fabs(v)) : largest;
  float worst = 0.0f;
  bool good = true;
  for (size_t i = 0; i < found.size(); ++i) {
    // Sums of signed terms are held against the largest score, probabilities also against themselves.
    float scale = s.mode == WN_RAW_DOT || s.weights ? largest : 1e-3f * largest;
    good = good && near(found[i], out.host[i], 4e-5f, scale);
    worst = std::fmax(worst, std::fabs(found[i] - out.host[i]) / std::fmax(scale, 1e-30f));
  }
  m.check(good, name + ": worst " + std::to_string(worst));
}

// Without a query nothing is read, not even keys, and every score is 0.
void no_queries(Machine& m, int mode, int reduce) {
  Twin<float> out(m, 40, -9.0f);
  wn_score_desc d = testing::one_query(WN_BF16, 1, 16, 40);
  d.mode = mode;
  d.reduce = reduce;
  d.n_query = 0;
  d.q_st = d.k_sn = 16;
  d.out = out.dev();
  std::string name = "no queries, mode " + std::to_string(mode) + ", reduce " + std::to_string(reduce);
  call(m, m.plugin->score_workspace, m.plugin->score, d, name);
  m.check(out.read() == std::vector<float>(40, 0.0f), name + ": zeros");
}

// Weights whose sums overflow: a mean is divided by infinity, and where the sum is infinite too, or one of either sign, the score is 0.
void overflowing_weights(Machine& m, int dtype, int mode, int reduce, int queries) {
  constexpr int kKeys = 3, kDim = 16;
  Random random(55);
  std::vector<float> weight(size_t(queries), 3e38f);
  for (int t = 0; t < queries && reduce == WN_SUM; ++t) weight[size_t(t)] = t < queries / 2 ? 3e38f : -3e38f;
  Twin<unsigned char> q(m, encode(normals(random, size_t(queries) * kDim), dtype)), k(m, encode(normals(random, kKeys * kDim), dtype));
  Twin<float> weights(m, weight), lse(m, size_t(queries), -10.0f), out(m, kKeys, -9.0f);
  wn_score_desc d = testing::one_query(dtype, 1, kDim, kKeys);
  d.mode = mode;
  d.reduce = reduce;
  d.n_query = queries;
  d.scale = 0.1f;
  d.q_st = d.k_sn = kDim;
  d.lse_st = 1;
  d.q = q.dev();
  d.k = k.dev();
  d.lse = lse.dev();
  d.query_weight = weights.dev();
  d.out = out.dev();
  std::string name = std::string("overflowing weights ") + dtype_name(dtype) + " mode=" + std::to_string(mode) + " reduce=" +
                     std::to_string(reduce) + " Q=" + std::to_string(queries);
  call(m, m.plugin->score_workspace, m.plugin->score, d, name);
  for (float s : out.read()) m.check(reduce == WN_MEAN ? s == 0.0f : s == s, name);
}

}  // namespace

void score_cases(Machine& m) {
  uint64_t seed = 100;
  for (int dtype : {WN_F32, WN_F16, WN_BF16}) {
    for (int mode : {WN_SOFTMAX, WN_SOFTMAX_LSE, WN_RAW_DOT}) {
      for (int reduce : {WN_MEAN, WN_SUM, WN_MAX, WN_HEADS_THEN_MAX}) {
        //            dtype mode  reduce  B  H  Hkv D   Q  L    begin count causal ragged weights pos visible odd log2 spread
        run(m, {dtype, mode, reduce, 1, 4, 2, 128, 1, 150, 7, 120, false, false, false, false, false, false, false, 1.0f}, ++seed);
        run(m, {dtype, mode, reduce, 3, 4, 2, 72, 5, 45, 1, 44, true, true, true, false, true, true, true, 3.0f}, ++seed);
        if (m.small) continue;
        run(m, {dtype, mode, reduce, 2, 6, 6, 130, 3, 70, 0, 70, true, false, false, true, false, false, false, 1.0f}, ++seed);
        run(m, {dtype, mode, reduce, 2, 7, 1, 64, 9, 140, 20, 33, true, false, false, false, false, false, true, 1.0f}, ++seed);
      }
    }
  }
  // The CLS row of a tower as one wide head; the pieces of a long row; column means of a whole causal map.
  run(m, {WN_F32, WN_SOFTMAX, WN_SUM, 1, 1, 1, 1024, 1, 65, 1, 64, false, false, false, false, false, false, false, 1.0f}, ++seed);
  run(m, {WN_BF16, WN_SOFTMAX, WN_MEAN, 1, 2, 2, 128, 1, m.small ? 300 : 2000, 35, 200, false, false, false, false, false, false, false,
      6.0f}, ++seed);
  run(m, {WN_BF16, WN_SOFTMAX, WN_MEAN, 1, 2, 1, 32, 60, 60, 0, 60, true, false, false, false, true, false, false, 1.0f}, ++seed);
  // Rows that see nothing, one key, hostile values.
  run(m, {WN_F32, WN_SOFTMAX, WN_MAX, 4, 2, 1, 8, 2, 1, 0, 1, false, true, false, false, false, false, false, 1.0f}, ++seed);
  for (float poison : {float(NAN), float(INFINITY), 60000.0f}) {
    run(m, {WN_F32, WN_SOFTMAX, WN_MEAN, 1, 2, 1, 16, 2, 40, 0, 40, false, false, false, false, false, false, false, 1.0f}, ++seed, poison);
    run(m, {WN_F32, WN_SOFTMAX, WN_MAX, 1, 2, 1, 16, 20, 40, 0, 40, false, false, false, false, false, false, false, 1.0f}, ++seed, poison);
  }
  // Sixteen rows of a kv head and more: tensor cores. Two tiles of rows and two pieces of keys; one ragged, unaligned tile; wide heads.
  for (int dtype : {WN_F16, WN_BF16}) {
    for (int mode : {WN_SOFTMAX, WN_SOFTMAX_LSE, WN_RAW_DOT}) {
      for (int reduce : {WN_MEAN, WN_MAX, WN_HEADS_THEN_MAX}) {
        run(m, {dtype, mode, reduce, 3, 4, 1, 72, 6, 100, 3, 90, true, true, true, false, true, true, true, 3.0f}, ++seed);
        if (m.small && reduce != WN_MEAN) continue;
        run(m, {dtype, mode, reduce, 2, 8, 2, 128, 20, 150, 7, 120, true, false, false, false, false, false, false, 2.0f}, ++seed);
        run(m, {dtype, mode, reduce, 1, 2, 2, 256, 17, 70, 0, 70, true, true, false, true, false, false, false, 1.0f}, ++seed);
        run(m, {dtype, mode, reduce, 1, 1, 1, 130, 16, 40, 30, 10, true, false, false, false, false, false, true, 1.0f}, ++seed);
      }
    }
    auto poisoned = [&](int mode, int reduce, float poison) {
      run(m, {dtype, mode, reduce, 1, 2, 1, 16, 20, 40, 0, 40, true, false, false, false, false, false, false, 1.0f}, ++seed, poison);
    };
    for (float poison : {float(NAN), float(INFINITY), 60000.0f}) {
      if (poison == 60000.0f) {  // beside such logits float32 tells no probabilities apart
        poisoned(WN_RAW_DOT, WN_SUM, poison);
        continue;
      }
      poisoned(WN_SOFTMAX, WN_MEAN, poison);
      poisoned(WN_RAW_DOT, WN_MAX, poison);
    }
  }
  for (int mode : {WN_SOFTMAX, WN_SOFTMAX_LSE, WN_RAW_DOT}) {
    for (int reduce : {WN_MEAN, WN_SUM, WN_MAX, WN_HEADS_THEN_MAX}) no_queries(m, mode, reduce);
  }
  for (int mode : {WN_SOFTMAX, WN_SOFTMAX_LSE}) {
    for (int reduce : {WN_MEAN, WN_SUM}) {
      for (int queries : {8, 24}) {
        overflowing_weights(m, WN_F32, mode, reduce, queries);
        overflowing_weights(m, WN_BF16, mode, reduce, queries);
      }
    }
  }
  // Column means of a whole causal map over several tiles both ways.
  int length = m.small ? 40 : 140;
  run(m, {WN_BF16, WN_SOFTMAX, WN_MEAN, 1, 4, 2, 64, length, length, 0, length, true, false, false, false, true, false, false, 3.0f},
      ++seed);
}

}  // namespace cases
