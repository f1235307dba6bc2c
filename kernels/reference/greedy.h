// The plain meaning of wn_greedy, in double precision: every candidate evaluated at every step.
#pragma once

#include "reference/similarity.h"

namespace wn::ref {

/** One batch row of a greedy choice: the similarities, the weights and what has been chosen. */
struct Greedy {
  const wn_greedy_desc& d;
  int n, rows;
  std::vector<double> s, weight, row_weight;
  std::vector<char> usable, taken;
  std::vector<int32_t> picks;
  std::vector<float> gains;

  Greedy(const wn_greedy_desc& desc, int b) : d(desc), n(get_i32(desc.n_valid, b, desc.n)), weight(n), usable(n, 1), taken(n, 0) {
    rows = d.matrix && d.objective == WN_COVERAGE ? d.matrix_rows : n;
    s.resize(static_cast<size_t>(rows) * n);
    for (int i = 0; i < n; ++i) weight[i] = positive(get_f32(d.weight, b * d.weight_sb + i, 1.0f));
    for (int r = 0; r < rows; ++r) row_weight.push_back(positive(get_f32(d.row_weight, b * d.row_weight_sb + r, 1.0f)));
    if (d.matrix) {
      for (int r = 0; r < rows; ++r) {
        for (int i = 0; i < n; ++i) at(r, i) = static_cast<const float*>(d.matrix)[b * d.matrix_sb + r * d.matrix_sr + i];
      }
      for (int i = 0; i < n; ++i) {
        usable[i] = d.objective == WN_COVERAGE ? !std::isnan(get_f32(d.weight, b * d.weight_sb + i, 1.0f)) : !std::isnan(at(i, i));
      }
    } else {
      const Rows x(d.x, d.dtype, b * d.x_sb, d.x_sn, n, d.dim);
      usable = x.usable;
      for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) at(i, j) = similarity(x, i, x, j, WN_COSINE, d.eps);
      }
    }
  }

  /** Similarity of a row to itself: 1 but where eps is the larger norm, 0 for a row of zeros. */
  double self(int i) {
    const double s = at(i, i);
    return d.matrix || std::fabs(s - 1) > 1e-12 ? s : 1.0;
  }

  static double positive(float w) { return w > 0 ? w : 0; }
  double& at(int r, int i) { return s[static_cast<size_t>(r) * n + i]; }

  void take(int i, double gain) {
    taken[i] = 1;
    picks.push_back(i);
    gains.push_back(static_cast<float>(gain));
  }

  /** The candidate of the largest value, the lowest index among equals, NaN last; -1 if no usable one is left. */
  int best(const std::vector<double>& value) const {
    int at = -1;
    for (int i = 0; i < n; ++i) {
      if (!taken[i] && usable[i] && (at < 0 || value[i] > value[at] || (std::isnan(value[at]) && !std::isnan(value[i])))) at = i;
    }
    return at;
  }

  void max_min(int k) {
    std::vector<double> nearest(n, INFINITY), value(n);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        if (j != i && usable[i] && usable[j]) nearest[i] = std::min(nearest[i], 1 - at(i, j));
      }
    }
    value = nearest;
    nearest.assign(n, INFINITY);
    while (static_cast<int>(picks.size()) < k) {
      const int i = best(value);
      if (i < 0) return;
      take(i, value[i]);
      for (int j = 0; j < n; ++j) {
        nearest[j] = std::min(nearest[j], 1 - at(i, j));
        value[j] = weight[j] * nearest[j];
      }
    }
  }

  void dpp(int k) {
    std::vector<double> rest(n);
    std::vector<std::vector<double>> columns;
    for (int i = 0; i < n; ++i) rest[i] = weight[i] * weight[i] * self(i);
    const std::vector<double> start = rest;
    while (static_cast<int>(picks.size()) < k) {
      int i = -1;
      for (int j = 0; j < n; ++j) {
        if (!taken[j] && usable[j] && rest[j] > 1e-6 * start[j] && (i < 0 || rest[j] > rest[i])) i = j;
      }
      if (i < 0) {
        i = best(weight);
        if (i < 0) return;
        take(i, 0);
        continue;
      }
      std::vector<double> column(n);
      for (int j = 0; j < n; ++j) {
        double v = weight[i] * at(i, j) * weight[j];
        for (const auto& c : columns) v -= c[i] * c[j];
        column[j] = v / std::sqrt(rest[i]);
      }
      take(i, rest[i]);
      for (int j = 0; j < n; ++j) rest[j] -= column[j] * column[j];
      columns.push_back(column);
    }
  }

  void coverage(int k) {
    std::vector<double> covered(rows, 0), gain(n);
    while (static_cast<int>(picks.size()) < k) {
      for (int i = 0; i < n; ++i) {
        double sum = 0;
        for (int r = 0; r < rows; ++r) {
          const double value = d.f_scale * at(r, i) + d.f_shift;
          if (value > covered[r]) sum += row_weight[r] * (value - covered[r]);
        }
        gain[i] = weight[i] * sum;
      }
      const int i = best(gain);
      if (i < 0) return;
      take(i, gain[i]);
      for (int r = 0; r < rows; ++r) covered[r] = std::max(covered[r], d.f_scale * at(r, i) + d.f_shift);
    }
  }

  void run() {
    const int k = std::min(d.k, n);
    if (d.objective == WN_MAX_MIN) max_min(k);
    if (d.objective == WN_DPP) dpp(k);
    if (d.objective == WN_COVERAGE) coverage(k);
    for (int i = 0; i < n && static_cast<int>(picks.size()) < k; ++i) {
      if (!taken[i]) take(i, 0);
    }
  }
};

inline void greedy(const wn_greedy_desc& d) {
  for (int b = 0; b < d.batch; ++b) {
    Greedy g(d, b);
    g.run();
    if (d.flags & WN_GREEDY_ASCENDING) std::sort(g.picks.begin(), g.picks.end());
    for (int i = 0; i < d.k; ++i) {
      const bool chosen = i < static_cast<int>(g.picks.size());
      static_cast<int32_t*>(d.out_idx)[b * d.out_sb + i] = chosen ? g.picks[i] : -1;
      if (d.out_gain) static_cast<float*>(d.out_gain)[b * d.out_sb + i] = chosen ? g.gains[i] : 0.0f;
    }
  }
}

}  // namespace wn::ref
