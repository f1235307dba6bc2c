// Random calls of wn_sim and wn_greedy.
#include "fuzz.h"

namespace testing {

void fuzz_similarity(Tally& tally) {
  Buffers b;
  Spoiler s;
  wn_sim_desc d = {};
  d.struct_size = sizeof d, d.dtype = pick(0, 2), d.op = pick(0, 4), d.metric = pick(0, 2), d.batch = pick(0, 2);
  d.n = pick(0, chance(10) ? 100 : 40), d.dim = pick(1, 70);
  d.top_m = pick(1, 45), d.eps = chance(50) ? 0 : 1e-6f, d.win_h = pick(1, 3), d.win_w = pick(2, 3), d.grid_w = d.win_w * pick(1, 3);
  if (d.op == WN_SIM_WINDOWS) d.n = d.grid_w * d.win_h * pick(0, 3);
  d.n_pivot = d.n, d.x_sn = d.dim + pick(0, 2), d.x_sb = d.x_sn * d.n;
  d.x = b.input(d.x_sb * d.batch * size_of(d.dtype));
  const bool bad = chance(10) && d.op != WN_SIM_WINDOWS;
  const int source = pick(0, 2);
  if (source == 1) {
    d.n_pivot = pick(0, 20), d.y_sn = d.dim, d.y_sb = int64_t(d.dim) * d.n_pivot;
    d.y = b.input(d.y_sb * d.batch * size_of(d.dtype));
  } else if (source == 2 && d.n > 0) {
    d.n_pivot = pick(0, 20), d.pivot_sb = d.n_pivot;
    d.pivot = b.ints(int64_t(d.n_pivot) * d.batch, [&](int64_t) { return bad && chance(10) ? absurd() : pick(0, d.n - 1); });
  }
  if (d.op != WN_SIM_WINDOWS && source != 2 && chance(40)) {
    d.n_valid = b.ints(d.batch, [&](int64_t) { return bad && chance(20) ? INT32_MAX : pick(0, d.n); });
  }
  d.out_sp = std::max(d.n, d.top_m) + pick(0, 2), d.out_sb = d.out_sp * std::max(d.n_pivot, 1) + std::max(d.n, d.n_pivot);
  d.out_val = b.output(4 * d.out_sb * d.batch);
  if (chance(60)) d.out_idx = b.output(4 * d.out_sb * d.batch);
  s.sizes(d.batch, d.n, d.dim, d.n_pivot, d.top_m, d.win_h, d.win_w, d.grid_w, d.struct_size);
  s.enums(d.dtype, d.metric, d.reserved);
  s.strides(d.x_sb, d.x_sn, d.y_sb, d.y_sn, d.pivot_sb, d.out_sb, d.out_sp);
  s.pointers(d.x, d.out_val, d.out_idx);
  s.anything([&] { d.eps = chance(50) ? NAN : -1; });
  s.anything([&] { d.op = chance(50) ? 5 : -1; });
  s.anything([&] { d.win_h = d.grid_w = INT32_MAX; });
  s.anything([&] {
    if (d.n > 0) d.out_val = const_cast<void*>(d.x);
  });
  const int dtype = d.dtype;
  bool spoiled = s.apply() || bad;
  keep_size(&d.dtype, dtype);
  const int32_t status = with_workspace(d, wn_sim_workspace, wn_sim, &spoiled);
  tally.count(status, b, spoiled);
}

void fuzz_greedy(Tally& tally) {
  Buffers b;
  Spoiler s;
  wn_greedy_desc d = {};
  d.struct_size = sizeof d, d.dtype = pick(0, 2), d.objective = pick(0, 2), d.flags = pick(0, 1), d.batch = pick(0, 2);
  d.n = pick(0, 40), d.dim = pick(1, 70), d.k = pick(0, 45), d.f_scale = 0.5f * pick(-2, 2), d.f_shift = 0.5f * pick(-1, 2);
  d.x_sn = d.dim, d.x_sb = d.x_sn * d.n;
  d.x = b.input(d.x_sb * d.batch * size_of(d.dtype));
  if (chance(40)) {
    d.matrix_rows = d.objective == WN_COVERAGE ? pick(0, 40) : d.n, d.matrix_sr = d.n, d.matrix_sb = int64_t(d.n) * d.matrix_rows;
    d.matrix = b.input(4 * d.matrix_sb * d.batch);
  }
  const int rows = d.matrix ? d.matrix_rows : d.n;
  if (chance(50)) d.weight = b.input(4 * int64_t(d.n) * d.batch), d.weight_sb = d.n;
  if (d.objective == WN_COVERAGE && chance(50)) d.row_weight = b.input(4 * int64_t(rows) * d.batch), d.row_weight_sb = rows;
  const bool bad = chance(5);
  if (chance(40)) d.n_valid = b.ints(d.batch, [&](int64_t) { return bad ? absurd() : pick(0, d.n); });
  d.out_sb = d.k + pick(0, 2), d.out_idx = b.output(4 * d.out_sb * d.batch);
  if (chance(50)) d.out_gain = b.output(4 * d.out_sb * d.batch);
  s.sizes(d.batch, d.n, d.dim, d.k, d.matrix_rows, d.struct_size);
  s.enums(d.flags);
  s.strides(d.x_sb, d.x_sn, d.matrix_sb, d.matrix_sr, d.weight_sb, d.row_weight_sb, d.out_sb);
  s.pointers(d.x, d.weight, d.out_idx, d.out_gain);
  s.anything([&] { d.eps = NAN; });
  s.anything([&] { d.objective = chance(50) ? 3 : -1; });
  s.anything([&] { d.f_scale = NAN; });
  bool spoiled = s.apply() || bad;
  const int32_t status = with_workspace(d, wn_greedy_workspace, wn_greedy, &spoiled);
  tally.count(status, b, spoiled);
}

}  // namespace testing
