// What the microbenchmarks share: timing, arrays of random values, and the line that each prints.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "../native/descriptors.h"

namespace bench {

inline double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/** Shortest time of work in seconds, over about a quarter of a second; setup runs untimed before each. */
inline double fastest(const std::function<void()>& work, const std::function<void()>& setup = [] {}) {
  double best = 1e9, spent = 0;
  for (int round = 0; round < 4000 && (spent < 0.25 || round < 5); ++round) {
    setup();
    const double start = now();
    work();
    const double took = now() - start;
    best = std::min(best, took);
    spent += took;
  }
  return best;
}

/** The same for two pieces of work in turn, so that both find the caches and the machine alike. */
inline std::pair<double, double> fastest_of_both(const std::function<void()>& one, const std::function<void()>& other) {
  double best[2] = {1e9, 1e9};
  double spent = 0;
  for (int round = 0; round < 4000 && (spent < 0.6 || round < 5); ++round) {
    for (int which : {0, 1}) {
      const double start = now();
      which == 0 ? one() : other();
      const double took = now() - start;
      best[which] = std::min(best[which], took);
      spent += took;
    }
  }
  return {best[0], best[1]};
}

inline std::mt19937 engine(1);

/** Memory at 64-byte boundaries, as libtorch allocates it. */
template <typename T>
struct Aligned {
  using value_type = T;
  T* allocate(size_t n) { return static_cast<T*>(std::aligned_alloc(64, (n * sizeof(T) + 63) / 64 * 64)); }
  void deallocate(T* p, size_t) { std::free(p); }
  bool operator==(const Aligned&) const { return true; }
  bool operator!=(const Aligned&) const { return false; }
  Aligned() = default;
  template <typename U>
  Aligned(const Aligned<U>&) {}
};
template <typename T>
using Array = std::vector<T, Aligned<T>>;

/** Normal values; those of a long array repeat after a while. */
inline Array<uint16_t> bf16(size_t n) {
  constexpr size_t distinct = 1000003;
  std::normal_distribution<float> normal;
  Array<uint16_t> v(n);
  for (size_t i = 0; i < n; ++i) {
    if (i >= distinct) {
      v[i] = v[i - distinct];
      continue;
    }
    const float f = normal(engine);
    uint32_t bits;
    std::memcpy(&bits, &f, 4);
    v[i] = static_cast<uint16_t>((bits + 0x8000) >> 16);
  }
  return v;
}

inline std::vector<float> f32(size_t n) {
  std::normal_distribution<float> normal;
  std::vector<float> v(n);
  for (float& x : v) x = normal(engine);
  return v;
}

/** A workspace that grows. */
struct Memory {
  std::vector<char> bytes;
  void* need(int64_t n) {
    if (n < 0) {
      std::fprintf(stderr, "%s\n", wn_last_error());
      std::exit(1);
    }
    if (static_cast<int64_t>(bytes.size()) < n + 64) bytes.resize(n + 64);
    return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(bytes.data()) + 63) / 64 * 64);
  }
};

inline wn_ctx* ctx;
inline Memory workspace;
inline std::string filter;
inline double read_ceiling;  // bytes a second that a plain read of memory gives

inline void check(int32_t status) {
  if (status == WN_OK) return;
  std::fprintf(stderr, "%s\n", wn_last_error());
  std::exit(1);
}

/**
 * One line: name, tier, microseconds, megabytes moved, GB/s and the share of a rate given beside: for scores what a plain read of memory
 * gives, for compaction and gather what plain copies of the same bytes take.
 */
inline void line(const std::string& name, double seconds, double bytes, double ceiling, double flops = 0) {
  std::printf("%-44s %-11s %10.1f us %9.2f MB %7.1f GB/s", name.c_str(), wn_cpu_tier(), seconds * 1e6, bytes / 1e6,
              bytes / seconds / 1e9);
  if (ceiling > 0) std::printf(" %5.0f %%", 100 * bytes / seconds / ceiling);
  if (flops > 0) std::printf(" %7.1f GFLOP/s", flops / seconds / 1e9);
  std::printf("\n");
  std::fflush(stdout);
}

inline bool wanted(const std::string& name) { return name.find(filter) != std::string::npos; }

// The benchmarks: each measures one call at the sizes given, unless the filter leaves it out. pivots = 0: every row is one.
void score(const char* label, int heads, int heads_kv, int dim, int keys, int span, int queries, int mode, bool interleaved);
void select(int n, int k);
void compact(const char* label, int planes, int rows, int row_bytes, int kept);
void gather(const char* label, int rows, int row_bytes, int kept);
void similarity(const char* label, int dtype, int op, int n, int dim, int pivots);
void greedy(const char* label, int dtype, int objective, int n, int dim, int k);

}  // namespace bench
