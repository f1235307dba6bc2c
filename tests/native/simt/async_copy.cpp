#include "async_copy.h"

#include <algorithm>

namespace simt {
namespace {

constexpr size_t kCopyBytes = 16;

struct Copy {
  SharedBlock* block;
  size_t byte;
  const void* source;
  int bytes, group;
};

struct Queue {
  std::vector<Copy> copies;  // issued and not yet performed, oldest first
  int committed = 0;         // groups
};

std::vector<Queue> queues;

Queue& own_queue() { return queues[size_t(thread_index())]; }

void mark(const Copy& c, bool copying) {
  for (size_t word = c.byte / 4; word < (c.byte + kCopyBytes) / 4; ++word) c.block->words[word].copying = copying;
}

}  // namespace

void issue_async_copy(SharedBlock* block, size_t byte, const void* source, int bytes) {
  if (byte % kCopyBytes != 0 || reinterpret_cast<uintptr_t>(source) % kCopyBytes != 0) {
    fail("an asynchronous copy is not aligned to 16 bytes");
  }
  if (bytes < 0 || bytes > int(kCopyBytes)) fail("an asynchronous copy of " + std::to_string(bytes) + " bytes");
  Queue& queue = own_queue();
  queue.copies.push_back({block, byte, source, bytes, queue.committed});
  note_write(block, byte, kCopyBytes);  // bounds, and that nobody still reads what it overwrites
  mark(queue.copies.back(), true);
}

void commit_async_copies() { ++own_queue().committed; }

void wait_async_copies(int groups_left) {
  Queue& queue = own_queue();
  size_t done = 0;
  for (; done < queue.copies.size() && queue.copies[done].group < queue.committed - groups_left; ++done) {
    const Copy& c = queue.copies[done];
    mark(c, false);
    note_write(c.block, c.byte, kCopyBytes);
    std::memset(c.block->bytes.data() + c.byte, 0, kCopyBytes);
    std::memcpy(c.block->bytes.data() + c.byte, c.source, size_t(c.bytes));
  }
  queue.copies.erase(queue.copies.begin(), queue.copies.begin() + std::ptrdiff_t(done));
}

void forget_async_copies(int threads) {
  queues.assign(std::max(queues.size(), size_t(threads)), Queue());
}

bool async_copies_under_way(int thread) { return !queues[size_t(thread)].copies.empty(); }

}  // namespace simt
