// parallel(): run_tasks for a lambda. Included once per tier, so that nothing compiled for one instruction set is shared with another;
// for the same reason the tiers use no inline functions of the standard library.
#pragma once

#include "pool.h"

namespace wn::WN_TIER {

constexpr float infinity = __builtin_inff();

template <typename Body>
inline void parallel(const wn_ctx& ctx, int64_t tasks, int64_t bytes, const Body& body) {
  run_tasks(
      ctx, tasks, bytes,
      [](void* arg, int64_t begin, int64_t end) {
        const Body& run = *static_cast<const Body*>(arg);
        for (int64_t i = begin; i < end; ++i) run(i);
      },
      const_cast<Body*>(&body));
}

}  // namespace wn::WN_TIER
