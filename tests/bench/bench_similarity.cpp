// Similarities and greedy subsets.
#include "bench.h"

namespace bench {

/** Normal values, bfloat16 or float32. */
struct Rows {
  Array<uint16_t> narrow;
  Array<float> wide;
  double element = sizeof(uint16_t);  // bytes of one
  Rows(int dtype, size_t n) {
    if (dtype == WN_BF16) {
      narrow = bf16(n);
      return;
    }
    const std::vector<float> values = f32(n);
    wide.assign(values.begin(), values.end());
    element = sizeof(float);
  }
  const void* data() const { return narrow.empty() ? static_cast<const void*>(wide.data()) : narrow.data(); }
};

void similarity(const char* label, int dtype, int op, int n, int dim, int pivots) {
  const std::string name = std::string("similarity ") + label;
  if (!wanted(name)) return;
  const Rows x(dtype, size_t(n) * dim);
  std::vector<int32_t> pivot(pivots ? pivots : n);
  for (int i = 0; i < pivots; ++i) pivot[i] = i * (n / pivots);
  std::vector<float> val(size_t(n) * std::max(pivots, 40));
  std::vector<int32_t> idx(val.size());
  wn_sim_desc d = testing::similarity_of(op, dtype, n, dim, x.data());
  d.n_pivot = pivots ? pivots : n, d.pivot = pivots ? pivot.data() : nullptr, d.top_m = 32, d.eps = 1e-8f;
  d.win_h = d.win_w = 3, d.grid_w = 24;
  d.out_val = val.data(), d.out_idx = idx.data(), d.out_sp = op == WN_SIM_PIVOTS ? n : 32;
  const int64_t bytes = wn_sim_workspace(ctx, &d);
  void* memory = workspace.need(bytes);
  const double pairs = op == WN_SIM_WINDOWS ? n / 9 * 36.0 : pivots ? double(pivots) * n : n * (n + 1) / 2.0;
  line(name, fastest([&] { check(wn_sim(ctx, &d, memory, bytes, nullptr)); }), x.element * n * dim, 0, 2 * pairs * dim);
}

void greedy(const char* label, int dtype, int objective, int n, int dim, int k) {
  const std::string name = std::string("greedy ") + label;
  if (!wanted(name)) return;
  const Rows x(dtype, size_t(n) * dim);
  std::vector<float> weight(n);
  for (float& w : weight) w = 0.1f + std::uniform_real_distribution<float>()(engine);
  std::vector<int32_t> out(k);
  wn_greedy_desc d = testing::subset_of(objective, dtype, n, dim, k, x.data());
  d.weight = weight.data(), d.out_idx = out.data();
  const int64_t bytes = wn_greedy_workspace(ctx, &d);
  void* memory = workspace.need(bytes);
  line(name, fastest([&] { check(wn_greedy(ctx, &d, memory, bytes, nullptr)); }), x.element * n * dim, 0);
}

}  // namespace bench
