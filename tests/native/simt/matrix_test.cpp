// The emulated tensor-core instructions and asynchronous copies: right kernels give a scalar product, broken ones are caught.
#include <cmath>
#include <functional>

#include "emulator_checks.h"
#include "matrix.cuh"

namespace emulator {
namespace {

constexpr int kTileRows = 16, kTilePieces = 2, kStride = 3;  // 16 rows of 16 elements, an odd number of pieces apart

enum Fault { kNone, kSwappedRows, kSwappedSum, kTransposedRight, kHalvesExchanged };

// out[row][column] = left[row] . right[column], 16 x 16 of them, by the layout of the instruction; `fault` gives it a wrong one.
template <class T>
void tile_product(const T* left, const T* right, int dim, float* out, Fault fault) {
  WN_SHARED(uint4, a, kTileRows * kStride);
  WN_SHARED(uint4, b, kTileRows * kStride);
  int lane = int(threadIdx.x);
  float sums[2][4] = {};
  for (int c0 = 0; c0 < dim; c0 += 16) {
    __syncwarp();
    for (int i = lane; i < kTileRows * kTilePieces; i += 32) {
      int row = i / kTilePieces, piece = i % kTilePieces;
      dev::stage_piece(a + (row * kStride + piece), left + row * dim, c0 + piece * 8, dim, true);
      dev::stage_piece(b + (row * kStride + piece), right + row * dim, c0 + piece * 8, dim, false);
    }
    dev::commit_async();
    dev::wait_async<0>();
    __syncthreads();
    unsigned l[4], r[4];
    dev::load_left(l, a, kStride, 0, 0);
    if (fault == kTransposedRight) {
      dev::load_left(r, b, kStride, 0, 0);  // a left operand's order of matrices
    } else {
      dev::load_right(r, b, kStride, 0, 0);
    }
    if (fault == kSwappedRows) std::swap(l[0], l[1]);
    if (fault == kSwappedSum) std::swap(r[0], r[1]);
    if (fault == kHalvesExchanged) l[3] = l[3] >> 16 | l[3] << 16;
    dev::multiply_add(T(), sums[0], l, r[0], r[1]);
    dev::multiply_add(T(), sums[1], l, r[2], r[3]);
  }
  for (int f = 0; f < 2; ++f) {
    for (int i = 0; i < 4; ++i) out[(lane / 4 + i / 2 * 8) * 16 + f * 8 + lane % 4 * 2 + i % 2] = sums[f][i];
  }
}

template <class T>
bool product_right(Fault fault) {
  constexpr int kDim = 40;  // the last step is half zeros
  alignas(16) T left[16 * kDim];
  alignas(16) T right[16 * kDim];
  for (int i = 0; i < 16 * kDim; ++i) {
    left[i] = dev::from_float<T>(float(i * 7 % 31) - 15.0f);
    right[i] = dev::from_float<T>(float(i * 5 % 23) * 0.25f - 2.0f);
  }
  float out[256];
  WN_LAUNCH(tile_product<T>, dim3(1), dim3(32), 0, nullptr, static_cast<const T*>(left), static_cast<const T*>(right), kDim, +out, fault);
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 16; ++column) {
      float sum = 0.0f;  // small integers and quarters: exact in any order
      for (int k = 0; k < kDim; ++k) sum += dev::to_float(left[row * kDim + k]) * dev::to_float(right[column * kDim + k]);
      if (out[row * 16 + column] != sum) return false;
    }
  }
  return true;
}

// 1 + 1.5 * 2^-24 is cut off to 1, not rounded to the next number, and so is -1 + 1.5 * 2^-24 towards zero; NaN and infinity pass.
void cut_off_kernel(float* out) {
  unsigned one = 0x3F803F80u, tiny = 0x33C033C0u;  // bfloat16 pairs: 1, and 1.5 * 2^-24
  unsigned a[4] = {one, one, one, one};
  float sums[4] = {1.0f, -1.0f, INFINITY, NAN};
  dev::multiply_add(dev::BF16(), sums, a, (threadIdx.x & 3) == 0 ? tiny & 0xFFFFu : 0u, 0u);
  if (threadIdx.x == 0) {
    for (int i = 0; i < 4; ++i) out[i] = sums[i];
  }
}

