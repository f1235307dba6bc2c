// Arguments that wn_gather_rows, wn_kv_compact and wn_merge_rows refuse.
#include "border.h"

namespace testing {
namespace {

void gather_border(wn_ctx* ctx) {
  using D = wn_gather_desc;
  Slices s;
  D good = {};
  good.struct_size = sizeof good, good.batch = 2, good.n_rows = 10, good.row_bytes = 16, good.max_keep = 4;
  good.src = s.floats(), good.src_sn = 16, good.src_sb = 160, good.dst = s.floats(-3), good.dst_sn = 16, good.dst_sb = 64;
  good.keep = s.ints({0, 3, 4, 9, 9, 0, 0, 1}), good.keep_s = 4, good.keep_count = s.ints({4, 3});
  const Border<D> border = {ctx, s, good, [](wn_ctx* c, const D* d) { return wn_gather_rows(c, d, nullptr); }};
  int32_t* negative = s.ints({0, 3, -1, 9});
  int32_t* five = s.ints({4, 5});
  int32_t* minus = s.ints({-1, 4});
  border.accepts("sound gather");
  border.descriptor();
  border.counts({{&D::batch, "batch", 0}, {&D::n_rows, "n_rows", 0}, {&D::row_bytes, "row_bytes", 1}, {&D::max_keep, "max_keep", 0}});
  border.enums({{&D::reserved, "reserved", 1}});
  border.strides({{&D::src_sb, "src"}, {&D::src_sn, "src"}, {&D::dst_sb, "dst"}, {&D::dst_sn, "dst"}, {&D::keep_s, "keep"}});
  const std::vector<Border<D>::Input> inputs = {{&D::src, "src"}, {&D::keep, "keep"}, {&D::keep_count, "keep_count"}};
  const std::vector<Border<D>::Output> outputs = {{&D::dst, "dst"}};
  border.missing(std::vector<Border<D>::Input>{{&D::src, "src"}, {&D::keep, "keep"}});
  border.missing(outputs);
  border.crooked(std::vector<Border<D>::Input>{{&D::keep, "keep"}, {&D::keep_count, "keep_count"}});
  border.overlaps(outputs, inputs);
  border.refuses("dst overlaps src", [](D& d) { d.dst = static_cast<char*>(const_cast<void*>(d.src)) + 319; });
  border.refuses("rows of dst overlap", [](D& d) { d.dst_sn = 15; });
  border.refuses("rows of dst overlap", [](D& d) { d.dst_sb = 63; });
  border.refuses("keep[3] = 9", [](D& d) { d.n_rows = 9; });
  border.refuses("keep[0] = 0", [](D& d) { d.n_rows = 0; });
  border.refuses("keep[2] = -1", [&](D& d) { d.keep = negative, d.keep_s = 0; });
  border.refuses("keep_count[1] = 5", [&](D& d) { d.keep_count = five; });
  border.refuses("keep_count[0] = -1", [&](D& d) { d.keep_count = minus; });
  border.accepts("nothing to gather", [](D& d) { d.max_keep = 0, d.src = d.keep = d.keep_count = nullptr, d.dst = nullptr; });
}

void kv_border(wn_ctx* ctx) {
  using D = wn_kv_desc;
  Slices s;
  // two planes of two batch rows and two heads, a list for every one of them
  float* plane[2] = {s.floats(), s.floats()};
  const auto address = [](const void* p) { return reinterpret_cast<int64_t>(p); };
  const std::vector<int64_t> planes = {address(plane[0]), address(plane[1])};
  std::vector<int64_t> twice = {planes[0], planes[0]}, none = {planes[0], 0}, far = {planes[0], -16};
  int32_t* keep = s.ints({});
  for (int list = 0; list < 8; ++list) keep[4 * list] = 0, keep[4 * list + 1] = 3, keep[4 * list + 2] = 4, keep[4 * list + 3] = 9;
  D good = {};
  good.struct_size = sizeof good, good.n_planes = good.batch = good.heads = 2, good.n_rows = 10, good.row_bytes = 16, good.max_keep = 4;
  good.plane_addr = planes.data(), good.sn = 16, good.sh = 160, good.sb = 320;
  good.keep = keep, good.keep_sh = 4, good.keep_sb = 8, good.keep_sp = 16;
  good.keep_count = s.ints({4, 4, 4, 4, 4, 4, 4, 4}), good.count_sh = 1, good.count_sb = 2, good.count_sp = 4;
  const Border<D> border = {ctx, s, good, [](wn_ctx* c, const D* d) { return wn_kv_compact(c, d, nullptr); }};
  int32_t* unsorted = s.ints({0, 4, 3, 9});
  int32_t* repeated = s.ints({0, 3, 3, 9});
  int32_t* negative = s.ints({-1, 3, 4, 9});
  int32_t* five = s.ints({4, 4, 4, 4, 4, 4, 4, 5});
  int32_t* minus = s.ints({4, 4, 4, 4, 4, -1, 4, 4});
  const auto shared = [](D& d) { d.keep_sh = d.keep_sb = d.keep_sp = 0; };
  border.descriptor();
  border.counts({{&D::n_planes, "n_planes", 0},
                 {&D::batch, "batch", 0},
                 {&D::heads, "heads", 0},
                 {&D::n_rows, "n_rows", 0},
                 {&D::row_bytes, "row_bytes", 1},
                 {&D::max_keep, "max_keep", 0, 10},
                 {&D::first_row, "first_row", 0, 10}});
  border.enums({{&D::order, "order", 2}, {&D::reserved, "reserved", 1}});
  border.strides({{&D::keep_sp, "keep"}, {&D::keep_sb, "keep"}, {&D::keep_sh, "keep"},
                  {&D::count_sp, "keep_count"}, {&D::count_sb, "keep_count"}, {&D::count_sh, "keep_count"}});
  for (int64_t D::*stride : {&D::sb, &D::sh, &D::sn}) {
    border.refuses("stride of the planes", [&](D& d) { d.*stride = -16; });
    border.refuses("strides of a plane overflow", [&](D& d) { d.*stride = huge; });
    border.refuses("rows of a plane overlap", [&](D& d) { d.*stride = 15; });
  }
  const std::vector<Border<D>::Input> lists = {{&D::keep, "keep"}, {&D::keep_count, "keep_count"}};
  border.missing(std::vector<Border<D>::Input>{{&D::keep, "keep"}});
  border.crooked(lists);
  border.refuses("plane_addr is NULL", [](D& d) { d.plane_addr = nullptr; });
  border.refuses("plane_addr is not aligned", [](D& d) { d.plane_addr = static_cast<const int64_t*>(odd); });
  border.refuses("plane_addr names one plane twice", [&](D& d) { d.plane_addr = twice.data(); });
  border.refuses("plane is NULL", [&](D& d) { d.plane_addr = none.data(); });
  border.refuses("a plane overflow the address space", [&](D& d) { d.plane_addr = far.data(); });
  border.refuses("a plane overlaps keep", [&](D& d) { shared(d), d.keep = plane[1] + 156; });
  border.refuses("a plane overlaps keep_count", [&](D& d) { d.keep_count = plane[0]; });
  for (int32_t order : {WN_STABLE, WN_ANY}) {
    border.refuses("first_row = 2, but keep[1] = 3 moves", [&](D& d) { d.order = order, d.first_row = 2; });
    border.refuses("keep[2] = 3", [&](D& d) { d.order = order, shared(d), d.keep = unsorted; });
    border.refuses("keep[2] = 3", [&](D& d) { d.order = order, shared(d), d.keep = repeated; });
    border.refuses("keep[0] = -1", [&](D& d) { d.order = order, shared(d), d.keep = negative; });
    border.refuses("keep[3] = 9", [&](D& d) { d.order = order, d.n_rows = 9; });
    // every list counts, the last of the last plane too, and nothing of the first has moved
    border.refuses("keep_count = 5 of plane 1", [&](D& d) { d.order = order, d.keep_count = five; });
    border.refuses("keep_count = -1 of plane 1", [&](D& d) { d.order = order, d.keep_count = minus; });
    keep[31] = 10;
    border.refuses("keep[3] = 10 of plane 1", [&](D& d) { d.order = order; });
    keep[31] = 4;
    border.refuses("keep[3] = 4 of plane 1", [&](D& d) { d.order = order; });
    keep[31] = 9;
  }
  border.accepts("nothing to compact", [](D& d) { d.max_keep = 0, d.plane_addr = nullptr, d.keep = d.keep_count = nullptr; });
  border.accepts("no planes", [](D& d) { d.n_planes = 0, d.plane_addr = nullptr, d.keep = d.keep_count = nullptr; });
  border.accepts("sound compaction");
}

void merge_border(wn_ctx* ctx) {
  using D = wn_merge_desc;
  Slices s;
  D good = {};
  good.struct_size = sizeof good, good.batch = 2, good.n_rows = 10, good.dim = 4, good.n_seg = 2, good.n_entry = 3;
  good.src = s.floats(), good.src_sn = 4, good.src_sb = 40, good.dst = s.floats(-3), good.dst_sn = 4, good.dst_sb = 8;
  good.seg_begin = s.ints({0, 2, 3, 0, 0, 1}), good.seg_begin_sb = 3, good.seg_src = s.ints({1, 2, 9}), good.seg_weight = s.floats();
  const Border<D> border = {ctx, s, good, [](wn_ctx* c, const D* d) { return wn_merge_rows(c, d, nullptr); }};
  int32_t* falling = s.ints({0, 2, 3, 0, 2, 1});
  int32_t* beyond = s.ints({0, 2, 4, 0, 0, 1});
  int32_t* before = s.ints({-1, 2, 3, 0, 0, 1});
  int32_t* negative = s.ints({1, -1, 9});
  border.accepts("sound merge");
  border.descriptor();
  border.counts({{&D::batch, "batch", 0},
                 {&D::n_rows, "n_rows", 0},
                 {&D::dim, "dim", 1},
                 {&D::n_seg, "n_seg", 0},
                 {&D::n_entry, "n_entry", 0}});
  border.enums({{&D::dtype, "dtype", 3}, {&D::normalise, "normalise", 2}});
  border.strides({{&D::src_sb, "src"}, {&D::src_sn, "src"}, {&D::dst_sb, "dst"}, {&D::dst_sn, "dst"}, {&D::seg_begin_sb, "seg_begin"}});
  const std::vector<Border<D>::Input> needed = {{&D::src, "src"}, {&D::seg_begin, "seg_begin"}, {&D::seg_src, "seg_src"}};
  const std::vector<Border<D>::Input> optional = {{&D::seg_weight, "seg_weight"}};
  const std::vector<Border<D>::Output> outputs = {{&D::dst, "dst"}};
  border.arrays(outputs, needed, optional);
  border.refuses("rows of dst overlap", [](D& d) { d.dst_sn = 3; });
  border.refuses("rows of dst overlap", [](D& d) { d.dst_sb = 7; });
  border.refuses("seg_begin[1] = 2", [&](D& d) { d.seg_begin = falling; });
  border.refuses("seg_begin[2] = 4", [&](D& d) { d.seg_begin = beyond; });
  border.refuses("seg_begin[0] = -1", [&](D& d) { d.seg_begin = before; });
  border.refuses("seg_src[2] = 9", [](D& d) { d.n_rows = 9; });
  border.refuses("seg_src[1] = -1", [&](D& d) { d.seg_src = negative; });
  border.accepts("nothing to merge", [](D& d) { d.n_seg = d.n_entry = 0, d.src = d.seg_begin = d.seg_src = nullptr, d.dst = nullptr; });
}

}  // namespace

void row_borders(wn_ctx* ctx) {
  gather_border(ctx);
  kv_border(ctx);
  merge_border(ctx);
}

}  // namespace testing
