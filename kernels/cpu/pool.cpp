#include "pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace wn {
namespace {

// Below this much memory traffic a wake-up costs more than it brings.
constexpr int64_t smallest_share = 256 * 1024;

struct Job {
  wn_range_fn body;
  void* arg;
  int64_t tasks;
  std::atomic<int64_t> next{0};
  int helpers = 0;  // workers inside the job, guarded by the pool's lock
};

void take_tasks(Job& job) {
  for (int64_t i = job.next.fetch_add(1); i < job.tasks; i = job.next.fetch_add(1)) job.body(job.arg, i, i + 1);
}

}  // namespace

class Pool {
 public:
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  bool start(int workers) {
    try {
      for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      return false;
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  /** False if another call has the workers: then the caller does its work alone instead of waiting. */
  bool run(Job& job, int helpers) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (job_) return false;
      job_ = &job;
      wanted_ = helpers;
    }
    for (int i = 0; i < helpers; ++i) wake_.notify_one();
    take_tasks(job);
    std::unique_lock<std::mutex> lock(mutex_);
    job_ = nullptr;  // late wakers find nothing: the job ends when those inside have finished their task
    done_.wait(lock, [&] { return job.helpers == 0; });
    return true;
  }

 private:
  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return stopping_ || (job_ && wanted_ > 0); });
      if (stopping_) return;
      Job& job = *job_;
      --wanted_;
      ++job.helpers;
      lock.unlock();
      take_tasks(job);
      lock.lock();
      if (--job.helpers == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  Job* job_ = nullptr;
  int wanted_ = 0;
  bool stopping_ = false;
};

Pool* start_pool(int workers) {
  Pool* pool = new (std::nothrow) Pool;
  if (pool && !pool->start(workers)) {
    delete pool;
    pool = nullptr;
  }
  return pool;
}

void stop_pool(Pool* pool) { delete pool; }

void run_tasks(const wn_ctx& ctx, int64_t tasks, int64_t bytes, wn_range_fn body, void* arg) {
  if (tasks > 1 && ctx.threads > 1 && bytes >= 2 * smallest_share) {
    if (ctx.parallel_for) {
      const int64_t per_task = bytes / tasks;
      ctx.parallel_for(ctx.parallel_user, tasks, per_task >= smallest_share ? 1 : smallest_share / (per_task + 1) + 1, body, arg);
      return;
    }
    const int64_t useful = bytes / smallest_share < tasks ? bytes / smallest_share : tasks;
    const int helpers = static_cast<int>((useful < ctx.threads ? useful : ctx.threads) - 1);
    Job job{body, arg, tasks, {}, 0};
    if (ctx.pool && helpers > 0 && ctx.pool->run(job, helpers)) return;
  }
  body(arg, 0, tasks);
}

}  // namespace wn
