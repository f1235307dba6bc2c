// Bad input: every wrong argument gets a status and a message that names it, and nothing is written. The functions' descriptors have files
// of their own, border_*.cpp; here are the library's other functions, and one context used by many threads.
#include "border.h"
#include "descriptors.h"

#include <thread>

using namespace testing;

namespace {

void library_functions(wn_ctx* ctx) {
  subject() = "library functions";
  wn_ctx* other = reinterpret_cast<wn_ctx*>(1);
  EXPECT(wn_ctx_create(7, 0, &other) == WN_EINVAL && other == nullptr);
  EXPECT(wn_ctx_create(WN_CPU, 1, &other) == WN_EINVAL && wn_ctx_create(WN_CPU, -1, &other) == WN_EINVAL);
  EXPECT(wn_ctx_create(WN_CUDA, -1, &other) == WN_EINVAL);
  EXPECT(wn_ctx_create(WN_CPU, 0, nullptr) == WN_EINVAL);
  EXPECT(wn_set_threads(ctx, 0) == WN_EINVAL && wn_set_threads(ctx, 257) == WN_EINVAL && wn_set_threads(nullptr, 1) == WN_EINVAL);
  EXPECT(wn_set_parallel_for(nullptr, nullptr, nullptr) == WN_EINVAL);
  EXPECT(wn_set_cpu_tier(nullptr) == WN_EINVAL && wn_set_cpu_tier("mmx") == WN_EINVAL);
  EXPECT(std::string(wn_last_error()).find("mmx") != std::string::npos);
  EXPECT(wn_cuda_devices() >= 0);
  wn_ctx_destroy(nullptr);
  // messages belong to their thread
  std::thread([] { EXPECT(std::string(wn_last_error()).empty()); }).join();
}

/** Many threads on one context, each with its own memory; and the caller's own parallel_for. */
void shared_context(wn_ctx* ctx) {
  subject() = "shared context";
  Context shared(3);
  Random random(1);
  Array x = Array::normal(WN_BF16, 300 * 256, random);
  const auto run = [&](wn_ctx* use) {
    std::vector<int32_t> out(200);  // so many that the whole similarity matrix is computed, by several threads
    wn_greedy_desc d = subset_of(WN_DPP, WN_BF16, 300, 256, 200, x.data());
    d.out_idx = out.data();
    Workspace workspace(wn_greedy_workspace(use, &d));
    EXPECT_OK(wn_greedy(use, &d, workspace.get(), workspace.bytes(), nullptr));
    return out;
  };
  const std::vector<int32_t> expected = run(ctx);
  std::vector<std::thread> threads;
  std::vector<std::vector<int32_t>> got(6);
  for (size_t t = 0; t < got.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) got[t] = run(shared);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& g : got) EXPECT(g == expected);

  int calls = 0;
  Context borrowed(4);
  EXPECT_OK(wn_set_parallel_for(borrowed, [](void* user, int64_t n, int64_t, wn_range_fn body, void* arg) {
    ++*static_cast<int*>(user);
    for (int64_t i = n; i-- > 0;) body(arg, i, i + 1);  // any order will do
  }, &calls));
  EXPECT(run(borrowed) == expected);
  EXPECT(calls > 0);
}

}  // namespace

int main() {
  Context context;
  score_border(context);
  select_border(context);
  row_borders(context);
  similarity_borders(context);
  library_functions(context);
  shared_context(context);
  return finish("border_test");
}
