// wn_greedy against double precision, on data whose choices are well apart, and on exact ties, spent and unusable candidates.
#include "descriptors.h"
#include "harness.h"
#include "reference/greedy.h"

namespace cases {
namespace {

struct Shape {
  int dtype, objective, batch, n, dim, k, rows;  // rows > 0: a matrix of that many rows is given instead of x
  bool weights, ragged, ascending, gains;
  int poisoned, duplicates;
  float light = 1.0f, heavy = 1.0f;  // factors of every other weight
};

std::string describe(const Shape& s) {
  return std::string("greedy ") + dtype_name(s.dtype) + " objective=" + std::to_string(s.objective) + " n=" + std::to_string(s.n) + " k=" +
         std::to_string(s.k) + (s.rows ? " matrix" : "") + (s.weights ? " weights" : "") + (s.ragged ? " ragged" : "");
}

void run(Machine& m, const Shape& s, uint64_t seed) {
  Random random(seed);
  std::string name = describe(s);
  bool weighted = s.weights || (s.objective == WN_DPP && s.rows == 0);  // with equal weights the first determinantal choice is a tie
  std::vector<float> x_values = normals(random, size_t(s.batch) * s.n * s.dim), weight(size_t(s.batch) * s.n);
  for (int i = 0; i < s.poisoned; ++i) x_values[size_t(random.below(int(x_values.size())))] = i % 2 ? INFINITY : NAN;
  for (int i = 0; i < s.duplicates; ++i) {
    int from = random.below(s.n), to = random.below(s.n);
    std::copy(x_values.begin() + from * s.dim, x_values.begin() + (from + 1) * s.dim, x_values.begin() + to * s.dim);
  }
  for (size_t i = 0; i < weight.size(); ++i) weight[i] = i % 17 == 3 ? -1.0f : (0.25f + random.unit()) * (i % 2 ? s.light : s.heavy);
  int rows = s.rows > 0 ? s.rows : s.n;
  std::vector<float> matrix(size_t(s.batch) * rows * s.n), row_weight(size_t(s.batch) * rows);
  for (float& w : row_weight) w = random.unit();
  for (int b = 0; b < s.batch; ++b) {
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < s.n; ++i) {  // a positive definite matrix where it is square: products of rows, with a strong diagonal
        float v = r == i ? 2.0f : 0.0f;
        const float *left = &x_values[(size_t(b) * s.n + r % s.n) * s.dim], *right = &x_values[(size_t(b) * s.n + i) * s.dim];
        for (int c = 0; c < s.dim; ++c) v += 0.05f * left[c] * right[c];
        matrix[(size_t(b) * rows + r) * s.n + i] = v;
      }
    }
  }
  std::vector<int32_t> valid(s.batch);
  for (int b = 0; b < s.batch; ++b) valid[b] = b == 0 ? s.n : random.below(s.n);
  int64_t stride = s.k + 2;
  Twin<unsigned char> x(m, encode(x_values, s.dtype));
  Twin<float> mat(m, matrix), weights(m, weight), row_weights(m, row_weight), gain(m, size_t(s.batch) * stride, -9.0f);
  Twin<int32_t> n_valid(m, valid), idx(m, size_t(s.batch) * stride, -9);
  wn_greedy_desc d = blank<wn_greedy_desc>();
  d.dtype = s.dtype;
  d.objective = s.objective;
  d.flags = s.ascending ? WN_GREEDY_ASCENDING : 0;
  d.batch = s.batch;
  d.n = s.n;
  d.dim = s.dim;
  d.k = s.k;
  d.matrix_rows = rows;
  d.eps = 1e-12f;
  d.f_scale = 0.5f;
  d.f_shift = 0.5f;
  d.x_sn = s.dim;
  d.x_sb = int64_t(s.dim) * s.n;
  d.matrix_sr = s.n;
  d.matrix_sb = int64_t(s.n) * rows;
  d.weight_sb = s.n;
  d.row_weight_sb = rows;
  d.out_sb = stride;
  auto place = [&](bool device) {
    auto at = [&](auto& twin) { return static_cast<void*>(device ? twin.dev() : twin.data()); };
    if (s.rows > 0) {
      d.matrix = at(mat);
    } else {
      d.x = at(x);
    }
    if (weighted) d.weight = at(weights);
    if (s.weights && s.objective == WN_COVERAGE) d.row_weight = at(row_weights);
    if (s.ragged) d.n_valid = at(n_valid);
    if (s.gains) d.out_gain = at(gain);
    d.out_idx = at(idx);
  };
  place(true);
  call(m, m.plugin->greedy_workspace, m.plugin->greedy, d, name);
  place(false);
  wn::ref::greedy(d);
  m.check(idx.read() == idx.host, name + ": choices");
  std::vector<float> gains = gain.read();
  bool good = true;
  for (size_t i = 0; i < gains.size(); ++i) good = good && near(gains[i], gain.host[i], 2e-4f, 0.05f);
  m.check(good, name + ": gains");
}

