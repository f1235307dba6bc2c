// The threads of one block: which of them runs next, and the barriers at which they meet.
#include "engine.h"

#include <algorithm>

#include "async_copy.h"
#include "engine_state.h"

namespace simt {

Engine& engine() {
  static Engine instance;
  return instance;
}

std::string Site::text() const {
  const char* base = file;
  for (const char* p = file; *p; ++p) {
    if (*p == '/') base = p + 1;
  }
  return std::string(base) + ":" + std::to_string(line);
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

void wake(int thread) {
  Engine& e = engine();
  e.threads[size_t(thread)]->state = State::Runnable;
  e.runnable.push_back(thread);
}

namespace {

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
      throw Error("deadlock: " + name_of(i) + " waits at the warp operation at " + t.site.text() +
                  ", whose mask names lanes that have exited or wait elsewhere");
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

}  // namespace

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

const Coordinates& self() { return engine().threads[size_t(engine().current)]->coordinates; }

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

void fail(const std::string& what) {
  int current = engine().current;
  throw Error(current < 0 ? what : what + " (" + name_of(current) + ")");
}

}  // namespace simt
