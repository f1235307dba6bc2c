// Arguments that wn_sim and wn_greedy refuse.
#include "border.h"

namespace testing {
namespace {

// Addresses that a query for the size of the workspace never looks at.
void* const somewhere = reinterpret_cast<void*>(uintptr_t(1) << 40);
void* const elsewhere = reinterpret_cast<void*>(uintptr_t(1) << 45);

/** The most similar two of six rows for three others. */
wn_sim_desc sound_sim(Slices& s) {
  wn_sim_desc d = {};
  d.struct_size = sizeof d, d.op = WN_SIM_TOPM, d.batch = 2, d.n = 6, d.dim = 4, d.n_pivot = 3, d.top_m = 2;
  d.x = s.floats(), d.x_sn = 4, d.x_sb = 24, d.y = s.floats(), d.y_sn = 4, d.y_sb = 12, d.n_valid = s.ints({6, 5});
  d.out_val = s.floats(-3), d.out_idx = s.floats(-3), d.out_sp = 2, d.out_sb = 6;
  return d;
}

void sim_border(wn_ctx* ctx) {
  using D = wn_sim_desc;
  Slices s;
  const Border<D> border = {ctx, s, sound_sim(s), with_scratch(wn_sim)};
  int32_t* seven = s.ints({6, 7});
  int32_t* negative = s.ints({-1, 6});
  border.accepts("sound similarity");
  border.descriptor();
  border.workspace(wn_sim_workspace, wn_sim);
  border.counts({{&D::batch, "batch", 0}, {&D::n, "n", 0}, {&D::dim, "dim", 1}, {&D::n_pivot, "n_pivot", 0}, {&D::top_m, "top_m", 1}});
  border.enums({{&D::dtype, "dtype", 3}, {&D::op, "op", 5}, {&D::metric, "metric", 3}, {&D::reserved, "reserved", 1}});
  border.not_finite(&D::eps, "eps");
  border.refuses("eps", [](D& d) { d.eps = -1e-9f; });
  border.strides({{&D::x_sb, "x"}, {&D::x_sn, "x"}, {&D::y_sb, "y"}, {&D::y_sn, "y"}, {&D::out_sb, "out_val"}, {&D::out_sp, "out_val"}});
  const std::vector<Border<D>::Input> inputs = {{&D::x, "x"}, {&D::y, "y"}, {&D::n_valid, "n_valid"}};
  const std::vector<Border<D>::Output> outputs = {{&D::out_val, "out_val"}, {&D::out_idx, "out_idx"}};
  border.missing(std::vector<Border<D>::Input>{{&D::x, "x"}});
  border.crooked(inputs);
  border.crooked(outputs);
  border.overlaps(outputs, inputs);
  border.refuses("out_val and out_idx are both NULL", [](D& d) { d.out_val = d.out_idx = nullptr; });
  border.refuses("out_val is NULL", [](D& d) { d.op = WN_SIM_PIVOTS, d.out_val = nullptr; });
  border.refuses("rows of out_val overlap", [](D& d) { d.out_sp = 1; });
  border.refuses("rows of out_idx overlap", [](D& d) { d.out_val = nullptr, d.out_sb = 5; });
  border.refuses("n_pivot = 3, but without y", [](D& d) { d.y = nullptr; });
  border.refuses("n_valid[1] = 7", [&](D& d) { d.n_valid = seven; });
  border.refuses("n_valid[0] = -1", [&](D& d) { d.n_valid = negative; });
  border.accepts("no rows", [](D& d) { d.n = d.n_pivot = 0, d.x = d.y = d.n_valid = nullptr, d.out_val = d.out_idx = nullptr; });
  subject() = "similarity at the largest sizes";
  D d = border.good;
  d.batch = 1, d.n = d.dim = d.n_pivot = d.top_m = largest_count, d.x_sn = d.y_sn = 0, d.n_valid = nullptr;
  d.x = d.y = somewhere, d.out_val = elsewhere, d.out_idx = nullptr, d.out_sp = largest_count, d.n_pivot = 1;
  EXPECT(wn_sim_workspace(ctx, &d) > largest_count);
}

/** Rows of x as pivots: an index must be a row that takes part. */
void pivot_border(wn_ctx* ctx) {
  using D = wn_sim_desc;
  Slices s;
  D good = sound_sim(s);
  good.y = nullptr, good.pivot = s.ints({0, 5, 1, 4, 3, 2}), good.pivot_sb = 3;
  const Border<D> border = {ctx, s, good, with_scratch(wn_sim)};
  int32_t* six = s.ints({0, 6, 1, 4, 3, 2});
  int32_t* negative = s.ints({0, 5, 1, 4, 3, -1});
  int32_t* not_valid = s.ints({0, 5, 1, 4, 3, 5});
  border.accepts("sound pivots");
  border.strides({{&D::pivot_sb, "pivot"}});
  border.crooked(std::vector<Border<D>::Input>{{&D::pivot, "pivot"}});
  border.overlaps({{&D::out_val, "out_val"}, {&D::out_idx, "out_idx"}}, {{&D::pivot, "pivot"}});
  border.refuses("y and pivot", [](D& d) { d.y = d.x; });
  border.refuses("pivot[1] = 6", [&](D& d) { d.pivot = six; });
  border.refuses("pivot[2] = -1", [&](D& d) { d.pivot = negative; });
  border.refuses("pivot[2] = 5", [&](D& d) { d.pivot = not_valid; });
}

/** Two by two windows of a raster of six rows and four columns. */
void window_border(wn_ctx* ctx) {
  using D = wn_sim_desc;
  Slices s;
  D good = {};
  good.struct_size = sizeof good, good.op = WN_SIM_WINDOWS, good.batch = 2, good.n = 24, good.dim = 4, good.x = s.floats();
  good.x_sn = 4, good.x_sb = 96, good.win_h = good.win_w = 2, good.grid_w = 4, good.out_val = s.floats(-3), good.out_sb = 6;
  const Border<D> border = {ctx, s, good, with_scratch(wn_sim)};
  int32_t* valid = s.ints({24, 24});
  border.accepts("sound windows");
  border.refuses("a window of 0 x 2", [](D& d) { d.win_h = 0; });
  border.refuses("a window of 2 x -1", [](D& d) { d.win_w = -1; });
  border.refuses("one token", [](D& d) { d.win_h = d.win_w = 1; });
  border.refuses("win_h = 4 does not divide", [](D& d) { d.win_h = 4; });
  border.refuses("win_w = 3 does not divide", [](D& d) { d.win_w = 3; });
  border.refuses("win_w = 2147483647 does not divide", [](D& d) { d.win_h = d.win_w = INT32_MAX; });
  border.refuses("grid_w = 5 does not divide", [](D& d) { d.grid_w = 5; });
  border.refuses("grid_w = 0 does not divide", [](D& d) { d.grid_w = 0; });
  border.refuses("n_valid has no meaning", [&](D& d) { d.n_valid = valid; });
  border.refuses("out_val is NULL", [](D& d) { d.out_val = nullptr; });
  border.refuses("rows of out_val overlap", [](D& d) { d.out_sb = 5; });
  border.overlaps({{&D::out_val, "out_val"}}, {{&D::x, "x"}});
}

wn_greedy_desc sound_greedy(Slices& s) {
  wn_greedy_desc d = {};
  d.struct_size = sizeof d, d.objective = WN_COVERAGE, d.batch = 2, d.n = 6, d.dim = 4, d.k = 3, d.f_scale = 1;
  d.x = s.floats(), d.x_sn = 4, d.x_sb = 24, d.weight = s.floats(), d.weight_sb = 6, d.row_weight = s.floats(), d.row_weight_sb = 6;
  d.n_valid = s.ints({6, 5}), d.out_idx = s.floats(-3), d.out_sb = 3, d.out_gain = s.floats(-3);
  return d;
}

void greedy_border(wn_ctx* ctx) {
  using D = wn_greedy_desc;
  Slices s;
  const Border<D> border = {ctx, s, sound_greedy(s), with_scratch(wn_greedy)};
  int32_t* seven = s.ints({6, 7});
  int32_t* negative = s.ints({-1, 6});
  border.accepts("sound subset");
  border.descriptor();
  border.workspace(wn_greedy_workspace, wn_greedy);
  border.counts({{&D::batch, "batch", 0}, {&D::n, "n", 0}, {&D::dim, "dim", 1}, {&D::k, "k", 0}});
  border.enums({{&D::dtype, "dtype", 3}, {&D::objective, "objective", 3}, {&D::flags, "flags", 2}});
  border.not_finite(&D::eps, "eps");
  border.not_finite(&D::f_scale, "f_scale");
  border.not_finite(&D::f_shift, "f_shift");
  border.refuses("eps", [](D& d) { d.eps = -1e-9f; });
  border.strides({{&D::x_sb, "x"}, {&D::x_sn, "x"}, {&D::weight_sb, "weight"}, {&D::row_weight_sb, "row_weight"}, {&D::out_sb, "out_idx"}});
  const std::vector<Border<D>::Input> inputs = {
      {&D::x, "x"}, {&D::weight, "weight"}, {&D::row_weight, "row_weight"}, {&D::n_valid, "n_valid"}};
  const std::vector<Border<D>::Output> outputs = {{&D::out_idx, "out_idx"}, {&D::out_gain, "out_gain"}};
  border.missing(std::vector<Border<D>::Input>{{&D::x, "x"}});
  border.missing(std::vector<Border<D>::Output>{{&D::out_idx, "out_idx"}});
  border.crooked(inputs);
  border.crooked(outputs);
  border.overlaps(outputs, inputs);
  border.refuses("rows of out_idx overlap", [](D& d) { d.out_sb = 2; });
  border.refuses("row_weight has a meaning only for WN_COVERAGE", [](D& d) { d.objective = WN_DPP; });
  border.refuses("n_valid[1] = 7", [&](D& d) { d.n_valid = seven; });
  border.refuses("n_valid[0] = -1", [&](D& d) { d.n_valid = negative; });
  border.accepts("more than there are", [](D& d) { d.k = 8, d.out_sb = 8; });
  border.accepts("none", [](D& d) { d.k = 0, d.out_idx = d.out_gain = nullptr; });
  subject() = "subset at the largest sizes";
  D d = {};
  d.struct_size = sizeof d, d.objective = WN_DPP, d.batch = 1, d.n = d.dim = d.k = largest_count, d.x = somewhere, d.out_idx = elsewhere;
  EXPECT(wn_greedy_workspace(ctx, &d) > int64_t(4) * largest_count * largest_count);
}

void matrix_border(wn_ctx* ctx) {
  using D = wn_greedy_desc;
  Slices s;
  D good = sound_greedy(s);
  good.x = nullptr, good.matrix = s.floats(), good.matrix_rows = 4, good.matrix_sr = 6, good.matrix_sb = 24;
  const Border<D> border = {ctx, s, good, with_scratch(wn_greedy)};
  border.accepts("sound matrix");
  border.counts({{&D::matrix_rows, "matrix_rows", 0}});
  border.strides({{&D::matrix_sb, "matrix"}, {&D::matrix_sr, "matrix"}});
  border.crooked(std::vector<Border<D>::Input>{{&D::matrix, "matrix"}});
  border.overlaps({{&D::out_idx, "out_idx"}, {&D::out_gain, "out_gain"}}, {{&D::matrix, "matrix"}});
  for (int objective : {WN_MAX_MIN, WN_DPP}) {
    border.refuses("matrix_rows = 4 must be n = 6", [&](D& d) { d.objective = objective, d.row_weight = nullptr; });
  }
}

}  // namespace

void similarity_borders(wn_ctx* ctx) {
  sim_border(ctx);
  pivot_border(ctx);
  window_border(ctx);
  greedy_border(ctx);
  matrix_border(ctx);
}

}  // namespace testing
