// wn_gather_rows, wn_kv_compact and wn_merge_rows against their plain meaning: byte for byte.
#include "harness.h"
#include "reference/rows.h"

namespace cases {
namespace {

std::vector<int32_t> ascending_list(Random& random, int rows, int count) {
  std::vector<int32_t> all(rows), list;
  for (int i = 0; i < rows; ++i) all[i] = i;
  for (int i = 0; i < count; ++i) std::swap(all[i], all[i + random.below(rows - i)]);
  list.assign(all.begin(), all.begin() + count);
  std::sort(list.begin(), list.end());
  return list;
}

std::vector<unsigned char> bytes_of(Random& random, size_t count) {
  std::vector<unsigned char> bytes(count);
  for (auto& b : bytes) b = static_cast<unsigned char>(random.next());
  return bytes;
}

void gather(Machine& m, Random& random, int batch, int rows, int row_bytes, int keep_rows, int offset, bool counts) {
  std::string name = "gather row_bytes=" + std::to_string(row_bytes) + " offset=" + std::to_string(offset);
  int64_t pitch = row_bytes + offset;
  Twin<unsigned char> src(m, bytes_of(random, size_t(offset + batch * rows * pitch)));
  Twin<unsigned char> dst(m, size_t(batch) * keep_rows * row_bytes, 0xEE);
  std::vector<int32_t> list(size_t(batch) * keep_rows), used(batch);
  for (auto& i : list) i = random.below(rows);  // any order, repetitions
  for (auto& u : used) u = random.below(keep_rows + 1);
  Twin<int32_t> keep(m, list), count(m, used);
  wn_gather_desc d = blank<wn_gather_desc>();
  d.batch = batch;
  d.n_rows = rows;
  d.row_bytes = row_bytes;
  d.max_keep = keep_rows;
  d.src_sn = pitch;
  d.src_sb = pitch * rows;
  d.dst_sn = row_bytes;
  d.dst_sb = int64_t(row_bytes) * keep_rows;
  d.keep_s = keep_rows;
  auto place = [&](bool device) {
    d.src = (device ? src.dev() : src.data()) + offset;
    d.dst = device ? dst.dev() : dst.data();
    d.keep = device ? keep.dev() : keep.data();
    if (counts) d.keep_count = device ? count.dev() : count.data();
  };
  place(true);
  call(m, m.plugin->gather_rows, d, name);
  place(false);
  wn::ref::gather_rows(d);
  m.check(dst.read() == dst.host, name);
}

struct Cache {
  int planes, batch, heads, rows, row_bytes, pitch_extra, keep_rows, first_row, order;
  bool own_lists, ragged;
};

void compact(Machine& m, Random& random, const Cache& c) {
  std::string name = "compact row_bytes=" + std::to_string(c.row_bytes) + " rows=" + std::to_string(c.rows) + " keep=" +
                     std::to_string(c.keep_rows) + " order=" + std::to_string(c.order);
  int64_t pitch = c.row_bytes + c.pitch_extra, head = pitch * c.rows, sequence = head * c.heads, plane = sequence * c.batch;
  Twin<unsigned char> memory(m, bytes_of(random, size_t(plane * c.planes)));
  int lists = c.own_lists ? c.planes * c.batch * c.heads : 1;
  std::vector<int32_t> entries, used;
  for (int l = 0; l < lists; ++l) {
    std::vector<int32_t> list;
    for (int i = 0; i < c.first_row; ++i) list.push_back(i);
    for (int32_t i : ascending_list(random, c.rows - c.first_row, c.keep_rows - c.first_row)) list.push_back(c.first_row + i);
    entries.insert(entries.end(), list.begin(), list.end());
    used.push_back(c.first_row + random.below(c.keep_rows - c.first_row + 1));
  }
  Twin<int32_t> keep(m, entries), count(m, used);
  std::vector<int64_t> host_planes, device_planes;
  for (int p = c.planes - 1; p >= 0; --p) {  // planes in no particular order
    host_planes.push_back(int64_t(reinterpret_cast<intptr_t>(memory.data() + p * plane)));
    device_planes.push_back(int64_t(reinterpret_cast<intptr_t>(memory.dev() + p * plane)));
  }
  wn_kv_desc d = blank<wn_kv_desc>();
  d.n_planes = c.planes;
  d.batch = c.batch;
  d.heads = c.heads;
  d.n_rows = c.rows;
  d.row_bytes = c.row_bytes;
  d.max_keep = c.keep_rows;
  d.first_row = c.first_row;
  d.order = c.order;
  d.sn = pitch;
  d.sh = head;
  d.sb = sequence;
  if (c.own_lists) {
    d.keep_sp = int64_t(c.keep_rows) * c.batch * c.heads;
    d.keep_sb = int64_t(c.keep_rows) * c.heads;
    d.keep_sh = c.keep_rows;
    d.count_sp = c.batch * c.heads;
    d.count_sb = c.heads;
    d.count_sh = 1;
  }
  auto place = [&](bool device) {
    d.plane_addr = device ? device_planes.data() : host_planes.data();
    d.keep = device ? keep.dev() : keep.data();
    if (c.ragged) d.keep_count = device ? count.dev() : count.data();
  };
  place(true);
  call(m, m.plugin->kv_compact, d, name);
  place(false);
  wn::ref::kv_compact(d);
  m.check(memory.read() == memory.host, name);
}

// Every keep-list over `rows` rows at once: plane p keeps the rows of the bits of p.
void compact_exhaustive(Machine& m, int rows, int order) {
  int sets = 1 << rows, row_bytes = 16;
  Random random(7);
  Twin<unsigned char> memory(m, bytes_of(random, size_t(sets) * rows * row_bytes));
  std::vector<int32_t> entries(size_t(sets) * rows, 0), used(sets, 0);
  std::vector<int64_t> host_planes, device_planes;
  for (int s = 0; s < sets; ++s) {
    for (int i = 0; i < rows; ++i) {
      if (s >> i & 1) entries[size_t(s) * rows + used[s]++] = i;
    }
    host_planes.push_back(int64_t(reinterpret_cast<intptr_t>(memory.data() + size_t(s) * rows * row_bytes)));
    device_planes.push_back(int64_t(reinterpret_cast<intptr_t>(memory.dev() + size_t(s) * rows * row_bytes)));
  }
  Twin<int32_t> keep(m, entries), count(m, used);
  wn_kv_desc d = blank<wn_kv_desc>();
  d.n_planes = sets;
  d.batch = d.heads = 1;
  d.n_rows = d.max_keep = rows;
  d.row_bytes = row_bytes;
  d.sn = row_bytes;
  d.order = order;
  d.keep_sp = rows;
  d.count_sp = 1;
  d.plane_addr = device_planes.data();
  d.keep = keep.dev();
  d.keep_count = count.dev();
  call(m, m.plugin->kv_compact, d, "compact exhaustive");
  d.plane_addr = host_planes.data();
  d.keep = keep.data();
  d.keep_count = count.data();
  wn::ref::kv_compact(d);
  m.check(memory.read() == memory.host, "compact, all keep-lists over " + std::to_string(rows) + " rows, order " + std::to_string(order));
}

void merge(Machine& m, Random& random, int dtype, int batch, int rows, int dim, int segments, int extra, bool weighted, int normalise) {
  std::string name = std::string("merge ") + dtype_name(dtype) + " dim=" + std::to_string(dim) + " normalise=" + std::to_string(normalise);
  int64_t pitch = dim + extra;
  Twin<unsigned char> src(m, encode(normals(random, size_t(batch) * rows * pitch), dtype));
  Twin<unsigned char> dst(m, encode(std::vector<float>(size_t(batch) * segments * dim, 3.0f), dtype));
  std::vector<int32_t> begin, source;
  std::vector<float> weight;
  for (int b = 0; b < batch; ++b) {
    for (int s = 0; s <= segments; ++s) {
      begin.push_back(int32_t(source.size()));
      int entries = s == segments ? 0 : random.below(5);
      for (int e = 0; e < entries; ++e) {
        source.push_back(random.below(rows));
        weight.push_back(e == 0 && s == 1 ? 0.0f : random.normal());
      }
    }
  }
  source.push_back(0);  // never an empty array
  weight.push_back(1.0f);
  Twin<int32_t> begins(m, begin), sources(m, source);
  Twin<float> weights(m, weight);
  wn_merge_desc d = blank<wn_merge_desc>();
  d.dtype = dtype;
  d.batch = batch;
  d.n_rows = rows;
  d.dim = dim;
  d.n_seg = segments;
  d.n_entry = int32_t(source.size());
  d.normalise = normalise;
  d.src_sn = pitch;
  d.src_sb = pitch * rows;
  d.dst_sn = dim;
  d.dst_sb = int64_t(dim) * segments;
  d.seg_begin_sb = segments + 1;
  auto place = [&](bool device) {
    auto at = [&](auto& twin) { return static_cast<void*>(device ? twin.dev() : twin.data()); };
    d.src = at(src);
    d.dst = at(dst);
    d.seg_begin = at(begins);
    d.seg_src = at(sources);
    if (weighted) d.seg_weight = at(weights);
  };
  place(true);
  call(m, m.plugin->merge_rows, d, name);
  place(false);
  wn::ref::merge_rows(d);
  m.check(dst.read() == dst.host, name);
}

}  // namespace

void row_cases(Machine& m) {
  Random random(17);
  for (int row_bytes : {1, 2, 6, 7, 16, 24, 256, 1040}) gather(m, random, 2, 40, row_bytes, 29, 0, true);
  gather(m, random, 1, 300, 8192, 287, 0, false);
  gather(m, random, 3, 20, 32, 10, 4, true);
  gather(m, random, 3, 20, 30, 10, 1, false);

  for (int order : {WN_STABLE, WN_ANY}) {
    compact(m, random, {2, 1, 4, 700, 256, 0, 300, 35, order, false, false});
    compact(m, random, {3, 2, 2, 90, 96, 32, 40, 0, order, true, true});
    compact(m, random, {2, 1, 1, 150, 1024, 0, 149, 5, order, true, false});
    compact(m, random, {1, 2, 3, 50, 7, 2, 20, 1, order, true, true});
    compact(m, random, {2, 1, 2, 50, 12, 0, 50, 0, order, true, true});
    compact(m, random, {1, 1, 1, 50, 34, 0, 1, 0, order, true, false});
    compact_exhaustive(m, m.small ? 5 : 9, order);
  }
  compact(m, random, {250, 1, 1, 10, 16, 0, 5, 2, WN_STABLE, true, true});  // more planes than one launch takes

  for (int dtype : {WN_F32, WN_F16, WN_BF16}) {
    merge(m, random, dtype, 2, 30, 64, 11, 0, true, WN_MERGE_SUM);
    merge(m, random, dtype, 1, 9, 1023, 4, 1, true, WN_MERGE_MEAN);
    merge(m, random, dtype, 3, 12, 5, 6, 0, false, WN_MERGE_MEAN);
  }
}

}  // namespace cases
