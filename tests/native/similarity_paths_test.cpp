// wn_sim and wn_greedy take different ways by size: packed panels or rows where they lie, a kept matrix or rows as they are needed.
// Every way must give the same bits; and a row's similarity to itself must not decide between candidates that are equal.
#include "reference/greedy.h"

#include "descriptors.h"
#include "testing.h"

using namespace testing;

namespace {

SimOutput run(wn_ctx* ctx, wn_sim_desc d, int64_t size) {
  SimOutput o{std::vector<float>(size, -9.0f), std::vector<int32_t>(size, -9)};
  d.out_val = o.val.data(), d.out_idx = d.op == WN_SIM_PIVOTS ? nullptr : o.idx.data();
  Workspace workspace(wn_sim_workspace(ctx, &d));
  EXPECT_OK(wn_sim(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
  return o;
}

SimOutput run(wn_ctx* ctx, wn_greedy_desc d) {
  SimOutput o{std::vector<float>(size_t(d.k), -9.0f), std::vector<int32_t>(size_t(d.k), -9)};
  d.out_gain = o.val.data(), d.out_idx = o.idx.data(), d.out_sb = d.k;
  Workspace workspace(wn_greedy_workspace(ctx, &d));
  EXPECT_OK(wn_greedy(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
  return o;
}

/** Rows in clusters, with rows too small for the dot instruction, rows of zeros, a NaN and an infinity among them. */
Array difficult_rows(int dtype, int n, int dim, Random& random) {
  Array x = Array::normal(dtype, int64_t(n) * dim, random);
  for (int i = 3; i < n; ++i) {
    const bool tiny = i % 7 == 3, zero = i % 11 == 5, near = i % 3 != 0;
    for (int c = 0; c < dim && (tiny || zero || near); ++c) {
      const float v = x.get(int64_t(i) * dim + c);
      x.set(int64_t(i) * dim + c, zero ? 0.0f : tiny ? v * 1e-30f : x.get(int64_t(i - i % 3) * dim + c) + 0.2f * v);
    }
  }
  if (n > 12) x.set(int64_t(9) * dim + dim - 1, NAN), x.set(int64_t(12) * dim, INFINITY);
  return x;
}

/** The nearest of all from packed panels is the first of the nearest as found without packing. */
void packed_as_unpacked() {
  Context one, three(3);
  Random random(41);
  const int sizes[][2] = {{1, 1}, {2, 33}, {3, 32}, {4, 31}, {5, 16}, {7, 100}, {8, 64}, {17, 1000}, {66, 40}, {131, 48}, {90, 4100}};
  for (const auto& size : sizes) {
    const int n = size[0], dim = size[1];
    for (int dtype : {WN_F32, WN_F16, WN_BF16}) {
      Array x = difficult_rows(dtype, n, dim, random);
      for (int metric : {WN_COSINE, WN_DOT, WN_NEG_L2}) {
        SimOutput first;
        on_every_tier([&](const std::string& tier) {
          if (dim > 1000 && tier == "portable") return;  // slow; the other sizes hold it to the same bits
          subject() = "panels " + std::string(dtype_name(dtype)) + " n" + std::to_string(n) + " D" + std::to_string(dim) + " " + tier;
          wn_sim_desc d = similarity_of(WN_SIM_ARGMAX, dtype, n, dim, x.data());
          d.metric = metric, d.eps = 1e-12f;
          const SimOutput packed = run(one, d, n);
          EXPECT(packed == run(three, d, n));
          d.op = WN_SIM_TOPM;
          EXPECT(packed == run(one, d, n));
          if (first.idx.empty()) first = packed;
          EXPECT(packed == first);
        });
      }
    }
  }
}

/** Choices from rows are those from the matrix of their similarities, whether the library keeps one or not, and with the same gains. */
void rows_as_matrix() {
  Context one, three(3);
  Random random(43);
  // the last by eight rows a pass
  const int cases[][3] = {{5, 40, 5}, {33, 64, 9}, {300, 48, 60}, {300, 48, 200}, {4100, 8, 6}, {132, 16400, 20}};
  for (const auto& size : cases) {
    const int n = size[0], dim = size[1], k = size[2];
    for (int dtype : {WN_F32, WN_F16, WN_BF16}) {
      if (n > 4096 && dtype != WN_BF16) continue;
      Array x = difficult_rows(dtype, n, dim, random);
      on_every_tier([&](const std::string& tier) {
        if (n > 4096 && tier != tiers().back()) return;
        if (dim > 1000 && tier == "portable") return;  // slow
        std::vector<float> matrix = run(one, similarity_of(WN_SIM_PIVOTS, dtype, n, dim, x.data()), int64_t(n) * n).val;
        for (int i = 0; i < n; ++i) {  // rows that are not usable are marked on the diagonal
          float& own = matrix[size_t(i) * n + i];
          own = own == -INFINITY ? NAN : own > 0.5f ? 1.0f : 0.0f;
        }
        for (int objective : {WN_MAX_MIN, WN_DPP}) {
          subject() = "rows as matrix, objective " + std::to_string(objective) + " " + dtype_name(dtype) + " n" + std::to_string(n);
          subject() += " " + tier;
          const wn_greedy_desc d = subset_of(objective, dtype, n, dim, k, x.data());
          wn_greedy_desc given = d;
          given.matrix = matrix.data(), given.matrix_sr = n, given.matrix_rows = n;
          const SimOutput rows = run(one, d);
          EXPECT(rows == run(one, given));
          EXPECT(rows == run(three, d));
        }
      });
    }
  }
}

/** Coverage row by row, where no matrix is kept, agrees with itself on all threads and chooses what is best. */
void coverage_without_matrix() {
  Context one, three(3);
  Random random(47);
  const int n = 4100, dim = 8;
  Array x = Array::normal(WN_F32, int64_t(n) * dim, random);
  const wn_greedy_desc d = subset_of(WN_COVERAGE, WN_F32, n, dim, 3, x.data());
  const SimOutput chosen = run(one, d);
  EXPECT(chosen == run(three, d));
  const std::vector<float> matrix = run(one, similarity_of(WN_SIM_PIVOTS, WN_F32, n, dim, x.data()), int64_t(n) * n).val;
  wn_greedy_desc given = d;
  given.matrix = matrix.data(), given.matrix_sr = n, given.matrix_rows = n;
  subject() = "coverage without a matrix";
  EXPECT(chosen == run(one, given));
}

/** More bytes than are ever packed (overlapping rows, so that the test needs little memory). */
void too_large_to_pack() {
  Context one, three(3);
  Random random(53);
  const int n = 20, dim = 900000;
  Array x = Array::normal(WN_F32, dim + n, random);
  subject() = "too large to pack";
  wn_sim_desc d = similarity_of(WN_SIM_ARGMAX, WN_F32, n, dim, x.data());
  d.x_sn = 1;
  EXPECT(wn_sim_workspace(one, &d) < 1 << 20);
  const SimOutput nearest = run(one, d, n);
  EXPECT(nearest == run(three, d, n));
  d.op = WN_SIM_TOPM;
  EXPECT(nearest == run(one, d, n));
  for (int objective : {WN_MAX_MIN, WN_DPP}) {
    wn_greedy_desc g = subset_of(objective, WN_F32, n, dim, 4, x.data());
    g.x_sn = 1;
    const SimOutput got = run(one, g);
    EXPECT(got == run(three, g));
    SimOutput expected = got;
    g.out_gain = expected.val.data(), g.out_idx = expected.idx.data(), g.out_sb = g.k;
    wn::ref::greedy(g);
    for (int i = 0; i < g.k; ++i) EXPECT(std::fabs(got.val[i] - expected.val[i]) < 1e-4);
  }
}

/** Equal weights are an exact tie at the first choice, whatever the rounding of each row's norm; rows of zeros have nothing to give. */
void self_similarity() {
  Context ctx;
  Random random(59);
  for (int dtype : {WN_F32, WN_F16, WN_BF16}) {
    for (int n : {8, 40, 200}) {
      const int dim = 37;
      Array x = Array::normal(dtype, int64_t(n) * dim, random);
      for (int c = 0; c < dim; ++c) x.set(c, 0.0f);
      for (int k : {2, n}) {
        wn_greedy_desc d = subset_of(WN_DPP, dtype, n, dim, k, x.data());
        std::vector<float> gain(k);
        std::vector<int32_t> idx(k);
        d.out_gain = gain.data(), d.out_idx = idx.data(), d.out_sb = k;
        wn::ref::greedy(d);
        subject() = "self-similarity, reference";
        EXPECT(idx[0] == 1 && gain[0] == 1.0f);
        on_every_tier([&](const std::string& tier) {
          subject() = "self-similarity " + std::string(dtype_name(dtype)) + " n" + std::to_string(n) + " k" + std::to_string(k);
          subject() += " " + tier;
          const SimOutput got = run(ctx, d);
          EXPECT(got.idx[0] == 1 && got.val[0] == 1.0f);
          if (n <= dim && k == n) EXPECT(got.idx[n - 1] == 0);
        });
      }
    }
  }
  // where eps is the larger norm, the similarity of a row to itself is less than 1
  Array x(WN_F32, 2);
  x.set(0, 0.5f), x.set(1, 0.25f);
  wn_greedy_desc d = subset_of(WN_DPP, WN_F32, 2, 1, 1, x.data());
  d.eps = 1.0f;
  const SimOutput got = run(ctx, d);
  subject() = "self-similarity below eps";
  EXPECT(got.idx[0] == 0 && got.val[0] == 0.25f);
}

}  // namespace

int main() {
  packed_as_unpacked();
  rows_as_matrix();
  coverage_without_matrix();
  too_large_to_pack();
  self_similarity();
  return finish("similarity_paths_test");
}
