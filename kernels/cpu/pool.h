// Sharing out the work of one CPU call.
#pragma once

#include <cstdint>

#include "context.h"

namespace wn {

/** Threads of a context, parked between calls. NULL stands for none. */
class Pool;

/** Starts threads workers; NULL if the system refuses them. */
Pool* start_pool(int workers);
void stop_pool(Pool* pool);

/**
 * Runs body over 0..tasks, on the caller's thread and, if bytes (the memory traffic of all tasks) is worth it, on others. The cutting
 * into tasks is the caller's and must not depend on the number of threads.
 */
void run_tasks(const wn_ctx& ctx, int64_t tasks, int64_t bytes, wn_range_fn body, void* arg);

}  // namespace wn
