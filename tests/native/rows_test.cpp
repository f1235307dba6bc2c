// wn_gather_rows and wn_merge_rows on every tier; wn_kv_compact in rows_compact.cpp.
#include "rows.h"

using namespace testing;

namespace {

void gather(int cases) {
  Context one, three(3);
  Random random(4);
  for (int i = 0; i < cases; ++i) {
    wn_gather_desc d = {};
    d.struct_size = sizeof d;
    d.batch = between(random, 1, 3), d.n_rows = between(random, 1, 50), d.max_keep = between(random, 1, 60);
    d.row_bytes = between(random, 1, i % 5 ? 200 : 9000);
    d.src_sn = d.row_bytes + between(random, 0, 5), d.src_sb = d.src_sn * d.n_rows;
    d.dst_sn = d.row_bytes + between(random, 0, 5), d.dst_sb = d.dst_sn * d.max_keep;
    std::vector<int32_t> keep, count;
    for (int j = 0; j < d.batch * d.max_keep; ++j) keep.push_back(between(random, 0, d.n_rows - 1));
    for (int b = 0; b < d.batch; ++b) count.push_back(between(random, 0, d.max_keep));
    const Bytes src = pattern(d.src_sb * d.batch, i);
    Bytes expected = pattern(d.dst_sb * d.batch, -i);
    const Bytes blank = expected;
    d.src = src.data(), d.dst = expected.data(), d.keep = keep.data(), d.keep_s = i % 2 ? d.max_keep : 0;
    d.keep_count = i % 3 ? count.data() : nullptr;
    wn::ref::gather_rows(d);
    on_every_tier([&](const std::string&) {
      for (wn_ctx* ctx : {one.ctx, three.ctx}) {
        Bytes got = blank;
        d.dst = got.data();
        EXPECT_OK(wn_gather_rows(ctx, &d, nullptr));
        EXPECT(got == expected);
      }
    });
  }
}

/** More than the caches hold. */
void much_gathered() {
  Context one, three(3);
  for_much([&](const MuchShape& shape, const std::vector<int32_t>& keep, const Bytes& src) {
    wn_gather_desc d = {};
    d.struct_size = sizeof d, d.batch = much_planes(shape), d.n_rows = much_rows, d.row_bytes = shape.row, d.max_keep = much_kept;
    d.keep = keep.data(), d.src = src.data(), d.src_sn = d.dst_sn = shape.pitch, d.src_sb = much_rows * d.src_sn;
    d.dst_sb = much_kept * d.dst_sn;
    const Bytes blank(size_t(d.dst_sb) * d.batch, 7);
    const auto run = [&](wn_ctx* ctx) {
      Boundary out(blank, shape.shift);
      d.dst = out.start;
      if (ctx) {
        EXPECT_OK(wn_gather_rows(ctx, &d, nullptr));
      } else {
        wn::ref::gather_rows(d);
      }
      return Bytes(out.start, out.start + blank.size());
    };
    const Bytes expected = run(nullptr);
    on_every_tier([&](const std::string& tier) {
      subject() = "much gathered, rows of " + std::to_string(shape.row) + " " + tier;
      EXPECT(run(one) == expected);
      EXPECT(run(three) == expected);
    });
  });
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
  compaction();
  gather(100);
  much_gathered();
  merge(150);
  all_half_values();
  return finish("rows_test");
}
