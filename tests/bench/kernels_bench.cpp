// Microbenchmarks of the CPU kernels: time, bytes moved, GB/s, and the share of what this machine's memory gave in the same run. What is
// measured, and at which sizes, stands here; how, in bench_*.cpp.
//
// Usage: kernels_bench [filter]. Interleaved with a read of a large buffer and a memcpy; minimum of several rounds, one thread unless
// WINNOW_BENCH_THREADS says otherwise.
#include "bench.h"

using namespace bench;

namespace {

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
  const double copy_ceiling = 2 * bytes / fastest([&] { std::memcpy(b.data(), a.data(), bytes); });
  std::printf("memory, one thread: read %.1f GB/s, memcpy %.1f GB/s (read + written)\n", read_ceiling / 1e9, copy_ceiling / 1e9);
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
  similarity("argmax of all, N 576 D 4096", WN_BF16, WN_SIM_ARGMAX, 576, 4096, 0);
  similarity("argmax of all, N 576 D 1024", WN_BF16, WN_SIM_ARGMAX, 576, 1024, 0);
  similarity("argmax of all, N 2880 D 1024", WN_BF16, WN_SIM_ARGMAX, 2880, 1024, 0);
  similarity("argmax of all, N 2880 D 4096", WN_BF16, WN_SIM_ARGMAX, 2880, 4096, 0);
  similarity("argmax of all, float32, N 576 D 4096", WN_F32, WN_SIM_ARGMAX, 576, 4096, 0);
  similarity("argmax of all, float32, N 576 D 1024", WN_F32, WN_SIM_ARGMAX, 576, 1024, 0);
  similarity("top 32 for 40 pivots, N 576 D 1024", WN_BF16, WN_SIM_TOPM, 576, 1024, 40);
  similarity("8 pivots, N 2880 D 4096", WN_BF16, WN_SIM_PIVOTS, 2880, 4096, 8);
  similarity("3x3 windows, N 576 D 1024", WN_BF16, WN_SIM_WINDOWS, 576, 1024, 0);
  greedy("max-min, N 576 D 4096 k 64", WN_BF16, WN_MAX_MIN, 576, 4096, 64);
  greedy("DPP, N 576 D 1024 k 64", WN_BF16, WN_DPP, 576, 1024, 64);
  greedy("DPP, N 576 D 1024 k 192", WN_BF16, WN_DPP, 576, 1024, 192);
  greedy("DPP, N 576 D 4096 k 64", WN_BF16, WN_DPP, 576, 4096, 64);
  greedy("DPP, N 2880 D 4096 k 160", WN_BF16, WN_DPP, 2880, 4096, 160);
  greedy("DPP, float32, N 576 D 1024 k 64", WN_F32, WN_DPP, 576, 1024, 64);
  greedy("DPP, float32, N 576 D 1024 k 192", WN_F32, WN_DPP, 576, 1024, 192);
  greedy("DPP, float32, N 2880 D 1024 k 320", WN_F32, WN_DPP, 2880, 1024, 320);
  greedy("coverage, N 576 D 1024 k 64", WN_BF16, WN_COVERAGE, 576, 1024, 64);
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
