#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include "check.h"

namespace wn {
namespace {

const int32_t* ints(const void* p) { return static_cast<const int32_t*>(p); }

int32_t check_total_len(const char* f, const wn_select_desc& d) {
  for (int r = 0; d.total_len && r < d.rows; ++r) {
    const int64_t least = static_cast<int64_t>(d.prefix) + (d.row_len ? ints(d.row_len)[r] : d.max_len);
    WN_REQUIRE(ints(d.total_len)[r] >= least, "%s: total_len[%d] = %d is less than prefix + length = %lld", f, r,
               ints(d.total_len)[r], static_cast<long long>(least));
  }
  return WN_OK;
}

}  // namespace

int32_t check_select(const wn_ctx* ctx, const wn_select_desc* d) {
  const char* f = "wn_select";
  WN_CHECK(check_desc(f, ctx, d));
  WN_REQUIRE(d->rule >= WN_TOPK && d->rule <= WN_IQR_HIGH, "%s: rule = %d is not a wn_rule", f, d->rule);
  WN_CHECK(check_counts(f, {{"rows", d->rows, 0},
                            {"max_len", d->max_len, 0},
                            {"max_keep", d->max_keep, 0},
                            {"prefix", d->prefix, 0}}));
  WN_REQUIRE(d->flags == 0, "%s: flags = %d is not 0", f, d->flags);
  if (d->rule == WN_TOPK) WN_REQUIRE(d->row_k || d->k >= 0, "%s: k = %d is negative", f, d->k);
  if (d->rule == WN_GT || d->rule == WN_GE) WN_REQUIRE(!std::isnan(d->threshold), "%s: threshold is NaN", f);
  if (d->rule == WN_IQR_HIGH) WN_REQUIRE(std::isfinite(d->iqr_factor), "%s: iqr_factor is not finite", f);
  const int64_t rows = d->rows;
  Span keep, count, inverse, new_pos, first, scores, len, k, total, pos;
  WN_CHECK(check_array(f, "scores", d->scores, d->max_len, 4, {{rows, d->scores_s}}, &scores));
  WN_CHECK(check_optional(f, "row_len", d->row_len, rows, 4, {}, &len));
  WN_CHECK(check_optional(f, "row_k", d->row_k, rows, 4, {}, &k));
  WN_CHECK(check_optional(f, "total_len", d->total_len, rows, 4, {}, &total));
  int64_t whole = static_cast<int64_t>(d->prefix) + d->max_len;
  if (ctx->device == WN_CPU) {
    WN_CHECK(check_values(f, "row_len", d->row_len, rows, 0, d->max_len));
    WN_CHECK(check_total_len(f, *d));
    for (int64_t r = 0; d->total_len && r < rows; ++r) whole = std::max<int64_t>(whole, ints(d->total_len)[r]);
  }
  WN_CHECK(check_optional(f, "pos", d->pos, whole, 4, {{rows, d->pos_s}}, &pos));
  WN_CHECK(check_output(f, "keep", d->keep, d->max_keep, 4, {{rows, d->keep_s}}, &keep));
  WN_CHECK(check_output(f, "keep_count", d->keep_count, rows, 4, {}, &count));
  if (d->inverse) WN_CHECK(check_output(f, "inverse", d->inverse, whole, 4, {{rows, d->inverse_s}}, &inverse));
  if (d->new_pos) WN_CHECK(check_output(f, "new_pos", d->new_pos, d->max_keep, 4, {{rows, d->new_pos_s}}, &new_pos));
  if (d->first_moved) WN_CHECK(check_output(f, "first_moved", d->first_moved, rows, 4, {}, &first));
  struct Named {
    const char* name;
    const Span& span;
  };
  const Named outputs[] = {{"keep", keep}, {"keep_count", count}, {"inverse", inverse}, {"new_pos", new_pos}, {"first_moved", first}};
  const Named inputs[] = {{"scores", scores}, {"row_len", len}, {"row_k", k}, {"total_len", total}, {"pos", pos}};
  for (const Named& out : outputs) {
    if (!out.span.address) continue;
    for (const Named& in : inputs) {
      if (in.span.address) WN_CHECK(check_apart(f, out.name, out.span, in.name, in.span));
    }
    for (const Named& other : outputs) {
      if (other.span.address && &other != &out) WN_CHECK(check_apart(f, out.name, out.span, other.name, other.span));
    }
  }
  return WN_OK;
}

int32_t check_gather(const wn_ctx* ctx, const wn_gather_desc* d) {
  const char* f = "wn_gather_rows";
  WN_CHECK(check_desc(f, ctx, d));
  WN_CHECK(check_counts(f, {{"batch", d->batch, 0},
                            {"n_rows", d->n_rows, 0},
                            {"row_bytes", d->row_bytes, 1},
                            {"max_keep", d->max_keep, 0}}));
  WN_REQUIRE(d->reserved == 0, "%s: reserved = %d is not 0", f, d->reserved);
  Span src, dst, keep, count;
  WN_CHECK(check_array(f, "src", d->src, d->max_keep == 0 ? 0 : d->row_bytes, 1, {{d->batch, d->src_sb}, {d->n_rows, d->src_sn}}, &src));
  WN_CHECK(check_output(f, "dst", d->dst, d->row_bytes, 1, {{d->batch, d->dst_sb}, {d->max_keep, d->dst_sn}}, &dst));
  WN_CHECK(check_array(f, "keep", d->keep, d->max_keep, 4, {{d->batch, d->keep_s}}, &keep));
  WN_CHECK(check_optional(f, "keep_count", d->keep_count, d->batch, 4, {}, &count));
  WN_CHECK(check_apart(f, "dst", dst, "src", src));
  WN_CHECK(check_apart(f, "dst", dst, "keep", keep));
  WN_CHECK(check_apart(f, "dst", dst, "keep_count", count));
  if (ctx->device == WN_CPU) {
    WN_CHECK(check_values(f, "keep_count", d->keep_count, d->batch, 0, d->max_keep));
    for (int64_t b = 0; b < d->batch; ++b) {
      const int64_t used = d->keep_count ? ints(d->keep_count)[b] : d->max_keep;
      WN_CHECK(check_values(f, "keep", ints(d->keep) + b * d->keep_s, used, 0, static_cast<int64_t>(d->n_rows) - 1));
    }
  }
  return WN_OK;
}

namespace {

/** Every distinct keep-list must rise strictly and stay below n_rows. */
int32_t check_keep_lists(const char* f, const wn_kv_desc& d) {
  const int planes = d.keep_sp || d.count_sp ? d.n_planes : 1;
  const int batch = d.keep_sb || d.count_sb ? d.batch : 1;
  const int heads = d.keep_sh || d.count_sh ? d.heads : 1;
  for (int64_t p = 0; p < planes; ++p) {
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t h = 0; h < heads; ++h) {
        const int32_t* keep = ints(d.keep) + p * d.keep_sp + b * d.keep_sb + h * d.keep_sh;
        const int32_t count = d.keep_count ? ints(d.keep_count)[p * d.count_sp + b * d.count_sb + h * d.count_sh] : d.max_keep;
        WN_REQUIRE(count >= 0 && count <= d.max_keep, "%s: keep_count = %d of plane %lld is outside 0..max_keep = %d", f, count,
                   static_cast<long long>(p), d.max_keep);
        int64_t previous = -1;
        for (int32_t j = 0; j < count; ++j) {
          WN_REQUIRE(keep[j] > previous, "%s: keep[%d] = %d of plane %lld is not above the entry before it (%lld)", f, j, keep[j],
                     static_cast<long long>(p), static_cast<long long>(previous));
          WN_REQUIRE(keep[j] < d.n_rows, "%s: keep[%d] = %d of plane %lld is outside the %d rows", f, j, keep[j],
                     static_cast<long long>(p), d.n_rows);
          WN_REQUIRE(j >= d.first_row || keep[j] == j, "%s: first_row = %d, but keep[%d] = %d moves", f, d.first_row, j, keep[j]);
          previous = keep[j];
        }
      }
    }
  }
  return WN_OK;
}

