#include "engine.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "async_copy.h"
#include "fiber.h"
#include "shared.h"

namespace simt {
namespace {

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
  uint32_t epoch = 0;
  std::vector<uint32_t> warp_epoch;
  std::string error;
  int barrier_result = 0;
};

Engine& engine() {
  static Engine instance;
  return instance;
}

uint64_t next_random(uint64_t& state) {  // splitmix64
  state += 0x9E3779B97F4A7C15ull;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

std::string name_of(int thread) {
  const Coordinates& c = engine().threads[size_t(thread)]->coordinates;
  auto triple = [](const Dim3& d) { return std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z); };
  return "thread (" + triple(c.thread) + ") of block (" + triple(c.block) + ")";
}

void fiber_main() {
  Fiber::entered();
  Engine& e = engine();
  Thread& me = *e.threads[size_t(e.current)];
  try {
    (*e.body)();
  } catch (const std::exception& x) {
    e.error = x.what();
  }
  me.state = State::Finished;
  me.fiber.yield(true);
}

void wake(int thread) {
  Engine& e = engine();
  e.threads[size_t(thread)]->state = State::Runnable;
  e.runnable.push_back(thread);
}

int take_runnable() {
  Engine& e = engine();
  switch (e.schedule.order) {
    case Order::Forward:  // round robin: threads advance together
      break;
    case Order::Reverse: {  // last first: one warp runs as far ahead of the others as it can
      int last = e.runnable.back();
      e.runnable.pop_back();
      return last;
    }
    case Order::Random:
      std::swap(e.runnable[e.head], e.runnable[e.head + next_random(e.random) % (e.runnable.size() - e.head)]);
      break;
  }
  return e.runnable[e.head++];
}

int source_lane(const Thread& t, int lane) {
  int first = lane / t.width * t.width, source = lane;
  switch (t.warp_op) {
    case WarpOp::Shuffle: return first + (t.argument & (t.width - 1));
    case WarpOp::ShuffleUp: source = lane - t.argument; return source < first ? lane : source;
    case WarpOp::ShuffleDown: source = lane + t.argument; return source >= first + t.width ? lane : source;
    default: source = lane ^ t.argument; return source >= first + t.width ? lane : source;
  }
}

// The value that every lane of the mask gets, for the operations where it is the same for all.
uint64_t common_result(WarpOp op, uint32_t mask, int first) {
  Engine& e = engine();
  uint64_t result = op == WarpOp::All ? 1 : 0;
  bool started = false;
  for (int lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1)) continue;
    uint64_t v = e.threads[size_t(first + lane)]->value;
    switch (op) {
      case WarpOp::Ballot: result |= uint64_t(v != 0) << lane; break;
      case WarpOp::Any: result |= v != 0; break;
      case WarpOp::All: result &= v != 0; break;
      case WarpOp::Add: result = uint32_t(result + v); break;
      case WarpOp::Max: result = started ? std::max(result, v) : v; break;
      case WarpOp::Min: result = started ? std::min(result, v) : v; break;
      default: break;
    }
    started = true;
  }
  return result;
}

void finish_warp_op(const Thread& leader, int first) {
  Engine& e = engine();
  uint32_t mask = leader.mask;
  WarpOp op = leader.warp_op;
  bool shuffle = op <= WarpOp::ShuffleXor;
  if (op == WarpOp::Together) {
    void* operands[32];
    for (int lane = 0; lane < 32; ++lane) operands[lane] = reinterpret_cast<void*>(e.threads[size_t(first + lane)]->value);
    leader.apply(operands);
  }
  uint64_t common = shuffle ? 0 : common_result(op, mask, first);
  for (int lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1)) continue;
    Thread& t = *e.threads[size_t(first + lane)];
    if (shuffle) {
      int source = source_lane(t, lane);
      if (!(mask >> source & 1)) {
        throw Error("shuffle at " + t.site.text() + " reads lane " + std::to_string(source) + ", which its mask leaves out");
      }
      t.result = e.threads[size_t(first + source)]->value;
    } else {
      t.result = common;
    }
  }
  if (op == WarpOp::Sync) ++e.warp_epoch[size_t(first / 32)];
  ++e.statistics.warp_operations;
  for (int lane = 0; lane < 32; ++lane) {
    if (mask >> lane & 1) wake(first + lane);
  }
}

