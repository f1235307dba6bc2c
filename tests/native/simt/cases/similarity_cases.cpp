// wn_sim against double precision. Where two rows are nearly equally similar the kernel may name either; exact ties must go to the lower
// one.
#include "harness.h"
#include "reference/similarity.h"

namespace cases {
namespace {

struct Shape {
  int dtype, op, metric, batch, n, dim, pivots, top_m;  // pivots: rows of y (> 0), -count of listed rows, 0: all rows of x
  bool ragged, odd_stride;
  int poisoned, duplicates;
};

std::string describe(const Shape& s) {
  return std::string("similarity ") + dtype_name(s.dtype) + " op=" + std::to_string(s.op) + " metric=" + std::to_string(s.metric) + " n=" +
         std::to_string(s.n) + " D=" + std::to_string(s.dim) + " pivots=" + std::to_string(s.pivots);
}

void run(Machine& m, const Shape& s, uint64_t seed) {
  Random random(seed);
  std::string name = describe(s);
  int64_t row = s.dim + (s.odd_stride ? 1 : 0);
  int pivots = s.pivots > 0 ? s.pivots : s.pivots < 0 ? -s.pivots : s.n;
  std::vector<float> x_values = normals(random, size_t(s.batch) * s.n * row), y_values = normals(random, size_t(s.batch) * pivots * row);
  for (int i = 0; i < s.poisoned; ++i) x_values[size_t(random.below(int(x_values.size())))] = i % 2 ? INFINITY : NAN;
  for (int i = 0; i < s.duplicates; ++i) {
    int from = random.below(s.n), to = random.below(s.n);
    for (int c = 0; c < s.dim; ++c) {  // the first of them is all zero
      x_values[size_t(to) * row + c] = i == 0 ? 0.0f : x_values[size_t(from) * row + c];
    }
  }
  std::vector<int32_t> list, valid(s.batch);
  for (int b = 0; b < s.batch; ++b) valid[b] = b == 0 ? s.n : 1 + random.below(s.n);
  for (int i = 0; i < s.batch * pivots; ++i) list.push_back(random.below(s.ragged ? 1 : s.n));
  int places = s.op == WN_SIM_PIVOTS ? s.n : s.op == WN_SIM_TOPM ? s.top_m : 1;
  size_t outputs = size_t(s.batch) * pivots * places;
  Twin<unsigned char> x(m, encode(x_values, s.dtype)), y(m, encode(y_values, s.dtype));
  Twin<int32_t> pivot(m, list), n_valid(m, valid), idx(m, outputs, -9);
  Twin<float> val(m, outputs, -9.0f);
  wn_sim_desc d = blank<wn_sim_desc>();
  d.dtype = s.dtype;
  d.op = s.op;
  d.metric = s.metric;
  d.batch = s.batch;
  d.n = s.n;
  d.dim = s.dim;
  d.n_pivot = pivots;
  d.top_m = s.top_m;
  d.eps = 1e-12f;
  d.x_sn = d.y_sn = row;
  d.x_sb = row * s.n;
  d.y_sb = row * pivots;
  d.pivot_sb = pivots;
  d.out_sp = places;
  d.out_sb = int64_t(places) * pivots;
  auto place = [&](bool device) {
    auto at = [&](auto& twin) { return static_cast<void*>(device ? twin.dev() : twin.data()); };
    d.x = at(x);
    if (s.pivots > 0) d.y = at(y);
    if (s.pivots < 0) d.pivot = at(pivot);
    if (s.ragged) d.n_valid = at(n_valid);
    d.out_val = at(val);
    if (s.op != WN_SIM_PIVOTS) d.out_idx = at(idx);
  };
  place(true);
  call(m, m.plugin->sim_workspace, m.plugin->sim, d, name);
  place(false);
  wn::ref::sim(d);
  float tolerance = s.metric == WN_COSINE ? 4e-6f : 4e-6f * float(s.dim) * 2.0f;
  std::vector<float> values = val.read();
  std::vector<int32_t> indices = idx.read();
  bool good = true, exact_places = true;
  for (size_t i = 0; i < outputs; ++i) {
    good = good && (values[i] == val.host[i] || std::fabs(values[i] - val.host[i]) <= tolerance);
    exact_places = exact_places && (indices[i] < 0) == (idx.host[i] < 0);
  }
  m.check(good, name + ": values");
  m.check(exact_places, name + ": places left empty");
  // What the kernel names must really be that similar.
  if (s.op == WN_SIM_PIVOTS) return;
  wn_sim_desc all = d;
  all.op = WN_SIM_PIVOTS;
  std::vector<float> every(size_t(s.batch) * pivots * s.n, -9.0f);
  all.out_val = every.data();
  all.out_sp = s.n;
  all.out_sb = int64_t(s.n) * pivots;
  wn::ref::sim(all);
  bool named = true;
  for (size_t i = 0; i < outputs; ++i) {
    if (indices[i] < 0) continue;
    float actual = every[i / places * s.n + size_t(indices[i])];
    named = named && indices[i] < s.n && std::fabs((s.op == WN_SIM_NEAREST ? 1.0f - actual : actual) - values[i]) <= tolerance;
  }
  m.check(named, name + ": the row named has another similarity");
}

void exact_ties(Machine& m) {
  // Rows 3, 40 and 170 equal the pivot row 100; 2 and 3 are different multiples of it, which cosine cannot tell apart exactly.
  int n = 200, dim = 24;
  std::vector<float> values(size_t(n) * dim, 0.0f);
  Random random(5);
  for (float& v : values) v = float(random.below(9) - 4);
  for (int row : {3, 40, 170}) std::copy(values.begin() + 100 * dim, values.begin() + 101 * dim, values.begin() + row * dim);
  Twin<unsigned char> x(m, encode(values, WN_BF16));
  Twin<int32_t> pivot(m, std::vector<int32_t>{100, 3}), idx(m, 6, -9);
  wn_sim_desc d = blank<wn_sim_desc>();
  d.dtype = WN_BF16;
  d.op = WN_SIM_TOPM;
  d.metric = WN_NEG_L2;
  d.batch = 1;
  d.n = n;
  d.dim = dim;
  d.n_pivot = 2;
  d.top_m = 3;
  d.x = x.dev();
  d.x_sn = dim;
  d.pivot = pivot.dev();
  d.out_idx = idx.dev();
  d.out_sp = 3;
  call(m, m.plugin->sim_workspace, m.plugin->sim, d, "similarity ties");
  m.check(idx.read() == std::vector<int32_t>({3, 40, 170, 40, 100, 170}),
      "similarity ties: lower index first, a row is not its own neighbour");
}

// Rows 3, 40, 100 and 170 are equal: all pairs, found from both sides of the diagonal, go to the lowest other one.
void all_pairs_ties(Machine& m, int dim) {
  int n = 200;
  std::vector<float> values(size_t(n) * dim, 0.0f);
  Random random(6);
  for (float& v : values) v = float(random.below(9) - 4);
  for (int row : {3, 40, 170}) std::copy(values.begin() + 100 * dim, values.begin() + 101 * dim, values.begin() + row * dim);
  Twin<unsigned char> x(m, encode(values, WN_BF16));
  Twin<int32_t> idx(m, size_t(n), -9);
  wn_sim_desc d = blank<wn_sim_desc>();
  d.dtype = WN_BF16;
  d.op = WN_SIM_ARGMAX;
  d.metric = WN_COSINE;
  d.batch = 1;
  d.n = d.n_pivot = n;
  d.dim = dim;
  d.x = x.dev();
  d.x_sn = dim;
  d.out_idx = idx.dev();
  d.out_sb = n;
  call(m, m.plugin->sim_workspace, m.plugin->sim, d, "all pairs' ties");
  std::vector<int32_t> found = idx.read();
  m.check(found[3] == 40 && found[40] == 3 && found[100] == 3 && found[170] == 3, "all pairs' ties: the lowest other row");
}

void windows(Machine& m, int dtype, int metric, int grid_h, int grid_w, int win_h, int win_w, int dim, uint64_t seed) {
  Random random(seed);
  int n = grid_h * grid_w, count = n / (win_h * win_w), batch = 2;
  std::vector<float> values = normals(random, size_t(batch) * n * dim);
  values[5] = NAN;
  Twin<unsigned char> x(m, encode(values, dtype));
  Twin<float> out(m, size_t(batch) * count, -9.0f);
  wn_sim_desc d = blank<wn_sim_desc>();
  d.dtype = dtype;
  d.op = WN_SIM_WINDOWS;
  d.metric = metric;
  d.batch = batch;
  d.n = n;
  d.dim = dim;
  d.win_h = win_h;
  d.win_w = win_w;
  d.grid_w = grid_w;
  d.x_sn = dim;
  d.x_sb = int64_t(dim) * n;
  d.out_sb = count;
  d.x = x.dev();
  d.out_val = out.dev();
  call(m, m.plugin->sim_workspace, m.plugin->sim, d, "windows");
  d.x = x.data();
  d.out_val = out.data();
  wn::ref::sim(d);
  std::vector<float> found = out.read();
  bool good = true;
  for (size_t i = 0; i < found.size(); ++i) good = good && near(found[i], out.host[i], 4e-6f, metric == WN_COSINE ? 1.0f : float(dim));
  m.check(good, std::string("windows ") + dtype_name(dtype) + " metric=" + std::to_string(metric));
}

}  // namespace

void similarity_cases(Machine& m) {
  uint64_t seed = 900;
  for (int dtype : {WN_F32, WN_F16, WN_BF16}) {
    for (int metric : {WN_COSINE, WN_DOT, WN_NEG_L2}) {
      run(m, {dtype, WN_SIM_PIVOTS, metric, 1, 70, 40, 5, 0, false, false, 1, 2}, ++seed);
      run(m, {dtype, WN_SIM_ARGMAX, metric, 2, 90, 33, 0, 0, true, true, 2, 0}, ++seed);
      run(m, {dtype, WN_SIM_TOPM, metric, 2, 65, 32, -3, 6, true, false, 0, 1}, ++seed);
      run(m, {dtype, WN_SIM_NEAREST, metric, 1, 130, 24, 20, 0, false, false, 3, 0}, ++seed);
      windows(m, dtype, metric, 6, 8, 2, 2, 70, ++seed);
    }
  }
  run(m, {WN_F32, WN_SIM_NEAREST, WN_COSINE, 1, 1, 8, 0, 0, false, false, 0, 0}, ++seed);  // no neighbour at all
  run(m, {WN_F32, WN_SIM_TOPM, WN_COSINE, 1, 3, 8, 0, 5, false, false, 1, 0}, ++seed);     // more places than neighbours
  windows(m, WN_F32, WN_COSINE, 3, 6, 3, 3, 5, ++seed);
  windows(m, WN_BF16, WN_COSINE, 2, 2, 1, 2, 1024, ++seed);
  exact_ties(m);
  // Many pivots of 16-bit types: tensor cores, small tiles and large ones, all pairs at once and pivots of their own.
  for (int dtype : {WN_F16, WN_BF16}) {
    for (int metric : {WN_COSINE, WN_DOT, WN_NEG_L2}) {
      run(m, {dtype, WN_SIM_ARGMAX, metric, 1, 150, 200, 0, 0, false, false, 2, 3}, ++seed);
      run(m, {dtype, WN_SIM_PIVOTS, metric, 2, 70, 72, 0, 0, true, false, 1, 2}, ++seed);
      run(m, {dtype, WN_SIM_TOPM, metric, 1, 70, 65, 80, 3, true, true, 1, 2}, ++seed);
    }
    if (!m.small) run(m, {dtype, WN_SIM_NEAREST, WN_COSINE, 1, 1100, 24, 0, 0, true, false, 4, 30}, ++seed);
    if (!m.small) run(m, {dtype, WN_SIM_ARGMAX, WN_COSINE, 12, 260, 40, -130, 0, false, true, 1, 5}, ++seed);
    // Long rows, whose columns are cut into parts of unequal lengths: 17 chunks in two, 27 in three, the last one short.
    run(m, {dtype, WN_SIM_ARGMAX, WN_COSINE, 1, 70, 1029, 0, 0, false, true, 1, 2}, ++seed);
    run(m, {dtype, WN_SIM_PIVOTS, WN_NEG_L2, 1, 20, 1700, 18, 0, false, false, 1, 0}, ++seed);
    run(m, {dtype, WN_SIM_PIVOTS, WN_COSINE, 2, 67, 1088, 0, 0, true, false, 0, 1}, ++seed);
    run(m, {dtype, WN_SIM_TOPM, WN_DOT, 2, 66, 1536, -17, 3, true, false, 1, 2}, ++seed);
    run(m, {dtype, WN_SIM_NEAREST, WN_COSINE, 1, 1, 1030, 17, 0, false, false, 0, 0}, ++seed);
  }
  for (int dim : {24, 1100}) all_pairs_ties(m, dim);
}

}  // namespace cases
