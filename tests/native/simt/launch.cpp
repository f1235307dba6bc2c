// Launches: what a grid may ask for of a device, and the order of its blocks.
#include <algorithm>
#include <map>
#include <set>

#include "engine_state.h"

namespace simt {
namespace {

using Key = std::pair<int, const void*>;  // device and kernel

struct Driver {
  int device = 0;
  bool loading_required = false;
  std::set<Key> loaded;
  std::map<Key, size_t> allowances;
};

Driver& driver() {
  static Driver instance;
  return instance;
}

}  // namespace

void set_schedule(Schedule schedule) { engine().schedule = schedule; }

Statistics statistics() { return engine().statistics; }

void set_device(int ordinal) { driver().device = ordinal; }

void load_kernel(const void* identity) { driver().loaded.insert({driver().device, identity}); }

void require_loaded(bool required) { driver().loading_required = required; }

void allow_shared(const void* identity, size_t bytes) {
  if (bytes > kMaxShared) throw Error("too much dynamic shared memory is asked for");
  size_t before = driver().allowances.emplace(Key{driver().device, identity}, bytes).first->second;
  if (before != bytes) {
    throw Error("a kernel is allowed " + std::to_string(bytes) + " bytes of shared memory where another call allows " +
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
  Key key{driver().device, identity};
  if (driver().loading_required && driver().loaded.count(key) == 0) {
    throw Error(where + "has not been loaded on device " + std::to_string(driver().device) + ": it is in no list of kernels");
  }
  auto allowed = driver().allowances.find(key);
  bool may_have_more = allowed != driver().allowances.end();
  if (may_have_more && dynamic_shared_bytes > allowed->second) throw Error(where + "more shared memory than is allowed");
  if (parameter_bytes > kMaxParameterBytes) throw Error(where + "parameters larger than the parameter space");
  e.kernel = kernel;
  e.body = &body;
  e.count = int(block.count());
  e.dynamic_bytes = dynamic_shared_bytes;
  e.most_shared = may_have_more ? kMaxShared : kMaxStaticShared;
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
