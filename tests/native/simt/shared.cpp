// Shared memory of the running block, and the check of every access to it.
#include "shared.h"

#include "engine_state.h"

namespace simt {
namespace {

SharedBlock* shared_block(size_t bytes, Site site) {
  Engine& e = engine();
  for (auto& block : e.shared) {
    if (block->site == site) return block.get();
  }
  auto block = std::make_unique<SharedBlock>();
  block->site = site;
  block->bytes.assign(bytes, 0xCB);
  block->words.resize((bytes + 3) / 4);
  e.shared.push_back(std::move(block));
  return e.shared.back().get();
}

}  // namespace

SharedBlock* static_shared(size_t bytes, Site site) {
  Engine& e = engine();
  size_t before = e.shared.size();
  SharedBlock* block = shared_block(bytes, site);
  if (e.shared.size() > before) {
    e.static_bytes += bytes;
    if (e.static_bytes > kMaxStaticShared) fail("more than 48 KiB of static shared memory");
    if (e.static_bytes + e.dynamic_bytes > e.most_shared) {
      fail("static and dynamic shared memory exceed the kernel's " + std::to_string(e.most_shared) + " bytes");
    }
  }
  return block;
}

SharedBlock* dynamic_shared() { return shared_block(engine().dynamic_bytes, Site{"dynamic shared memory", 0, -1}); }

namespace {

// Did something order an earlier access by `other` before what the running thread does now?
bool ordered(int other, uint32_t epoch, uint32_t warp_epoch) {
  Engine& e = engine();
  if (other < 0 || other == e.current || epoch < e.epoch) return true;
  return other / 32 == e.current / 32 && warp_epoch < e.warp_epoch[size_t(e.current / 32)];
}

void check_bounds(const SharedBlock* block, size_t byte, size_t size) {
  if (byte > block->bytes.size() || size > block->bytes.size() - byte) {
    fail("shared memory of " + block->site.text() + ": byte " + std::to_string(int64_t(byte)) + " is outside its " +
         std::to_string(block->bytes.size()) + " bytes");
  }
}

std::string at(const SharedBlock* block, size_t word) { return " of shared word " + std::to_string(word) + " of " + block->site.text(); }

}  // namespace

void note_read(SharedBlock* block, size_t byte, size_t size) {
  check_bounds(block, byte, size);
  Engine& e = engine();
  int warp = e.current / 32;
  for (size_t w = byte / 4; w < (byte + size + 3) / 4; ++w) {
    SharedWord& s = block->words[w];
    if (s.copying) fail("read" + at(block, w) + " before the asynchronous copy to it was waited for");
    if (s.writer < 0) fail("read before write" + at(block, w));
    if (!ordered(s.writer, s.write_epoch, s.write_warp_epoch)) {
      fail("race: read" + at(block, w) + " that " + name_of(s.writer) + " wrote with no barrier between");
    }
    bool same_epoch = s.reader >= 0 && s.read_epoch == e.epoch;
    bool same_warp = same_epoch && s.reader / 32 == warp;
    bool same_sync = same_warp && s.read_warp_epoch == e.warp_epoch[size_t(warp)];
    s.several_warps = same_epoch && (s.several_warps || !same_warp);
    s.several_readers = same_sync && (s.several_readers || s.reader != e.current);
    s.reader = e.current;
    s.read_epoch = e.epoch;
    s.read_warp_epoch = e.warp_epoch[size_t(warp)];
  }
}

void note_write(SharedBlock* block, size_t byte, size_t size) {
  check_bounds(block, byte, size);
  Engine& e = engine();
  for (size_t w = byte / 4; w < (byte + size + 3) / 4; ++w) {
    SharedWord& s = block->words[w];
    if (s.copying) fail("write" + at(block, w) + " before the asynchronous copy to it was waited for");
    if (!ordered(s.writer, s.write_epoch, s.write_warp_epoch)) {
      fail("race: write" + at(block, w) + " that " + name_of(s.writer) + " wrote with no barrier between");
    }
    bool readers_now = s.reader >= 0 && s.read_epoch == e.epoch;
    bool raced = readers_now && (s.several_warps || !ordered(s.reader, s.read_epoch, s.read_warp_epoch) ||
                                 (s.several_readers && s.read_warp_epoch == e.warp_epoch[size_t(e.current / 32)]));
    if (raced) fail("race: write" + at(block, w) + " that " + name_of(s.reader) + " read with no barrier between");
    s.writer = e.current;
    s.write_epoch = e.epoch;
    s.write_warp_epoch = e.warp_epoch[size_t(e.current / 32)];
  }
}

}  // namespace simt
