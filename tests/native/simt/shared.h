// Shared memory of an emulated block: bounds, initialisation and races are checked on every access.
//
// Two accesses of one word by different threads, at least one of them a write, are a race unless a block barrier lies between them, or
// a __syncwarp when both threads are in one warp. The check does not depend on the order in which the threads ran, so a removed
// barrier is reported under every schedule.
#pragma once
#include <cstring>
#include <vector>

#include "engine.h"

namespace simt {

struct SharedWord {
  int32_t writer = -1;           // last thread that wrote, -1: never in this block
  uint32_t write_epoch = 0;      // number of block barriers before that write
  uint32_t write_warp_epoch = 0;  // number of __syncwarp of the writer's warp before it
  int32_t reader = -1;           // last thread that read
  uint32_t read_epoch = 0;
  uint32_t read_warp_epoch = 0;
  bool several_readers = false;  // other lanes of that warp read it too since its last __syncwarp
  bool several_warps = false;    // other warps read it too since the last barrier
  bool copying = false;          // an asynchronous copy to it is under way
};

struct SharedBlock {
  std::vector<unsigned char> bytes;
  std::vector<SharedWord> words;
  Site site;
};

void note_read(SharedBlock* block, size_t byte, size_t size);
void note_write(SharedBlock* block, size_t byte, size_t size);

template <class T>
class SharedPointer;

// What indexing shared memory yields: reads and writes through it are checked.
template <class T>
class SharedReference {
 public:
  SharedReference(SharedBlock* block, size_t byte) : block_(block), byte_(byte) {}
  SharedReference(const SharedReference&) = default;
  operator T() const {
    note_read(block_, byte_, sizeof(T));
    T value;
    std::memcpy(&value, block_->bytes.data() + byte_, sizeof(T));
    return value;
  }
  const SharedReference& operator=(T value) const {
    note_write(block_, byte_, sizeof(T));
    std::memcpy(block_->bytes.data() + byte_, &value, sizeof(T));
    return *this;
  }
  const SharedReference& operator=(const SharedReference& other) const { return *this = T(other); }
  const SharedReference& operator+=(T value) const { return *this = T(T(*this) + value); }
  SharedPointer<T> operator&() const { return SharedPointer<T>(block_, byte_); }

 private:
  SharedBlock* block_;
  size_t byte_;
};

template <class T>
class SharedPointer {
  static_assert(sizeof(T) % 4 == 0, "the race check works on words of four bytes");

 public:
  SharedPointer() = default;
  SharedPointer(SharedBlock* block, size_t byte) : block_(block), byte_(byte) {}
  SharedReference<T> operator[](int64_t index) const { return {block_, byte_ + size_t(index) * sizeof(T)}; }
  SharedReference<T> operator*() const { return (*this)[0]; }
  SharedPointer operator+(int64_t count) const { return {block_, byte_ + size_t(count) * sizeof(T)}; }
  SharedBlock* block() const { return block_; }
  size_t byte() const { return byte_; }

 private:
  SharedBlock* block_ = nullptr;
  size_t byte_ = 0;
};

template <class T>
SharedPointer<T> shared_at(SharedBlock* block, size_t byte) {
  if (byte % alignof(T) != 0) fail("shared memory view at byte " + std::to_string(byte) + " is not aligned");
  return SharedPointer<T>(block, byte);
}

}  // namespace simt
