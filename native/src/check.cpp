#include "check.h"

namespace wn {
namespace {

// Larger than any address space in use; keeps sums of extents from overflowing.
constexpr __int128 largest_extent = static_cast<__int128>(1) << 56;

/** Element sizes are powers of two; a division would take longer than all else here. */
bool aligned(const void* address, int64_t element) { return (reinterpret_cast<uintptr_t>(address) & (element - 1)) == 0; }

int32_t check_extent(const char* function, const char* name, const void* address, int64_t inner, int64_t element,
                     std::initializer_list<Dim> dims, Span* span) {
  __int128 bytes = static_cast<__int128>(inner) * element;
  bool empty = inner == 0;
  for (const Dim& dim : dims) {
    WN_REQUIRE(dim.stride >= 0, "%s: a stride of %s is negative (%lld)", function, name, static_cast<long long>(dim.stride));
    if (dim.count == 0) {
      empty = true;
    } else {
      bytes += static_cast<__int128>(dim.count - 1) * dim.stride * element;
    }
  }
  // Also for arrays that hold nothing: kernels compute addresses of rows before they know that.
  WN_REQUIRE(bytes <= largest_extent, "%s: the sizes and strides of %s overflow the address space", function, name);
  if (empty) return WN_OK;
  WN_REQUIRE(address, "%s: %s is NULL", function, name);
  WN_REQUIRE(aligned(address, element), "%s: %s is not aligned to its element size of %lld bytes", function, name,
             static_cast<long long>(element));
  WN_REQUIRE(reinterpret_cast<uintptr_t>(address) + bytes <= static_cast<__int128>(UINTPTR_MAX),
             "%s: the sizes and strides of %s overflow the address space", function, name);
  span->address = address;
  span->bytes = static_cast<int64_t>(bytes);
  return WN_OK;
}

}  // namespace

int32_t check_counts(const char* function, std::initializer_list<Count> counts) {
  for (const Count& c : counts) {
    WN_REQUIRE(c.value >= c.least && c.value <= c.most, "%s: %s = %d is outside %d..%d", function, c.name, c.value, c.least, c.most);
  }
  return WN_OK;
}

int32_t check_array(const char* function, const char* name, const void* address, int64_t inner, int64_t element,
                    std::initializer_list<Dim> dims, Span* span) {
  return check_extent(function, name, address, inner, element, dims, span);
}

int32_t check_optional(const char* function, const char* name, const void* address, int64_t inner, int64_t element,
                       std::initializer_list<Dim> dims, Span* span) {
  return address ? check_extent(function, name, address, inner, element, dims, span) : WN_OK;
}

int32_t check_output(const char* function, const char* name, const void* address, int64_t inner, int64_t element,
                     std::initializer_list<Dim> dims, Span* span) {
  WN_CHECK(check_extent(function, name, address, inner, element, dims, span));
  if (!span->address) return WN_OK;
  // From the densest stride outwards every dimension must step over all that lies inside it.
  Dim sorted[4];
  size_t used = 0;
  for (const Dim& dim : dims) {
    if (dim.count <= 1) continue;
    size_t at = used++;
    for (; at > 0 && sorted[at - 1].stride > dim.stride; --at) sorted[at] = sorted[at - 1];
    sorted[at] = dim;
  }
  __int128 inside = static_cast<__int128>(inner) * element;
  for (size_t i = 0; i < used; ++i) {
    const __int128 step = static_cast<__int128>(sorted[i].stride) * element;
    WN_REQUIRE(step >= inside, "%s: rows of %s overlap (a stride of %lld is too small)", function, name,
               static_cast<long long>(sorted[i].stride));
    inside += step * (sorted[i].count - 1);
  }
  return WN_OK;
}

int32_t check_apart(const char* function, const char* output_name, const Span& output, const char* input_name, const Span& input) {
  if (!output.address || !input.address) return WN_OK;
  const uintptr_t out = reinterpret_cast<uintptr_t>(output.address);
  const uintptr_t in = reinterpret_cast<uintptr_t>(input.address);
  WN_REQUIRE(out + output.bytes <= in || in + input.bytes <= out, "%s: %s overlaps %s", function, output_name, input_name);
  return WN_OK;
}

int32_t check_workspace(const char* function, int32_t device, int64_t needed, const void* workspace, int64_t bytes) {
  if (needed == 0) return WN_OK;
  if (!workspace) return fail(WN_EWORKSPACE, "%s: workspace is NULL, %lld bytes are needed", function, static_cast<long long>(needed));
  if (bytes < needed) {
    return fail(WN_EWORKSPACE, "%s: workspace_bytes = %lld, %lld are needed", function, static_cast<long long>(bytes),
                static_cast<long long>(needed));
  }
  const int alignment = device == WN_CUDA ? 256 : 64;
  if (!aligned(workspace, alignment)) return fail(WN_EWORKSPACE, "%s: workspace is not aligned to %d bytes", function, alignment);
  return WN_OK;
}

int32_t check_values(const char* function, const char* name, const void* values, int64_t count, int64_t low, int64_t high) {
  if (!values) return WN_OK;
  const int32_t* v = static_cast<const int32_t*>(values);
  for (int64_t i = 0; i < count; ++i) {
    WN_REQUIRE(v[i] >= low && v[i] <= high, "%s: %s[%lld] = %d is outside %lld..%lld", function, name, static_cast<long long>(i), v[i],
               static_cast<long long>(low), static_cast<long long>(high));
  }
  return WN_OK;
}

}  // namespace wn
