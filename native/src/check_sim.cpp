#include <cmath>

#include "check.h"

namespace wn {

int32_t check_sim(const wn_ctx* ctx, const wn_sim_desc* d) {
  const char* f = "wn_sim";
  WN_CHECK(check_desc(f, ctx, d));
  WN_REQUIRE(d->dtype >= WN_F32 && d->dtype <= WN_BF16, "%s: dtype = %d is not a wn_dtype", f, d->dtype);
  WN_REQUIRE(d->op >= WN_SIM_WINDOWS && d->op <= WN_SIM_NEAREST, "%s: op = %d is not a wn_sim_op", f, d->op);
  WN_REQUIRE(d->metric >= WN_COSINE && d->metric <= WN_NEG_L2, "%s: metric = %d is not a wn_metric", f, d->metric);
  WN_CHECK(check_counts(f, {{"batch", d->batch, 0}, {"n", d->n, 0}, {"dim", d->dim, 1}}));
  WN_REQUIRE(d->eps >= 0 && std::isfinite(d->eps), "%s: eps must be finite and not negative", f);
  WN_REQUIRE(d->reserved == 0, "%s: reserved = %d is not 0", f, d->reserved);
  const bool windows = d->op == WN_SIM_WINDOWS;
  const int64_t size = element_bytes(d->dtype);
  Span val, idx, x, y, pivot, valid;
  WN_CHECK(check_array(f, "x", d->x, d->dim, size, {{d->batch, d->x_sb}, {d->n, d->x_sn}}, &x));
  WN_CHECK(check_optional(f, "n_valid", d->n_valid, d->batch, 4, {}, &valid));
  if (windows) {
    WN_REQUIRE(d->win_h >= 1 && d->win_w >= 1, "%s: a window of %d x %d tokens", f, d->win_h, d->win_w);
    WN_REQUIRE(static_cast<int64_t>(d->win_h) * d->win_w >= 2, "%s: a window of one token has no pairs", f);
    WN_REQUIRE(d->grid_w >= 1 && d->n % d->grid_w == 0, "%s: grid_w = %d does not divide n = %d", f, d->grid_w, d->n);
    WN_REQUIRE(d->grid_w % d->win_w == 0, "%s: win_w = %d does not divide grid_w = %d", f, d->win_w, d->grid_w);
    WN_REQUIRE(d->n / d->grid_w % d->win_h == 0, "%s: win_h = %d does not divide the grid's %d rows", f, d->win_h,
               d->n / d->grid_w);
    WN_REQUIRE(!d->n_valid, "%s: n_valid has no meaning for windows", f);
    const int64_t count = d->n / (static_cast<int64_t>(d->win_h) * d->win_w);
    WN_CHECK(check_output(f, "out_val", d->out_val, count, 4, {{d->batch, d->out_sb}}, &val));
    return check_apart(f, "out_val", val, "x", x);
  }
  WN_CHECK(check_counts(f, {{"n_pivot", d->n_pivot, 0}}));
  WN_REQUIRE(!d->y || !d->pivot, "%s: y and pivot are both given", f);
  WN_REQUIRE(d->y || d->pivot || d->n_pivot == d->n, "%s: n_pivot = %d, but without y and pivot all n = %d rows are pivots", f,
             d->n_pivot, d->n);
  WN_CHECK(check_optional(f, "y", d->y, d->dim, size, {{d->batch, d->y_sb}, {d->n_pivot, d->y_sn}}, &y));
  WN_CHECK(check_optional(f, "pivot", d->pivot, d->n_pivot, 4, {{d->batch, d->pivot_sb}}, &pivot));
  if (d->op == WN_SIM_TOPM) WN_CHECK(check_counts(f, {{"top_m", d->top_m, 1}}));
  WN_REQUIRE(d->op == WN_SIM_PIVOTS || d->out_val || d->out_idx || d->batch == 0 || d->n_pivot == 0,
             "%s: out_val and out_idx are both NULL", f);
  if (d->op == WN_SIM_PIVOTS) {
    WN_CHECK(check_output(f, "out_val", d->out_val, d->n, 4, {{d->batch, d->out_sb}, {d->n_pivot, d->out_sp}}, &val));
  } else {
    const bool top = d->op == WN_SIM_TOPM;
    const int64_t inner = top ? d->top_m : d->n_pivot;
    const Dim pivots = {top ? d->n_pivot : 1, top ? d->out_sp : 0};
    if (d->out_val) WN_CHECK(check_output(f, "out_val", d->out_val, inner, 4, {{d->batch, d->out_sb}, pivots}, &val));
    if (d->out_idx) WN_CHECK(check_output(f, "out_idx", d->out_idx, inner, 4, {{d->batch, d->out_sb}, pivots}, &idx));
    WN_CHECK(check_apart(f, "out_idx", idx, "out_val", val));
  }
  const struct {
    const char* name;
    const Span& span;
  } inputs[] = {{"x", x}, {"y", y}, {"pivot", pivot}, {"n_valid", valid}};
  for (const auto& in : inputs) {
    WN_CHECK(check_apart(f, "out_val", val, in.name, in.span));
    WN_CHECK(check_apart(f, "out_idx", idx, in.name, in.span));
  }
  if (ctx->device == WN_CPU) {
    WN_CHECK(check_values(f, "n_valid", d->n_valid, d->batch, 0, d->n));
    for (int64_t b = 0; d->pivot && b < d->batch; ++b) {
      const int64_t valid_rows = d->n_valid ? static_cast<const int32_t*>(d->n_valid)[b] : d->n;
      WN_CHECK(check_values(f, "pivot", static_cast<const int32_t*>(d->pivot) + b * d->pivot_sb, d->n_pivot, 0, valid_rows - 1));
    }
  }
  return WN_OK;
}

int32_t check_greedy(const wn_ctx* ctx, const wn_greedy_desc* d) {
  const char* f = "wn_greedy";
  WN_CHECK(check_desc(f, ctx, d));
  WN_REQUIRE(d->objective >= WN_MAX_MIN && d->objective <= WN_COVERAGE, "%s: objective = %d is not a wn_objective", f,
             d->objective);
  WN_REQUIRE((d->flags & ~WN_GREEDY_ASCENDING) == 0, "%s: flags = %d has unknown bits", f, d->flags);
  WN_CHECK(check_counts(f, {{"batch", d->batch, 0}, {"n", d->n, 0}, {"k", d->k, 0}}));
  WN_REQUIRE(d->eps >= 0 && std::isfinite(d->eps), "%s: eps must be finite and not negative", f);
  const bool coverage = d->objective == WN_COVERAGE;
  WN_REQUIRE(!coverage || (std::isfinite(d->f_scale) && std::isfinite(d->f_shift)), "%s: f_scale and f_shift must be finite", f);
  Span out, gain, data, weight, row_weight, valid;
  int64_t rows = d->n;
  if (d->matrix) {
    WN_CHECK(check_counts(f, {{"matrix_rows", d->matrix_rows, 0}}));
    WN_REQUIRE(coverage || d->matrix_rows == d->n, "%s: matrix_rows = %d must be n = %d for this objective", f, d->matrix_rows, d->n);
    rows = d->matrix_rows;
    WN_CHECK(check_array(f, "matrix", d->matrix, d->n, 4, {{d->batch, d->matrix_sb}, {rows, d->matrix_sr}}, &data));
  } else {
    WN_REQUIRE(d->dtype >= WN_F32 && d->dtype <= WN_BF16, "%s: dtype = %d is not a wn_dtype", f, d->dtype);
    WN_CHECK(check_counts(f, {{"dim", d->dim, 1}}));
    const int64_t size = element_bytes(d->dtype);
    WN_CHECK(check_array(f, "x", d->x, d->dim, size, {{d->batch, d->x_sb}, {d->n, d->x_sn}}, &data));
  }
  WN_CHECK(check_optional(f, "weight", d->weight, d->n, 4, {{d->batch, d->weight_sb}}, &weight));
  WN_REQUIRE(coverage || !d->row_weight, "%s: row_weight has a meaning only for WN_COVERAGE", f);
  WN_CHECK(check_optional(f, "row_weight", d->row_weight, rows, 4, {{d->batch, d->row_weight_sb}}, &row_weight));
  WN_CHECK(check_optional(f, "n_valid", d->n_valid, d->batch, 4, {}, &valid));
  WN_CHECK(check_output(f, "out_idx", d->out_idx, d->k, 4, {{d->batch, d->out_sb}}, &out));
  if (d->out_gain) WN_CHECK(check_output(f, "out_gain", d->out_gain, d->k, 4, {{d->batch, d->out_sb}}, &gain));
  WN_CHECK(check_apart(f, "out_gain", gain, "out_idx", out));
  const struct {
    const char* name;
    const Span& span;
  } inputs[] = {{d->matrix ? "matrix" : "x", data}, {"weight", weight}, {"row_weight", row_weight}, {"n_valid", valid}};
  for (const auto& in : inputs) {
    WN_CHECK(check_apart(f, "out_idx", out, in.name, in.span));
    WN_CHECK(check_apart(f, "out_gain", gain, in.name, in.span));
  }
  return ctx->device == WN_CPU ? check_values(f, "n_valid", d->n_valid, d->batch, 0, d->n) : WN_OK;
}

}  // namespace wn
