// The most similar other row of every bfloat16 row: where matrix tiles sort out the pairs first (the amx tier), values and indices are, bit
// for bit, those of comparing all pairs, whatever the rows. On a machine without such tiles only the other tiers are held to each other.
#include "descriptors.h"
#include "testing.h"

using namespace testing;

namespace {

SimOutput run(wn_ctx* ctx, wn_sim_desc d) {
  SimOutput o{std::vector<float>(d.n, -9.0f), std::vector<int32_t>(d.n, -9)};
  d.out_val = o.val.data(), d.out_idx = o.idx.data();
  Workspace workspace(wn_sim_workspace(ctx, &d));
  EXPECT_OK(wn_sim(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
  return o;
}

/** Every metric on every tier and with four threads gives one result. */
void one_result(const std::string& name, Array& x, int n, int dim, float eps = 1e-8f) {
  static Context one, four(4);
  for (int metric : {WN_COSINE, WN_DOT, WN_NEG_L2}) {
    wn_sim_desc d = similarity_of(WN_SIM_ARGMAX, WN_BF16, n, dim, x.data());
    d.metric = metric, d.eps = eps;
    SimOutput first;
    on_every_tier([&](const std::string& tier) {
      if (tier == "portable" && int64_t(n) * n * dim > 20000000) return;  // slow; the smaller cases hold it to the same bits
      subject() = name + " n" + std::to_string(n) + " D" + std::to_string(dim) + " metric " + std::to_string(metric) + " " + tier;
      const SimOutput got = run(one, d);
      if (first.idx.empty()) first = got;
      EXPECT(got == first);
      EXPECT(run(four, d) == first);
    });
  }
}

/** Calls change(row) -> factor for some rows of normal values. */
Array scaled_rows(int n, int dim, Random& random, const std::function<float(int)>& factor) {
  Array x = Array::normal(WN_BF16, int64_t(n) * dim, random);
  for (int i = 0; i < n; ++i) {
    const float by = factor(i);
    for (int c = 0; c < dim && by != 1.0f; ++c) x.set(int64_t(i) * dim + c, by * x.get(int64_t(i) * dim + c));
  }
  return x;
}

void copy_row(Array& x, int from, int to, int dim) {
  for (int c = 0; c < dim; ++c) x.set(int64_t(to) * dim + c, x.get(int64_t(from) * dim + c));
}

void odd_shapes(Random& random) {
  for (int n : {1, 2, 31, 32, 33, 63, 64, 65, 100, 193}) {
    for (int dim : {1, 2, 31, 32, 33, 64, 100}) {
      Array x = Array::normal(WN_BF16, int64_t(n) * dim, random);
      one_result("normal", x, n, dim);
    }
  }
  for (const auto& size : {std::pair<int, int>{577, 33}, {577, 1000}, {97, 4098}, {40, 20000}}) {
    Array x = Array::normal(WN_BF16, int64_t(size.first) * size.second, random);
    one_result("normal", x, size.first, size.second);
  }
}

/**
 * Clusters of rows of which each is the first but for the last bit of some elements: how far apart they are is less than what the order of
 * a sum decides, so that a choice by sums of another order is another one.
 */
void near_ties(Random& random) {
  for (int dim : {64, 1024, 4098}) {
    const int n = 192;
    Array x = Array::normal(WN_BF16, int64_t(n) * dim, random);
    for (int i = 0; i < n; ++i) {
      const int together = i < 96 ? 4 : 16, first = i - i % together;
      if (i == first) continue;
      copy_row(x, first, i, dim);
      for (int flips = between(random, 1, 3); flips > 0; --flips) {
        const int64_t at = int64_t(i) * dim + between(random, 0, dim - 1);
        x.set(at, x.get(at) * (1 + 1.0f / 128));
      }
    }
    one_result("near ties", x, n, dim);
  }
}

/** Rows of few different values, all of them the same row, and all of them zeros: exact ties, most of them everywhere. */
void ties(Random& random) {
  for (int dim : {33, 600}) {
    const int n = 150;
    for (int kinds : {0, 1, 2, 40, 140}) {
      Array x = Array::normal(WN_BF16, int64_t(n) * dim, random, kinds ? 1.0f : 0.0f);
      for (int i = kinds; i < n && kinds; ++i) copy_row(x, between(random, 0, kinds - 1), i, dim);
      one_result("ties of " + std::to_string(kinds) + " kinds", x, n, dim);
    }
    Array signs(WN_BF16, int64_t(n) * dim);
    for (int64_t i = 0; i < int64_t(n) * dim; ++i) signs.set(i, between(random, 0, 1) ? 1.0f : -1.0f);
    one_result("signs", signs, n, dim);
  }
}

/** Zeros, NaN, infinities, rows that overflow or underflow, alone and among others, with and without a floor of the norm. */
void extremes(Random& random) {
  const int n = 130;
  for (int dim : {5, 70, 512}) {
    for (float eps : {0.0f, 1e-12f, 1e-8f, 1.0f, 1e30f}) {
      Array some = scaled_rows(n, dim, random, [](int i) {
        const float factors[] = {1, 1, 0, 1, 1e-25f, 1, 1e18f, 1, 1e19f, 1, 1e-38f, 1, 3e-39f};
        return i % 5 ? 1.0f : factors[i / 5 % 13];
      });
      some.set(int64_t(7) * dim, NAN), some.set(int64_t(50) * dim + dim - 1, INFINITY), some.set(int64_t(129) * dim, -INFINITY);
      one_result("extremes", some, n, dim, eps);
    }
    for (float factor : {1e-40f, 1e-38f, 1e-21f, 3e-20f, 1e-19f, 3e-19f, 1e-18f, 1e-13f, 1e-9f, 1e9f, 1e17f, 1e18f, 1e19f, 1e30f}) {
      Array all = scaled_rows(n, dim, random, [&](int i) { return i == 3 ? 1.0f : factor; });
      one_result("all times " + std::to_string(factor), all, n, dim, factor < 1e-20f ? 0.0f : 1e-12f);
    }
    Array mixed = scaled_rows(n, dim, random, [](int i) { return std::ldexp(1.0f, i - 65); });
    one_result("mixed sizes", mixed, n, dim, 0.0f);
    Array tiny = Array::normal(WN_BF16, int64_t(n) * dim, random);
    for (int64_t i = 0; i < int64_t(n) * dim; i += 3) tiny.set(i, tiny.get(i) * 1e-38f);
    one_result("tiny elements", tiny, n, dim);
    Array nothing = scaled_rows(n, dim, random, [](int) { return NAN; });
    one_result("nothing usable", nothing, n, dim);
  }
}

/** Fewer rows than there is room for, several sets in one call, rows that overlap. */
void batches(Random& random) {
  const int n = 90, dim = 65;
  Array x = Array::normal(WN_BF16, int64_t(5) * n * (dim + 3), random);
  const std::vector<int32_t> valid = {90, 33, 1, 31, 20};
  wn_sim_desc d = similarity_of(WN_SIM_NEAREST, WN_BF16, n, dim, x.data());
  d.batch = 5, d.x_sn = dim + 3, d.x_sb = d.x_sn * n, d.n_valid = valid.data(), d.out_sb = n;
  Context one, four(4);
  for (int64_t between_rows : {int64_t(dim + 3), int64_t(1), int64_t(0)}) {
    d.x_sn = between_rows;
    SimOutput first;
    on_every_tier([&](const std::string& tier) {
      subject() = "batches, rows " + std::to_string(between_rows) + " apart " + tier;
      for (wn_ctx* ctx : {one.ctx, four.ctx}) {
        SimOutput got{std::vector<float>(5 * n, -9.0f), std::vector<int32_t>(5 * n, -9)};
        d.out_val = got.val.data(), d.out_idx = got.idx.data();
        Workspace workspace(wn_sim_workspace(ctx, &d));
        EXPECT_OK(wn_sim(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
        if (first.idx.empty()) first = got;
        EXPECT(got == first);
      }
    });
  }
}

}  // namespace

int main() {
  Random random(67);
  odd_shapes(random);
  near_ties(random);
  ties(random);
  extremes(random);
  batches(random);
  const std::vector<std::string> machine = tiers();
  if (machine.back() != "amx") std::printf("nearest_test: this machine has no amx tier, which therefore was not compared\n");
  return finish("nearest_test");
}
