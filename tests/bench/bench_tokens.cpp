// Scores of tokens, and the choice of the best.
#include "bench.h"

namespace bench {

void score(const char* label, int heads, int heads_kv, int dim, int keys, int span, int queries, int mode, bool interleaved) {
  const std::string name = std::string("score ") + label;
  if (!wanted(name)) return;
  // several layers' worth of keys in turn, so that they come from memory as in a running model where they exceed the caches
  const int64_t row = interleaved ? 2 * int64_t(heads_kv) * dim : dim;
  const int64_t layer = interleaved ? row * keys : int64_t(heads_kv) * keys * dim;
  const int layers = std::max<int64_t>(1, (int64_t(96) << 20) / (layer * 2));
  const Array<uint16_t> k = bf16(layer * layers), q = bf16(size_t(heads) * queries * dim);
  std::vector<float> out(span), lse(size_t(heads) * queries, 20.0f);
  wn_score_desc d = testing::one_query(WN_BF16, heads, dim, keys);
  d.mode = mode, d.heads_kv = heads_kv, d.n_query = queries, d.scale = 1 / std::sqrt(float(dim));
  d.key_begin = keys - span > 35 ? 35 : 0, d.key_count = span;
  d.q = q.data(), d.q_sh = int64_t(queries) * dim, d.q_st = dim;
  d.k = k.data(), d.k_sn = interleaved ? row : dim, d.k_sh = interleaved ? dim : int64_t(keys) * dim;
  d.lse = lse.data(), d.lse_sh = queries, d.lse_st = 1, d.out = out.data();
  const int64_t bytes = wn_score_workspace(ctx, &d);
  void* memory = workspace.need(bytes);
  int at = 0;
  const double t = fastest([&] { check(wn_score(ctx, &d, memory, bytes, nullptr)); }, [&] { d.k = k.data() + layer * (at++ % layers); });
  const double read = mode == WN_SOFTMAX ? keys : span;
  line(name, t, 2.0 * heads_kv * dim * read, queries == 1 ? read_ceiling : 0, queries > 1 ? 2.0 * heads * queries * dim * read : 0);
}

void select(int n, int k) {
  const std::string name = "select top " + std::to_string(k) + " of " + std::to_string(n);
  if (!wanted(name)) return;
  std::vector<float> scores = f32(n);
  for (float& s : scores) s = std::exp(s) / n;
  std::vector<int32_t> keep(n), count(1);
  wn_select_desc d = testing::top_of(scores, k);
  d.max_keep = k, d.keep = keep.data(), d.keep_count = count.data();
  const int64_t bytes = wn_select_workspace(ctx, &d);
  void* memory = workspace.need(bytes);
  line(name, fastest([&] {
         for (int i = 0; i < 10; ++i) check(wn_select(ctx, &d, memory, bytes, nullptr));
       }) / 10, 4.0 * n, 0);
}

}  // namespace bench
