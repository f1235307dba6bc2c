// Microbenchmarks of the CPU kernels: time, bytes moved, GB/s, and the share of what this machine's memory gave in the same run.
//
// Usage: kernels_bench [filter]. Interleaved with a read of a large buffer and a memcpy; minimum of several rounds, one thread unless
// WINNOW_BENCH_THREADS says otherwise.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "winnow.h"

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/** Shortest time of work in seconds, over about a quarter of a second; setup runs untimed before each. */
double fastest(const std::function<void()>& work, const std::function<void()>& setup = [] {}) {
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
std::pair<double, double> fastest_of_both(const std::function<void()>& one, const std::function<void()>& other) {
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

std::mt19937 engine(1);

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
Array<uint16_t> bf16(size_t n) {
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

std::vector<float> f32(size_t n) {
  std::normal_distribution<float> normal;
  std::vector<float> v(n);
  for (float& x : v) x = normal(engine);
  return v;
}

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

wn_ctx* ctx;
Memory workspace;
std::string filter;
double read_ceiling, copy_ceiling;

void check(int32_t status) {
  if (status == WN_OK) return;
  std::fprintf(stderr, "%s\n", wn_last_error());
  std::exit(1);
}

/**
 * One line: name, tier, microseconds, megabytes moved, GB/s and the share of a rate given beside: for scores what a plain read of memory
 * gives, for compaction and gather what plain copies of the same bytes take.
 */
void line(const std::string& name, double seconds, double bytes, double ceiling, double flops = 0) {
  std::printf("%-44s %-11s %10.1f us %9.2f MB %7.1f GB/s", name.c_str(), wn_cpu_tier(), seconds * 1e6, bytes / 1e6, bytes / seconds / 1e9);
  if (ceiling > 0) std::printf(" %5.0f %%", 100 * bytes / seconds / ceiling);
  if (flops > 0) std::printf(" %7.1f GFLOP/s", flops / seconds / 1e9);
  std::printf("\n");
  std::fflush(stdout);
}

bool wanted(const std::string& name) { return name.find(filter) != std::string::npos; }

/** The sum of a buffer, with the lines ahead bytes further on asked for meanwhile. */
uint64_t sum_of(const Array<char>& buffer, size_t ahead) {
  typedef uint64_t Line __attribute__((vector_size(64)));
  const Line* p = reinterpret_cast<const Line*>(buffer.data());
  Line s[4] = {};
  for (size_t i = 0; i < buffer.size() / sizeof(Line); i += 4) {
    for (size_t j = 0; j < 4; ++j) {
      if (ahead > 0) __builtin_prefetch(buffer.data() + (i + j) * sizeof(Line) + ahead);
      s[j] += p[i + j];
    }
  }
  uint64_t total = 0;
  for (const Line& line : s) total += line[0] + line[7];
  return total;
}

/** What memory gives: the quickest of several plain reads, with and without prefetching, and memcpy. */
void ceilings() {
  const size_t bytes = size_t(256) << 20;
  Array<char> a(bytes, 1), b(bytes, 2);
  volatile uint64_t sink = 0;
  for (size_t ahead : {0, 2048, 4096, 8192}) {
    read_ceiling = std::max(read_ceiling, bytes / fastest([&] { sink = sink + sum_of(a, ahead); }));
  }
  copy_ceiling = 2 * bytes / fastest([&] { std::memcpy(b.data(), a.data(), bytes); });
  std::printf("memory, one thread: read %.1f GB/s, memcpy %.1f GB/s (read + written)\n", read_ceiling / 1e9, copy_ceiling / 1e9);
}

void score(const char* label, int heads, int heads_kv, int dim, int keys, int span, int queries, int mode, bool interleaved) {
  const std::string name = std::string("score ") + label;
  if (!wanted(name)) return;
  // several layers' worth of keys in turn, so that they come from memory as in a running model where they exceed the caches
  const int64_t row = interleaved ? 2 * int64_t(heads_kv) * dim : dim;
  const int64_t layer = interleaved ? row * keys : int64_t(heads_kv) * keys * dim;
  const int layers = std::max<int64_t>(1, (int64_t(96) << 20) / (layer * 2));
  const Array<uint16_t> k = bf16(layer * layers), q = bf16(size_t(heads) * queries * dim);
  std::vector<float> out(span), lse(size_t(heads) * queries, 20.0f);
  wn_score_desc d = {};
  d.struct_size = sizeof d, d.dtype = WN_BF16, d.mode = mode, d.batch = 1, d.heads_q = heads, d.heads_kv = heads_kv, d.head_dim = dim;
  d.n_query = queries, d.max_key = keys, d.key_begin = keys - span > 35 ? 35 : 0, d.key_count = span, d.scale = 1 / std::sqrt(float(dim));
  d.q = q.data(), d.q_sh = int64_t(queries) * dim, d.q_st = dim, d.k_sn = interleaved ? row : dim, d.k_sh = interleaved ? dim : int64_t(keys) * dim;
  d.k = k.data(), d.lse = lse.data(), d.lse_sh = queries, d.lse_st = 1, d.out = out.data();
  const int64_t bytes = wn_score_workspace(ctx, &d);
  void* memory = workspace.need(bytes);
  int at = 0;
  const double t = fastest([&] { check(wn_score(ctx, &d, memory, bytes, nullptr)); }, [&] { d.k = k.data() + layer * (at++ % layers); });
  const double traffic = 2.0 * heads_kv * dim * (mode == WN_SOFTMAX ? keys : span);
  line(name, t, traffic, queries == 1 ? read_ceiling : 0, queries > 1 ? 2.0 * heads * queries * dim * (mode == WN_SOFTMAX ? keys : span) : 0);
}

void select(int n, int k) {
  const std::string name = "select top " + std::to_string(k) + " of " + std::to_string(n);
  if (!wanted(name)) return;
  std::vector<float> scores = f32(n);
  for (float& s : scores) s = std::exp(s) / n;
  std::vector<int32_t> keep(n), count(1);
  wn_select_desc d = {};
  d.struct_size = sizeof d, d.rows = 1, d.max_len = n, d.k = k, d.max_keep = k, d.scores = scores.data(), d.keep = keep.data(), d.keep_count = count.data();
  const int64_t bytes = wn_select_workspace(ctx, &d);
  void* memory = workspace.need(bytes);
  line(name, fastest([&] {
         for (int i = 0; i < 10; ++i) check(wn_select(ctx, &d, memory, bytes, nullptr));
       }) / 10, 4.0 * n, 0);
}

void compact(const char* label, int planes, int rows, int row_bytes, int kept) {
  const std::string name = std::string("compact ") + label;
  if (!wanted(name)) return;
  Array<char> cache(int64_t(planes) * rows * row_bytes, 1);
  std::vector<int64_t> address;
  for (int p = 0; p < planes; ++p) address.push_back(reinterpret_cast<int64_t>(cache.data()) + int64_t(p) * rows * row_bytes);
  std::vector<int32_t> keep;
  std::vector<int> middle;
  for (int i = 35; i < rows - 60; ++i) middle.push_back(i);
  std::shuffle(middle.begin(), middle.end(), engine);
  middle.resize(kept - 95);
  for (int i = 0; i < 35; ++i) keep.push_back(i);
  std::sort(middle.begin(), middle.end());
  keep.insert(keep.end(), middle.begin(), middle.end());
  for (int i = rows - 60; i < rows; ++i) keep.push_back(i);
  int64_t moved = 0;
  for (int j = 0; j < kept; ++j) moved += keep[j] != j;
  wn_kv_desc d = {};
  d.struct_size = sizeof d, d.n_planes = planes, d.batch = d.heads = 1, d.n_rows = rows, d.row_bytes = row_bytes, d.max_keep = kept, d.sn = row_bytes;
  d.plane_addr = address.data(), d.keep = keep.data();
  const double bytes = 2.0 * moved * row_bytes * planes;
  // Beside it the same number of bytes as plain copies in the same planes: per plane one memmove of as many rows, all neighbours.
  const auto [t, plain] = fastest_of_both([&] { check(wn_kv_compact(ctx, &d, nullptr)); }, [&] {
    for (int p = 0; p < planes; ++p) {
      char* plane = reinterpret_cast<char*>(address[p]);
      std::memmove(plane + (kept - moved) * int64_t(row_bytes), plane + (rows - moved) * int64_t(row_bytes), moved * row_bytes);
    }
  });
  line(name, t, bytes, bytes / plain);
}

void gather(const char* label, int rows, int row_bytes, int kept) {
  const std::string name = std::string("gather ") + label;
  if (!wanted(name)) return;
  const int layers = std::max<int64_t>(2, (int64_t(96) << 20) / (int64_t(rows) * row_bytes));
  Array<char> src(int64_t(layers) * rows * row_bytes, 1), dst(int64_t(kept) * row_bytes, 2);
  std::vector<int32_t> keep(rows);
  std::iota(keep.begin(), keep.end(), 0);
  std::shuffle(keep.begin(), keep.end(), engine);
  keep.resize(kept);
  std::sort(keep.begin(), keep.end());
  wn_gather_desc d = {};
  d.struct_size = sizeof d, d.batch = 1, d.n_rows = rows, d.row_bytes = row_bytes, d.max_keep = kept, d.src_sn = d.dst_sn = row_bytes;
  d.dst = dst.data(), d.keep = keep.data();
  int at = 0;
  const auto next = [&] { return src.data() + int64_t(at++ % layers) * rows * row_bytes; };
  // beside it a plain loop with one memcpy per row
  const auto [t, plain] = fastest_of_both(
      [&] {
        d.src = next();
        check(wn_gather_rows(ctx, &d, nullptr));
      },
      [&] {
        const char* from = next();
        for (int j = 0; j < kept; ++j) std::memcpy(dst.data() + int64_t(j) * row_bytes, from + int64_t(keep[j]) * row_bytes, row_bytes);
      });
  const double bytes = 2.0 * kept * row_bytes;
  line(name, t, bytes, bytes / plain);
}

void similarity(const char* label, int op, int n, int dim, int pivots) {
  const std::string name = std::string("similarity ") + label;
  if (!wanted(name)) return;
  const Array<uint16_t> x = bf16(size_t(n) * dim);
  std::vector<int32_t> pivot(pivots ? pivots : n);
  for (int i = 0; i < pivots; ++i) pivot[i] = i * (n / pivots);
  std::vector<float> val(size_t(n) * std::max(pivots, 40));
  std::vector<int32_t> idx(val.size());
  wn_sim_desc d = {};
  d.struct_size = sizeof d, d.dtype = WN_BF16, d.op = op, d.batch = 1, d.n = n, d.dim = dim, d.n_pivot = pivots ? pivots : n, d.top_m = 32;
  d.win_h = d.win_w = 3, d.grid_w = 24, d.eps = 1e-8f, d.x = x.data(), d.x_sn = dim, d.pivot = pivots ? pivot.data() : nullptr;
  d.out_val = val.data(), d.out_idx = idx.data(), d.out_sp = op == WN_SIM_PIVOTS ? n : 32;
  const int64_t bytes = wn_sim_workspace(ctx, &d);
  void* memory = workspace.need(bytes);
  const double pairs = op == WN_SIM_WINDOWS ? n / 9 * 36.0 : pivots ? double(pivots) * n : n * (n + 1) / 2.0;
  line(name, fastest([&] { check(wn_sim(ctx, &d, memory, bytes, nullptr)); }), 2.0 * n * dim, 0, 2 * pairs * dim);
}

void greedy(const char* label, int objective, int n, int dim, int k) {
  const std::string name = std::string("greedy ") + label;
  if (!wanted(name)) return;
  const Array<uint16_t> x = bf16(size_t(n) * dim);
  std::vector<float> weight(n);
  for (float& w : weight) w = 0.1f + std::uniform_real_distribution<float>()(engine);
  std::vector<int32_t> out(k);
  wn_greedy_desc d = {};
  d.struct_size = sizeof d, d.dtype = WN_BF16, d.objective = objective, d.batch = 1, d.n = n, d.dim = dim, d.k = k, d.f_scale = 1;
  d.x = x.data(), d.x_sn = dim, d.weight = weight.data(), d.out_idx = out.data();
  const int64_t bytes = wn_greedy_workspace(ctx, &d);
  void* memory = workspace.need(bytes);
  line(name, fastest([&] { check(wn_greedy(ctx, &d, memory, bytes, nullptr)); }), 2.0 * n * dim, 0);
}

void all() {
  score("1 row, H32 D128, N 576 of 640", 32, 32, 128, 640, 576, 1, WN_SOFTMAX, false);
  score("same, cache rows [K|V] interleaved", 32, 32, 128, 640, 576, 1, WN_SOFTMAX, true);
  score("1 row, H32 D128, N 2880 of 2944", 32, 32, 128, 2944, 2880, 1, WN_SOFTMAX, false);
  score("same 2880, [K|V] interleaved", 32, 32, 128, 2944, 2880, 1, WN_SOFTMAX, true);
  score("1 row, H28/4 D128, N 2880, [K|V] interleaved", 28, 4, 128, 2944, 2880, 1, WN_SOFTMAX, true);
  score("1 row, H32 D128, N 20000", 32, 32, 128, 20064, 20000, 1, WN_SOFTMAX, false);
  score("1 row, H28/4 D128, N 20000", 28, 4, 128, 20064, 20000, 1, WN_SOFTMAX, false);
  score("CLS row, H16 D64, N 576", 16, 16, 64, 577, 576, 1, WN_SOFTMAX, false);
  score("64 rows, H32 D128, N 576", 32, 32, 128, 640, 576, 64, WN_SOFTMAX, false);
  score("64 rows with LSE, N 576", 32, 32, 128, 640, 576, 64, WN_SOFTMAX_LSE, false);
  score("raw, 64 rows, N 2880", 32, 32, 128, 2944, 2880, 64, WN_RAW_DOT, false);
  select(576, 192);
  select(2880, 640);
  select(20000, 5000);
  compact("2048 planes, 671 -> 287 rows of 256 B", 2048, 671, 256, 287);
  compact("32 layers [K|V], 671 -> 287 rows of 16 KB", 32, 671, 16384, 287);
  compact("28 layers GQA, 2944 -> 735 rows of 2 KB", 28, 2944, 2048, 735);
  gather("287 of 671 rows of 8 KB", 671, 8192, 287);
  gather("735 of 2944 rows of 7 KB", 2944, 7168, 735);
  gather("192 of 576 rows of 2 KB", 576, 2048, 192);
  similarity("argmax of all, N 576 D 4096", WN_SIM_ARGMAX, 576, 4096, 0);
  similarity("argmax of all, N 576 D 1024", WN_SIM_ARGMAX, 576, 1024, 0);
  similarity("argmax of all, N 2880 D 1024", WN_SIM_ARGMAX, 2880, 1024, 0);
  similarity("top 32 for 40 pivots, N 576 D 1024", WN_SIM_TOPM, 576, 1024, 40);
  similarity("8 pivots, N 2880 D 4096", WN_SIM_PIVOTS, 2880, 4096, 8);
  similarity("3x3 windows, N 576 D 1024", WN_SIM_WINDOWS, 576, 1024, 0);
  greedy("max-min, N 576 D 4096 k 64", WN_MAX_MIN, 576, 4096, 64);
  greedy("DPP, N 576 D 1024 k 64", WN_DPP, 576, 1024, 64);
  greedy("DPP, N 576 D 1024 k 192", WN_DPP, 576, 1024, 192);
  greedy("DPP, N 576 D 4096 k 64", WN_DPP, 576, 4096, 64);
  greedy("DPP, N 2880 D 4096 k 160", WN_DPP, 2880, 4096, 160);
  greedy("coverage, N 576 D 1024 k 64", WN_COVERAGE, 576, 1024, 64);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) filter = argv[1];
  check(wn_ctx_create(WN_CPU, 0, &ctx));
  if (const char* threads = std::getenv("WINNOW_BENCH_THREADS")) check(wn_set_threads(ctx, std::atoi(threads)));
  std::printf("winnow %s, tiers: %s\n", wn_build_id(), wn_cpu_tiers());
  ceilings();
  const char* all_tiers = std::getenv("WINNOW_BENCH_ALL_TIERS");
  std::string names = all_tiers ? wn_cpu_tiers() : wn_cpu_tier();
  for (size_t at = 0; at < names.size();) {
    const size_t end = std::min(names.find(' ', at), names.size());
    check(wn_set_cpu_tier(names.substr(at, end - at).c_str()));
    all();
    at = end + 1;
  }
  wn_ctx_destroy(ctx);
  return 0;
}
