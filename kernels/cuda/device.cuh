// What every kernel here is written with. Three spelling rules let the unchanged source run under the emulator of tests/native/simt
// (WN_SIMT defined): launches through WN_LAUNCH, shared memory through WN_SHARED and WN_SHARED_DYNAMIC, everything that is PTX behind a
// dev:: function. Shared memory holds words of four bytes or more.
#pragma once
#include <stdint.h>

#if defined(WN_SIMT)
#include "device_api.h"
#else

#define WN_SHARED(T, name, count) __shared__ T name[count]
#define WN_SHARED_DYNAMIC(name) extern __shared__ __align__(16) unsigned char name[]
#define WN_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
  kernel<<<(grid), (block), (shared_bytes), static_cast<cudaStream_t>(stream)>>>(__VA_ARGS__)

namespace dev {

template <class T>
using Shared = T*;

template <class T>
__device__ __forceinline__ T* shared_at(unsigned char* base, size_t byte) {
  return reinterpret_cast<T*>(base + byte);
}

__device__ __forceinline__ float f16_to_f32(uint16_t h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
  return f;
}

__device__ __forceinline__ uint16_t f32_to_f16(float f) {
  uint16_t h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}

__device__ __forceinline__ void atomic_max(uint64_t* at, uint64_t value) {
  atomicMax(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}

}  // namespace dev
#endif

namespace dev {

constexpr unsigned kFullMask = 0xffffffffu;
constexpr float kLog2e = 1.4426950408889634f;

// Element types of the ABI by their bits: float, and two formats of 16 bits.
struct F16 { uint16_t bits; };
struct BF16 { uint16_t bits; };

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(F16 x) { return f16_to_f32(x.bits); }
__device__ __forceinline__ float to_float(BF16 x) { return __uint_as_float(unsigned(x.bits) << 16); }

template <class T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ F16 from_float<F16>(float x) { return F16{f32_to_f16(x)}; }
template <> __device__ __forceinline__ BF16 from_float<BF16>(float x) {  // round to nearest even; NaN stays NaN
  unsigned u = __float_as_uint(x);
  if ((u & 0x7fffffffu) > 0x7f800000u) return BF16{uint16_t(u >> 16 | 0x40)};
  return BF16{uint16_t((u + 0x7fffu + (u >> 16 & 1)) >> 16)};
}

// Elements that one 16-byte load brings.
template <class T> constexpr int kPack = 16 / int(sizeof(T));

template <class T>
__device__ __forceinline__ void unpack(uint4 v, float (&out)[kPack<T>]);
template <>
__device__ __forceinline__ void unpack<float>(uint4 v, float (&out)[4]) {
  out[0] = __uint_as_float(v.x);
  out[1] = __uint_as_float(v.y);
  out[2] = __uint_as_float(v.z);
  out[3] = __uint_as_float(v.w);
}
template <>
__device__ __forceinline__ void unpack<BF16>(uint4 v, float (&out)[8]) {
  unsigned u[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = __uint_as_float(u[i] << 16);
    out[2 * i + 1] = __uint_as_float(u[i] & 0xffff0000u);
  }
}
template <>
__device__ __forceinline__ void unpack<F16>(uint4 v, float (&out)[8]) {
  unsigned u[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = f16_to_f32(uint16_t(u[i]));
    out[2 * i + 1] = f16_to_f32(uint16_t(u[i] >> 16));
  }
}

// Up to kPack elements of a row from column `c`: one 16-byte load where `vector` says that base, stride and width allow it.
// Columns at or beyond `dim` are zero.
template <class T>
__device__ __forceinline__ void load_pack(const T* row, int c, int dim, bool vector, float (&out)[kPack<T>]) {
  if (vector && c + kPack<T> <= dim) {
    unpack<T>(*reinterpret_cast<const uint4*>(row + c), out);
    return;
  }
#pragma unroll
  for (int i = 0; i < kPack<T>; ++i) out[i] = c + i < dim ? to_float(row[c + i]) : 0.0f;
}

// Whether an entry of a list, of which the host knows nothing, is one of 0 .. count - 1.
__device__ __forceinline__ bool within(int entry, int count) { return unsigned(entry) < unsigned(count); }

__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(kFullMask, v, d);
  return v;
}

__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) v = fmaxf(v, __shfl_xor_sync(kFullMask, v, d));
  return v;
}

// Order-preserving key of a float: NaN of either sign is lowest (0), -0 equals +0.
__device__ __forceinline__ unsigned order_key(float f) {
  unsigned u = __float_as_uint(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return 0u;
  if ((u & 0x7fffffffu) == 0u) u = 0u;
  return (u & 0x80000000u) ? ~u : (u | 0x80000000u);
}

// The float of a key that order_key made (never called for 0).
__device__ __forceinline__ float key_value(unsigned key) {
  return __uint_as_float((key & 0x80000000u) ? (key & 0x7fffffffu) : ~key);
}

}  // namespace dev
