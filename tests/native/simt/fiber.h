// A stack of its own and a switch between stacks (System V x86-64): the only assembly of the emulator.
#pragma once
#include <cstddef>

namespace simt {

// Saves the callee-saved registers on the running stack, stores its pointer in *save and continues on the stack `load`.
extern "C" void simt_switch_stack(void** save, void* load);

class Fiber {
 public:
  static constexpr size_t kStackBytes = 256 * 1024;

  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // Prepares the fiber so that the next resume() enters `entry` on a fresh stack. `entry` must never return.
  void prepare(void (*entry)());
  void resume();         // called on the main stack: runs the fiber until it yields
  void yield(bool last);  // called on the fiber: back to the main stack; `last` when the fiber will not continue from here
  static void entered();  // first call on a fresh fiber stack

 private:
  char* stack_ = nullptr;
  void* pointer_ = nullptr;
  void* fake_stack_ = nullptr;
};

}  // namespace simt