// The thread has just arrived at a warp operation: completes it if every lane of its mask has.
void try_warp_op(int thread) {
  Engine& e = engine();
  Thread& me = *e.threads[size_t(thread)];
  int first = thread / 32 * 32;
  for (int lane = 0; lane < 32; ++lane) {
    if (!(me.mask >> lane & 1)) continue;
    if (first + lane >= e.count) throw Error("warp operation at " + me.site.text() + " names lanes outside the block");
    const Thread& other = *e.threads[size_t(first + lane)];
    if (other.state == State::Finished) {
      throw Error("warp operation at " + me.site.text() + " names lane " + std::to_string(lane) + ", which has exited");
    }
    if (other.state != State::AtWarpOp) return;
    if (!(other.site == me.site) || other.mask != me.mask || other.warp_op != me.warp_op) return;
  }
  finish_warp_op(me, first);
}

void release_barrier() {
  Engine& e = engine();
  const Thread& first = *e.threads[0];
  int sum = 0;
  for (int i = 0; i < e.count; ++i) sum += e.threads[size_t(i)]->predicate != 0;
  e.barrier_result = first.barrier_op == BarrierOp::And ? sum == e.count : first.barrier_op == BarrierOp::Or ? sum > 0 : sum;
  ++e.epoch;
  ++e.statistics.barriers;
  for (int i = 0; i < e.count; ++i) wake(i);
}

// Nothing can run: either all threads are at one barrier, or the kernel is broken.
void resolve_barrier() {
  Engine& e = engine();
  int waiting = -1;
  for (int i = 0; i < e.count; ++i) {
    const Thread& t = *e.threads[size_t(i)];
    if (t.state == State::AtWarpOp) {
      throw Error("deadlock: " + name_of(i) + " waits at the warp operation at " + t.site.text() + ", whose mask names lanes that have exited or wait elsewhere");
    }
    if (t.state == State::AtBarrier && waiting < 0) waiting = i;
  }
  for (int i = 0; i < e.count; ++i) {
    const Thread& t = *e.threads[size_t(i)];
    const Thread& w = *e.threads[size_t(waiting)];
    if (t.state == State::Finished) {
      throw Error("divergent barrier: " + name_of(waiting) + " waits at " + w.site.text() + " but " + name_of(i) + " has exited");
    }
    if (!(t.site == w.site)) {
      throw Error("divergent barrier: " + name_of(waiting) + " waits at " + w.site.text() + " but " + name_of(i) + " at " + t.site.text());
    }
  }
  release_barrier();
}

void run_block(Dim3 block_index, Dim3 grid, Dim3 block) {
  Engine& e = engine();
  e.shared.clear();
  forget_async_copies(e.count);
  e.static_bytes = 0;
  e.epoch = 0;
  std::fill(e.warp_epoch.begin(), e.warp_epoch.end(), 0u);
  e.runnable.clear();
  e.head = 0;
  int finished = 0;
  for (int i = 0; i < e.count; ++i) {
    Thread& t = *e.threads[size_t(i)];
    unsigned u = unsigned(i);
    t.coordinates = {Dim3(u % block.x, u / block.x % block.y, u / (block.x * block.y)), block_index, block, grid};
    t.fiber.prepare(fiber_main);
    wake(i);
  }
  ++e.statistics.blocks;
  for (;;) {
    if (e.head == e.runnable.size()) {
      e.runnable.clear();
      e.head = 0;
      if (finished == e.count) return;
      resolve_barrier();
      continue;
    }
    int i = take_runnable();
    Thread& t = *e.threads[size_t(i)];
    e.current = i;
    t.fiber.resume();
    e.current = -1;
    if (!e.error.empty()) {
      std::string what;
      what.swap(e.error);
      throw Error(what);
    }
    if (t.state == State::Finished) {
      if (async_copies_under_way(i)) throw Error(name_of(i) + " exits with asynchronous copies that it has not waited for");
      ++finished;
    }
    if (t.state == State::AtWarpOp) try_warp_op(i);
  }
}

}  // namespace

