// wn_sim and wn_greedy against the plain double-precision references on every tier, and bit for bit between tiers and thread counts.
#include "reference/greedy.h"
#include "reference/similarity.h"

#include <set>

#include "descriptors.h"
#include "testing.h"

using namespace testing;

namespace {

SimOutput run_sim(wn_ctx* ctx, wn_sim_desc d, size_t size, bool reference = false) {
  SimOutput o{std::vector<float>(size, -9.0f), std::vector<int32_t>(size, -9)};
  d.out_val = o.val.data();
  d.out_idx = d.op == WN_SIM_WINDOWS || d.op == WN_SIM_PIVOTS ? nullptr : o.idx.data();
  if (reference) {
    wn::ref::sim(d);
    return o;
  }
  Workspace workspace(wn_sim_workspace(ctx, &d));
  EXPECT(workspace.bytes() >= 0);
  EXPECT_OK(wn_sim(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
  return o;
}

bool near(float a, float b, double tolerance) { return a == b || std::fabs(a - b) <= tolerance || (std::isnan(a) && std::isnan(b)); }

void random_similarities(int cases) {
  Context one, three(3);
  Random random(17);
  const int dims[] = {1, 5, 16, 31, 32, 33, 64, 100, 768, 1024};
  for (int i = 0; i < cases; ++i) {
    wn_sim_desc d = {};
    d.struct_size = sizeof d;
    d.dtype = i % 3, d.op = between(random, 0, 4), d.metric = between(random, 0, 2), d.batch = between(random, 1, 2);
    d.dim = dims[between(random, 0, 9)], d.n = between(random, 1, i % 6 == 0 ? 150 : 40), d.top_m = between(random, 1, 40);
    d.eps = i % 2 ? 1e-8f : 0.0f;
    std::vector<int32_t> pivots, valid;
    if (d.op == WN_SIM_WINDOWS) {
      d.win_h = between(random, 1, 4), d.win_w = between(random, 2, 4), d.grid_w = d.win_w * between(random, 1, 4);
      d.n = d.grid_w * d.win_h * between(random, 1, 4);
    } else if (i % 5 == 0) {
      for (int b = 0; b < d.batch; ++b) valid.push_back(between(random, 1, d.n));
      d.n_valid = valid.data();
    }
    Array x = Array::normal(d.dtype, int64_t(d.batch) * d.n * d.dim, random);
    if (i % 4 == 0) {  // duplicates, a row of zeros, a NaN and an infinity
      for (int c = 0; c < d.dim; ++c) x.set(int64_t(d.n - 1) * d.dim + c, x.get(c));
      for (int c = 0; c < d.dim; ++c) x.set(int64_t(d.n / 2) * d.dim + c, 0.0f);
      if (i % 8 == 0) x.set(int64_t(d.n / 3) * d.dim, NAN), x.set(int64_t(d.n / 4) * d.dim + d.dim - 1, INFINITY);
    }
    d.x = x.data(), d.x_sn = d.dim, d.x_sb = int64_t(d.n) * d.dim;
    d.n_pivot = d.n;
    Array y = Array::normal(d.dtype, int64_t(d.batch) * 25 * d.dim, random);
    const int source = d.op == WN_SIM_WINDOWS ? 0 : between(random, 0, 2);
    if (source == 1) {
      d.n_pivot = between(random, 1, 25), d.y = y.data(), d.y_sn = d.dim, d.y_sb = int64_t(25) * d.dim;
    } else if (source == 2) {
      d.n_pivot = between(random, 1, 25);
      for (int p = 0; p < d.batch * d.n_pivot; ++p) pivots.push_back(between(random, 0, (d.n_valid ? valid[p / d.n_pivot] : d.n) - 1));
      d.pivot = pivots.data(), d.pivot_sb = d.n_pivot;
    }
    d.out_sp = std::max(d.n, d.top_m) + 1, d.out_sb = d.out_sp * (d.n_pivot + d.n);
    const size_t size = size_t(d.out_sb) * d.batch;
    char text[160];
    std::snprintf(text, sizeof text, "case %d %s op %d metric %d B%d n%d D%d P%d source %d", i, dtype_name(d.dtype), d.op, d.metric,
                  d.batch, d.n, d.dim, d.n_pivot, source);
    const SimOutput expected = run_sim(one, d, size, true);
    SimOutput first;
    on_every_tier([&](const std::string& tier) {
      subject() = text + (" " + tier);
      const SimOutput got = run_sim(one, d, size);
      const double tolerance = d.metric == WN_COSINE ? 3e-6 : 1e-5 * d.dim;
      if (first.val.empty()) {
        first = got;
        for (size_t at = 0; at < size; ++at) {
          if (!near(got.val[at], expected.val[at], tolerance)) {
            subject() += " at " + std::to_string(at) + ": " + std::to_string(got.val[at]) + " for " + std::to_string(expected.val[at]);
            EXPECT(!"value far from the reference");
            break;
          }
        }
        // indices may differ only where the two values are as good as equal, which the values have shown
        for (size_t at = 0; at < size; ++at) EXPECT((got.idx[at] < 0) == (expected.idx[at] < 0));
      }
      EXPECT(same_bits(got.val, first.val) && got.idx == first.idx);
      const SimOutput threaded = run_sim(three, d, size);
      EXPECT(same_bits(threaded.val, first.val) && threaded.idx == first.idx);
    });
  }
}

/** Ties go to the lower index, whatever tile they fall in. */
void equal_rows() {
  Context ctx;
  std::vector<float> x;
  for (int i = 0; i < 70; ++i) x.insert(x.end(), {float(i % 2), float(1 - i % 2)});
  wn_sim_desc d = similarity_of(WN_SIM_TOPM, WN_F32, 70, 2, x.data());
  d.top_m = 3, d.out_sp = 3;
  on_every_tier([&](const std::string& tier) {
    subject() = "equal rows " + tier;
    const SimOutput got = run_sim(ctx, d, 210);
    EXPECT(got.idx[0] == 2 && got.idx[1] == 4 && got.idx[2] == 6);
    EXPECT(got.idx[3 * 4] == 0 && got.idx[3 * 4 + 1] == 2 && got.idx[3 * 4 + 2] == 6);
    wn_sim_desc nearest = d;
    nearest.op = WN_SIM_NEAREST;
    const SimOutput all = run_sim(ctx, nearest, 70);
    EXPECT(all.idx[0] == 2 && all.idx[2] == 0 && all.idx[69] == 1 && all.val[69] == 0.0f);
  });
}

/** Tiny rows, whose bfloat16 products the dot instruction would flush to zero, give the same bits on every tier. */
void denormal_rows() {
  Context ctx;
  Random random(23);
  for (float scale : {1e-18f, 1e-21f, 1e-38f}) {
    Array x = Array::normal(WN_BF16, 40 * 64, random, scale);
    const wn_sim_desc d = similarity_of(WN_SIM_PIVOTS, WN_BF16, 40, 64, x.data());
    SimOutput first;
    on_every_tier([&](const std::string& tier) {
      subject() = "tiny rows " + tier;
      const SimOutput got = run_sim(ctx, d, 1600);
      if (first.val.empty()) first = got;
      EXPECT(same_bits(got.val, first.val));
    });
  }
}

struct GreedyOutput {
  std::vector<int32_t> idx;
  std::vector<float> gain;
};

GreedyOutput run_greedy(wn_ctx* ctx, wn_greedy_desc d, bool reference = false) {
  GreedyOutput o{std::vector<int32_t>(size_t(d.batch) * d.k, -9), std::vector<float>(size_t(d.batch) * d.k, -9)};
  d.out_idx = o.idx.data(), d.out_gain = o.gain.data(), d.out_sb = d.k;
  if (reference) {
    wn::ref::greedy(d);
    return o;
  }
  Workspace workspace(wn_greedy_workspace(ctx, &d));
  EXPECT(workspace.bytes() >= 0);
  EXPECT_OK(wn_greedy(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
  return o;
}

void random_subsets(int cases) {
  Context one, three(3);
  Random random(29);
  for (int i = 0; i < cases; ++i) {
    wn_greedy_desc d = {};
    d.struct_size = sizeof d;
    d.dtype = i % 3, d.objective = i / 3 % 3, d.batch = between(random, 1, 2), d.n = between(random, 1, i % 5 ? 40 : 150);
    d.dim = i % 7 ? 64 : 2500;
    d.k = between(random, 1, i % 4 ? 8 : d.n + 1);
    d.f_scale = i % 2 ? 1.0f : 0.5f, d.f_shift = i % 2 ? 0.0f : 0.5f;
    Array x = Array::normal(d.dtype, int64_t(d.batch) * d.n * d.dim, random);
    if (i % 6 == 0) x.set(between(random, 0, d.n - 1) * d.dim, NAN);
    d.x = x.data(), d.x_sn = d.dim, d.x_sb = int64_t(d.n) * d.dim;
    std::vector<float> weight, row_weight, matrix;
    std::vector<int32_t> valid;
    for (int j = 0; j < d.batch * d.n; ++j) {
      weight.push_back(0.5f + 0.001f * between(random, 0, 1000));
      row_weight.push_back(0.01f * between(random, 0, 100));
    }
    d.weight = i % 2 ? weight.data() : nullptr, d.weight_sb = d.n;
    if (d.objective == WN_COVERAGE && i % 4 == 1) d.row_weight = row_weight.data(), d.row_weight_sb = d.n;
    if (i % 5 == 1) {
      for (int b = 0; b < d.batch; ++b) valid.push_back(between(random, 1, d.n));
      d.n_valid = valid.data();
    }
    if (d.objective == WN_COVERAGE && i % 3 == 2) {
      d.matrix_rows = between(random, 1, 50), d.row_weight = nullptr;
      for (int j = 0; j < d.batch * d.matrix_rows * d.n; ++j) matrix.push_back(0.0001f * between(random, 0, 10000));
      d.matrix = matrix.data(), d.matrix_sr = d.n, d.matrix_sb = int64_t(d.matrix_rows) * d.n;
    }
    char text[160];
    std::snprintf(text, sizeof text, "subset %d %s objective %d B%d n%d D%d k%d", i, dtype_name(d.dtype), d.objective, d.batch, d.n, d.dim,
                  d.k);
    const GreedyOutput expected = run_greedy(one, d, true);
    GreedyOutput first;
    on_every_tier([&](const std::string& tier) {
      subject() = text + (" " + tier);
      const GreedyOutput got = run_greedy(one, d);
      if (first.idx.empty()) {
        first = got;
        // while float32 and double agree on the choices they agree on the gains; after the first near-tie they may part
        for (size_t at = 0; at < got.idx.size(); ++at) {
          if (at % d.k > 7) continue;
          if (got.idx[at] != expected.idx[at]) {
            EXPECT(near(got.gain[at], expected.gain[at], 1e-5 * (1 + std::fabs(expected.gain[at]))));
            at += d.k - at % d.k - 1;
            continue;
          }
          EXPECT(near(got.gain[at], expected.gain[at], 2e-5 * (1 + std::fabs(expected.gain[at]))));
        }
        for (int b = 0; b < d.batch; ++b) {
          const std::set<int32_t> distinct(got.idx.begin() + b * d.k, got.idx.begin() + (b + 1) * d.k);
          const int n = d.n_valid ? valid[b] : d.n;
          EXPECT(int(distinct.size()) == (d.k > n ? n + 1 : d.k));
          EXPECT(*distinct.rbegin() < n && *distinct.begin() >= (d.k > n ? -1 : 0));
        }
      }
      EXPECT(got.idx == first.idx && same_bits(got.gain, first.gain));
      const GreedyOutput threaded = run_greedy(three, d);
      EXPECT(threaded.idx == first.idx && same_bits(threaded.gain, first.gain));
    });
  }
}

/** Identical rows: nothing is chosen twice, the lowest index first, and the ascending order is the same set. */
void degenerate_subsets() {
  Context ctx;
  const std::vector<float> same(50 * 8, 1.0f);
  wn_greedy_desc d = subset_of(WN_MAX_MIN, WN_F32, 50, 8, 50, same.data());
  on_every_tier([&](const std::string& tier) {
    for (int objective : {WN_MAX_MIN, WN_DPP, WN_COVERAGE}) {
      subject() = "identical rows, objective " + std::to_string(objective) + " " + tier;
      d.objective = objective, d.flags = 0;
      const GreedyOutput got = run_greedy(ctx, d);
      for (int i = 0; i < 50; ++i) EXPECT(got.idx[i] == i);
    }
  });
  // chosen far points first, reported in order
  const std::vector<float> x = {1, 0, 0.9f, 0.1f, 0, 1, -1, 0};
  d = subset_of(WN_MAX_MIN, WN_F32, 4, 2, 2, x.data());
  d.flags = WN_GREEDY_ASCENDING;
  const GreedyOutput got = run_greedy(ctx, d);
  EXPECT(got.idx[0] == 0 && got.idx[1] == 3);
}

/** Tokens of small relevance are still chosen by what they add: an absolute floor under the variance would stop too early. */
void small_relevance() {
  Context ctx;
  std::vector<float> x(30 * 30, 0.0f), weight(30);
  for (int i = 0; i < 30; ++i) x[i * 31] = 1.0f, weight[i] = std::ldexp(1.0f, -(i * 7 % 30));
  wn_greedy_desc d = subset_of(WN_DPP, WN_F32, 30, 30, 30, x.data());
  d.weight = weight.data();
  on_every_tier([&](const std::string&) {
    const GreedyOutput got = run_greedy(ctx, d);
    for (int i = 0; i < 30; ++i) EXPECT(got.idx[i] * 7 % 30 == i);
  });
}

}  // namespace

int main() {
  random_similarities(260);
  equal_rows();
  denormal_rows();
  random_subsets(180);
  degenerate_subsets();
  small_relevance();
  return finish("similarity_test");
}
