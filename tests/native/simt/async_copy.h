// Asynchronous copies from global to shared memory (cp.async): 16 bytes each, in groups that a thread commits and waits for.
//
// A copy is queued when it is issued and performed when its thread waits for it. Until then the words it will write may be neither read
// nor written; after that other threads still need a barrier. So a missing wait, a missing barrier after it and a buffer that is filled
// while it is still read are all reported, under every schedule.
#pragma once
#include <cstddef>

#include "shared.h"

namespace simt {

// `bytes` (0..16) are copied, the rest of the 16 becomes zero.
void issue_async_copy(SharedBlock* block, size_t byte, const void* source, int bytes);
void commit_async_copies();
void wait_async_copies(int groups_left);  // all but the latest `groups_left` groups of the running thread are done after it

// For the engine: before a block starts, and when a thread has ended.
void forget_async_copies(int threads);
bool async_copies_under_way(int thread);

}  // namespace simt

namespace dev {

template <class T>
void copy_async(::simt::SharedPointer<T> to, const void* from, int bytes) {
  ::simt::issue_async_copy(to.block(), to.byte(), from, bytes);
}
inline void commit_async() { ::simt::commit_async_copies(); }
template <int GROUPS_LEFT>
void wait_async() { ::simt::wait_async_copies(GROUPS_LEFT); }

}  // namespace dev
