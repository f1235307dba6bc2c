// Checks at the border: everything that can be known about a call before a kernel starts. Each returns a wn_status.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "context.h"
#include "status.h"

namespace wn {

inline int64_t element_bytes(int32_t dtype) { return dtype == WN_F32 ? 4 : 2; }

/** One dimension of a strided array: how many, how far apart. */
struct Dim {
  int64_t count, stride;
};

/** An array argument: its address and the bytes from its first to past its last element. */
struct Span {
  const void* address = nullptr;
  int64_t bytes = 0;
};

/** Below 2^30: the sum of two is an int32 too, and kernels may step a vector or a group of rows past the last one. */
constexpr int32_t largest_count = (1 << 30) - 1;

/** A count or size of a descriptor and the values that it may have. */
struct Count {
  const char* name;
  int32_t value, least;
  int32_t most = largest_count;
};

int32_t check_counts(const char* function, std::initializer_list<Count> counts);

/**
 * Checks an array argument: not NULL (unless it holds nothing), aligned to its elements of element bytes, strides not negative, the whole
 * extent addressable. inner elements are contiguous; the strides count in elements.
 */
int32_t check_array(const char* function, const char* name, const void* address, int64_t inner, int64_t element,
                    std::initializer_list<Dim> dims, Span* span);

/** As check_array, for an array that may be NULL. */
int32_t check_optional(const char* function, const char* name, const void* address, int64_t inner, int64_t element,
                       std::initializer_list<Dim> dims, Span* span);

/** Additionally for outputs: rows of inner elements must not lie on one another. */
int32_t check_output(const char* function, const char* name, const void* address, int64_t inner, int64_t element,
                     std::initializer_list<Dim> dims, Span* span);

int32_t check_apart(const char* function, const char* output_name, const Span& output, const char* input_name, const Span& input);

int32_t check_workspace(const char* function, int32_t device, int64_t needed, const void* workspace, int64_t bytes);

/** Host int32 array (or NULL) whose values must lie in low..high. */
int32_t check_values(const char* function, const char* name, const void* values, int64_t count, int64_t low, int64_t high);

int32_t check_score(const wn_ctx* ctx, const wn_score_desc* d);
int32_t check_sim(const wn_ctx* ctx, const wn_sim_desc* d);
int32_t check_greedy(const wn_ctx* ctx, const wn_greedy_desc* d);
int32_t check_select(const wn_ctx* ctx, const wn_select_desc* d);
int32_t check_gather(const wn_ctx* ctx, const wn_gather_desc* d);
int32_t check_kv(const wn_ctx* ctx, const wn_kv_desc* d);
int32_t check_merge(const wn_ctx* ctx, const wn_merge_desc* d);

/** Context and descriptor present, and the descriptor's size the one this library knows. */
template <typename Desc>
int32_t check_desc(const char* function, const wn_ctx* ctx, const Desc* d) {
  WN_REQUIRE(ctx, "%s: ctx is NULL", function);
  WN_REQUIRE(d, "%s: the descriptor is NULL", function);
  WN_REQUIRE(reinterpret_cast<uintptr_t>(d) % alignof(Desc) == 0, "%s: the descriptor is not aligned to %zu bytes", function,
             alignof(Desc));
  WN_REQUIRE(d->struct_size == static_cast<int32_t>(sizeof(Desc)),
             "%s: struct_size = %d, this library expects %zu (another version of winnow.h?)", function, d->struct_size, sizeof(Desc));
  return WN_OK;
}

}  // namespace wn
