#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

asm(R"(
.text
.globl simt_switch_stack
.type simt_switch_stack, @function
simt_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch_stack, .-simt_switch_stack
.section .note.GNU-stack, "", @progbits
.text
)");

namespace simt {
namespace {

void* main_pointer = nullptr;

#if defined(__SANITIZE_ADDRESS__)
const void* main_bottom = nullptr;
size_t main_size = 0;
void* main_fake_stack = nullptr;
#endif

}  // namespace

Fiber::~Fiber() {
  if (stack_) munmap(stack_, kStackBytes);
}

void Fiber::prepare(void (*entry)()) {
  if (!stack_) {
    void* memory = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    stack_ = static_cast<char*>(memory);
  }
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_, kStackBytes);  // a kernel that was abandoned left its red zones behind
  fake_stack_ = nullptr;
#endif
  auto** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack_ + kStackBytes - 64) & ~uintptr_t(15));
  *--top = nullptr;                            // keeps the stack aligned as after a call
  *--top = reinterpret_cast<void*>(entry);     // where `ret` of the first switch goes
  for (int i = 0; i < 6; ++i) *--top = nullptr;  // the six registers it pops
  pointer_ = top;
}

void Fiber::resume() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&main_fake_stack, stack_, kStackBytes);
  simt_switch_stack(&main_pointer, pointer_);
  __sanitizer_finish_switch_fiber(main_fake_stack, nullptr, nullptr);
#else
  simt_switch_stack(&main_pointer, pointer_);
#endif
}

void Fiber::entered() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &main_bottom, &main_size);
#endif
}

void Fiber::yield(bool last) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(last ? nullptr : &fake_stack_, main_bottom, main_size);
  simt_switch_stack(&pointer_, main_pointer);
  __sanitizer_finish_switch_fiber(fake_stack_, &main_bottom, &main_size);
#else
  (void)last;
  simt_switch_stack(&pointer_, main_pointer);
#endif
}

}  // namespace simt
