// Tensor cores: products of 16-bit tiles with float32 sums, one warp at a time, and the way of the tiles into shared memory.
//
// A tile in shared memory is rows of 16-byte pieces (eight elements), the elements along the sum side by side, an odd number of pieces
// from row to row, so that the eight rows that a warp loads at once lie in different banks. `load_left` brings 16 rows by 16 columns as the
// left operand, `load_right` the same as two right operands of eight rows each: left times the transpose of right, 16 x 8 sums for each.
// In sums[4] of such a product lane l holds left row l / 4 (+ 8 for the last two) and right row 2 (l % 4) (+ 1 for the odd ones).
#pragma once
#include "device.cuh"

namespace dev {

#if !defined(WN_SIMT)

// Four 8 x 8 matrices; lanes 8m .. 8m + 7 point to the rows of matrix m.
__device__ __forceinline__ void load_matrices(unsigned (&r)[4], const uint4* row) {
  unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

__device__ __forceinline__ void multiply_add(BF16, float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ void multiply_add(F16, float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Starts a copy of `bytes` (0..16) to shared memory, zeros up to 16; both addresses aligned to 16 bytes.
__device__ __forceinline__ void copy_async(uint4* to, const void* from, int bytes) {
  unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               ::"r"(address), "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
}

__device__ __forceinline__ void commit_async() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits for all but the latest groups of the calling thread; others see what it copied after a barrier.
template <int GROUPS_LEFT>
__device__ __forceinline__ void wait_async() {
  asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS_LEFT) : "memory");
}

#endif

constexpr int kPiece = 8;  // 16-bit elements in 16 bytes

// Rows r0 .. r0 + 15 and pieces p0, p0 + 1 of a tile as a left operand.
__device__ __forceinline__ void load_left(unsigned (&a)[4], Shared<uint4> tile, int stride, int r0, int p0) {
  int lane = int(threadIdx.x & 31);
  load_matrices(a, tile + ((r0 + (lane & 15)) * stride + p0 + (lane >> 4)));
}

// The same as right operands: (b[0], b[1]) for the first eight rows, (b[2], b[3]) for the others.
__device__ __forceinline__ void load_right(unsigned (&b)[4], Shared<uint4> tile, int stride, int r0, int p0) {
  int lane = int(threadIdx.x & 31);
  load_matrices(b, tile + ((r0 + (lane & 7) + (lane >> 4) * 8) * stride + p0 + (lane >> 3 & 1)));
}

// Brings eight elements of a row from column `c` to shared memory; columns at or past `dim`, and all of a null row, are zero. Asynchronous
// where `vector` says that rows lie at multiples of 16 bytes.
template <class T>
__device__ __forceinline__ void stage_piece(Shared<uint4> to, const T* row, int c, int dim, bool vector) {
  int count = row ? max(0, min(kPiece, dim - c)) : 0;
  if (vector && count > 0) {
    copy_async(to, row + c, count * int(sizeof(T)));
    return;
  }
  unsigned word[4] = {0u, 0u, 0u, 0u};
#pragma unroll
  for (int i = 0; i < kPiece; ++i) {
    if (i < count) word[i / 2] |= unsigned(row[c + i].bits) << 16 * (i % 2);
  }
  *to = make_uint4(word[0], word[1], word[2], word[3]);
}

// Works through tiles first .. end - 1 with STAGES buffers in turn: fetch(tile, buffer) starts a tile's copies, up to STAGES - 1 tiles
// ahead; use(tile, buffer) works on what has arrived. One barrier a tile: behind it the tile is there for all, and all are done with the
// tile before, whose buffer is the one filled next.
template <int STAGES, class Fetch, class Use>
__device__ __forceinline__ void stream(int first, int end, Fetch fetch, Use use) {
#pragma unroll 1
  for (int ahead = 0; ahead < STAGES - 1; ++ahead) {
    if (first + ahead < end) fetch(first + ahead, ahead);
    commit_async();
  }
  int buffer = 0;
  for (int tile = first; tile < end; ++tile) {
    wait_async<STAGES - 2>();
    __syncthreads();
    int next = tile + STAGES - 1, next_buffer = buffer == 0 ? STAGES - 1 : buffer - 1;
    if (next < end) fetch(next, next_buffer);
    commit_async();
    use(tile, buffer);
    buffer = buffer == STAGES - 1 ? 0 : buffer + 1;
  }
}

}  // namespace dev
