// The emulator itself: warp operations do what the programming guide says, and kernels broken on purpose are caught.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "emulator_checks.h"
#include "test_kernels.cuh"
// After the others: it takes __syncthreads away.
#include "removed_barriers.cuh"

using namespace emulator;

namespace {

bool warp_operations_right() {
  std::vector<unsigned> out(64 * 8, 0);
  WN_LAUNCH(warp_operations, dim3(1), dim3(64), 0, nullptr, out.data());
  auto value = [](unsigned lane) { return lane * lane + 1; };
  unsigned ballot = 0, sum = 0, half = 0, top = 0;
  for (unsigned l = 0; l < 32; ++l) {
    ballot |= unsigned(value(l) % 3 == 0) << l;
    sum += value(l);
    half += l < 16 ? value(l) : 0;
    top = std::max(top, value(l) ^ 7u);
  }
  bool good = true;
  for (unsigned t = 0; t < 64; ++t) {
    unsigned l = t & 31, *o = &out[t * 8];
    good = good && o[0] == value(5) && o[1] == value(l < 3 ? l : l - 3) && o[2] == value(l > 28 ? l : l + 3) && o[3] == value(l ^ 16);
    good = good && o[4] == ballot && o[5] == sum && o[6] == top && o[7] == (l < 16 ? half : 99u);
  }
  return good;
}

bool block_sum_right() {
  std::vector<float> in(9 * 500), out(9, -1.0f);
  for (size_t i = 0; i < in.size(); ++i) in[i] = float(i % 11);
  WN_LAUNCH(block_sum, dim3(9), dim3(256), 0, nullptr, in.data(), out.data(), 500);
  for (int b = 0; b < 9; ++b) {
    float sum = 0;
    for (int i = 0; i < 500; ++i) sum += in[size_t(b) * 500 + i];
    if (sum != out[size_t(b)]) return false;
  }
  return true;
}

// A kernel that runs into an unmapped page, or into AddressSanitizer, ends its process.
bool dies(const std::function<void()>& run) {
  pid_t child = fork();
  if (child == 0) {
    if (!std::freopen("/dev/null", "w", stderr)) _exit(0);
    run();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

void out_of_range() {
  long page = sysconf(_SC_PAGESIZE);
  char* memory = static_cast<char*>(mmap(nullptr, size_t(2 * page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(memory + page, size_t(page), PROT_NONE);
  char out = 0;
  check(!dies([&] { WN_LAUNCH(store_at, dim3(1), dim3(1), 0, nullptr, memory, page - 1); }), "a store in range is let through");
  check(dies([&] { WN_LAUNCH(store_at, dim3(1), dim3(1), 0, nullptr, memory, page); }), "a store past the end is caught");
  check(dies([&] { WN_LAUNCH(load_at, dim3(1), dim3(1), 0, nullptr, memory, page, &out); }), "a load past the end is caught");
  munmap(memory, size_t(2 * page));
}

// The project's own kernels without their barriers.
bool compaction_without_barriers() {
  constexpr int kRows = 700, kKeep = 300;
  std::vector<uint4> plane(kRows * 16);
  std::vector<int32_t> keep;
  for (int i = 0; i < kKeep; ++i) keep.push_back(i * kRows / kKeep);
  for (int i = 0; i < kRows * 16; ++i) plane[size_t(i)] = make_uint4(unsigned(i / 16), unsigned(i % 16), 3, 4);
  wn_kv_desc d;
  std::memset(&d, 0, sizeof d);
  d.n_planes = d.batch = d.heads = 1;
  d.n_rows = kRows;
  d.row_bytes = 256;
  d.max_keep = kKeep;
  d.sn = 256;
  d.keep = keep.data();
  compact_rows_without_barriers::Planes planes;
  std::memset(&planes, 0, sizeof planes);
  planes.address[0] = int64_t(reinterpret_cast<intptr_t>(plane.data()));
  WN_LAUNCH(compact_rows_without_barriers::kernel<uint4>, dim3(1), dim3(256), 0, nullptr, planes, d, 16, 4);
  for (int j = 0; j < kKeep; ++j) {
    if (plane[size_t(j) * 16].x != unsigned(keep[size_t(j)])) return false;
  }
  return true;
}

void selection_without_barriers() {
  std::vector<float> scores(3000);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = float(i * 37 % 1000);
  std::vector<int32_t> keep(500);
  int32_t count = 0;
  wn_select_desc d;
  std::memset(&d, 0, sizeof d);
  d.rule = WN_TOPK;
  d.rows = 1;
  d.max_len = 3000;
  d.k = d.max_keep = 500;
  d.scores = scores.data();
  d.keep = keep.data();
  d.keep_count = &count;
  WN_LAUNCH(select_rows_without_barriers::block_kernel<true>, dim3(1), dim3(select_rows_without_barriers::kBlockThreads), 12000, nullptr,
      d);
}

}  // namespace

int main() {
  must_pass("warp operations", warp_operations_right);
  must_pass("block reduction", block_sum_right);
  std::vector<int> ints(64, 0);
  std::vector<float> floats(64, 0.0f);
  std::vector<unsigned> words(64, 0);
  must_pass("shared memory ordered by __syncwarp", [&] {
    WN_LAUNCH(exchange_by_syncwarp, dim3(1), dim3(32), 0, nullptr, ints.data(), true);
    return ints[0] == 10 && ints[31] == 300;
  });
  must_fail("a __syncwarp left out", "read before write", [&] { WN_LAUNCH(exchange_by_syncwarp, dim3(1), dim3(32), 0, nullptr,
      ints.data(), false); });
  must_fail("divergent barrier", "divergent barrier", [&] { WN_LAUNCH(divergent_barrier, dim3(1), dim3(64), 0, nullptr, ints.data()); });
  must_fail("barrier after exit", "has exited", [&] { WN_LAUNCH(barrier_after_exit, dim3(1), dim3(64), 0, nullptr); });
  must_fail("shuffle with absent lanes", "deadlock", [&] { WN_LAUNCH(shuffle_of_half, dim3(1), dim3(32), 0, nullptr, floats.data()); });
  must_fail("shuffle with exited lanes", "exited", [&] { WN_LAUNCH(shuffle_after_exit, dim3(1), dim3(32), 0, nullptr, floats.data()); });
  must_fail("shuffle from outside the mask", "leaves out", [&] { WN_LAUNCH(shuffle_from_outside, dim3(1), dim3(32), 0, nullptr,
      floats.data()); });
  must_fail("lane outside its own mask", "leaves out", [&] { WN_LAUNCH(foreign_mask, dim3(1), dim3(32), 0, nullptr); });
  must_fail("two operations under one mask", "deadlock", [&] { WN_LAUNCH(shuffle_meets_ballot, dim3(1), dim3(32), 0, nullptr,
      words.data()); });
  must_fail("mask beyond the block", "outside the block", [&] { WN_LAUNCH(half_a_warp_block, dim3(1), dim3(16), 0, nullptr); });
  must_fail("shared memory read before it is written", "read before write", [&] { WN_LAUNCH(read_before_write, dim3(1), dim3(32), 0,
      nullptr, floats.data()); });
  must_fail("write past shared memory", "outside its 128 bytes", [&] { WN_LAUNCH(shared_overrun, dim3(1), dim3(32), 0, nullptr); });
  must_fail("read past dynamic shared memory", "outside its 256 bytes", [&] { WN_LAUNCH(dynamic_overrun, dim3(1), dim3(1), 256, nullptr,
      floats.data()); });
  must_fail("two writers of one word", "race: write", [&] { WN_LAUNCH(two_writers, dim3(1), dim3(64), 0, nullptr); });
  must_fail("write after another thread's read", "race: ", [&] { WN_LAUNCH(write_after_read, dim3(1), dim3(64), 0, nullptr,
      ints.data()); });
  must_fail("too many threads", "block too large", [&] { WN_LAUNCH(nothing, dim3(1), dim3(1025), 0, nullptr); });
  must_fail("empty grid", "empty grid", [&] { WN_LAUNCH(nothing, dim3(0), dim3(32), 0, nullptr); });
  must_fail("parameters too large", "parameter space", [&] { WN_LAUNCH(large_parameter, dim3(1), dim3(1), 0, nullptr, Large()); });
  must_fail("static shared memory too large", "48 KiB", [&] { WN_LAUNCH(large_shared, dim3(1), dim3(1), 0, nullptr); });
  must_fail("dynamic shared memory too large", "too much", [&] { WN_LAUNCH(nothing, dim3(1), dim3(1), 200 * 1024, nullptr); });
  must_fail("shared memory beyond 48 KiB that was not allowed", "was not allowed", [&] { WN_LAUNCH(nothing, dim3(1), dim3(1), 60000,
      nullptr); });
  must_fail("dynamic and static shared memory beyond 48 KiB", "exceed the kernel's 49152", [&] { WN_LAUNCH(some_static_memory, dim3(1),
      dim3(1), 49000, nullptr); });
  must_pass("shared memory that was allowed", [&] {
    simt::allow_shared(SIMT_IDENTITY(nothing_much), 60000);
    WN_LAUNCH(nothing_much, dim3(1), dim3(1), 60000, nullptr);
    return true;
  });
  must_fail("more than was allowed", "more shared memory than is allowed", [&] { WN_LAUNCH(nothing_much, dim3(1), dim3(1), 60004,
      nullptr); });
  must_fail("two allowances for one kernel", "another call allows", [&] { simt::allow_shared(SIMT_IDENTITY(nothing_much), 50000); });
  simt::set_device(1);
  must_fail("an allowance of another device", "was not allowed", [&] { WN_LAUNCH(nothing_much, dim3(1), dim3(1), 60000, nullptr); });
  simt::set_device(0);
  simt::require_loaded(true);
  must_fail("a kernel that has to be loaded", "has not been loaded", [&] { WN_LAUNCH(nothing_much, dim3(1), dim3(1), 0, nullptr); });
  simt::load_kernel(SIMT_IDENTITY(nothing_much));
  must_pass("a kernel that has been loaded", [&] {
    WN_LAUNCH(nothing_much, dim3(1), dim3(1), 0, nullptr);
    return true;
  });
  simt::set_device(1);
  must_fail("a kernel loaded on another device", "on device 1", [&] { WN_LAUNCH(nothing_much, dim3(1), dim3(1), 0, nullptr); });
  simt::set_device(0);
  simt::require_loaded(false);
  must_fail("selection without its barriers", "read before write", selection_without_barriers);
  for (const simt::Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule);
    check(!compaction_without_barriers(), "compaction without its barrier gives a right result under a schedule");
  }
  std::vector<std::vector<int>> outcomes;
  for (const simt::Schedule& schedule : kSchedules) {
    simt::set_schedule(schedule);
    std::vector<int> values(64, 0);
    for (int i = 0; i < 64; ++i) values[size_t(i)] = i * i;
    WN_LAUNCH(depends_on_order, dim3(1), dim3(64), 0, nullptr, values.data());
    outcomes.push_back(values);
  }
  check(std::adjacent_find(outcomes.begin(), outcomes.end(), std::not_equal_to<>()) != outcomes.end(),
      "a race in global memory shows between schedules");
  out_of_range();
  emulator::matrix_checks();
  must_pass("a right kernel after all the broken ones", block_sum_right);
  std::printf("emulator: %d checks, %d failures\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