void half_a_warp_multiplies() {
  unsigned a[4] = {0, 0, 0, 0};
  float sums[4] = {};
  if (threadIdx.x < 16) dev::multiply_add(dev::F16(), sums, a, 0u, 0u);
}

void misaligned_rows() {
  WN_SHARED(unsigned, words, 80);
  words[threadIdx.x] = words[threadIdx.x + 32] = 0u;
  if (threadIdx.x < 16) words[threadIdx.x + 64] = 0u;
  __syncwarp();
  unsigned r[4];
  dev::load_matrices(r, words + (threadIdx.x & 7) * 5);
}

// A ring of two buffers; each missing step of the protocol is one fault.
enum Missing { kNothing, kWait, kBarrierAfterWait, kBarrierBeforeReuse, kLastWait };

void ring(const uint4* in, unsigned* out, int rounds, Missing missing) {
  WN_SHARED(uint4, buffer, 2 * 32);
  int lane = int(threadIdx.x);
  auto fetch = [&](int round) {
    if (round < rounds) dev::copy_async(buffer + (round % 2 * 32 + lane), in + round * 32 + lane, lane == 31 ? 4 : 16);
    dev::commit_async();
  };
  fetch(0);
  unsigned sum = 0;
  for (int round = 0; round < rounds; ++round) {
    fetch(round + 1);
    if (missing == kLastWait && round + 1 == rounds) break;
    if (missing != kWait) dev::wait_async<1>();
    if (missing != kBarrierAfterWait) __syncthreads();
    uint4 other = buffer[round % 2 * 32 + 31 - lane];
    sum = sum * 31 + other.x + other.w;
    if (missing != kBarrierBeforeReuse) __syncthreads();
  }
  out[lane] = sum;
}

bool ring_right(Missing missing) {
  constexpr int kRounds = 5;
  alignas(16) uint4 in[kRounds * 32];
  unsigned out[32];
  for (unsigned i = 0; i < kRounds * 32; ++i) in[i] = make_uint4(i, 7, 8, i * i);
  WN_LAUNCH(ring, dim3(1), dim3(32), 0, nullptr, static_cast<const uint4*>(in), +out, kRounds, missing);
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned sum = 0;
    for (unsigned round = 0; round < kRounds; ++round) {
      const uint4& other = in[round * 32 + 31 - lane];
      sum = sum * 31 + other.x + (lane == 0 ? 0u : other.w);  // the copy by lane 31 brings four bytes and zeros
    }
    if (out[lane] != sum) return false;
  }
  return true;
}

}  // namespace

void matrix_checks() {
  must_pass("16 x 16 product of bfloat16", [] { return product_right<dev::BF16>(kNone); });
  must_pass("16 x 16 product of float16", [] { return product_right<dev::F16>(kNone); });
  for (Fault fault : {kSwappedRows, kSwappedSum, kTransposedRight, kHalvesExchanged}) {
    must_pass("wrong layout " + std::to_string(fault) + " shows", [fault] { return !product_right<dev::BF16>(fault); });
  }
  float cut[4];
  must_pass("sums are cut off", [&] {
    WN_LAUNCH(cut_off_kernel, dim3(1), dim3(32), 0, nullptr, +cut);
    return cut[0] == 1.0f && cut[1] == -1.0f + 0x1p-23f && cut[2] == INFINITY && std::isnan(cut[3]);
  });
  must_fail("matrices of half a warp", "exited", [] { WN_LAUNCH(half_a_warp_multiplies, dim3(1), dim3(32), 0, nullptr); });
  must_fail("matrix rows out of alignment", "not aligned", [] { WN_LAUNCH(misaligned_rows, dim3(1), dim3(32), 0, nullptr); });
  must_pass("a ring of asynchronous copies", [] { return ring_right(kNothing); });
  must_fail("no wait for a copy", "was waited for", [] { ring_right(kWait); });
  must_fail("no barrier after the wait", "read before write", [] { ring_right(kBarrierAfterWait); });
  must_fail("a buffer filled while it is read", "was waited for", [] { ring_right(kBarrierBeforeReuse); });
  must_fail("a thread exits before its copies are done", "has not waited for", [] { ring_right(kLastWait); });
}

}  // namespace emulator
