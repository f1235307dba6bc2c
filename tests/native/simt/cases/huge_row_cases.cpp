// A row whose squared norm float32 does not hold is as good as one with a NaN: similar to nothing, and chosen last.
#include "descriptors.h"
#include "harness.h"

namespace cases {
namespace {

constexpr int kRows = 40, kDim = 24;
const std::vector<int> kHuge = {5, 6, 21};  // a pivot, another and none

// Rows of which a few are full of `filling`.
std::vector<unsigned char> rows_with(float filling, int dtype) {
  Random random(91);
  std::vector<float> values = normals(random, kRows * kDim);
  for (int row : kHuge) std::fill_n(values.begin() + row * kDim, kDim, filling);
  return encode(values, dtype);
}

struct Answer {
  std::vector<float> values;
  std::vector<int32_t> indices;
  // By bits: infinities compare, NaN would too.
  bool operator==(const Answer& other) const {
    return std::memcmp(values.data(), other.values.data(), values.size() * sizeof(float)) == 0 && indices == other.indices;
  }
};

Answer similar(Machine& m, int dtype, int op, int metric, int pivots, float filling) {
  constexpr int kTop = 3;
  bool windows = op == WN_SIM_WINDOWS, all = pivots == kRows;
  int places = op == WN_SIM_PIVOTS ? kRows : op == WN_SIM_TOPM ? kTop : 1;
  Twin<unsigned char> x(m, rows_with(filling, dtype));
  std::vector<int32_t> list;
  for (int p = 0; p < pivots; ++p) list.push_back(p);
  Twin<int32_t> pivot(m, list), index(m, size_t(pivots) * places, -9);
  Twin<float> value(m, size_t(pivots) * places, -9.0f);
  wn_sim_desc d = testing::similarity_of(op, dtype, kRows, kDim, x.dev());
  d.metric = metric;
  d.n_pivot = pivots;
  d.top_m = kTop;
  d.win_h = d.win_w = d.grid_w = 2;
  d.out_sp = places;
  d.pivot = windows || all ? nullptr : pivot.dev();
  d.out_val = value.dev();
  d.out_idx = windows || op == WN_SIM_PIVOTS ? nullptr : index.dev();
  call(m, m.plugin->sim_workspace, m.plugin->sim, d, "similarity to a huge row");
  return {value.read(), index.read()};
}

Answer chosen(Machine& m, int dtype, int objective, float filling) {
  Twin<unsigned char> x(m, rows_with(filling, dtype));
  Twin<int32_t> index(m, kRows, -9);
  Twin<float> gain(m, kRows, -9.0f);
  wn_greedy_desc d = testing::subset_of(objective, dtype, kRows, kDim, kRows, x.dev());
  d.out_idx = index.dev();
  d.out_gain = gain.dev();
  call(m, m.plugin->greedy_workspace, m.plugin->greedy, d, "choice beside a huge row");
  Answer answer{gain.read(), index.read()};
  m.check(std::equal(kHuge.begin(), kHuge.end(), answer.indices.end() - int(kHuge.size())), "a huge row is chosen last");
  return answer;
}

}  // namespace

void huge_row_cases(Machine& m) {
  for (int dtype : {WN_F32, WN_BF16}) {
    std::string type = dtype_name(dtype);
    for (int metric : {WN_COSINE, WN_DOT, WN_NEG_L2}) {
      for (int op : {WN_SIM_WINDOWS, WN_SIM_PIVOTS, WN_SIM_ARGMAX, WN_SIM_TOPM, WN_SIM_NEAREST}) {
        for (int pivots : {8, 25, kRows}) {
          if (op == WN_SIM_WINDOWS && pivots != kRows) continue;
          Answer huge = similar(m, dtype, op, metric, pivots, 1e25f), spoilt = similar(m, dtype, op, metric, pivots, NAN);
          m.check(huge == spoilt, "a huge row is similar to nothing, " + type + " op=" + std::to_string(op) + " metric=" +
                                      std::to_string(metric) + " pivots=" + std::to_string(pivots));
        }
      }
    }
    for (int objective : {WN_MAX_MIN, WN_DPP, WN_COVERAGE}) {
      m.check(chosen(m, dtype, objective, 1e25f) == chosen(m, dtype, objective, NAN),
              "a huge row changes no choice, " + type + " objective=" + std::to_string(objective));
    }
  }
}

}  // namespace cases
