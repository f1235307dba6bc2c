// The plain meaning of wn_gather_rows, wn_kv_compact and wn_merge_rows.
#pragma once

#include <vector>

#include "reference/values.h"

namespace wn::ref {

inline void gather_rows(const wn_gather_desc& d) {
  for (int b = 0; b < d.batch; ++b) {
    const int count = get_i32(d.keep_count, b, d.max_keep);
    for (int j = 0; j < count; ++j) {
      const int64_t row = static_cast<const int32_t*>(d.keep)[b * d.keep_s + j];
      std::memcpy(static_cast<char*>(d.dst) + b * d.dst_sb + j * d.dst_sn,
                  static_cast<const char*>(d.src) + b * d.src_sb + row * d.src_sn, d.row_bytes);
    }
  }
}

/** Where old row keep[j] goes: place j under WN_STABLE; under WN_ANY kept rows below count stay and the others fill the holes. */
inline std::vector<int32_t> destinations(const int32_t* keep, int count, int order) {
  std::vector<int32_t> to(count);
  std::vector<char> taken(count, 0);
  for (int j = 0; j < count; ++j) {
    if (keep[j] < count) taken[keep[j]] = 1;
  }
  int hole = 0;
  for (int j = 0; j < count; ++j) {
    if (order == WN_STABLE) {
      to[j] = j;
    } else if (keep[j] < count) {
      to[j] = keep[j];
    } else {
      while (taken[hole]) ++hole;
      to[j] = hole++;
    }
  }
  return to;
}

inline void kv_compact(const wn_kv_desc& d) {
  for (int p = 0; p < d.n_planes; ++p) {
    for (int b = 0; b < d.batch; ++b) {
      for (int h = 0; h < d.heads; ++h) {
        const int32_t* keep = static_cast<const int32_t*>(d.keep) + p * d.keep_sp + b * d.keep_sb + h * d.keep_sh;
        const int count = get_i32(d.keep_count, p * d.count_sp + b * d.count_sb + h * d.count_sh, d.max_keep);
        char* plane = reinterpret_cast<char*>(d.plane_addr[p]) + b * d.sb + h * d.sh;
        const std::vector<int32_t> to = destinations(keep, count, d.order);
        for (int j = 0; j < count; ++j) {
          if (to[j] != keep[j]) std::memcpy(plane + to[j] * d.sn, plane + keep[j] * d.sn, d.row_bytes);
        }
      }
    }
  }
}

inline void merge_rows(const wn_merge_desc& d) {
  std::vector<float> sum(d.dim);
  for (int b = 0; b < d.batch; ++b) {
    const int32_t* begin = static_cast<const int32_t*>(d.seg_begin) + b * d.seg_begin_sb;
    for (int s = 0; s < d.n_seg; ++s) {
      sum.assign(d.dim, 0.0f);
      float weights = 0.0f;
      for (int e = begin[s]; e < begin[s + 1]; ++e) {
        const float w = get_f32(d.seg_weight, e, 1.0f);
        const int64_t row = static_cast<const int32_t*>(d.seg_src)[e];
        for (int c = 0; c < d.dim; ++c) {
          const float product = w * get(d.src, d.dtype, b * d.src_sb + row * d.src_sn + c);
          sum[c] += product;
        }
        weights += w;
      }
      for (int c = 0; c < d.dim; ++c) {
        float v = sum[c];
        if (d.normalise == WN_MERGE_MEAN) v = weights == 0.0f ? 0.0f : v / weights;
        put(d.dst, d.dtype, b * d.dst_sb + s * d.dst_sn + c, v);
      }
    }
  }
}

}  // namespace wn::ref
