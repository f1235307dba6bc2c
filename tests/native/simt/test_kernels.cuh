// Kernels for the test of the emulator: two right ones, and broken ones, each with the fault that its name says.
#pragma once
#include "device.cuh"

namespace emulator {

void warp_operations(unsigned* out) {
  unsigned lane = threadIdx.x & 31, base = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned v = lane * lane + 1;
  out[base * 8 + 0] = __shfl_sync(0xffffffffu, v, 5);
  out[base * 8 + 1] = __shfl_up_sync(0xffffffffu, v, 3);
  out[base * 8 + 2] = __shfl_down_sync(0xffffffffu, v, 3);
  out[base * 8 + 3] = __shfl_xor_sync(0xffffffffu, v, 16);
  out[base * 8 + 4] = __ballot_sync(0xffffffffu, v % 3 == 0);
  out[base * 8 + 5] = __reduce_add_sync(0xffffffffu, v);
  out[base * 8 + 6] = __reduce_max_sync(0xffffffffu, v ^ 7u);
  out[base * 8 + 7] = 99;
  if (lane < 16) out[base * 8 + 7] = __reduce_add_sync(0x0000ffffu, v);  // half a warp on its own: allowed
}

// Warp 0 finishes a block reduction: divergence between warps, barriers in common code.
void block_sum(const float* in, float* out, int n) {
  WN_SHARED(float, partial, 8);
  float sum = 0;
  for (int i = int(threadIdx.x); i < n; i += int(blockDim.x)) sum += in[blockIdx.x * unsigned(n) + unsigned(i)];
  sum = dev::warp_sum(sum);
  if ((threadIdx.x & 31) == 0) partial[threadIdx.x >> 5] = sum;
  __syncthreads();
  if (threadIdx.x < 32) {
    float all = dev::warp_sum(threadIdx.x < blockDim.x / 32 ? float(partial[threadIdx.x]) : 0.0f);
    if (threadIdx.x == 0) out[blockIdx.x] = all;
  }
}

void exchange_by_syncwarp(int* out, bool synchronise) {
  WN_SHARED(int, cell, 32);
  cell[threadIdx.x] = int(threadIdx.x) * 10;
  if (synchronise) __syncwarp();
  out[threadIdx.x] = cell[threadIdx.x ^ 1];
}

void divergent_barrier(int* out) {
  if (threadIdx.x < 40) {
    __syncthreads();
  } else {
    out[0] = 1;
    __syncthreads();
  }
}

void barrier_after_exit() {
  if (threadIdx.x == 3) return;
  __syncthreads();
}

void shuffle_of_half(float* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
  __syncthreads();
}

void shuffle_after_exit(float* out) {
  if (threadIdx.x >= 16) return;
  out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
}

void shuffle_from_outside(float* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 20);
}

void foreign_mask() { (void)__ballot_sync(0x0000ffffu, 1); }

void shuffle_meets_ballot(unsigned* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
  } else {
    out[threadIdx.x] = __shfl_sync(0xffffffffu, 1u, 0);
  }
}

void half_a_warp_block() { __syncwarp(); }

void read_before_write(float* out) {
  WN_SHARED(float, cell, 32);
  if (threadIdx.x > 0) cell[threadIdx.x] = 1.0f;
  __syncthreads();
  out[threadIdx.x] = cell[threadIdx.x];
}

void shared_overrun() {
  WN_SHARED(float, cell, 32);
  cell[threadIdx.x + 1] = 1.0f;
}

void dynamic_overrun(float* out) {
  WN_SHARED_DYNAMIC(arena);
  auto cell = dev::shared_at<float>(arena, 0);
  out[0] = cell[64];
}

void two_writers() {
  WN_SHARED(unsigned, cell, 1);
  cell[0] = threadIdx.x;
}

void write_after_read(int* out) {
  WN_SHARED(int, cell, 64);
  cell[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = cell[(threadIdx.x + 33) % 64];
  cell[threadIdx.x] = 2;
}

void depends_on_order(int* values) {  // every thread reads what its neighbour writes, with no barrier
  int i = int(threadIdx.x), left = values[i == 0 ? 63 : i - 1];
  __syncwarp();
  values[i] = left + 1;
}

void nothing() {}
void nothing_much() {}
void some_static_memory() {
  WN_SHARED(float, cell, 64);
  cell[0] = 1.0f;
}
struct Large { char bytes[5000]; };
void large_parameter(Large) {}
void large_shared() {
  WN_SHARED(float, cell, 13000);
  cell[0] = 1.0f;
}

void store_at(char* memory, long index) { memory[index] = 1; }
void load_at(const char* memory, long index, char* out) { out[0] = memory[index]; }

}  // namespace emulator
