// The plain meaning of wn_sim, in double precision.
#pragma once

#include <algorithm>
#include <vector>

#include "reference/values.h"

namespace wn::ref {

/** Rows of one tensor as doubles, with their norms; a row with a NaN or an infinity is not usable. */
struct Rows {
  int n, dim;
  std::vector<double> v, norm2;
  std::vector<char> usable;

  Rows(const void* base, int32_t dtype, int64_t offset, int64_t stride, int n_rows, int n_dim)
      : n(n_rows), dim(n_dim), v(static_cast<size_t>(n_rows) * n_dim), norm2(n_rows, 0), usable(n_rows, 1) {
    for (int i = 0; i < n; ++i) {
      for (int c = 0; c < dim; ++c) {
        const double x = get(base, dtype, offset + i * stride + c);
        v[static_cast<size_t>(i) * dim + c] = x;
        norm2[i] += x * x;
        if (!std::isfinite(x)) usable[i] = 0;
      }
    }
  }
};

inline double similarity(const Rows& a, int i, const Rows& b, int j, int metric, double eps) {
  if (!a.usable[i] || !b.usable[j]) return -INFINITY;
  double dot = 0;
  for (int c = 0; c < a.dim; ++c) dot += a.v[static_cast<size_t>(i) * a.dim + c] * b.v[static_cast<size_t>(j) * b.dim + c];
  if (metric == WN_DOT) return dot;
  if (metric == WN_NEG_L2) return -std::max(0.0, a.norm2[i] + b.norm2[j] - 2 * dot);
  const double norms = std::max(std::sqrt(a.norm2[i]), eps) * std::max(std::sqrt(b.norm2[j]), eps);
  return norms == 0 ? 0 : dot / norms;
}

inline void sim(const wn_sim_desc& d) {
  for (int b = 0; b < d.batch; ++b) {
    const int n = get_i32(d.n_valid, b, d.n);
    const Rows x(d.x, d.dtype, b * d.x_sb, d.x_sn, n, d.dim);
    float* val = static_cast<float*>(d.out_val) + (d.out_val ? b * d.out_sb : 0);
    int32_t* idx = static_cast<int32_t*>(d.out_idx) + (d.out_idx ? b * d.out_sb : 0);
    if (d.op == WN_SIM_WINDOWS) {
      const int per_row = d.grid_w / d.win_w, windows = n / (d.win_h * d.win_w);
      for (int w = 0; w < windows; ++w) {
        std::vector<int> members;
        for (int r = 0; r < d.win_h; ++r) {
          for (int c = 0; c < d.win_w; ++c) members.push_back((w / per_row * d.win_h + r) * d.grid_w + w % per_row * d.win_w + c);
        }
        double sum = 0;
        for (int i : members) {
          for (int j : members) sum += i == j ? 0 : similarity(x, i, x, j, d.metric, d.eps);
        }
        val[w] = static_cast<float>(sum / (members.size() * (members.size() - 1)));
      }
      continue;
    }
    const int pivots = d.y || d.pivot ? d.n_pivot : n;
    const Rows y = d.y ? Rows(d.y, d.dtype, b * d.y_sb, d.y_sn, pivots, d.dim) : Rows(d.x, d.dtype, b * d.x_sb, d.x_sn, n, d.dim);
    for (int p = 0; p < pivots; ++p) {
      const int own = d.y ? -1 : d.pivot ? static_cast<const int32_t*>(d.pivot)[b * d.pivot_sb + p] : p;
      std::vector<std::pair<float, int>> list;
      for (int j = 0; j < n; ++j) {
        const float s = static_cast<float>(similarity(y, d.y ? p : own, x, j, d.metric, d.eps));
        if (d.op == WN_SIM_PIVOTS) val[p * d.out_sp + j] = s;
        if (j != own && s != -INFINITY) list.push_back({s, j});
      }
      if (d.op == WN_SIM_PIVOTS) continue;
      std::stable_sort(list.begin(), list.end(), [](const auto& l, const auto& r) { return l.first > r.first; });
      const int places = d.op == WN_SIM_TOPM ? d.top_m : 1;
      for (int m = 0; m < places; ++m) {
        const bool found = m < static_cast<int>(list.size());
        const float s = found ? list[m].first : -INFINITY;
        const int64_t at = d.op == WN_SIM_TOPM ? p * d.out_sp + m : p;
        if (d.out_val) val[at] = d.op == WN_SIM_NEAREST ? 1.0f - s : s;
        if (d.out_idx) idx[at] = found ? list[m].second : -1;
      }
    }
  }
}

}  // namespace wn::ref
