// Hostile lists of rows to move: gather, compaction, merge. See list_cases.cpp.
#include "hostile.h"
#include "reference/rows.h"

namespace cases {
namespace {

std::vector<unsigned char> bytes_of(Random& random, size_t count) {
  std::vector<unsigned char> bytes(count);
  for (auto& b : bytes) b = static_cast<unsigned char>(random.next());
  return bytes;
}

void gather(Machine& m, Random& random, int row_bytes) {
  constexpr int kBatch = 3, kRows = 20, kKeep = 17;
  std::vector<int32_t> clean, list = spoilt(random, kBatch * kKeep, kRows, -1, &clean), counts = {INT_MAX, -4, kKeep - 5};
  Twin<unsigned char> src(m, bytes_of(random, size_t(kBatch) * kRows * row_bytes));
  Twin<unsigned char> dst(m, size_t(kBatch) * kKeep * row_bytes, 0xEE);
  Twin<int32_t> keep(m, list), count(m, counts);
  wn_gather_desc d = blank<wn_gather_desc>();
  d.batch = kBatch;
  d.n_rows = kRows;
  d.row_bytes = row_bytes;
  d.max_keep = d.keep_s = kKeep;
  d.src_sn = d.dst_sn = row_bytes;
  d.src_sb = int64_t(row_bytes) * kRows;
  d.dst_sb = int64_t(row_bytes) * kKeep;
  d.src = src.dev();
  d.dst = dst.dev();
  d.keep = keep.dev();
  d.keep_count = count.dev();
  call(m, m.plugin->gather_rows, d, "gather by a hostile list");
  for (int b = 0; b < kBatch; ++b) {
    for (int j = 0; j < std::min(counts[size_t(b)], kKeep); ++j) {
      int from = clean[size_t(b) * kKeep + j];
      if (from < 0) continue;
      std::copy_n(src.data() + b * d.src_sb + int64_t(from) * row_bytes, row_bytes, dst.data() + b * d.dst_sb + int64_t(j) * row_bytes);
    }
  }
  m.check(dst.read() == dst.host, "gather by a hostile list: other rows are left alone, row_bytes=" + std::to_string(row_bytes));
}

// Planes 0 .. 3 with lists that a device may hold by mistake, then one with a right list: it must come out right, and of the others all
// that lies outside the rows below the count must stay.
void compact(Machine& m, Random& random, int row_bytes, int order) {
  constexpr int kPlanes = 5, kRows = 90, kKeep = 40, kRight = kPlanes - 1;
  int pitch = row_bytes + 16;
  std::vector<int32_t> list(kPlanes * kKeep), clean, counts = {kKeep, INT_MAX, 30, -3, 33};
  std::vector<int32_t> any = spoilt(random, kKeep, kRows, 0, &clean);
  for (int j = 0; j < kKeep; ++j) {
    list[j] = any[j];                                             // out of range here and there, in no order
    list[kKeep + j] = kRows - 1 - j;                              // falling
    list[2 * kKeep + j] = j % 5 == 4 ? INT_MAX : 2 * j;           // rising, but out of range here and there
    list[3 * kKeep + j] = kHostile[size_t(j) % kHostile.size()];  // nothing right
    list[kRight * kKeep + j] = 2 * j + j % 2;
  }
  Twin<unsigned char> memory(m, bytes_of(random, size_t(kPlanes) * kRows * pitch));
  Twin<int32_t> keep(m, list), count(m, counts);
  std::vector<int64_t> planes;
  for (int p = 0; p < kPlanes; ++p) planes.push_back(int64_t(reinterpret_cast<intptr_t>(memory.dev() + size_t(p) * kRows * pitch)));
  wn_kv_desc d = blank<wn_kv_desc>();
  d.n_planes = kPlanes;
  d.batch = d.heads = 1;
  d.n_rows = kRows;
  d.row_bytes = row_bytes;
  d.max_keep = kKeep;
  d.order = order;
  d.sn = pitch;
  d.plane_addr = planes.data();
  d.keep = keep.dev();
  d.keep_count = count.dev();
  d.keep_sp = kKeep;
  d.count_sp = 1;
  std::string name = "compaction by a hostile list, row_bytes=" + std::to_string(row_bytes) + " order=" + std::to_string(order);
  call(m, m.plugin->kv_compact, d, name);
  std::vector<unsigned char> found = memory.peek();
  // The right plane as the reference has it.
  planes.assign(1, int64_t(reinterpret_cast<intptr_t>(memory.data() + size_t(kRight) * kRows * pitch)));
  d.n_planes = 1;
  d.plane_addr = planes.data();
  d.keep = keep.data() + kRight * kKeep;
  d.keep_count = count.data() + kRight;
  wn::ref::kv_compact(d);
  bool good = true;
  for (int p = 0; p < kPlanes; ++p) {
    int changed = p == kRight ? 0 : std::max(0, std::min(counts[size_t(p)], kKeep));
    for (int r = 0; r < kRows; ++r) {
      size_t row = (size_t(p) * kRows + r) * size_t(pitch), from = r < changed ? row + row_bytes : row;
      good = good && std::equal(found.begin() + from, found.begin() + row + pitch, memory.host.begin() + from);
    }
  }
  m.check(good, name + ": the rest is left alone");
}

void merge(Machine& m, Random& random, int dtype, int normalise) {
  constexpr int kRows = 14, kDim = 37, kSegments = 9, kEntries = 40;
  std::vector<int32_t> clean, source = spoilt(random, kEntries, kRows, -1, &clean);
  std::vector<int32_t> begin = {0, 4, 4, 9, 7, INT_MAX, INT_MIN, 30, kEntries, kEntries + 3};
  std::vector<float> weight = normals(random, kEntries);
  Twin<unsigned char> src(m, encode(normals(random, kRows * kDim), dtype));
  Twin<unsigned char> dst(m, encode(std::vector<float>(kSegments * kDim, 3.0f), dtype));
  Twin<int32_t> begins(m, begin), sources(m, source);
  Twin<float> weights(m, weight);
  wn_merge_desc d = blank<wn_merge_desc>();
  d.dtype = dtype;
  d.batch = 1;
  d.n_rows = kRows;
  d.dim = kDim;
  d.n_seg = kSegments;
  d.n_entry = kEntries;
  d.normalise = normalise;
  d.src_sn = d.dst_sn = kDim;
  d.src = src.dev();
  d.dst = dst.dev();
  d.seg_begin = begins.dev();
  d.seg_src = sources.dev();
  d.seg_weight = weights.dev();
  call(m, m.plugin->merge_rows, d, "merge by a hostile list");
  // What is left of the lists, for the reference.
  std::vector<int32_t> kept_begin(1, 0), kept_source;
  std::vector<float> kept_weight;
  for (int s = 0; s < kSegments; ++s) {
    for (int e = std::max(begin[size_t(s)], 0); e < std::min(begin[size_t(s) + 1], kEntries); ++e) {
      if (clean[size_t(e)] < 0) continue;
      kept_source.push_back(clean[size_t(e)]);
      kept_weight.push_back(weight[size_t(e)]);
    }
    kept_begin.push_back(int32_t(kept_source.size()));
  }
  d.src = src.data();
  d.dst = dst.data();
  d.seg_begin = kept_begin.data();
  d.seg_src = kept_source.data();
  d.seg_weight = kept_weight.data();
  wn::ref::merge_rows(d);
  m.check(dst.read() == dst.host, std::string("merge by a hostile list, ") + dtype_name(dtype));
}

}  // namespace

void list_cases_of_rows(Machine& m) {
  Random random(76);
  for (int row_bytes : {1, 16, 24, 528}) gather(m, random, row_bytes);
  for (int order : {WN_STABLE, WN_ANY}) {
    for (int row_bytes : {7, 64, 1040}) compact(m, random, row_bytes, order);
  }
  for (int dtype : {WN_F32, WN_F16, WN_BF16}) {
    for (int normalise : {WN_MERGE_SUM, WN_MERGE_MEAN}) merge(m, random, dtype, normalise);
  }
}

}  // namespace cases
