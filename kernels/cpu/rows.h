// K4, moving rows, for one CPU tier: gather, in-place compaction and weighted merge.
//
// Compaction in place is safe row by row in ascending order: a strictly rising keep-list has keep[j] >= j, so a row is overwritten only
// after every destination that still needs it has been written. Runs of neighbours move as one block.
#pragma once

#include "dot.h"
#include "tasks.h"

namespace wn::WN_TIER {

inline int32_t entry(const void* array, int64_t i, int32_t if_null) { return array ? static_cast<const int32_t*>(array)[i] : if_null; }

/**
 * Moves bytes to a lower or unrelated address. Ascending blocks, each loaded whole before it is stored, so that source and destination
 * may overlap as long as to < from. Plain vector moves: a library memcpy of rows of some kilobytes starts up more slowly.
 */
inline void move_down(char* to, const char* from, int64_t bytes) {
  int64_t i = 0;
  for (; i + 256 <= bytes; i += 256) {
    F v[4];
    for (int p = 0; p < 4; ++p) std::memcpy(&v[p], from + i + 64 * p, 64);
    for (int p = 0; p < 4; ++p) std::memcpy(to + i + 64 * p, &v[p], 64);
  }
  for (; i + 64 <= bytes; i += 64) {
    F v;
    std::memcpy(&v, from + i, 64);
    std::memcpy(to + i, &v, 64);
  }
  if (i < bytes) {
    char rest[64];
    std::memcpy(rest, from + i, bytes - i);
    std::memcpy(to + i, rest, bytes - i);
  }
}

constexpr int64_t rows_per_task_bytes = 256 * 1024;

inline int32_t gather_rows(const wn_ctx& ctx, const wn_gather_desc& d, void*) {
  const int64_t rows_per_task = rows_per_task_bytes / d.row_bytes + 1;
  const int64_t cuts = (d.max_keep + rows_per_task - 1) / rows_per_task;
  parallel(ctx, d.batch * cuts, 2 * static_cast<int64_t>(d.batch) * d.max_keep * d.row_bytes, [&](int64_t task) {
    const int64_t b = task / cuts, begin = task % cuts * rows_per_task;
    const int64_t count = entry(d.keep_count, b, d.max_keep);
    const int64_t end = begin + rows_per_task < count ? begin + rows_per_task : count;
    const int32_t* keep = static_cast<const int32_t*>(d.keep) + b * d.keep_s;
    char* dst = static_cast<char*>(d.dst) + b * d.dst_sb;
    const char* src = static_cast<const char*>(d.src) + b * d.src_sb;
    for (int64_t j = begin; j < end; ++j) move_down(dst + j * d.dst_sn, src + keep[j] * d.src_sn, d.row_bytes);
  });
  return WN_OK;
}

/** Row j becomes old row keep[j]. */
inline void compact_stable(char* plane, int64_t stride, int64_t bytes, const int32_t* keep, int64_t first, int64_t count) {
  int64_t j = first;
  while (j < count && keep[j] == j) ++j;
  while (j < count) {
    const int64_t from = keep[j];
    int64_t run = 1;
    while (j + run < count && keep[j + run] == from + run) ++run;
    if (stride == bytes) {
      move_down(plane + j * stride, plane + from * stride, run * bytes);
    } else {
      for (int64_t r = 0; r < run; ++r) move_down(plane + (j + r) * stride, plane + (from + r) * stride, bytes);
    }
    j += run;
  }
}

/** Kept rows at or past count fill the holes below it, both ascending: sources and destinations never meet. */
inline void compact_holes(char* plane, int64_t stride, int64_t bytes, const int32_t* keep, int64_t count) {
  int64_t inside = 0;
  while (inside < count && keep[inside] < count) ++inside;
  int64_t hole = 0, next_kept = 0;
  for (int64_t j = inside; j < count; ++j, ++hole) {
    while (next_kept < inside && keep[next_kept] == hole) {
      ++next_kept;
      ++hole;
    }
    move_down(plane + hole * stride, plane + keep[j] * stride, bytes);
  }
}

inline int32_t kv_compact(const wn_ctx& ctx, const wn_kv_desc& d, void*) {
  const int64_t planes = static_cast<int64_t>(d.n_planes) * d.batch * d.heads;
  parallel(ctx, planes, 2 * planes * d.max_keep * d.row_bytes, [&](int64_t task) {
    const int64_t h = task % d.heads, b = task / d.heads % d.batch, p = task / d.heads / d.batch;
    char* plane = reinterpret_cast<char*>(d.plane_addr[p]) + b * d.sb + h * d.sh;
    const int32_t* keep = static_cast<const int32_t*>(d.keep) + p * d.keep_sp + b * d.keep_sb + h * d.keep_sh;
    const int64_t count = entry(d.keep_count, p * d.count_sp + b * d.count_sb + h * d.count_sh, d.max_keep);
    if (d.order == WN_STABLE) {
      compact_stable(plane, d.sn, d.row_bytes, keep, d.first_row, count);
    } else {
      compact_holes(plane, d.sn, d.row_bytes, keep, count);
    }
  });
  return WN_OK;
}

/** One output row: the weighted rows of a segment, 256 columns at a time so that the sums stay in registers and first-level cache. */
template <typename T>
inline void merge_segment(const wn_merge_desc& d, int64_t b, int64_t s) {
  using E = typename T::E;
  const int32_t* begin = static_cast<const int32_t*>(d.seg_begin) + b * d.seg_begin_sb;
  const int32_t* source = static_cast<const int32_t*>(d.seg_src);
  const float* weight = static_cast<const float*>(d.seg_weight);
  const E* src = static_cast<const E*>(d.src) + b * d.src_sb;
  E* dst = static_cast<E*>(d.dst) + b * d.dst_sb + s * d.dst_sn;
  float weights = 0.0f;
  for (int32_t e = begin[s]; e < begin[s + 1]; ++e) weights += weight ? weight[e] : 1.0f;
  const bool mean = d.normalise == WN_MERGE_MEAN;
  constexpr int block = 256;
  for (int c0 = 0; c0 < d.dim; c0 += block) {
    const int width = d.dim - c0 < block ? d.dim - c0 : block;
    const int whole = width / 16 * 16;
    alignas(64) float total[block] = {};
    alignas(64) E edge[16] = {};
    for (int32_t e = begin[s]; e < begin[s + 1]; ++e) {
      const E* row = src + source[e] * d.src_sn + c0;
      const F w = set1(weight ? weight[e] : 1.0f);
      for (int c = 0; c < whole; c += 16) store(total + c, add(load(total + c), mul(w, T::load16(row + c))));
      if (whole < width) {
        std::memcpy(edge, row + whole, (width - whole) * sizeof(E));
        store(total + whole, add(load(total + whole), mul(w, T::load16(edge))));
      }
    }
    for (int c = 0; c < width; c += 16) {
      F v = load(total + c);
      if (mean) v = weights == 0.0f ? zero() : divide(v, set1(weights));
      if (c < whole) {
        T::store16(dst + c0 + c, v);
      } else {
        T::store16(edge, v);
        std::memcpy(dst + c0 + c, edge, (width - whole) * sizeof(E));
      }
    }
  }
}

inline int32_t merge_rows(const wn_ctx& ctx, const wn_merge_desc& d, void*) {
  const int64_t bytes = (static_cast<int64_t>(d.n_entry) + static_cast<int64_t>(d.batch) * d.n_seg) * d.dim * 4;
  parallel(ctx, static_cast<int64_t>(d.batch) * d.n_seg, bytes, [&](int64_t task) {
    const int64_t b = task / d.n_seg, s = task % d.n_seg;
    if (d.dtype == WN_F32) merge_segment<F32>(d, b, s);
    if (d.dtype == WN_F16) merge_segment<F16>(d, b, s);
    if (d.dtype == WN_BF16) merge_segment<BF16>(d, b, s);
  });
  return WN_OK;
}

}  // namespace wn::WN_TIER
