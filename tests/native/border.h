// What the border tests share: a sound descriptor is spoiled in one place, and the call must be refused by name and have written nothing.
#pragma once

#include <algorithm>
#include <limits>

#include "testing.h"

namespace testing {

constexpr int32_t largest_count = (1 << 30) - 1;  // as winnow.h has it
constexpr int64_t huge = std::numeric_limits<int64_t>::max();
const float nan = std::numeric_limits<float>::quiet_NaN();
void* const odd = reinterpret_cast<void*>(uintptr_t(0x100001));

/** Memory of one function's arrays, in slices far apart: an array that is set upon another overlaps that one alone. */
class Slices {
 public:
  float* floats(float value = 1.0f) {
    float* slice = reinterpret_cast<float*>(next());
    std::fill(slice, slice + slice_bytes / sizeof(float), value);
    return slice;
  }
  int32_t* ints(std::initializer_list<int32_t> values) {
    int32_t* slice = reinterpret_cast<int32_t*>(next());
    std::copy(values.begin(), values.end(), slice);
    return slice;
  }
  const std::vector<char>& content() const { return memory_; }

 private:
  static constexpr size_t slice_bytes = 4096, slices = 24;
  char* next() { return reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(memory_.data()) + 63) / 64 * 64) + slice_bytes * used_++; }
  std::vector<char> memory_ = std::vector<char>(slice_bytes * slices + 64);
  size_t used_ = 0;
};

/** The border of one function: what its descriptor may not hold, told as tables of fields. */
template <typename D>
struct Border {
  using Spoil = std::function<void(D&)>;
  struct Count {
    int32_t D::*field;
    const char* name;
    int32_t least;
    int32_t most = largest_count;
  };
  struct Enum {
    int32_t D::*field;
    const char* name;
    int32_t values;  // 0..values - 1 are right
  };
  struct Stride {
    int64_t D::*field;
    const char* array;
  };
  struct Input {
    const void* D::*field;
    const char* name;
  };
  struct Output {
    void* D::*field;
    const char* name;
  };

  wn_ctx* ctx;
  const Slices& memory;
  D good;
  std::function<int32_t(wn_ctx*, const D*)> call;

  void refused(int32_t status, int32_t expected, const std::vector<std::string>& named, const std::vector<char>& before) const {
    subject() = named[0];
    EXPECT(status == expected);
    for (const std::string& name : named) {
      if (std::string(wn_last_error()).find(name) != std::string::npos) continue;
      subject() = name + " not named in: " + wn_last_error();
      EXPECT(!"argument not named");
    }
    EXPECT(same_bits(memory.content(), before));
  }

  void refuses(const std::vector<std::string>& named, const Spoil& spoil, int32_t expected = WN_EINVAL) const {
    D d = good;
    spoil(d);
    const std::vector<char> before = memory.content();
    refused(call(ctx, &d), expected, named, before);
  }
  void refuses(const char* named, const Spoil& spoil) const { refuses(std::vector<std::string>{named}, spoil); }

  /** No context, no descriptor, a crooked one, one of another version of the header. */
  void descriptor() const {
    const std::vector<char> before = memory.content();
    refused(call(nullptr, &good), WN_EINVAL, {"ctx is NULL"}, before);
    refused(call(ctx, nullptr), WN_EINVAL, {"descriptor is NULL"}, before);
    alignas(D) char crooked[sizeof(D) + 4];
    std::memcpy(crooked + 4, &good, sizeof good);
    refused(call(ctx, reinterpret_cast<const D*>(crooked + 4)), WN_EINVAL, {"descriptor is not aligned"}, before);
    for (int32_t size : {0, -1, int32_t(sizeof(D)) - 8, int32_t(sizeof(D)) + 8, INT32_MAX}) {
      refuses("struct_size", [&](D& d) { d.struct_size = size; });
    }
  }

  void counts(const std::vector<Count>& fields) const {
    for (const Count& f : fields) {
      for (int32_t wrong : {f.least - 1, INT32_MIN, f.most + 1, INT32_MAX}) {
        refuses({std::string(f.name) + " = " + std::to_string(wrong)}, [&](D& d) { d.*f.field = wrong; });
      }
    }
  }

