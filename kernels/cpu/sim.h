// wn_sim for one CPU tier: windows, pivots, most similar rows.
#pragma once

#include "filter_layout.h"
#ifdef WN_HAS_AMX
#include "amx_nearest.h"
#endif

namespace wn::WN_TIER {

inline bool all_pairs(const wn_sim_desc& d) { return !d.y && !d.pivot && (d.op == WN_SIM_ARGMAX || d.op == WN_SIM_NEAREST); }

/** Places of the workspace, in bytes from its start. */
struct SimLayout {
  int64_t x_measure, y_measure, x_state, y_state, values, indices, panels, row, part, total;
  bool packed;

  explicit SimLayout(const wn_sim_desc& d) {
    const int64_t pivots = d.op == WN_SIM_WINDOWS ? 0 : d.n_pivot;
    int64_t at = 0;
    const auto place = [&](int64_t bytes) {
      const int64_t here = at;
      at += (bytes + 63) / 64 * 64;
      return here;
    };
    x_measure = place(4 * static_cast<int64_t>(d.n));
    y_measure = place(4 * pivots);
    x_state = place(d.n);
    y_state = place(pivots);
    values = indices = panels = row = part = 0;
    packed = false;
    if (all_pairs(d)) {
      values = place(4 * similarity_parts * static_cast<int64_t>(d.n));
      indices = place(4 * similarity_parts * static_cast<int64_t>(d.n));
      packed = packed_bytes(d.dtype, d.n, d.dim) > 0;
      const int64_t panel_bytes = packed_bytes(d.dtype, d.n, d.dim) + wide_scratch_bytes(d.dtype);
      const int64_t filter_bytes = FilterLayout(d.dtype, d.n, d.dim).total;  // in the place of panels
      panels = place(!packed ? 0 : filter_bytes > panel_bytes ? filter_bytes : panel_bytes);
    } else if (d.op != WN_SIM_WINDOWS && d.op != WN_SIM_PIVOTS) {
      row = (d.n + 15) / 16 * 16;
      part = 4 * pivot_group * row + SelectMemory::bytes(d.n);
      values = place(similarity_parts * part);
    }
    total = at;
  }
};

inline int64_t sim_workspace(const wn_sim_desc& d) { return SimLayout(d).total; }

template <typename T>
inline void windows(const wn_ctx& ctx, const wn_sim_desc& d, const Rows<T>& x, float* out) {
  const int members = d.win_h * d.win_w, per_row = d.grid_w / d.win_w, count = d.n / members;
  const auto token = [&](int w, int m) { return (w / per_row * d.win_h + m / d.win_w) * d.grid_w + w % per_row * d.win_w + m % d.win_w; };
  parallel(ctx, count, static_cast<int64_t>(d.n) * d.dim * sizeof(typename T::E), [&](int64_t w) {
    for (int m = 0; m < members; ++m) measure_rows(x, token(w, m), token(w, m) + 1, d.metric, d.eps);
    float total = 0.0f;
    int32_t at[4], to[4];
    for (int i = 0; i < members; i += 4) {
      for (int j = i; j < members; j += 4) {
        for (int p = 0; p < 4; ++p) {
          at[p] = token(w, i + p < members ? i + p : members - 1);
          to[p] = token(w, j + p < members ? j + p : members - 1);
        }
        // Views of the eight tokens: rows by index, with their measures beside them.
        float measure_a[4], measure_b[4];
        uint8_t state_a[4], state_b[4];
        for (int p = 0; p < 4; ++p) {
          measure_a[p] = x.measure[at[p]];
          measure_b[p] = x.measure[to[p]];
          state_a[p] = x.state[at[p]];
          state_b[p] = x.state[to[p]];
        }
        const Rows<T> a = {x.base, x.stride, at, 4, x.dim, measure_a, state_a};
        const Rows<T> b = {x.base, x.stride, to, 4, x.dim, measure_b, state_b};
        alignas(64) float v[16];
        store(v, tile_similarity(a, 0, b, 0, d.metric));
        for (int p = 0; p < 16; ++p) {
          const int first = i + p / 4, second = j + p % 4;
          if (first < second && second < members) total += v[p];
        }
      }
    }
    out[w] = 2.0f * total / (static_cast<float>(members) * static_cast<float>(members - 1));
  });
}

/** Rows of the out_val matrix: every pivot against every row. */
template <typename T>
inline void pivot_rows(const wn_ctx& ctx, const wn_sim_desc& d, const Rows<T>& x, const Rows<T>& y, bool same, float* out) {
  constexpr int chunk = 64;
  const int64_t tasks = (x.n + chunk - 1) / chunk;
  parallel(ctx, tasks, static_cast<int64_t>(x.n) * d.dim * sizeof(typename T::E) * (y.n / pivot_group + 1), [&](int64_t task) {
    const int begin = static_cast<int>(task) * chunk, end = begin + chunk < x.n ? begin + chunk : x.n;
    if (!same) measure_rows(x, begin, end, d.metric, d.eps);
    alignas(64) float v[16];
    for (int j = begin; j < end; j += 4) {
      for (int i = 0; i < y.n; i += 4) {
        store(v, tile_similarity(y, i, x, j, d.metric));
        for (int p = 0; p < 16; ++p) {
          if (i + p / 4 < y.n && j + p % 4 < end) out[(i + p / 4) * d.out_sp + j + p % 4] = v[p];
        }
      }
    }
  });
}

/** What one pivot reports of its similarities to all rows. */
inline void report(const wn_sim_desc& d, int64_t p, float* similarity, int n, const SelectMemory& memory, float* val, int32_t* idx) {
  if (d.op != WN_SIM_TOPM) {
    float value = -infinity;
    int32_t at = -1;
    for (int j = 0; j < n; ++j) {
      if (similarity[j] > value) {
        value = similarity[j];
        at = j;
      }
    }
    if (val) val[p] = d.op == WN_SIM_NEAREST ? 1.0f - value : value;
    if (idx) idx[p] = at;
    return;
  }
  KeyRange range;
  order_keys(similarity, n, memory.keys, &range.low, &range.high);
  const int64_t others = count_ge(memory.keys, n, order_key_of(-infinity) + 1);
  const int64_t wanted = d.top_m < others ? d.top_m : others;
  int64_t found = 0;
  if (wanted > 0) {
    const Threshold t = kth_largest(memory.keys, n, range, wanted, memory);
    found = emit_indices(memory.keys, n, t.key, t.equals, 0, memory.found);
    sort_by_value(memory.found, found, similarity);
  }
  for (int64_t m = 0; m < d.top_m; ++m) {
    if (val) val[p * d.out_sp + m] = m < found ? similarity[memory.found[m]] : -infinity;
    if (idx) idx[p * d.out_sp + m] = m < found ? memory.found[m] : -1;
  }
}

template <typename T>
inline void most_similar(const wn_ctx& ctx, const wn_sim_desc& d, const SimLayout& layout, const Rows<T>& x, const Rows<T>& y,
                         const int32_t* own, char* memory, float* val, int32_t* idx) {
  const int groups = (y.n + pivot_group - 1) / pivot_group;
  const int64_t bytes = static_cast<int64_t>(x.n) * d.dim * sizeof(typename T::E) * groups;
  parallel(ctx, similarity_parts, bytes, [&](int64_t part) {
    float* similarity = reinterpret_cast<float*>(memory + layout.values + part * layout.part);
    const SelectMemory selection(similarity + pivot_group * layout.row, d.n);
    alignas(64) float v[16];
    for (int64_t g = part; g < groups; g += similarity_parts) {
      const int first = static_cast<int>(g) * pivot_group;
      const int last = first + pivot_group < y.n ? first + pivot_group : y.n;
      for (int j = 0; j < x.n; j += 4) {
        for (int i = first; i < last; i += 4) {
          store(v, tile_similarity(y, i, x, j, d.metric));
          for (int p = 0; p < 16; ++p) {
            if (j + p % 4 < x.n) similarity[(i - first + p / 4) * layout.row + j + p % 4] = v[p];
          }
        }
      }
      for (int i = first; i < last; ++i) {
        float* row = similarity + (i - first) * layout.row;
        const int self = d.y ? -1 : own ? own[i] : i;
        if (self >= 0) row[self] = -infinity;
        report(d, i, row, x.n, selection, val, idx);
      }
    }
  });
}

/** Most similar other row of every row, or 1 - that. */
template <typename T>
inline void nearest(const wn_ctx& ctx, const wn_sim_desc& d, const SimLayout& layout, const Rows<T>& x, char* memory, float* val,
                    int32_t* idx) {
  float* values = reinterpret_cast<float*>(memory + layout.values);
  int32_t* indices = reinterpret_cast<int32_t*>(memory + layout.indices);
  bool found = false;
#ifdef WN_HAS_AMX
  const FilterLayout filter(d.dtype, d.n, d.dim);
  found = layout.packed && nearest_by_tiles(ctx, x, d.metric, d.eps, filter, memory + layout.panels, values, indices);
#endif
  if (!found && layout.packed) {
    const Panels<T> panels = {memory + layout.panels, x};
    panels.pack_all(ctx, d.metric, d.eps);
    nearest_of_panels(ctx, panels, d.metric, values, indices);
  } else if (!found) {
    measure_rows(x, 0, x.n, d.metric, d.eps);
    nearest_of_all(ctx, x, d.metric, values, indices);
  }
  for (int i = 0; i < x.n; ++i) {
    if (val) val[i] = d.op == WN_SIM_NEAREST ? 1.0f - values[i] : values[i];
    if (idx) idx[i] = indices[i];
  }
}

template <typename T>
inline void sim_typed(const wn_ctx& ctx, const wn_sim_desc& d, char* memory) {
  using E = typename T::E;
  const SimLayout layout(d);
  for (int b = 0; b < d.batch; ++b) {
    const int n = d.n_valid ? static_cast<const int32_t*>(d.n_valid)[b] : d.n;
    const Rows<T> x = {static_cast<const E*>(d.x) + b * d.x_sb, d.x_sn, nullptr, n, d.dim,
                       reinterpret_cast<float*>(memory + layout.x_measure), reinterpret_cast<uint8_t*>(memory + layout.x_state)};
    float* val = d.out_val ? static_cast<float*>(d.out_val) + b * d.out_sb : nullptr;
    int32_t* idx = d.out_idx ? static_cast<int32_t*>(d.out_idx) + b * d.out_sb : nullptr;
    if (d.op == WN_SIM_WINDOWS) {
      windows(ctx, d, x, val);
      continue;
    }
    const bool same = !d.y && !d.pivot;
    const int32_t* own = d.pivot ? static_cast<const int32_t*>(d.pivot) + b * d.pivot_sb : nullptr;
    Rows<T> y = x;
    if (!same) {
      y.n = d.n_pivot;
      y.index = own;
      y.measure = reinterpret_cast<float*>(memory + layout.y_measure);
      y.state = reinterpret_cast<uint8_t*>(memory + layout.y_state);
      if (d.y) {
        y.base = static_cast<const E*>(d.y) + b * d.y_sb;
        y.stride = d.y_sn;
      }
    }
    if (n == 0 || y.n == 0) {
      // No row to compare with: every pivot reports that it found none.
      const SelectMemory nothing(memory, 0);
      for (int p = 0; d.op != WN_SIM_PIVOTS && p < (same ? n : d.n_pivot); ++p) report(d, p, nullptr, 0, nothing, val, idx);
      continue;
    }
    if (all_pairs(d)) {
      nearest(ctx, d, layout, x, memory, val, idx);
      continue;
    }
    measure_rows(y, 0, y.n, d.metric, d.eps);
    if (d.op == WN_SIM_PIVOTS) {
      pivot_rows(ctx, d, x, y, same, val);
      continue;
    }
    if (!same) measure_rows(x, 0, n, d.metric, d.eps);
    most_similar(ctx, d, layout, x, y, own, memory, val, idx);
  }
}

inline int32_t sim(const wn_ctx& ctx, const wn_sim_desc& d, void* workspace, void*) {
  char* memory = static_cast<char*>(workspace);
  if (d.dtype == WN_F32) sim_typed<F32>(ctx, d, memory);
  if (d.dtype == WN_F16) sim_typed<F16>(ctx, d, memory);
  if (d.dtype == WN_BF16) sim_typed<BF16>(ctx, d, memory);
  return WN_OK;
}

}  // namespace wn::WN_TIER
