// Warp operations: exchanges between the lanes that a mask names.
#include <algorithm>

#include "engine_state.h"

namespace simt {
namespace {

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

}  // namespace

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

}  // namespace simt
