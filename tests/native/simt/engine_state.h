// What the parts of the engine share: the threads of the running block and what they wait for.
#pragma once
#include <memory>
#include <vector>

#include "fiber.h"
#include "shared.h"

namespace simt {

enum class State : uint8_t { Runnable, AtWarpOp, AtBarrier, Finished };

struct Thread {
  Fiber fiber;
  State state = State::Finished;
  Coordinates coordinates;
  Site site{};                 // where it waits
  WarpOp warp_op{};
  uint32_t mask = 0;
  int argument = 0, width = 32;
  uint64_t value = 0, result = 0;
  void (*apply)(Lanes) = nullptr;  // of Together
  BarrierOp barrier_op{};
  int predicate = 0;
};

struct Engine {
  Schedule schedule;
  uint64_t random = 1;
  Statistics statistics{};
  const char* kernel = "";
  const std::function<void()>* body = nullptr;
  std::vector<std::unique_ptr<Thread>> threads;
  int count = 0, current = -1;
  std::vector<int> runnable;
  size_t head = 0;
  std::vector<std::unique_ptr<SharedBlock>> shared;
  size_t static_bytes = 0, dynamic_bytes = 0;
  size_t most_shared = 0;  // that the kernel may have in all
  uint32_t epoch = 0;
  std::vector<uint32_t> warp_epoch;
  std::string error;
  int barrier_result = 0;
};

Engine& engine();
std::string name_of(int thread);  // for messages
void wake(int thread);
uint64_t next_random(uint64_t& state);

// The thread has just arrived at a warp operation: completes it if every lane of its mask has.
void try_warp_op(int thread);

void run_block(Dim3 block_index, Dim3 grid, Dim3 block);

}  // namespace simt
