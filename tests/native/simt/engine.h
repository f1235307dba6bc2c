// Runs CUDA kernels on the CPU for tests: one fiber per CUDA thread, blocks one after another, warps of 32 lanes.
//
// The engine decides in which order the threads of a block run between two synchronisation points. Three kinds of order
// (forward, reverse, seeded random) make a kernel that depends on an accidental order give different results, and the rules of the
// programming model are checked on the way: all threads of a block meet at the same barrier, all lanes that a mask names take part
// in the same warp operation, shared memory is written before it is read and never raced on (see shared.h).
// A broken rule throws simt::Error with the kernel, the thread and the source line.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace simt {

struct Dim3 {
  unsigned x, y, z;
  Dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  size_t count() const { return size_t(x) * y * z; }
};

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A place in the kernel source. `id` tells apart two operations on one line.
struct Site {
  const char* file;
  int line;
  int id;
  bool operator==(const Site& o) const { return line == o.line && id == o.id && file == o.file; }
  std::string text() const;
};

enum class Order { Forward, Reverse, Random };

struct Schedule {
  Order order = Order::Forward;
  uint64_t seed = 0;
};

void set_schedule(Schedule schedule);

struct Statistics {
  uint64_t launches, blocks, barriers, warp_operations;
};
Statistics statistics();

// Limits of the smallest supported GPU (sm_86, sm_89): launches beyond them are errors.
constexpr size_t kMaxThreads = 1024;
constexpr size_t kMaxStaticShared = 48 * 1024;
constexpr size_t kMaxShared = 99 * 1024;
constexpr size_t kMaxParameterBytes = 4096;

// What the driver knows of the kernels of the current device, 0 unless set. A kernel that must be loaded and is not would be loaded at its
// launch, which fails inside a capture: with require_loaded(true) it is an error everywhere.
void set_device(int ordinal);
void load_kernel(const void* identity);
void require_loaded(bool required);

// Lets a kernel ask for up to `bytes` of dynamic shared memory; what is not allowed so ends at 48 KiB, static memory included.
void allow_shared(const void* identity, size_t bytes);

// Runs `body` once per thread of the grid. Throws Error when the kernel breaks a rule.
void launch(const char* kernel, const void* identity, Dim3 grid, Dim3 block, size_t dynamic_shared_bytes, size_t parameter_bytes,
            const std::function<void()>& body);

// ---- what a running thread asks for ----

struct Coordinates {
  Dim3 thread, block, block_size, grid;
};
const Coordinates& self();

enum class WarpOp : uint8_t { Shuffle, ShuffleUp, ShuffleDown, ShuffleXor, Ballot, Any, All, Add, Max, Min, Sync, Together };

// Warp-wide exchange: every lane named by `mask` must call it from the same site with the same mask. `value` is this lane's
// contribution, `argument` the lane, delta or xor mask of a shuffle.
uint64_t warp_exchange(WarpOp op, uint32_t mask, uint64_t value, int argument, int width, Site site);

// An operation of a whole warp: once all 32 lanes have arrived, `apply` runs over the operands that each lane passed.
using Lanes = void* const (&)[32];
void warp_together(void (*apply)(Lanes operands), void* operands, Site site);

// Number of the running thread within its block.
int thread_index();

enum class BarrierOp : uint8_t { Plain, Count, And, Or };

// Block-wide barrier; the result is the number of threads with a true predicate (Count) or their conjunction or disjunction.
int block_barrier(BarrierOp op, int predicate, Site site);

// Shared memory of the running block: one allocation per site, made by the first thread that arrives there.
struct SharedBlock;
SharedBlock* static_shared(size_t bytes, Site site);
SharedBlock* dynamic_shared();

[[noreturn]] void fail(const std::string& what);

}  // namespace simt
