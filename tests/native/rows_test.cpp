// wn_gather_rows, wn_kv_compact and wn_merge_rows on every tier: compaction exhaustively for small caches, and at real shapes.
#include "reference/rows.h"

#include <numeric>

#include "testing.h"

using namespace testing;

namespace {

std::vector<unsigned char> pattern(size_t n, int seed) {
  std::vector<unsigned char> bytes(n);
  Random random(seed);
  for (unsigned char& b : bytes) b = static_cast<unsigned char>(random());
  return bytes;
}

std::vector<unsigned char> compacted(wn_ctx* ctx, wn_kv_desc d, std::vector<unsigned char> cache, const std::vector<int64_t>& offsets, bool reference) {
  std::vector<int64_t> addresses;
  for (int64_t o : offsets) addresses.push_back(reinterpret_cast<int64_t>(cache.data()) + o);
  d.plane_addr = addresses.data();
  if (reference) {
    wn::ref::kv_compact(d);
  } else {
    EXPECT_OK(wn_kv_compact(ctx, &d, nullptr));
  }
  return cache;
}

/** Every keep-list over up to 13 rows, both orders, three row sizes. */
void exhaustive() {
  Context ctx;
  on_every_tier([&](const std::string& tier) {
    subject() = "exhaustive " + tier;
    for (int n = 1; n <= 13; ++n) {
      for (int row : {1, 7, 64}) {
        if (n < 12 && row != 7) continue;
        const std::vector<unsigned char> cache = pattern(size_t(n) * row, n);
        for (int set = 0; set < 1 << n; ++set) {
          std::vector<int32_t> keep;
          for (int i = 0; i < n; ++i) {
            if (set >> i & 1) keep.push_back(i);
          }
          wn_kv_desc d = {};
          d.struct_size = sizeof d, d.n_planes = d.batch = d.heads = 1, d.n_rows = n, d.row_bytes = row, d.sn = row;
          d.max_keep = int(keep.size()), d.keep = keep.data();
          for (int order : {WN_STABLE, WN_ANY}) {
            d.order = order;
            const std::vector<unsigned char> got = compacted(ctx, d, cache, {0}, false);
            if (order == WN_STABLE) {
              for (size_t j = 0; j < keep.size(); ++j) EXPECT(std::memcmp(&got[j * row], &cache[size_t(keep[j]) * row], row) == 0);
            } else {
              EXPECT(got == compacted(ctx, d, cache, {0}, true));
            }
          }
        }
      }
    }
  });
}

/** Random layouts: row-major and head-major caches, padding between rows that must not change, lists per plane, batch row and head. */
void random_layouts(int cases) {
  Context one, three(3);
  Random random(11);
  for (int i = 0; i < cases; ++i) {
    wn_kv_desc d = {};
    d.struct_size = sizeof d;
    d.n_planes = between(random, 1, 5), d.batch = between(random, 1, 3), d.heads = between(random, 1, 4), d.n_rows = between(random, 1, 60);
    d.row_bytes = i % 3 == 0 ? 64 * between(random, 1, 40) : between(random, 1, 300);
    d.order = between(random, 0, 1);
    const int64_t pitch = d.row_bytes + (i % 2 ? between(random, 0, 9) : 0);
    if (i % 4 < 2) {  // head-major
      d.sn = pitch, d.sh = d.sn * d.n_rows, d.sb = d.sh * d.heads;
    } else {  // row-major
      d.sh = pitch, d.sn = d.sh * d.heads, d.sb = d.sn * d.n_rows;
    }
    const int64_t plane = d.sb * d.batch;
    std::vector<int64_t> offsets;
    for (int p = 0; p < d.n_planes; ++p) offsets.push_back(p * plane + 3);
    d.max_keep = d.n_rows;
    // lists laid out [planes][batch][heads][n_rows]; shared along some of the dimensions
    d.keep_sh = between(random, 0, 1) ? d.n_rows : 0, d.keep_sb = between(random, 0, 1) ? d.n_rows * d.heads : 0;
    d.keep_sp = between(random, 0, 1) ? int64_t(d.n_rows) * d.heads * d.batch : 0;
    d.count_sh = d.keep_sh / d.n_rows, d.count_sb = d.keep_sb / d.n_rows, d.count_sp = d.keep_sp / d.n_rows;
    std::vector<int32_t> keep(size_t(d.n_planes) * d.batch * d.heads * d.n_rows), count(keep.size() / d.n_rows);
    const int share = between(random, 1, 10);
    for (size_t list = 0; list < count.size(); ++list) {
      for (int r = 0; r < d.n_rows; ++r) {
        if (between(random, 1, 10) <= share) keep[list * d.n_rows + count[list]++] = r;
      }
    }
    d.keep = keep.data(), d.keep_count = count.data();
    const std::vector<unsigned char> cache = pattern(size_t(plane) * d.n_planes + 16, i);
    const std::vector<unsigned char> expected = compacted(one, d, cache, offsets, true);
    on_every_tier([&](const std::string& tier) {
      subject() = "layout " + std::to_string(i) + " " + tier;
      EXPECT(compacted(one, d, cache, offsets, false) == expected);
      EXPECT(compacted(three, d, cache, offsets, false) == expected);
    });
  }
}

/** 7B layers of one sequence, rows [K|V] over all heads, one and several threads. */
void model_shape() {
  Context one, two(2);
  const int rows = 671, row = 2 * 32 * 128 * 2, planes = 3;
  std::vector<int32_t> keep;
  for (int r = 0; r < rows; ++r) {
    if (r < 35 || r >= 611 || r % 3 == 0) keep.push_back(r);
  }
  wn_kv_desc d = {};
  d.struct_size = sizeof d, d.n_planes = planes, d.batch = d.heads = 1, d.n_rows = rows, d.row_bytes = row, d.sn = row, d.first_row = 35;
  d.keep = keep.data(), d.max_keep = int(keep.size());
  const std::vector<unsigned char> cache = pattern(size_t(planes) * rows * row, 1);
  const std::vector<int64_t> offsets = {0, int64_t(rows) * row, 2 * int64_t(rows) * row};
  const std::vector<unsigned char> expected = compacted(one, d, cache, offsets, true);
  on_every_tier([&](const std::string&) {
    EXPECT(compacted(one, d, cache, offsets, false) == expected);
    EXPECT(compacted(two, d, cache, offsets, false) == expected);
  });
}

/** Memory from a 64-byte boundary on, or shift bytes past one. */
struct Boundary {
  std::vector<unsigned char> memory;
  unsigned char* start;
  Boundary(const std::vector<unsigned char>& content, int shift) : memory(content.size() + 128) {
    start = reinterpret_cast<unsigned char*>((reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64 + shift);
    std::memcpy(start, content.data(), content.size());
  }
};

/** So much that stores go past the caches: rows at 64-byte boundaries and not, with and without a rest, short and long, both orders. */
void much() {
  Context one, three(3);
  Random random(12);
  struct {
    int row, pitch, shift;
  } const shapes[] = {{64, 64, 0}, {256, 256, 0}, {256, 256, 16}, {320, 384, 0}, {300, 320, 0}, {1000, 1000, 0}, {2048, 2048, 0}, {16384, 16384, 0}, {9000, 9024, 0}, {9000, 9001, 0}};
  for (const auto& shape : shapes) {
    wn_kv_desc d = {};
    d.struct_size = sizeof d, d.batch = d.heads = 1, d.row_bytes = shape.row, d.sn = shape.pitch, d.n_rows = 300;
    d.n_planes = (10 << 20) / (100 * shape.row) + 1, d.sb = d.sh = int64_t(d.n_rows) * d.sn;
    std::vector<int32_t> keep;
    for (int r = 0; r < d.n_rows; ++r) {
      if (r < 11 || r > 280 || between(random, 0, 2) == 0) keep.push_back(r);
    }
    keep.resize(100);
    d.keep = keep.data(), d.max_keep = 100;
    const std::vector<unsigned char> cache = pattern(size_t(d.sb) * d.n_planes, shape.row);
    for (int order : {WN_STABLE, WN_ANY}) {
      d.order = order;
      const auto run = [&](wn_ctx* ctx) {
        Boundary copy(cache, shape.shift);
        std::vector<int64_t> address;
        for (int p = 0; p < d.n_planes; ++p) address.push_back(reinterpret_cast<int64_t>(copy.start) + p * d.sb);
        d.plane_addr = address.data();
        if (ctx) {
          EXPECT_OK(wn_kv_compact(ctx, &d, nullptr));
        } else {
          wn::ref::kv_compact(d);
        }
        return std::vector<unsigned char>(copy.start, copy.start + cache.size());
      };
      const std::vector<unsigned char> expected = run(nullptr);
      on_every_tier([&](const std::string& tier) {
        subject() = "much, rows of " + std::to_string(shape.row) + " order " + std::to_string(order) + " " + tier;
        EXPECT(run(one) == expected);
        EXPECT(run(three) == expected);
      });
    }
    // the same bytes gathered to another place
    wn_gather_desc g = {};
    g.struct_size = sizeof g, g.batch = d.n_planes, g.n_rows = d.n_rows, g.row_bytes = d.row_bytes, g.max_keep = 100, g.keep = keep.data();
    g.src = cache.data(), g.src_sn = d.sn, g.src_sb = d.sb, g.dst_sn = d.sn, g.dst_sb = 100 * d.sn;
    const std::vector<unsigned char> blank(size_t(g.dst_sb) * g.batch, 7);
    const auto gathered = [&](wn_ctx* ctx) {
      Boundary out(blank, shape.shift);
      g.dst = out.start;
      if (ctx) {
        EXPECT_OK(wn_gather_rows(ctx, &g, nullptr));
      } else {
        wn::ref::gather_rows(g);
      }
      return std::vector<unsigned char>(out.start, out.start + blank.size());
    };
    const std::vector<unsigned char> expected = gathered(nullptr);
    on_every_tier([&](const std::string& tier) {
      subject() = "much gathered, rows of " + std::to_string(shape.row) + " " + tier;
      EXPECT(gathered(one) == expected);
      EXPECT(gathered(three) == expected);
    });
  }
}

/** A cache larger than 2^31 bytes of address range: offsets are 64-bit throughout. Only the touched pages exist. */
void far_offsets() {
  Context ctx;
  const int64_t stride = int64_t(1) << 30;
  const size_t bytes = size_t(stride) * 5;
  void* memory = std::calloc(1, bytes);
  if (!memory) return;
  char* base = static_cast<char*>(memory);
  for (int r = 0; r < 5; ++r) std::memset(base + r * stride, 'a' + r, 100);
  const std::vector<int32_t> keep = {1, 4};
  const std::vector<int64_t> address = {reinterpret_cast<int64_t>(base)};
  wn_kv_desc d = {};
  d.struct_size = sizeof d, d.n_planes = d.batch = d.heads = 1, d.n_rows = 5, d.row_bytes = 100, d.sn = stride, d.max_keep = 2;
  d.keep = keep.data(), d.plane_addr = address.data();
  EXPECT_OK(wn_kv_compact(ctx, &d, nullptr));
  EXPECT(base[0] == 'b' && base[99] == 'b' && base[100] == 0 && base[stride] == 'e' && base[stride + 99] == 'e');
  std::free(memory);
}

void gather(int cases) {
  Context one, three(3);
  Random random(4);
  for (int i = 0; i < cases; ++i) {
    wn_gather_desc d = {};
    d.struct_size = sizeof d;
    d.batch = between(random, 1, 3), d.n_rows = between(random, 1, 50), d.max_keep = between(random, 1, 60), d.row_bytes = between(random, 1, i % 5 ? 200 : 9000);
    d.src_sn = d.row_bytes + between(random, 0, 5), d.src_sb = d.src_sn * d.n_rows, d.dst_sn = d.row_bytes + between(random, 0, 5), d.dst_sb = d.dst_sn * d.max_keep;
    std::vector<int32_t> keep, count;
    for (int j = 0; j < d.batch * d.max_keep; ++j) keep.push_back(between(random, 0, d.n_rows - 1));
    for (int b = 0; b < d.batch; ++b) count.push_back(between(random, 0, d.max_keep));
    const std::vector<unsigned char> src = pattern(d.src_sb * d.batch, i);
    std::vector<unsigned char> expected = pattern(d.dst_sb * d.batch, -i);
    const std::vector<unsigned char> blank = expected;
    d.src = src.data(), d.dst = expected.data(), d.keep = keep.data(), d.keep_s = i % 2 ? d.max_keep : 0, d.keep_count = i % 3 ? count.data() : nullptr;
    wn::ref::gather_rows(d);
    on_every_tier([&](const std::string&) {
      for (wn_ctx* ctx : {one.ctx, three.ctx}) {
        std::vector<unsigned char> got = blank;
        d.dst = got.data();
        EXPECT_OK(wn_gather_rows(ctx, &d, nullptr));
        EXPECT(got == expected);
      }
    });
  }
}

/** Merging adds in the order of the list, in float32: equal bits on every tier and in the reference. */
void merge(int cases) {
  Context one, three(3);
  Random random(8);
  for (int i = 0; i < cases; ++i) {
    wn_merge_desc d = {};
    d.struct_size = sizeof d;
    d.dtype = i % 3, d.batch = between(random, 1, 3), d.n_rows = between(random, 1, 30), d.dim = between(random, 1, i % 4 ? 80 : 1100);
    d.n_seg = between(random, 1, 12), d.normalise = between(random, 0, 1);
    std::vector<int32_t> begin, source;
    std::vector<float> weight;
    for (int b = 0; b < d.batch; ++b) {
      for (int s = 0; s <= d.n_seg; ++s) {
        begin.push_back(int(source.size()));
        for (int e = s == d.n_seg ? 0 : between(random, 0, 5); e > 0; --e) {
          source.push_back(between(random, 0, d.n_rows - 1));
          weight.push_back(between(random, 0, 9) ? 0.1f * between(random, -20, 40) : 0.0f);
        }
      }
    }
    d.n_entry = int(source.size());
    Array src = Array::normal(d.dtype, int64_t(d.batch) * d.n_rows * d.dim, random);
    Array dst(d.dtype, int64_t(d.batch) * d.n_seg * d.dim);
    d.src = src.data(), d.src_sn = d.dim, d.src_sb = int64_t(d.dim) * d.n_rows, d.dst_sn = d.dim, d.dst_sb = int64_t(d.dim) * d.n_seg;
    d.seg_begin = begin.data(), d.seg_begin_sb = d.n_seg + 1, d.seg_src = source.data(), d.seg_weight = i % 2 ? weight.data() : nullptr;
    d.dst = dst.data();
    wn::ref::merge_rows(d);
    on_every_tier([&](const std::string& tier) {
      subject() = "merge " + std::to_string(i) + " " + tier;
      for (wn_ctx* ctx : {one.ctx, three.ctx}) {
        Array got(d.dtype, dst.size());
        d.dst = got.data();
        EXPECT_OK(wn_merge_rows(ctx, &d, nullptr));
        EXPECT(std::memcmp(got.data(), dst.data(), dst.size() * (d.dtype == WN_F32 ? 4 : 2)) == 0);
      }
    });
  }
}

/** Rounding to 16 bits and back over all values, through a merge of single rows: exact, and the same on every tier. */
void all_half_values() {
  Context ctx;
  for (int dtype : {WN_F16, WN_BF16}) {
    std::vector<uint16_t> values, out(65536);
    for (int v = 0; v < 65536; ++v) values.push_back(uint16_t(v));
    const std::vector<int32_t> begin = {0, 1}, source = {0};
    wn_merge_desc d = {};
    d.struct_size = sizeof d, d.dtype = dtype, d.batch = 1, d.n_rows = 1, d.dim = 65536, d.n_seg = 1, d.n_entry = 1;
    d.src = values.data(), d.dst = out.data(), d.seg_begin = begin.data(), d.seg_src = source.data();
    on_every_tier([&](const std::string& tier) {
      subject() = std::string(dtype_name(dtype)) + " values " + tier;
      EXPECT_OK(wn_merge_rows(ctx, &d, nullptr));
      for (int v = 0; v < 65536; ++v) {
        const float in = wn::ref::get(values.data(), dtype, v), back = wn::ref::get(out.data(), dtype, v);
        if (!(in == back || (std::isnan(in) && std::isnan(back)))) {
          EXPECT(!"a value did not survive");
          return;
        }
      }
    });
  }
}

}  // namespace

int main() {
  exhaustive();
  random_layouts(120);
  model_shape();
  much();
  far_offsets();
  gather(100);
  merge(150);
  all_half_values();
  return finish("rows_test");
}
