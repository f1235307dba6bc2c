// Launches: what a grid may ask for, and the order of its blocks.
#include <algorithm>
#include <map>

#include "engine_state.h"

namespace simt {
namespace {

std::map<const void*, size_t>& allowances() {
  static std::map<const void*, size_t> bytes;
  return bytes;
}

}  // namespace

void set_schedule(Schedule schedule) { engine().schedule = schedule; }

Statistics statistics() { return engine().statistics; }

void allow_shared(const char* kernel, const void* identity, size_t bytes) {
  if (bytes > kMaxShared) throw Error(std::string(kernel) + ": too much dynamic shared memory is asked for");
  size_t before = allowances().emplace(identity, bytes).first->second;
  if (before != bytes) {
    throw Error(std::string(kernel) + ": is allowed " + std::to_string(bytes) + " bytes of shared memory where another call allows " +
                std::to_string(before) + ": the launch of another thread may come between");
  }
}

void launch(const char* kernel, const void* identity, Dim3 grid, Dim3 block, size_t dynamic_shared_bytes, size_t parameter_bytes,
            const std::function<void()>& body) {
  Engine& e = engine();
  std::string where = std::string(kernel) + ": ";
  if (grid.count() == 0 || block.count() == 0) throw Error(where + "empty grid or block");
  if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) throw Error(where + "grid too large");
  if (block.count() > kMaxThreads || block.z > 64) throw Error(where + "block too large");
  if (dynamic_shared_bytes > kMaxShared) throw Error(where + "too much dynamic shared memory");
  auto allowed = allowances().find(identity);
  if (allowed != allowances().end() && dynamic_shared_bytes > allowed->second) throw Error(where + "more shared memory than is allowed");
  if (parameter_bytes > kMaxParameterBytes) throw Error(where + "parameters larger than the parameter space");
  e.kernel = kernel;
  e.body = &body;
  e.count = int(block.count());
  e.dynamic_bytes = dynamic_shared_bytes;
  e.most_shared = allowed == allowances().end() ? kMaxStaticShared : kMaxShared;
  if (e.dynamic_bytes > e.most_shared) throw Error(where + "more than 48 KiB of shared memory that the kernel was not allowed");
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

}  // namespace simt