std::string Site::text() const {
  const char* base = file;
  for (const char* p = file; *p; ++p) {
    if (*p == '/') base = p + 1;
  }
  return std::string(base) + ":" + std::to_string(line);
}

void set_schedule(Schedule schedule) { engine().schedule = schedule; }

Statistics statistics() { return engine().statistics; }

void launch(const char* kernel, Dim3 grid, Dim3 block, size_t dynamic_shared_bytes, size_t parameter_bytes,
            const std::function<void()>& body) {
  Engine& e = engine();
  std::string where = std::string(kernel) + ": ";
  if (grid.count() == 0 || block.count() == 0) throw Error(where + "empty grid or block");
  if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) throw Error(where + "grid too large");
  if (block.count() > kMaxThreads || block.z > 64) throw Error(where + "block too large");
  if (dynamic_shared_bytes > kMaxShared) throw Error(where + "too much dynamic shared memory");
  if (parameter_bytes > kMaxParameterBytes) throw Error(where + "parameters larger than the parameter space");
  e.kernel = kernel;
  e.body = &body;
  e.count = int(block.count());
  e.dynamic_bytes = dynamic_shared_bytes;
  while (e.threads.size() < block.count()) e.threads.push_back(std::make_unique<Thread>());
  e.warp_epoch.assign(block.count() / 32 + 1, 0);
  e.random = e.schedule.seed ^ e.statistics.launches;
  ++e.statistics.launches;
  std::vector<size_t> order(grid.count());
  for (size_t i = 0; i < order.size(); ++i) order[i] = e.schedule.order == Order::Reverse ? order.size() - 1 - i : i;
  if (e.schedule.order == Order::Random) {
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[next_random(e.random) % i]);
  }
  try {
    for (size_t i : order) {
      run_block(Dim3(unsigned(i % grid.x), unsigned(i / grid.x % grid.y), unsigned(i / grid.x / grid.y)), grid, block);
    }
  } catch (const Error& error) {
    throw Error(where + error.what());
  }
}

const Coordinates& self() { return engine().threads[size_t(engine().current)]->coordinates; }

uint64_t warp_exchange(WarpOp op, uint32_t mask, uint64_t value, int argument, int width, Site site) {
  Engine& e = engine();
  Thread& me = *e.threads[size_t(e.current)];
  if (!(mask >> (e.current & 31) & 1)) fail("warp operation at " + site.text() + " by a lane that its mask leaves out");
  me.site = site;
  me.warp_op = op;
  me.mask = mask;
  me.value = value;
  me.argument = argument;
  me.width = width;
  me.state = State::AtWarpOp;
  me.fiber.yield(false);
  return me.result;
}

void warp_together(void (*apply)(Lanes), void* operands, Site site) {
  engine().threads[size_t(engine().current)]->apply = apply;
  warp_exchange(WarpOp::Together, 0xffffffffu, reinterpret_cast<uint64_t>(operands), 0, 32, site);
}

int thread_index() { return engine().current; }

int block_barrier(BarrierOp op, int predicate, Site site) {
  Engine& e = engine();
  Thread& me = *e.threads[size_t(e.current)];
  me.site = site;
  me.barrier_op = op;
  me.predicate = predicate;
  me.state = State::AtBarrier;
  me.fiber.yield(false);
  return e.barrier_result;
}

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
    if (e.static_bytes + e.dynamic_bytes > kMaxShared) fail("static and dynamic shared memory exceed 99 KiB");
  }
  return block;
}

SharedBlock* dynamic_shared() { return shared_block(engine().dynamic_bytes, Site{"dynamic shared memory", 0, -1}); }

void fail(const std::string& what) {
  int current = engine().current;
  throw Error(current < 0 ? what : what + " (" + name_of(current) + ")");
}

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
