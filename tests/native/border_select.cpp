// Arguments that wn_select refuses.
#include "border.h"

namespace testing {
namespace {

wn_select_desc sound(Slices& s) {
  wn_select_desc d = {};
  d.struct_size = sizeof d, d.rows = 2, d.max_len = 6, d.k = 2, d.max_keep = 8, d.prefix = 1;
  d.scores = s.floats(), d.scores_s = 6, d.row_len = s.ints({6, 5}), d.row_k = s.ints({2, 2}), d.total_len = s.ints({8, 9});
  d.pos = s.ints({0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8}), d.pos_s = 9;
  d.keep = s.floats(-3), d.keep_s = 8, d.keep_count = s.floats(-3), d.inverse = s.floats(-3), d.inverse_s = 9;
  d.new_pos = s.floats(-3), d.new_pos_s = 8, d.first_moved = s.floats(-3);
  return d;
}

}  // namespace

void select_border(wn_ctx* ctx) {
  using D = wn_select_desc;
  Slices s;
  const Border<D> border = {ctx, s, sound(s), with_scratch(wn_select)};
  int32_t* seven = s.ints({6, 7});
  int32_t* negative = s.ints({-1, 6});
  int32_t* short_total = s.ints({8, 5});
  int32_t* second_keeps_all = s.ints({0, 5});
  border.accepts("sound selection");
  border.descriptor();
  border.workspace(wn_select_workspace, wn_select);
  border.counts({{&D::rows, "rows", 0}, {&D::max_len, "max_len", 0}, {&D::max_keep, "max_keep", 0}, {&D::prefix, "prefix", 0}});
  border.enums({{&D::rule, "rule", 4}, {&D::flags, "flags", 1}});
  border.refuses("k = -1", [](D& d) { d.k = -1, d.row_k = nullptr; });
  border.accepts("k above all rows", [](D& d) { d.k = INT32_MAX, d.row_k = nullptr, d.max_keep = 9, d.keep_s = d.new_pos_s = 9; });
  border.refuses("threshold", [](D& d) { d.rule = WN_GT, d.threshold = nan; });
  border.refuses("threshold", [](D& d) { d.rule = WN_GE, d.threshold = nan; });
  for (float wrong : {nan, INFINITY, -INFINITY}) {
    border.refuses("iqr_factor", [&](D& d) { d.rule = WN_IQR_HIGH, d.iqr_factor = wrong; });
  }
  border.strides({{&D::scores_s, "scores"},
                  {&D::pos_s, "pos"},
                  {&D::keep_s, "keep"},
                  {&D::inverse_s, "inverse"},
                  {&D::new_pos_s, "new_pos"}});
  border.refuses("rows of keep overlap", [](D& d) { d.keep_s = 7; });
  border.refuses("rows of inverse overlap", [](D& d) { d.inverse_s = 8; });
  border.refuses("rows of new_pos overlap", [](D& d) { d.new_pos_s = 7; });
  const std::vector<Border<D>::Input> inputs = {{&D::scores, "scores"},
                                                {&D::row_len, "row_len"},
                                                {&D::row_k, "row_k"},
                                                {&D::total_len, "total_len"},
                                                {&D::pos, "pos"}};
  const std::vector<Border<D>::Output> needed = {{&D::keep, "keep"}, {&D::keep_count, "keep_count"}};
  std::vector<Border<D>::Output> outputs = needed;
  outputs.insert(outputs.end(), {{&D::inverse, "inverse"}, {&D::new_pos, "new_pos"}, {&D::first_moved, "first_moved"}});
  border.missing(std::vector<Border<D>::Input>{{&D::scores, "scores"}});
  border.missing(needed);
  border.crooked(inputs);
  border.crooked(outputs);
  border.overlaps(outputs, inputs);
  border.refuses("row_len[1] = 7", [&](D& d) { d.row_len = seven; });
  border.refuses("row_len[0] = -1", [&](D& d) { d.row_len = negative; });
  border.refuses("total_len[1] = 5", [&](D& d) { d.total_len = short_total; });
  // the first row would fit: it must not have been written either
  border.refuses("max_keep = 4 is too small: row 1 keeps 9", [&](D& d) { d.max_keep = 4, d.row_k = second_keeps_all; });
  border.accepts("no rows", [](D& d) {
    d.rows = 0, d.scores = d.row_len = d.row_k = d.total_len = d.pos = nullptr;
    d.keep = d.keep_count = d.inverse = d.new_pos = d.first_moved = nullptr;
  });
  subject() = "selection at the largest size";
  D d = {};
  d.struct_size = sizeof d, d.rows = 1, d.max_len = d.prefix = largest_count, d.scores = reinterpret_cast<void*>(uintptr_t(1) << 40);
  d.keep_count = border.good.keep_count;
  EXPECT(wn_select_workspace(ctx, &d) > largest_count);
}

}  // namespace testing
