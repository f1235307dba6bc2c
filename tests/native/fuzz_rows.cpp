// Random calls of wn_gather_rows, wn_kv_compact and wn_merge_rows.
#include "fuzz.h"

namespace testing {

void fuzz_gather(Tally& tally) {
  Buffers b;
  Spoiler s;
  wn_gather_desc d = {};
  d.struct_size = sizeof d, d.batch = pick(0, 2), d.n_rows = pick(1, 30), d.row_bytes = pick(1, 300), d.max_keep = pick(0, 30);
  d.src_sn = d.row_bytes + pick(0, 3), d.src_sb = d.src_sn * d.n_rows, d.dst_sn = d.row_bytes + pick(0, 3);
  d.dst_sb = d.dst_sn * d.max_keep, d.keep_s = d.max_keep;
  d.src = b.input(d.src_sb * d.batch), d.dst = b.output(d.dst_sb * d.batch);
  const bool bad = chance(15);
  d.keep = b.ints(d.keep_s * d.batch, [&](int64_t) { return bad && chance(10) ? absurd() : pick(0, d.n_rows - 1); });
  if (chance(50)) d.keep_count = b.ints(d.batch, [&](int64_t) { return bad && chance(20) ? absurd() : pick(0, d.max_keep); });
  s.sizes(d.batch, d.n_rows, d.row_bytes, d.max_keep, d.struct_size);
  s.enums(d.reserved);
  s.strides(d.src_sb, d.src_sn, d.dst_sb, d.dst_sn, d.keep_s);
  s.anything([&] { d.src = nullptr; });
  s.anything([&] { d.dst = nullptr; });
  s.anything([&] { d.dst = const_cast<void*>(d.src); });
  s.pointers(d.keep);
  const bool spoiled = s.apply() || bad;
  tally.count(wn_gather_rows(some_context(), &d, nullptr), b, spoiled);
}

void fuzz_kv(Tally& tally) {
  Buffers b;
  Spoiler s;
  wn_kv_desc d = {};
  d.struct_size = sizeof d, d.n_planes = pick(0, 4), d.batch = pick(0, 2), d.heads = pick(0, 3), d.n_rows = pick(0, 30);
  d.row_bytes = pick(1, 300), d.max_keep = pick(0, d.n_rows), d.order = pick(0, 1);
  d.sn = d.row_bytes, d.sh = d.sn * d.n_rows, d.sb = d.sh * d.heads;
  std::vector<int64_t> planes;
  for (int p = 0; p < d.n_planes; ++p) planes.push_back(reinterpret_cast<int64_t>(b.output(d.sb * d.batch)));
  d.plane_addr = planes.data();
  const bool bad = chance(20);
  // one shared list, or one per plane
  d.keep_sp = chance(50) ? d.max_keep : 0, d.count_sp = d.keep_sp ? 1 : 0;
  const int lists = d.keep_sp ? d.n_planes : 1;
  std::vector<int32_t> all;
  for (int list = 0; list < lists; ++list) {
    std::vector<int32_t> rows(d.n_rows);
    for (int r = 0; r < d.n_rows; ++r) rows[r] = r;
    std::shuffle(rows.begin(), rows.end(), random_source);
    rows.resize(d.max_keep);
    if (!(bad && chance(50))) std::sort(rows.begin(), rows.end());
    if (bad && chance(50) && d.max_keep > 0) rows[pick(0, d.max_keep - 1)] = absurd();
    all.insert(all.end(), rows.begin(), rows.end());
  }
  d.keep = b.ints(int64_t(all.size()), [&](int64_t i) { return all[i]; });
  if (chance(60)) d.keep_count = b.ints(lists, [&](int64_t) { return bad && chance(20) ? absurd() : pick(0, d.max_keep); });
  s.sizes(d.n_planes, d.batch, d.heads, d.n_rows, d.row_bytes, d.max_keep, d.first_row, d.struct_size);
  s.enums(d.order, d.reserved);
  s.strides(d.sb, d.sh, d.sn, d.keep_sp, d.keep_sb, d.keep_sh, d.count_sp, d.count_sb, d.count_sh);
  s.pointers(d.keep);
  s.anything([&] { d.max_keep = d.first_row = INT32_MAX; });
  s.anything([&] { d.plane_addr = nullptr; });
  s.anything([&] {
    if (!planes.empty()) planes[pick(0, int(planes.size()) - 1)] = planes[0];
  });
  s.anything([&] {
    if (!planes.empty()) planes[pick(0, int(planes.size()) - 1)] = 0;
  });
  const bool spoiled = s.apply() || bad;
  tally.count(wn_kv_compact(some_context(), &d, nullptr), b, spoiled);
}

void fuzz_merge(Tally& tally) {
  Buffers b;
  Spoiler s;
  wn_merge_desc d = {};
  d.struct_size = sizeof d, d.dtype = pick(0, 2), d.batch = pick(0, 2), d.n_rows = pick(1, 20), d.dim = pick(1, 80);
  d.n_seg = pick(0, 6), d.n_entry = pick(0, 20), d.normalise = pick(0, 1), d.src_sn = d.dim + pick(0, 2), d.src_sb = d.src_sn * d.n_rows;
  d.dst_sn = d.dim + pick(0, 2), d.dst_sb = d.dst_sn * d.n_seg, d.seg_begin_sb = d.n_seg + 1;
  d.src = b.input(d.src_sb * d.batch * size_of(d.dtype)), d.dst = b.output(d.dst_sb * d.batch * size_of(d.dtype));
  const bool bad = chance(15);
  std::vector<int32_t> begin;
  for (int r = 0; r < d.batch; ++r) {
    std::vector<int32_t> row;
    for (int i = 0; i <= d.n_seg; ++i) row.push_back(bad && chance(10) ? absurd() : pick(0, d.n_entry));
    if (!(bad && chance(50))) std::sort(row.begin(), row.end());
    begin.insert(begin.end(), row.begin(), row.end());
  }
  d.seg_begin = b.ints(int64_t(begin.size()), [&](int64_t i) { return begin[i]; });
  d.seg_src = b.ints(d.n_entry, [&](int64_t) { return bad && chance(10) ? absurd() : pick(0, d.n_rows - 1); });
  if (chance(60)) d.seg_weight = b.input(4 * d.n_entry);
  s.sizes(d.batch, d.n_rows, d.dim, d.n_seg, d.n_entry, d.struct_size);
  s.enums(d.dtype, d.normalise);
  s.strides(d.src_sb, d.src_sn, d.dst_sb, d.dst_sn, d.seg_begin_sb);
  s.pointers(d.src, d.dst, d.seg_begin, d.seg_src);
  s.anything([&] {
    if (d.n_entry > 0) d.dst = const_cast<void*>(d.src);
  });
  const int dtype = d.dtype;
  const bool spoiled = s.apply() || bad;
  keep_size(&d.dtype, dtype);
  tally.count(wn_merge_rows(some_context(), &d, nullptr), b, spoiled);
}

}  // namespace testing
