// wn_kv_compact on every tier: exhaustively for small caches, in random layouts, and at real shapes and amounts.
#include "rows.h"

namespace testing {
namespace {

Bytes compacted(wn_ctx* ctx, wn_kv_desc d, Bytes cache, const std::vector<int64_t>& offsets, bool reference) {
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
        const Bytes cache = pattern(size_t(n) * row, n);
        for (int set = 0; set < 1 << n; ++set) {
          std::vector<int32_t> keep;
          for (int i = 0; i < n; ++i) {
            if (set >> i & 1) keep.push_back(i);
          }
          wn_kv_desc d = cache_of(1, n, row, keep);
          for (int order : {WN_STABLE, WN_ANY}) {
            d.order = order;
            const Bytes got = compacted(ctx, d, cache, {0}, false);
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
    const Bytes cache = pattern(size_t(plane) * d.n_planes + 16, i);
    const Bytes expected = compacted(one, d, cache, offsets, true);
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
  wn_kv_desc d = cache_of(planes, rows, row, keep);
  d.first_row = 35;
  const Bytes cache = pattern(size_t(planes) * rows * row, 1);
  const std::vector<int64_t> offsets = {0, int64_t(rows) * row, 2 * int64_t(rows) * row};
  const Bytes expected = compacted(one, d, cache, offsets, true);
  on_every_tier([&](const std::string&) {
    EXPECT(compacted(one, d, cache, offsets, false) == expected);
    EXPECT(compacted(two, d, cache, offsets, false) == expected);
  });
}

/** More than the caches hold, both orders. */
void much_compacted() {
  Context one, three(3);
  for_much([&](const MuchShape& shape, const std::vector<int32_t>& keep, const Bytes& cache) {
    wn_kv_desc d = cache_of(much_planes(shape), much_rows, shape.row, keep);
    d.sn = shape.pitch;
    const int64_t plane = much_rows * d.sn;
    for (int order : {WN_STABLE, WN_ANY}) {
      d.order = order;
      const auto run = [&](wn_ctx* ctx) {
        Boundary copy(cache, shape.shift);
        std::vector<int64_t> address;
        for (int p = 0; p < d.n_planes; ++p) address.push_back(reinterpret_cast<int64_t>(copy.start) + p * plane);
        d.plane_addr = address.data();
        if (ctx) {
          EXPECT_OK(wn_kv_compact(ctx, &d, nullptr));
        } else {
          wn::ref::kv_compact(d);
        }
        return Bytes(copy.start, copy.start + cache.size());
      };
      const Bytes expected = run(nullptr);
      on_every_tier([&](const std::string& tier) {
        subject() = "much, rows of " + std::to_string(shape.row) + " order " + std::to_string(order) + " " + tier;
        EXPECT(run(one) == expected);
        EXPECT(run(three) == expected);
      });
    }
  });
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
  wn_kv_desc d = cache_of(1, 5, 100, keep);
  d.sn = stride, d.plane_addr = address.data();
  EXPECT_OK(wn_kv_compact(ctx, &d, nullptr));
  EXPECT(base[0] == 'b' && base[99] == 'b' && base[100] == 0 && base[stride] == 'e' && base[stride + 99] == 'e');
  std::free(memory);
}

}  // namespace

void compaction() {
  exhaustive();
  random_layouts(120);
  model_shape();
  much_compacted();
  far_offsets();
}

}  // namespace testing