// A hundred equal rows: nothing to tell them apart, so they are chosen in order.
void all_equal(Machine& m, int objective) {
  Twin<unsigned char> x(m, encode(std::vector<float>(100 * 8, 1.5f), WN_F32));
  Twin<int32_t> idx(m, 20, -9);
  wn_greedy_desc d = testing::subset_of(objective, WN_F32, 100, 8, 20, x.dev());
  d.out_idx = idx.dev();
  call(m, m.plugin->greedy_workspace, m.plugin->greedy, d, "greedy of equal rows");
  std::vector<int32_t> expected(20);
  for (int i = 0; i < 20; ++i) expected[size_t(i)] = i;
  m.check(idx.read() == expected, "greedy of equal rows, objective " + std::to_string(objective));
}

// Nothing to choose from: every place stays empty.
void no_candidates(Machine& m, int objective, int dtype) {
  Twin<unsigned char> x(m, 64);
  Twin<int32_t> idx(m, 3, -9);
  wn_greedy_desc d = testing::subset_of(objective, dtype, 0, 8, 3, x.dev());
  d.out_idx = idx.dev();
  call(m, m.plugin->greedy_workspace, m.plugin->greedy, d, "greedy of no rows");
  m.check(idx.read() == std::vector<int32_t>(3, -1), "greedy of no rows, objective " + std::to_string(objective));
}

}  // namespace

void greedy_cases(Machine& m) {
  uint64_t seed = 4000;
  for (int objective : {WN_MAX_MIN, WN_DPP, WN_COVERAGE}) {
    for (int dtype : {WN_F32, WN_F16, WN_BF16}) {
      run(m, {dtype, objective, 1, 50, 24, 10, 0, false, false, false, true, 0, 0}, ++seed);
      run(m, {dtype, objective, 2, 40, 33, 12, 0, true, true, true, true, 3, 2}, ++seed);
    }
    run(m, {WN_F32, objective, 2, 37, 20, 9, 37, true, true, false, true, 0, 0}, ++seed);
    for (bool ascending : {false, true}) {  // more wanted than there are, by a few and by far
      run(m, {WN_F32, objective, 1, 17, 20, 30, 17, false, false, ascending, true, 0, 0}, ++seed);
      run(m, {WN_F32, objective, 2, 19, 20, 900, 0, true, true, ascending, true, 0, 0}, ++seed);
    }
    run(m, {WN_F32, objective, 1, 12, 5, 12, 0, false, false, false, false, 9, 0}, ++seed);  // several unusable, all wanted
    all_equal(m, objective);
    for (int dtype : {WN_F32, WN_BF16}) no_candidates(m, objective, dtype);
  }
  run(m, {WN_F32, WN_COVERAGE, 2, 30, 8, 7, 11, true, false, false, true, 0, 0}, ++seed);  // rows are not candidates
  // Rank 3: all are spent after three, whatever the scale of the weights; of rank 24 none is after twelve.
  for (float scale : {1.0f, 1e-4f, 1e3f}) {
    run(m, {WN_F32, WN_DPP, 1, 20, 3, 9, 0, true, false, false, true, 0, 0, scale, scale}, ++seed);
    run(m, {WN_F32, WN_DPP, 1, 40, 24, 12, 0, true, false, false, true, 0, 0, scale, scale}, ++seed);
    run(m, {WN_F32, WN_DPP, 2, 20, 30, 12, 20, true, true, false, true, 0, 0, scale, scale}, ++seed);
  }
  run(m, {WN_F32, WN_DPP, 1, 20, 3, 9, 0, true, false, false, true, 0, 0, 1e-3f, 1e3f}, ++seed);
  if (!m.small) run(m, {WN_BF16, WN_MAX_MIN, 1, 300, 64, 6, 0, false, false, false, true, 0, 0}, ++seed);
}

}  // namespace cases