int32_t check_planes(const char* f, const wn_kv_desc& d, const Span& keep, const Span& count) {
  std::vector<int64_t> sorted;
  try {
    sorted.assign(d.plane_addr, d.plane_addr + d.n_planes);
  } catch (const std::bad_alloc&) {
    return fail(WN_ENOMEM, "%s: no memory to check %d planes", f, d.n_planes);
  }
  for (int p = 0; p < d.n_planes; ++p) {
    Span plane;
    const void* address = reinterpret_cast<const void*>(d.plane_addr[p]);
    WN_CHECK(check_output(f, "a plane", address, d.row_bytes, 1, {{d.batch, d.sb}, {d.heads, d.sh}, {d.n_rows, d.sn}}, &plane));
    WN_CHECK(check_apart(f, "a plane", plane, "keep", keep));
    WN_CHECK(check_apart(f, "a plane", plane, "keep_count", count));
  }
  std::sort(sorted.begin(), sorted.end());
  WN_REQUIRE(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "%s: plane_addr names one plane twice", f);
  return WN_OK;
}

}  // namespace

int32_t check_kv(const wn_ctx* ctx, const wn_kv_desc* d) {
  const char* f = "wn_kv_compact";
  WN_CHECK(check_desc(f, ctx, d));
  WN_CHECK(check_counts(f, {{"n_planes", d->n_planes, 0},
                            {"batch", d->batch, 0},
                            {"heads", d->heads, 0},
                            {"n_rows", d->n_rows, 0},
                            {"row_bytes", d->row_bytes, 1}}));
  WN_REQUIRE(d->max_keep >= 0 && d->max_keep <= d->n_rows, "%s: max_keep = %d is outside 0..n_rows = %d", f, d->max_keep, d->n_rows);
  WN_REQUIRE(d->first_row >= 0 && d->first_row <= d->n_rows, "%s: first_row = %d is outside 0..n_rows = %d", f, d->first_row,
             d->n_rows);
  WN_REQUIRE(d->order == WN_STABLE || d->order == WN_ANY, "%s: order = %d is not a wn_order", f, d->order);
  WN_REQUIRE(d->reserved == 0, "%s: reserved = %d is not 0", f, d->reserved);
  const bool work = d->n_planes > 0 && d->batch > 0 && d->heads > 0 && d->max_keep > 0;
  Span addresses, keep, count;
  WN_CHECK(check_array(f, "plane_addr", d->plane_addr, work ? d->n_planes : 0, 8, {}, &addresses));
  WN_CHECK(check_array(f, "keep", d->keep, d->max_keep, 4,
                       {{d->n_planes, d->keep_sp}, {d->batch, d->keep_sb}, {d->heads, d->keep_sh}}, &keep));
  WN_CHECK(check_optional(f, "keep_count", d->keep_count, 1, 4,
                          {{d->n_planes, d->count_sp}, {d->batch, d->count_sb}, {d->heads, d->count_sh}}, &count));
  WN_REQUIRE(d->sb >= 0 && d->sh >= 0 && d->sn >= 0, "%s: a stride of the planes is negative", f);
  if (!work) return WN_OK;
  WN_CHECK(check_planes(f, *d, keep, count));
  return ctx->device == WN_CPU ? check_keep_lists(f, *d) : WN_OK;
}

