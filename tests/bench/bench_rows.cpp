// Compaction and gathering, each beside plain copies of as many bytes.
#include <numeric>

#include "bench.h"

namespace bench {

void compact(const char* label, int planes, int rows, int row_bytes, int kept) {
  const std::string name = std::string("compact ") + label;
  if (!wanted(name)) return;
  Array<char> cache(int64_t(planes) * rows * row_bytes, 1);
  std::vector<int64_t> address;
  for (int p = 0; p < planes; ++p) address.push_back(reinterpret_cast<int64_t>(cache.data()) + int64_t(p) * rows * row_bytes);
  std::vector<int32_t> keep;
  std::vector<int> middle;
  for (int i = 35; i < rows - 60; ++i) middle.push_back(i);
  std::shuffle(middle.begin(), middle.end(), engine);
  middle.resize(kept - 95);
  for (int i = 0; i < 35; ++i) keep.push_back(i);
  std::sort(middle.begin(), middle.end());
  keep.insert(keep.end(), middle.begin(), middle.end());
  for (int i = rows - 60; i < rows; ++i) keep.push_back(i);
  int64_t moved = 0;
  for (int j = 0; j < kept; ++j) moved += keep[j] != j;
  wn_kv_desc d = testing::cache_of(planes, rows, row_bytes, keep);
  d.plane_addr = address.data();
  const double bytes = 2.0 * moved * row_bytes * planes;
  // Beside it the same number of bytes as plain copies in the same planes: per plane one memmove of as many rows, all neighbours.
  const auto [t, plain] = fastest_of_both([&] { check(wn_kv_compact(ctx, &d, nullptr)); }, [&] {
    for (int p = 0; p < planes; ++p) {
      char* plane = reinterpret_cast<char*>(address[p]);
      std::memmove(plane + (kept - moved) * int64_t(row_bytes), plane + (rows - moved) * int64_t(row_bytes), moved * row_bytes);
    }
  });
  line(name, t, bytes, bytes / plain);
}

void gather(const char* label, int rows, int row_bytes, int kept) {
  const std::string name = std::string("gather ") + label;
  if (!wanted(name)) return;
  const int layers = std::max<int64_t>(2, (int64_t(96) << 20) / (int64_t(rows) * row_bytes));
  Array<char> src(int64_t(layers) * rows * row_bytes, 1), dst(int64_t(kept) * row_bytes, 2);
  std::vector<int32_t> keep(rows);
  std::iota(keep.begin(), keep.end(), 0);
  std::shuffle(keep.begin(), keep.end(), engine);
  keep.resize(kept);
  std::sort(keep.begin(), keep.end());
  wn_gather_desc d = {};
  d.struct_size = sizeof d, d.batch = 1, d.n_rows = rows, d.row_bytes = row_bytes, d.max_keep = kept, d.src_sn = d.dst_sn = row_bytes;
  d.dst = dst.data(), d.keep = keep.data();
  int at = 0;
  const auto next = [&] { return src.data() + int64_t(at++ % layers) * rows * row_bytes; };
  // beside it a plain loop with one memcpy per row
  const auto [t, plain] = fastest_of_both(
      [&] {
        d.src = next();
        check(wn_gather_rows(ctx, &d, nullptr));
      },
      [&] {
        const char* from = next();
        for (int j = 0; j < kept; ++j) std::memcpy(dst.data() + int64_t(j) * row_bytes, from + int64_t(keep[j]) * row_bytes, row_bytes);
      });
  const double bytes = 2.0 * kept * row_bytes;
  line(name, t, bytes, bytes / plain);
}

}  // namespace bench
