// The part of the CUDA language and device library that the kernels use, spelled for the emulator. Included by
// kernels/cuda/device.cuh in place of the toolkit's headers; nothing of the toolkit is needed.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "async_copy.h"
#include "engine.h"
#include "matrix.h"
#include "shared.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

using dim3 = simt::Dim3;
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) float2 { float x, y; };
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }

#define threadIdx (::simt::self().thread)
#define blockIdx (::simt::self().block)
#define blockDim (::simt::self().block_size)
#define gridDim (::simt::self().grid)

// __COUNTER__ tells two operations on one line apart; all threads that run one piece of code see one number.
#define SIMT_HERE (::simt::Site{__FILE__, __LINE__, __COUNTER__})

#define __syncthreads() ((void)::simt::block_barrier(::simt::BarrierOp::Plain, 0, SIMT_HERE))
#define __syncthreads_count(p) (::simt::block_barrier(::simt::BarrierOp::Count, (p), SIMT_HERE))
#define __syncthreads_or(p) (::simt::block_barrier(::simt::BarrierOp::Or, (p), SIMT_HERE))
#define __syncthreads_and(p) (::simt::block_barrier(::simt::BarrierOp::And, (p), SIMT_HERE))

#define SIMT_FULL_MASK_OR(...) (::simt::mask_or_full(__VA_ARGS__))
#define __syncwarp(...) ((void)::simt::warp_exchange(::simt::WarpOp::Sync, SIMT_FULL_MASK_OR(__VA_ARGS__), 0, 0, 32, SIMT_HERE))
#define __shfl_sync(m, v, lane) (::simt::shuffle(::simt::WarpOp::Shuffle, (m), (v), (lane), SIMT_HERE))
#define __shfl_up_sync(m, v, d) (::simt::shuffle(::simt::WarpOp::ShuffleUp, (m), (v), (d), SIMT_HERE))
#define __shfl_down_sync(m, v, d) (::simt::shuffle(::simt::WarpOp::ShuffleDown, (m), (v), (d), SIMT_HERE))
#define __shfl_xor_sync(m, v, d) (::simt::shuffle(::simt::WarpOp::ShuffleXor, (m), (v), (d), SIMT_HERE))
#define __ballot_sync(m, p) (unsigned(::simt::warp_exchange(::simt::WarpOp::Ballot, (m), (p) ? 1 : 0, 0, 32, SIMT_HERE)))
#define __any_sync(m, p) (int(::simt::warp_exchange(::simt::WarpOp::Any, (m), (p) ? 1 : 0, 0, 32, SIMT_HERE)))
#define __all_sync(m, p) (int(::simt::warp_exchange(::simt::WarpOp::All, (m), (p) ? 1 : 0, 0, 32, SIMT_HERE)))
#define __reduce_add_sync(m, v) (unsigned(::simt::warp_exchange(::simt::WarpOp::Add, (m), unsigned(v), 0, 32, SIMT_HERE)))
#define __reduce_max_sync(m, v) (unsigned(::simt::warp_exchange(::simt::WarpOp::Max, (m), unsigned(v), 0, 32, SIMT_HERE)))
#define __reduce_min_sync(m, v) (unsigned(::simt::warp_exchange(::simt::WarpOp::Min, (m), unsigned(v), 0, 32, SIMT_HERE)))

namespace simt {

inline uint32_t mask_or_full(uint32_t mask = 0xffffffffu) { return mask; }

template <class T>
T shuffle(WarpOp op, uint32_t mask, T value, int argument, Site site) {
  static_assert(sizeof(T) <= 8, "a shuffle moves at most eight bytes");
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof(T));
  word = warp_exchange(op, mask, word, argument, 32, site);
  std::memcpy(&value, &word, sizeof(T));
  return value;
}

}  // namespace simt

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }

inline unsigned __float_as_uint(float f) {
  unsigned u;
  std::memcpy(&u, &f, 4);
  return u;
}

inline float __uint_as_float(unsigned u) {
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

// One rounding each, never contracted (the emulator is compiled with -ffp-contract=off).
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }

inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline long min(long a, long b) { return a < b ? a : b; }
inline long max(long a, long b) { return a > b ? a : b; }

// Shared memory: a checked view instead of an array (see shared.h).
#define WN_SHARED(T, name, count) \
  ::simt::SharedPointer<T> name = ::simt::shared_at<T>(::simt::static_shared(sizeof(T) * size_t(count), SIMT_HERE), 0)
#define WN_SHARED_DYNAMIC(name) ::simt::SharedBlock* name = ::simt::dynamic_shared()

#define SIMT_IDENTITY(kernel) (reinterpret_cast<const void*>(kernel))
#define WN_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
  ((void)(stream), ::simt::launch_kernel(#kernel, SIMT_IDENTITY(kernel), (grid), (block), (shared_bytes), \
                                         [](auto... a) { kernel(a...); }, ##__VA_ARGS__))

namespace simt {

// Arguments are copied, as a launch does; their bytes count against the parameter space.
template <class F, class... A>
void launch_kernel(const char* name, const void* identity, Dim3 grid, Dim3 block, size_t shared_bytes, F kernel, A... arguments) {
  launch(name, identity, grid, block, shared_bytes, (sizeof(A) + ... + 0), [&] { kernel(arguments...); });
}

}  // namespace simt

namespace dev {

template <class T>
using Shared = ::simt::SharedPointer<T>;

template <class T>
Shared<T> shared_at(::simt::SharedBlock* base, size_t byte) {
  return ::simt::shared_at<T>(base, byte);
}

// Blocks run one after another, and threads switch only at synchronisation points: nothing can come between.
inline void atomic_max(uint64_t* at, uint64_t value) {
  if (value > *at) *at = value;
}

// A warp operation is known by the place of its call.
#define load_matrices(...) load_matrices_at(SIMT_HERE, __VA_ARGS__)
#define multiply_add(...) multiply_add_at(SIMT_HERE, __VA_ARGS__)

inline float f16_to_f32(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
  if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {
    float magnitude = float(fraction) * 5.9604644775390625e-8f;  // 2^-24
    return sign ? -magnitude : magnitude;
  }
  return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
}

inline uint16_t f32_to_f16(float f) {  // round to nearest even
  uint32_t u = __float_as_uint(f), sign = u >> 16 & 0x8000, magnitude = u & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return uint16_t(sign | 0x7e00);
  if (magnitude >= 0x477ff000u) return uint16_t(sign | 0x7c00);
  if (magnitude < 0x38800000u) {  // subnormal or zero: a multiple of 2^-24
    float scaled = std::nearbyint(__uint_as_float(magnitude) * 16777216.0f);
    return uint16_t(sign | uint32_t(scaled));
  }
  uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1);
  return uint16_t(sign | (rounded - 0x38000000u) >> 13);
}

}  // namespace dev
