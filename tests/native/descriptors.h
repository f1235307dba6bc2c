// Descriptors of the plain shape - one batch row, rows side by side, one plane - of which a test changes what it is about.
#pragma once

#include <vector>

#include "winnow.h"

namespace testing {

/** One query for every key: scale 1, arrays left to the caller. */
inline wn_score_desc one_query(int dtype, int heads, int dim, int keys) {
  wn_score_desc d = {};
  d.struct_size = sizeof d, d.dtype = dtype, d.batch = d.n_query = 1, d.heads_q = d.heads_kv = heads, d.head_dim = dim;
  d.max_key = d.key_count = keys, d.scale = 1;
  return d;
}

/** The k largest scores; the keep-list has room for all. */
inline wn_select_desc top_of(const std::vector<float>& scores, int k) {
  wn_select_desc d = {};
  d.struct_size = sizeof d, d.rule = WN_TOPK, d.rows = 1, d.max_len = d.max_keep = int(scores.size()), d.k = k;
  d.scores = scores.data();
  return d;
}

/** All n rows of x are pivots, each of which reports one value, or n. */
inline wn_sim_desc similarity_of(int op, int dtype, int n, int dim, const void* x) {
  wn_sim_desc d = {};
  d.struct_size = sizeof d, d.dtype = dtype, d.op = op, d.batch = 1, d.n = d.n_pivot = n, d.dim = dim, d.top_m = 1;
  d.x = x, d.x_sn = dim, d.out_sp = op == WN_SIM_PIVOTS ? n : 1;
  return d;
}

/** k of n rows of x, or of a matrix that the caller adds. */
inline wn_greedy_desc subset_of(int objective, int dtype, int n, int dim, int k, const void* x) {
  wn_greedy_desc d = {};
  d.struct_size = sizeof d, d.dtype = dtype, d.objective = objective, d.batch = 1, d.n = n, d.dim = dim, d.k = k, d.f_scale = 1;
  d.x = x, d.x_sn = dim;
  return d;
}

/** planes planes, whose addresses the caller adds, with one keep-list for all. */
inline wn_kv_desc cache_of(int planes, int rows, int row_bytes, const std::vector<int32_t>& keep) {
  wn_kv_desc d = {};
  d.struct_size = sizeof d, d.n_planes = planes, d.batch = d.heads = 1, d.n_rows = rows, d.row_bytes = row_bytes, d.sn = row_bytes;
  d.max_keep = int(keep.size()), d.keep = keep.data();
  return d;
}

}  // namespace testing