  void enums(const std::vector<Enum>& fields) const {
    for (const Enum& f : fields) {
      for (int32_t wrong : {f.values, -1, INT32_MAX, INT32_MIN}) {
        refuses({std::string(f.name) + " = " + std::to_string(wrong)}, [&](D& d) { d.*f.field = wrong; });
      }
    }
  }

  void not_finite(float D::*field, const char* name) const {
    for (float wrong : {nan, INFINITY, -INFINITY}) refuses(name, [&](D& d) { d.*field = wrong; });
  }

  /** Strides of dimensions of two and more. */
  void strides(const std::vector<Stride>& fields) const {
    for (const Stride& f : fields) {
      refuses({std::string("a stride of ") + f.array}, [&](D& d) { d.*f.field = -1; });
      refuses({std::string("strides of ") + f.array + " overflow"}, [&](D& d) { d.*f.field = huge; });
      refuses({std::string("strides of ") + f.array + " overflow"}, [&](D& d) { d.*f.field = int64_t(1) << 60; });
    }
  }

  template <typename Field>
  void missing(const std::vector<Field>& fields) const {
    for (const Field& f : fields) refuses({std::string(f.name) + " is NULL"}, [&](D& d) { d.*f.field = nullptr; });
  }

  template <typename Field>
  void crooked(const std::vector<Field>& fields) const {
    for (const Field& f : fields) refuses({std::string(f.name) + " is not aligned"}, [&](D& d) { d.*f.field = odd; });
  }

  /** All that is wrong with single arrays where every output is needed. */
  void arrays(const std::vector<Output>& outputs, const std::vector<Input>& needed, const std::vector<Input>& optional) const {
    missing(needed);
    missing(outputs);
    crooked(needed);
    crooked(optional);
    crooked(outputs);
    overlaps(outputs, needed);
    overlaps(outputs, optional);
  }

  /** No output may lie on an input or on another output. */
  void overlaps(const std::vector<Output>& outputs, const std::vector<Input>& inputs) const {
    for (const Output& out : outputs) {
      for (const Input& in : inputs) {
        refuses({std::string(out.name) + " overlaps " + in.name}, [&](D& d) { d.*out.field = const_cast<void*>(d.*in.field); });
      }
      for (const Output& other : outputs) {
        if (out.field == other.field) continue;
        refuses({"overlaps", out.name, other.name}, [&](D& d) { d.*out.field = d.*other.field; });
      }
    }
  }

  /** A workspace that is missing, too small by a byte, crooked, or of no size; and a query for a descriptor that is wrong. */
  void workspace(int64_t (*query)(wn_ctx*, const D*), int32_t (*run)(wn_ctx*, const D*, void*, int64_t, void*)) const {
    const int64_t needed = query(ctx, &good);
    EXPECT(needed > 0);
    const Workspace room(needed + 64);
    char* start = static_cast<char*>(room.get());
    const std::vector<char> before = memory.content();
    refused(run(ctx, &good, nullptr, needed, nullptr), WN_EWORKSPACE, {"workspace is NULL"}, before);
    refused(run(ctx, &good, start + 4, needed, nullptr), WN_EWORKSPACE, {"workspace is not aligned"}, before);
    for (int64_t bytes : {needed - 1, int64_t(0), int64_t(-1), -huge}) {
      refused(run(ctx, &good, start, bytes, nullptr), WN_EWORKSPACE, {"workspace_bytes = " + std::to_string(bytes)}, before);
    }
    D wrong = good;
    wrong.struct_size = 4;
    EXPECT(query(ctx, &wrong) == -WN_EINVAL && query(nullptr, &good) == -WN_EINVAL && query(ctx, nullptr) == -WN_EINVAL);
  }

  void accepts(const char* what, const Spoil& change = [](D&) {}) const {
    D d = good;
    change(d);
    subject() = what;
    EXPECT_OK(call(ctx, &d));
  }
};

/** The call of a function with a workspace that is larger than any of these tests needs. */
template <typename D>
std::function<int32_t(wn_ctx*, const D*)> with_scratch(int32_t (*run)(wn_ctx*, const D*, void*, int64_t, void*)) {
  alignas(64) static char scratch[1 << 20];
  return [run](wn_ctx* ctx, const D* d) { return run(ctx, d, scratch, sizeof scratch, nullptr); };
}

void score_border(wn_ctx* ctx);
void select_border(wn_ctx* ctx);
void row_borders(wn_ctx* ctx);
void similarity_borders(wn_ctx* ctx);

}  // namespace testing
