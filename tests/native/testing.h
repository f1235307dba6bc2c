// A few lines of test support: checks that report and count, typed random buffers, and the loop over all CPU tiers.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "reference/values.h"
#include "winnow.h"

namespace testing {

inline int& failures() {
  static int count = 0;
  return count;
}

inline std::string& subject() {
  static std::string text;
  return text;
}

inline void report(bool good, const char* file, int line, const std::string& what) {
  if (good) return;
  if (++failures() <= 20) std::fprintf(stderr, "%s:%d: %s [%s]\n", file, line, what.c_str(), subject().c_str());
}

#define EXPECT(condition) testing::report((condition), __FILE__, __LINE__, #condition)
#define EXPECT_OK(call)                                                                                 \
  do {                                                                                                  \
    const int32_t status_of_call = (call);                                                              \
    testing::report(status_of_call == WN_OK, __FILE__, __LINE__, std::string(#call ": ") + wn_last_error()); \
  } while (0)

/** Exit status of a test program. */
inline int finish(const char* name) {
  if (failures() > 0) {
    std::fprintf(stderr, "%s: %d checks failed\n", name, failures());
    return 1;
  }
  std::printf("%s: all checks passed on: %s\n", name, wn_cpu_tiers());
  return 0;
}

inline std::vector<std::string> tiers() {
  std::istringstream names(wn_cpu_tiers());
  std::vector<std::string> list;
  for (std::string name; names >> name;) list.push_back(name);
  return list;
}

/** Runs body once per tier that this machine has. */
inline void on_every_tier(const std::function<void(const std::string&)>& body) {
  for (const std::string& tier : tiers()) {
    EXPECT_OK(wn_set_cpu_tier(tier.c_str()));
    body(tier);
  }
}

struct Context {
  wn_ctx* ctx = nullptr;
  explicit Context(int threads = 1) {
    EXPECT_OK(wn_ctx_create(WN_CPU, 0, &ctx));
    EXPECT_OK(wn_set_threads(ctx, threads));
  }
  ~Context() { wn_ctx_destroy(ctx); }
  operator wn_ctx*() const { return ctx; }
};

/** Exactly bytes bytes of memory at a 64-byte boundary, filled with a pattern. Not rounded up: sanitizers see every byte too far. */
class Workspace {
 public:
  explicit Workspace(int64_t bytes) : bytes_(bytes), memory_(bytes > 0 ? std::malloc(bytes + 64) : nullptr) {
    if (memory_) std::memset(memory_, 0xa5, bytes + 64);
    // the block ends where the workspace ends, as nearly as the alignment allows
    start_ = memory_ ? reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(memory_) + 64) / 64 * 64) : nullptr;
  }
  ~Workspace() { std::free(memory_); }
  Workspace(const Workspace&) = delete;
  void* get() const { return start_; }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_;
  void* memory_;
  void* start_;
};

using Random = std::mt19937_64;

inline int between(Random& random, int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }

inline const char* dtype_name(int dtype) { return dtype == WN_F32 ? "f32" : dtype == WN_F16 ? "f16" : "bf16"; }

/** An array of a wn_dtype, exactly as long as asked for. */
class Array {
 public:
  Array(int dtype, int64_t n) : dtype_(dtype), n_(n), bytes_(n * (dtype == WN_F32 ? 4 : 2)) {}
  void set(int64_t i, float v) { wn::ref::put(bytes_.data(), dtype_, i, v); }
  float get(int64_t i) const { return wn::ref::get(bytes_.data(), dtype_, i); }
  void* data() { return bytes_.data(); }
  int64_t size() const { return n_; }
  static Array normal(int dtype, int64_t n, Random& random, float scale = 1.0f) {
    Array a(dtype, n);
    std::normal_distribution<float> normal(0, scale);
    for (int64_t i = 0; i < n; ++i) a.set(i, normal(random));
    return a;
  }

 private:
  int dtype_;
  int64_t n_;
  std::vector<char> bytes_;
};

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/** What a call of wn_sim writes. */
struct SimOutput {
  std::vector<float> val;
  std::vector<int32_t> idx;
  bool operator==(const SimOutput& o) const { return same_bits(val, o.val) && idx == o.idx; }
};

}  // namespace testing