int32_t check_merge(const wn_ctx* ctx, const wn_merge_desc* d) {
  const char* f = "wn_merge_rows";
  WN_CHECK(check_desc(f, ctx, d));
  WN_REQUIRE(d->dtype >= WN_F32 && d->dtype <= WN_BF16, "%s: dtype = %d is not a wn_dtype", f, d->dtype);
  WN_CHECK(check_counts(f, {{"batch", d->batch, 0},
                            {"n_rows", d->n_rows, 0},
                            {"dim", d->dim, 1},
                            {"n_seg", d->n_seg, 0},
                            {"n_entry", d->n_entry, 0}}));
  WN_REQUIRE(d->normalise == WN_MERGE_SUM || d->normalise == WN_MERGE_MEAN, "%s: normalise = %d is not a wn_normalise", f,
             d->normalise);
  const int64_t size = element_bytes(d->dtype);
  Span src, dst, begin, source, weight;
  WN_CHECK(check_array(f, "src", d->src, d->n_entry == 0 ? 0 : d->dim, size, {{d->batch, d->src_sb}, {d->n_rows, d->src_sn}}, &src));
  WN_CHECK(check_output(f, "dst", d->dst, d->dim, size, {{d->batch, d->dst_sb}, {d->n_seg, d->dst_sn}}, &dst));
  const int64_t bounds = d->n_seg == 0 ? 0 : d->n_seg + 1;
  WN_CHECK(check_array(f, "seg_begin", d->seg_begin, bounds, 4, {{d->batch, d->seg_begin_sb}}, &begin));
  WN_CHECK(check_array(f, "seg_src", d->seg_src, d->n_entry, 4, {}, &source));
  WN_CHECK(check_optional(f, "seg_weight", d->seg_weight, d->n_entry, 4, {}, &weight));
  WN_CHECK(check_apart(f, "dst", dst, "src", src));
  WN_CHECK(check_apart(f, "dst", dst, "seg_begin", begin));
  WN_CHECK(check_apart(f, "dst", dst, "seg_src", source));
  WN_CHECK(check_apart(f, "dst", dst, "seg_weight", weight));
  if (ctx->device != WN_CPU || d->n_seg == 0) return WN_OK;
  for (int64_t b = 0; b < d->batch; ++b) {
    const int32_t* at = ints(d->seg_begin) + b * d->seg_begin_sb;
    WN_CHECK(check_values(f, "seg_begin", at, bounds, 0, d->n_entry));
    for (int s = 0; s < d->n_seg; ++s) {
      WN_REQUIRE(at[s] <= at[s + 1], "%s: seg_begin[%d] = %d is above the next entry %d", f, s, at[s], at[s + 1]);
    }
    WN_CHECK(check_values(f, "seg_src", ints(d->seg_src) + at[0], at[d->n_seg] - at[0], 0, static_cast<int64_t>(d->n_rows) - 1));
  }
  return WN_OK;
}

}  // namespace wn
