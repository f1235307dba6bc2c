// Structured random calls across the C border, built with AddressSanitizer and UBSan: sound descriptors over buffers of exact size, then
// spoiled in up to three places. The library must answer every call; a refused call must have written nothing. The calls are in fuzz_*.cpp.
//
// Usage: fuzz_border [seconds] [seed]; seconds default to WINNOW_FUZZ_SECONDS, or 120, shared evenly by the CPU
// tiers. Prints the number of calls by function and status.
#include <chrono>

#include "fuzz.h"

using namespace testing;

namespace {

struct Function {
  void (*call)(Tally&);
  Tally tally;
};

Function functions[] = {{fuzz_score, {"score"}},   {fuzz_select, {"select"}}, {fuzz_similarity, {"sim"}}, {fuzz_greedy, {"greedy"}},
                        {fuzz_gather, {"gather"}}, {fuzz_kv, {"kv"}},         {fuzz_merge, {"merge"}}};

}  // namespace

int main(int argc, char** argv) {
  const char* setting = std::getenv("WINNOW_FUZZ_SECONDS");
  const double seconds = argc > 1 ? std::atof(argv[1]) : setting ? std::atof(setting) : 120;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
  random_source.seed(seed);
  Context one, three(3);
  contexts[0] = one, contexts[1] = three;
  const std::vector<std::string> all = tiers();
  const auto start = std::chrono::steady_clock::now();
  int64_t total = 0;
  for (size_t turn = 0; failures() == 0; ++turn) {
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() >= seconds) break;
    EXPECT_OK(wn_set_cpu_tier(all[turn % all.size()].c_str()));
    for (int i = 0; i < 10; ++i) {
      for (Function& f : functions) f.call(f.tally), ++total;
    }
  }
  for (const Function& f : functions) {
    const int64_t* calls = f.tally.calls;
    std::printf("%-8s %9lld done, %9lld refused as invalid, %6lld for the workspace\n", f.tally.name, static_cast<long long>(calls[WN_OK]),
                static_cast<long long>(calls[WN_EINVAL]), static_cast<long long>(calls[WN_EWORKSPACE]));
  }
  std::printf("fuzz_border: %lld calls, seed %llu\n", static_cast<long long>(total), static_cast<unsigned long long>(seed));
  return finish("fuzz_border");
}
