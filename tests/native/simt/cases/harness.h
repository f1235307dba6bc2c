// What the kernel cases are written with. They run unchanged on the emulator and on a GPU: a Machine hides where memory lives.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "cuda_plugin.h"
#include "reference/values.h"

namespace cases {

class Machine {
 public:
  Machine(const wn_cuda_plugin* plugin, wn_cuda_device* device) : plugin(plugin), device(device) {}
  virtual ~Machine() = default;
  virtual void* allocate(size_t bytes) = 0;  // exactly that many, so that a checker sees the byte after the end
  virtual void release(void* memory) = 0;
  virtual void upload(void* to, const void* from, size_t bytes) = 0;
  virtual void download(void* to, const void* from, size_t bytes) = 0;  // waits for everything launched before
  // Makes a call on a stream of the machine's choice.
  virtual int32_t launch(const std::function<int32_t(void* stream)>& call) { return call(nullptr); }

  const wn_cuda_plugin* plugin;
  wn_cuda_device* device;
  bool small = false;      // smaller cases for slow checkers
  uint64_t digest = 14695981039346656037ull;  // FNV-1a of every output read back: equal for every schedule
  int checks = 0, failures = 0;

  void check(bool good, const std::string& what) {
    ++checks;
    if (good) return;
    if (++failures <= 20) std::fprintf(stderr, "FAILED %s\n", what.c_str());
  }
};

// An array in both places.
template <class T>
class Twin {
 public:
  Twin(Machine& machine, size_t count, T value = T()) : host(count, value), machine_(machine) { place(); }
  Twin(Machine& machine, std::vector<T> values) : host(std::move(values)), machine_(machine) { place(); }
  ~Twin() { machine_.release(device_); }
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;

  T* dev() const { return static_cast<T*>(device_); }
  T* data() { return host.data(); }
  // What the device holds now, where it may depend on the schedule.
  std::vector<T> peek() const {
    std::vector<T> values(host.size());
    machine_.download(values.data(), device_, bytes());
    return values;
  }
  // What the device holds now.
  std::vector<T> read() const {
    std::vector<T> values = peek();
    for (size_t i = 0; i < bytes(); ++i) {
      machine_.digest = (machine_.digest ^ reinterpret_cast<const unsigned char*>(values.data())[i]) * 1099511628211ull;
    }
    return values;
  }

  std::vector<T> host;

 private:
  size_t bytes() const { return host.size() * sizeof(T); }
  void place() {
    device_ = machine_.allocate(bytes());
    if (bytes() > 0) machine_.upload(device_, host.data(), bytes());
  }
  Machine& machine_;
  void* device_ = nullptr;
};

// Same numbers everywhere: splitmix64.
struct Random {
  uint64_t state;
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    state += 0x9E3779B97F4A7C15ull;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  int below(int n) { return int(next() % uint64_t(n)); }
  float unit() { return float(next() >> 40) * (1.0f / 16777216.0f); }
  float normal() {  // sum of uniforms: close enough, and the same bits on every machine
    float sum = 0;
    for (int i = 0; i < 12; ++i) sum += unit();
    return sum - 6.0f;
  }
};

// Elements of a wn_dtype as bytes.
inline std::vector<unsigned char> encode(const std::vector<float>& values, int dtype) {
  std::vector<unsigned char> bytes(values.size() * (dtype == WN_F32 ? 4 : 2));
  for (size_t i = 0; i < values.size(); ++i) wn::ref::put(bytes.data(), dtype, int64_t(i), values[i]);
  return bytes;
}

inline std::vector<float> normals(Random& random, size_t count, float spread = 1.0f) {
  std::vector<float> values(count);
  for (float& v : values) v = random.normal() * spread;
  return values;
}

inline const char* dtype_name(int dtype) { return dtype == WN_F32 ? "f32" : dtype == WN_F16 ? "f16" : "bf16"; }

// |a - b| within `relative` of the larger magnitude or of `scale`; equal infinities and two NaN count as equal.
inline bool near(float a, float b, float relative, float scale) {
  if (a == b || (a != a && b != b)) return true;
  float difference = std::fabs(a - b);
  return difference <= relative * std::fmax(scale, std::fmax(std::fabs(a), std::fabs(b)));
}

// A descriptor with nothing in it but its own size.
template <class Desc>
Desc blank() {
  Desc d;
  std::memset(&d, 0, sizeof d);
  d.struct_size = sizeof d;
  return d;
}

// Makes a call of the plugin, with a workspace full of NaN where it wants one, and checks its status.
template <class Desc>
void call(Machine& m, int32_t (*function)(const wn_cuda_device*, const Desc*, void*), const Desc& d, const std::string& name) {
  m.check(m.launch([&](void* stream) { return function(m.device, &d, stream); }) == WN_OK, name + ": status");
}
template <class Desc>
void call(Machine& m, int64_t (*query)(const Desc*), int32_t (*function)(const wn_cuda_device*, const Desc*, void*, void*), const Desc& d,
          const std::string& name) {
  Twin<unsigned char> workspace(m, size_t(query(&d)), 0xFF);
  m.check(m.launch([&](void* stream) { return function(m.device, &d, workspace.dev(), stream); }) == WN_OK, name + ": status");
}

void select_cases(Machine&);
void row_cases(Machine&);
void score_cases(Machine&);
void similarity_cases(Machine&);
void greedy_cases(Machine&);
void huge_row_cases(Machine&);
void list_cases(Machine&);

}  // namespace cases
