// What the fuzzer of the border works with: buffers of exact size, ways to spoil a descriptor, and the books of what came of it.
#pragma once

#include <limits>
#include <memory>

#include "testing.h"

namespace testing {

inline Random random_source;

inline int pick(int low, int high) { return between(random_source, low, high); }
inline bool chance(int percent) { return pick(1, 100) <= percent; }
/** A value that no length, count or index may have: -INT32_MAX or INT32_MAX; now and then 0. */
inline int32_t absurd() { return pick(-1, 1) * INT32_MAX; }

/** The buffers of one call, each exactly as long as the descriptor says; outputs are remembered to see whether they changed. */
class Buffers {
 public:
  void* input(int64_t bytes, bool floats = true) {
    char* p = block(bytes);
    for (int64_t i = 0; i + 4 <= bytes; i += 4) {
      const uint32_t any = floats && chance(97) ? random_float() : uint32_t(random_source());
      std::memcpy(p + i, &any, 4);
    }
    return p;
  }
  template <typename Fill>
  void* ints(int64_t n, Fill fill) {
    int32_t* p = reinterpret_cast<int32_t*>(block(4 * n));
    for (int64_t i = 0; i < n; ++i) p[i] = fill(i);
    return p;
  }
  void* output(int64_t bytes) {
    char* p = block(bytes);
    for (int64_t i = 0; i < bytes; ++i) p[i] = char(random_source());
    outputs_.push_back({p, std::vector<char>(p, p + bytes)});
    return p;
  }
  bool outputs_unchanged() const {
    for (const auto& o : outputs_) {
      if (!o.second.empty() && std::memcmp(o.first, o.second.data(), o.second.size()) != 0) return false;
    }
    return true;
  }

 private:
  static uint32_t random_float() {
    const float f = std::normal_distribution<float>(0, 2)(random_source);
    return wn::ref::to_bits(f);
  }
  char* block(int64_t bytes) {
    blocks_.emplace_back(new char[bytes > 0 ? bytes : 1]);
    return blocks_.back().get();
  }
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<std::pair<char*, std::vector<char>>> outputs_;
};

/** Ways to spoil a descriptor: fields and how. Sizes grow only so far that the library can tell that it is wrong. */
struct Spoiler {
  std::vector<std::function<void()>> ways;
  template <typename... T>
  void sizes(T&... field) {
    (ways.push_back([&field] {
      field = chance(40) ? -1 : chance(40) ? INT32_MIN : chance(50) ? -pick(2, 1000) : pick(1 << 30, INT32_MAX);
    }), ...);
  }
  template <typename... T>
  void enums(T&... field) {
    (ways.push_back([&field] { field = chance(30) ? INT32_MAX : chance(30) ? -1 : pick(0, 9); }), ...);
  }
  template <typename... T>
  void strides(T&... field) {
    (ways.push_back([&field] {
      field = chance(40) ? -field - 1 : chance(50) ? int64_t(1) << 61 : std::numeric_limits<int64_t>::max();
    }), ...);
  }
  template <typename... T>
  void pointers(T&... field) {
    (ways.push_back([&field] {
      using P = std::remove_reference_t<decltype(field)>;
      if (chance(50)) {
        field = nullptr;
      } else if (field) {
        field = reinterpret_cast<P>(reinterpret_cast<uintptr_t>(field) | 1);
      }
    }), ...);
  }
  void anything(std::function<void()> way) { ways.push_back(std::move(way)); }
  bool apply() {
    if (chance(35)) return false;
    for (int n = pick(1, 3); n > 0; --n) ways[pick(0, int(ways.size()) - 1)]();
    return true;
  }
};

/** One of the functions under test: what came of its calls, by status. */
struct Tally {
  const char* name;
  int64_t calls[WN_ENOMEM + 1] = {};

  void count(int32_t status, const Buffers& buffers, bool may_fail) {
    subject() = name + std::string(": ") + wn_last_error();
    EXPECT(status >= WN_OK && status <= WN_ENOMEM);
    if (status != WN_OK) EXPECT(buffers.outputs_unchanged());
    if (!may_fail) EXPECT(status == WN_OK);
    ++calls[status < WN_OK || status > WN_ENOMEM ? WN_ENOMEM : status];
  }
};

inline wn_ctx* contexts[2];

inline wn_ctx* some_context() { return contexts[pick(0, 1)]; }

/** Asks for the workspace and calls, now and then with too little or a crooked one. */
template <typename Desc>
int32_t with_workspace(const Desc& d, int64_t (*bytes)(wn_ctx*, const Desc*),
                       int32_t (*call)(wn_ctx*, const Desc*, void*, int64_t, void*), bool* spoiled) {
  wn_ctx* ctx = some_context();
  const int64_t needed = bytes(ctx, &d);
  if (needed < 0) return call(ctx, &d, nullptr, 0, nullptr);
  Workspace workspace(needed);
  if (needed > 0 && chance(5)) {
    *spoiled = true;
    return call(ctx, &d, chance(30) ? nullptr : static_cast<char*>(workspace.get()) + (chance(50) ? 4 : 0), needed - pick(1, 64), nullptr);
  }
  return call(ctx, &d, workspace.get(), needed, nullptr);
}

inline int64_t size_of(int dtype) { return dtype == WN_F32 ? 4 : 2; }

/** A spoiled dtype that is another right one asks for other buffers: larger ones are not there. */
inline void keep_size(int32_t* dtype, int32_t before) {
  if (*dtype >= WN_F32 && *dtype <= WN_BF16 && size_of(*dtype) > size_of(before)) *dtype = before;
}

// One random call each.
void fuzz_score(Tally& tally);
void fuzz_select(Tally& tally);
void fuzz_similarity(Tally& tally);
void fuzz_greedy(Tally& tally);
void fuzz_gather(Tally& tally);
void fuzz_kv(Tally& tally);
void fuzz_merge(Tally& tally);

}  // namespace testing
