// K4, moving rows, for one CPU tier: gather, in-place compaction and weighted merge.
//
// Compaction in place is safe row by row in ascending order: a strictly rising keep-list has keep[j] >= j, so a row is overwritten only
// after every destination that still needs it has been written. The list tells which rows come next, so they are asked for in time.
#pragma once

#include "dot.h"
#include "tasks.h"

namespace wn::WN_TIER {

inline int32_t entry(const void* array, int64_t i, int32_t if_null) { return array ? static_cast<const int32_t*>(array)[i] : if_null; }

// More than this written in one call does not stay in the caches anyway: stores then go past them, which also saves reading the
// lines that are overwritten.
constexpr int64_t streaming_bytes = 8 << 20;
// How far ahead rows are asked for: the hardware does not foresee which one a list names next.
constexpr int64_t bytes_ahead = 8192;
// Up to this length they are asked for whole.
constexpr int64_t longest_short_row = 1024;

/** Asks for nothing while a row is copied. */
struct NothingAhead {
  void ask(int64_t) const {}
};

/** Asks, while a row is copied, for what comes later: from one row up to a byte, from the next row after it. */
struct RowsAhead {
  const char* before;
  const char* after;
  int64_t change;

  // Without the attribute the compiler takes a function that only prefetches for one that does nothing.
  [[gnu::always_inline]] inline void ask(int64_t at) const {
    const char* from = (at < change ? before : after) + at;
    for (int i = 0; i < 256; i += 64) __builtin_prefetch(from + i);
  }
};

/**
 * Moves bytes to a lower or unrelated address. Ascending blocks, each loaded whole before it is stored, so that source and destination
 * may overlap as long as to < from. Stream: past the caches; to is at a 64-byte boundary.
 */
template <bool Stream, typename Ahead>
[[gnu::always_inline]] inline void move_down(char* to, const char* from, const int64_t bytes, const Ahead& ahead) {
  const auto get = [&](int64_t at) { return load(reinterpret_cast<const float*>(from + at)); };
  const auto put = [&](int64_t at, F v) {
    if (Stream) {
      stream(to + at, v);
    } else {
      store(reinterpret_cast<float*>(to + at), v);
    }
  };
  int64_t i = 0;
  for (; i + 256 <= bytes; i += 256) {
    ahead.ask(i);
    const F v0 = get(i), v1 = get(i + 64), v2 = get(i + 128), v3 = get(i + 192);
    put(i, v0);
    put(i + 64, v1);
    put(i + 128, v2);
    put(i + 192, v3);
  }
  for (; i + 64 <= bytes; i += 64) put(i, get(i));
  if (i < bytes) std::memmove(to + i, from + i, bytes - i);
}

template <typename Ahead>
[[gnu::always_inline]] inline void move_row(char* to, const char* from, int64_t bytes, bool streaming, const Ahead& ahead) {
  if (streaming && reinterpret_cast<uintptr_t>(to) % 64 == 0) {
    move_down<true>(to, from, bytes, ahead);
  } else {
    move_down<false>(to, from, bytes, ahead);
  }
}

/** Moves rows of one size one after the other: from(j) to to(j) for j in begin..end, asked for in this order. */
template <typename From, typename To>
inline void move_rows(int64_t begin, int64_t end, int64_t bytes, bool streaming, const From& from, const To& to) {
  const int64_t rows = bytes_ahead / bytes, into_row = bytes_ahead % bytes;
  for (int64_t j = begin; j < end; ++j) {
    if (bytes <= longest_short_row) {
      if (j + rows < end) {
        const char* later = from(j + rows);
        for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(later + i, 0, 0);  // it is read once
      }
      move_row(to(j), from(j), bytes, streaming, NothingAhead());
    } else {
      const int64_t first = j + rows < end ? j + rows : end - 1, next = first + 1 < end ? first + 1 : first;
      move_row(to(j), from(j), bytes, streaming, RowsAhead{from(first) + into_row, from(next) + into_row - bytes, bytes - into_row});
    }
  }
  if (streaming) end_of_stream();
}

constexpr int64_t rows_per_task_bytes = 256 * 1024;

inline int32_t gather_rows(const wn_ctx& ctx, const wn_gather_desc& d, void*) {
  const int64_t rows_per_task = rows_per_task_bytes / d.row_bytes + 1;
  const int64_t cuts = (d.max_keep + rows_per_task - 1) / rows_per_task;
  const int64_t written = static_cast<int64_t>(d.batch) * d.max_keep * d.row_bytes;
  parallel(ctx, d.batch * cuts, 2 * written, [&](int64_t task) {
    const int64_t b = task / cuts, begin = task % cuts * rows_per_task;
    const int64_t count = entry(d.keep_count, b, d.max_keep);
    const int64_t end = begin + rows_per_task < count ? begin + rows_per_task : count;
    const int32_t* keep = static_cast<const int32_t*>(d.keep) + b * d.keep_s;
    char* dst = static_cast<char*>(d.dst) + b * d.dst_sb;
    const char* src = static_cast<const char*>(d.src) + b * d.src_sb;
    move_rows(
        begin, end, d.row_bytes, written >= streaming_bytes, [&](int64_t j) { return src + keep[j] * d.src_sn; },
        [&](int64_t j) { return dst + j * d.dst_sn; });
  });
  return WN_OK;
}

/** Row j becomes old row keep[j]. */
inline void compact_stable(char* plane, int64_t stride, int64_t bytes, const int32_t* keep, int64_t first, int64_t count, bool streaming) {
  while (first < count && keep[first] == first) ++first;
  move_rows(
      first, count, bytes, streaming, [&](int64_t j) { return plane + keep[j] * stride; }, [&](int64_t j) { return plane + j * stride; });
}

/** Kept rows at or past count fill the holes below it, both ascending: sources and destinations never meet. */
inline void compact_holes(char* plane, int64_t stride, int64_t bytes, const int32_t* keep, int64_t count, bool streaming) {
  int64_t inside = 0;
  while (inside < count && keep[inside] < count) ++inside;
  int64_t hole = -1, next_kept = 0;
  const auto next_hole = [&](int64_t) {
    for (++hole; next_kept < inside && keep[next_kept] == hole; ++hole) ++next_kept;
    return plane + hole * stride;
  };
  move_rows(
      inside, count, bytes, streaming, [&](int64_t j) { return plane + keep[j] * stride; }, next_hole);
}

inline int32_t kv_compact(const wn_ctx& ctx, const wn_kv_desc& d, void*) {
  const int64_t planes = static_cast<int64_t>(d.n_planes) * d.batch * d.heads;
  const int64_t written = planes * d.max_keep * d.row_bytes;
  parallel(ctx, planes, 2 * written, [&](int64_t task) {
    const int64_t h = task % d.heads, b = task / d.heads % d.batch, p = task / d.heads / d.batch;
    char* plane = reinterpret_cast<char*>(d.plane_addr[p]) + b * d.sb + h * d.sh;
    const int32_t* keep = static_cast<const int32_t*>(d.keep) + p * d.keep_sp + b * d.keep_sb + h * d.keep_sh;
    const int64_t count = entry(d.keep_count, p * d.count_sp + b * d.count_sb + h * d.count_sh, d.max_keep);
    if (d.order == WN_STABLE) {
      compact_stable(plane, d.sn, d.row_bytes, keep, d.first_row, count, written >= streaming_bytes);
    } else {
      compact_holes(plane, d.sn, d.row_bytes, keep, count, written >= streaming_bytes);
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
