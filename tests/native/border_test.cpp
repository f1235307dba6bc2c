// Bad input: every wrong argument gets a status and a message that names it, and nothing is written.
#include <limits>
#include <thread>

#include "testing.h"

using namespace testing;

namespace {

wn_ctx* ctx;

/** The call must fail with the status, name the argument, and leave guard as it was. */
template <typename Desc>
void refused(const Desc& good, int32_t (*call)(const Desc&), const std::vector<float>& guard, const char* argument, const std::function<void(Desc&)>& spoil,
             int32_t status = WN_EINVAL) {
  Desc d = good;
  spoil(d);
  const std::vector<float> before = guard;
  subject() = argument;
  EXPECT(call(d) == status);
  if (std::string(wn_last_error()).find(argument) == std::string::npos) {
    subject() += std::string(" not named in: ") + wn_last_error();
    EXPECT(!"argument not named");
  }
  EXPECT(same_bits(guard, before));
}

// Every call uses a workspace that is larger than any of these needs.
alignas(64) char scratch[1 << 20];

const float nan = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t huge = std::numeric_limits<int64_t>::max() / 4;
void* const odd = reinterpret_cast<void*>(uintptr_t(0x100001));

void score_arguments() {
  std::vector<float> q(2 * 2 * 8, 1), k(2 * 2 * 10 * 8, 1), out(2 * 5, -3), lse(8);
  std::vector<int32_t> lengths = {10, 11};
  wn_score_desc good = {};
  good.struct_size = sizeof good, good.batch = 2, good.heads_q = good.heads_kv = 2, good.head_dim = 8, good.n_query = 1, good.max_key = 10;
  good.key_begin = 3, good.key_count = 5, good.scale = 1, good.q = q.data(), good.q_sb = 16, good.q_sh = 8, good.k = k.data(), good.k_sb = 160;
  good.k_sh = 80, good.k_sn = 8, good.out = out.data(), good.out_sb = 5;
  using D = wn_score_desc;
  int32_t (*call)(const D&) = [](const D& d) { return wn_score(ctx, &d, scratch, sizeof scratch, nullptr); };
  const auto bad = [&](const char* argument, const std::function<void(D&)>& spoil, int32_t status = WN_EINVAL) {
    refused<D>(good, call, out, argument, spoil, status);
  };
  bad("struct_size", [](D& d) { d.struct_size = 0; });
  bad("struct_size", [](D& d) { d.struct_size += 8; });
  bad("dtype", [](D& d) { d.dtype = 3; });
  bad("dtype", [](D& d) { d.dtype = -1; });
  bad("mode", [](D& d) { d.mode = 17; });
  bad("reduce", [](D& d) { d.reduce = 4; });
  bad("batch", [](D& d) { d.batch = -1; });
  bad("heads_q", [](D& d) { d.heads_q = 0; });
  bad("heads_q = 3 is not a multiple", [](D& d) { d.heads_q = 3; });
  bad("heads_kv", [](D& d) { d.heads_kv = -2; });
  bad("head_dim", [](D& d) { d.head_dim = 1025; });
  bad("head_dim", [](D& d) { d.head_dim = 0; });
  bad("n_query", [](D& d) { d.n_query = -1; });
  bad("max_key", [](D& d) { d.max_key = -1; });
  bad("key_begin", [](D& d) { d.key_begin = -1; });
  bad("key_count", [](D& d) { d.key_count = -1; });
  bad("max_key", [](D& d) { d.key_begin = 6; });
  bad("max_key", [](D& d) { d.key_begin = INT32_MAX; });
  bad("causal", [](D& d) { d.causal = 2; });
  bad("flags", [](D& d) { d.flags = 4; });
  bad("scale", [](D& d) { d.scale = nan; });
  bad("scale", [](D& d) { d.scale = INFINITY; });
  bad("reserved", [](D& d) { d.reserved = 1; });
  bad("q is NULL", [](D& d) { d.q = nullptr; });
  bad("k is NULL", [](D& d) { d.k = nullptr; });
  bad("out is NULL", [](D& d) { d.out = nullptr; });
  bad("q is not aligned", [](D& d) { d.q = odd; });
  bad("out is not aligned", [](D& d) { d.out = odd; });
  bad("stride of q", [](D& d) { d.q_sh = -8; });
  bad("strides of k overflow", [](D& d) { d.k_sb = huge; });
  bad("rows of out overlap", [](D& d) { d.out_sb = 4; });
  bad("out overlaps q", [&](D& d) { d.out = q.data() + 3; });
  bad("out overlaps k", [&](D& d) { d.out = k.data() + 200; });
  bad("key_len[1] = 11", [&](D& d) { d.key_len = lengths.data(); });
  bad("key_first", [&](D& d) { d.key_first = lengths.data(); });
  bad("query_weight is not aligned", [](D& d) { d.query_weight = odd; });
  bad("lse is NULL", [](D& d) { d.mode = WN_SOFTMAX_LSE; });
  bad("lse_base", [&](D& d) { d.mode = WN_SOFTMAX_LSE, d.lse = lse.data(), d.lse_base = 2; });
  // without queries the keys are not read, so they need not exist
  for (int mode : {WN_SOFTMAX, WN_RAW_DOT}) {
    D none = good;
    std::vector<float> zeros(10, -3);
    none.mode = mode, none.n_query = 0, none.q = none.k = nullptr, none.out = zeros.data();
    EXPECT_OK(call(none));
    EXPECT(zeros == std::vector<float>(10, 0.0f));
  }
  const int64_t needed = wn_score_workspace(ctx, &good);
  EXPECT(needed > 0);
  EXPECT(wn_score(ctx, &good, nullptr, needed, nullptr) == WN_EWORKSPACE);
  EXPECT(wn_score(ctx, &good, scratch, needed - 1, nullptr) == WN_EWORKSPACE);
  EXPECT(wn_score(ctx, &good, scratch + 4, needed, nullptr) == WN_EWORKSPACE);
  EXPECT(wn_score(nullptr, &good, scratch, needed, nullptr) == WN_EINVAL);
  EXPECT(wn_score(ctx, nullptr, scratch, needed, nullptr) == WN_EINVAL);
  EXPECT(wn_score_workspace(nullptr, &good) == -WN_EINVAL);
  EXPECT_OK(wn_score(ctx, &good, scratch, needed, nullptr));
}

void select_arguments() {
  std::vector<float> scores(12, 1), memory(100, -3);
  std::vector<int32_t> lengths = {6, 7}, totals = {8, 5};
  wn_select_desc good = {};
  good.struct_size = sizeof good, good.rows = 2, good.max_len = 6, good.k = 2, good.max_keep = 8, good.scores = scores.data(), good.scores_s = 6;
  good.keep = memory.data(), good.keep_s = 8, good.keep_count = memory.data() + 20;
  using D = wn_select_desc;
  int32_t (*call)(const D&) = [](const D& d) { return wn_select(ctx, &d, scratch, sizeof scratch, nullptr); };
  const auto bad = [&](const char* argument, const std::function<void(D&)>& spoil) { refused<D>(good, call, memory, argument, spoil); };
  bad("struct_size", [](D& d) { d.struct_size = 4; });
  bad("rule", [](D& d) { d.rule = 4; });
  bad("rows", [](D& d) { d.rows = -1; });
  bad("max_len", [](D& d) { d.max_len = -5; });
  bad("k = -1", [](D& d) { d.k = -1; });
  bad("max_keep", [](D& d) { d.max_keep = -1; });
  bad("max_keep = 1 is too small", [](D& d) { d.max_keep = 1; });
  bad("prefix", [](D& d) { d.prefix = -1; });
  bad("prefix", [](D& d) { d.prefix = INT32_MAX; });
  bad("flags", [](D& d) { d.flags = 1; });
  bad("threshold", [](D& d) { d.rule = WN_GT, d.threshold = nan; });
  bad("iqr_factor", [](D& d) { d.rule = WN_IQR_HIGH, d.iqr_factor = INFINITY; });
  bad("scores is NULL", [](D& d) { d.scores = nullptr; });
  bad("scores is not aligned", [](D& d) { d.scores = odd; });
  bad("stride of scores", [](D& d) { d.scores_s = -1; });
  bad("keep is NULL", [](D& d) { d.keep = nullptr; });
  bad("keep_count is NULL", [](D& d) { d.keep_count = nullptr; });
  bad("rows of keep overlap", [](D& d) { d.keep_s = 7; });
  bad("keep overlaps keep_count", [&](D& d) { d.keep_count = memory.data() + 3; });
  bad("keep overlaps scores", [&](D& d) { d.keep = scores.data(); });
  bad("row_len[1] = 7", [&](D& d) { d.row_len = lengths.data(); });
  bad("total_len[1] = 5", [&](D& d) { d.total_len = totals.data(); });
  bad("inverse is not aligned", [](D& d) { d.inverse = odd; });
  EXPECT_OK(call(good));
}

void row_arguments() {
  std::vector<float> src(40, 2), dst(40, -3);
  std::vector<int32_t> keep = {0, 3, 4, 9}, count = {5};
  wn_gather_desc gather = {};
  gather.struct_size = sizeof gather, gather.batch = 1, gather.n_rows = 10, gather.row_bytes = 16, gather.max_keep = 4, gather.src = src.data();
  gather.src_sn = 16, gather.dst = dst.data(), gather.dst_sn = 16, gather.keep = keep.data();
  using G = wn_gather_desc;
  int32_t (*run_gather)(const G&) = [](const G& d) { return wn_gather_rows(ctx, &d, nullptr); };
  const auto bad_gather = [&](const char* argument, const std::function<void(G&)>& spoil) { refused<G>(gather, run_gather, dst, argument, spoil); };
  bad_gather("n_rows", [](G& d) { d.n_rows = -1; });
  bad_gather("keep[3] = 9", [](G& d) { d.n_rows = 9; });
  bad_gather("row_bytes", [](G& d) { d.row_bytes = 0; });
  bad_gather("max_keep", [](G& d) { d.max_keep = -1; });
  bad_gather("keep_count[0] = 5", [&](G& d) { d.keep_count = count.data(); });
  bad_gather("rows of dst overlap", [](G& d) { d.dst_sn = 15; });
  bad_gather("stride of src", [](G& d) { d.src_sn = -16; });
  bad_gather("dst overlaps src", [&](G& d) { d.dst = src.data() + 39; });
  bad_gather("src is NULL", [](G& d) { d.src = nullptr; });
  bad_gather("strides of dst overflow", [](G& d) { d.dst_sn = huge; });
  EXPECT_OK(run_gather(gather));

  std::vector<float> cache(80, 2);
  std::vector<int64_t> planes = {reinterpret_cast<int64_t>(cache.data()), reinterpret_cast<int64_t>(cache.data() + 40)};
  wn_kv_desc kv = {};
  kv.struct_size = sizeof kv, kv.n_planes = 2, kv.batch = kv.heads = 1, kv.n_rows = 10, kv.row_bytes = 16, kv.max_keep = 4, kv.plane_addr = planes.data();
  kv.sn = 16, kv.keep = keep.data();
  using K = wn_kv_desc;
  int32_t (*run_kv)(const K&) = [](const K& d) { return wn_kv_compact(ctx, &d, nullptr); };
  const auto bad_kv = [&](const char* argument, const std::function<void(K&)>& spoil) { refused<K>(kv, run_kv, cache, argument, spoil); };
  std::vector<int32_t> unsorted = {0, 4, 3, 9}, twice = {0, 3, 3, 9}, negative = {-1, 3, 4, 9};
  std::vector<int64_t> same = {planes[0], planes[0]}, none = {planes[0], 0};
  bad_kv("n_planes", [](K& d) { d.n_planes = -1; });
  bad_kv("row_bytes", [](K& d) { d.row_bytes = 0; });
  bad_kv("max_keep", [](K& d) { d.max_keep = 11; });
  bad_kv("first_row", [](K& d) { d.first_row = 2; });
  bad_kv("first_row", [](K& d) { d.first_row = -1; });
  bad_kv("order", [](K& d) { d.order = 2; });
  bad_kv("keep[2] = 3", [&](K& d) { d.keep = unsorted.data(); });
  bad_kv("keep[2] = 3", [&](K& d) { d.keep = twice.data(); });
  bad_kv("keep[0] = -1", [&](K& d) { d.keep = negative.data(); });
  bad_kv("keep[3] = 9", [](K& d) { d.n_rows = 9; });
  bad_kv("keep_count = 5", [&](K& d) { d.keep_count = count.data(); });
  bad_kv("plane_addr", [&](K& d) { d.plane_addr = same.data(); });
  bad_kv("plane is NULL", [&](K& d) { d.plane_addr = none.data(); });
  bad_kv("plane_addr is NULL", [](K& d) { d.plane_addr = nullptr; });
  bad_kv("rows of a plane overlap", [](K& d) { d.sn = 12; });
  bad_kv("stride of the planes", [](K& d) { d.sn = -16; });
  bad_kv("a plane overflow", [](K& d) { d.sn = huge; });
  bad_kv("a plane overlaps keep", [&](K& d) { d.keep = cache.data(); });
  EXPECT_OK(run_kv(kv));

  std::vector<int32_t> begin = {0, 2, 3}, source = {1, 2, 9}, falling = {0, 2, 1}, beyond = {0, 2, 4};
  wn_merge_desc merge = {};
  merge.struct_size = sizeof merge, merge.batch = 1, merge.n_rows = 10, merge.dim = 4, merge.n_seg = 2, merge.n_entry = 3, merge.src = src.data();
  merge.src_sn = 4, merge.dst = dst.data(), merge.dst_sn = 4, merge.seg_begin = begin.data(), merge.seg_src = source.data();
  using M = wn_merge_desc;
  int32_t (*run_merge)(const M&) = [](const M& d) { return wn_merge_rows(ctx, &d, nullptr); };
  const auto bad_merge = [&](const char* argument, const std::function<void(M&)>& spoil) { refused<M>(merge, run_merge, dst, argument, spoil); };
  bad_merge("dtype", [](M& d) { d.dtype = 9; });
  bad_merge("dim", [](M& d) { d.dim = 0; });
  bad_merge("n_seg", [](M& d) { d.n_seg = -1; });
  bad_merge("normalise", [](M& d) { d.normalise = 2; });
  bad_merge("seg_begin[1] = 2", [&](M& d) { d.seg_begin = falling.data(); });
  bad_merge("seg_begin[2] = 4", [&](M& d) { d.seg_begin = beyond.data(); });
  bad_merge("seg_src[2] = 9", [](M& d) { d.n_rows = 9; });
  bad_merge("dst overlaps src", [&](M& d) { d.dst = src.data(); });
  bad_merge("seg_src is NULL", [](M& d) { d.seg_src = nullptr; });
  EXPECT_OK(run_merge(merge));
}

void similarity_arguments() {
  std::vector<float> x(12 * 4, 1), out(200, -3);
  std::vector<int32_t> pivots = {0, 12}, valid = {13};
  wn_sim_desc sim = {};
  sim.struct_size = sizeof sim, sim.op = WN_SIM_TOPM, sim.batch = 1, sim.n = sim.n_pivot = 12, sim.dim = 4, sim.top_m = 3, sim.x = x.data(), sim.x_sn = 4;
  sim.out_val = out.data(), sim.out_idx = out.data() + 100, sim.out_sp = 3;
  using S = wn_sim_desc;
  int32_t (*run)(const S&) = [](const S& d) { return wn_sim(ctx, &d, scratch, sizeof scratch, nullptr); };
  const auto bad = [&](const char* argument, const std::function<void(S&)>& spoil) { refused<S>(sim, run, out, argument, spoil); };
  bad("op", [](S& d) { d.op = 5; });
  bad("metric", [](S& d) { d.metric = -1; });
  bad("dim", [](S& d) { d.dim = 0; });
  bad("eps", [](S& d) { d.eps = -1; });
  bad("eps", [](S& d) { d.eps = nan; });
  bad("top_m", [](S& d) { d.top_m = 0; });
  bad("n_pivot = 3", [](S& d) { d.n_pivot = 3; });
  bad("out_val and out_idx", [](S& d) { d.out_val = d.out_idx = nullptr; });
  bad("rows of out_val overlap", [](S& d) { d.out_sp = 2; });
  bad("out_idx overlaps out_val", [&](S& d) { d.out_idx = out.data() + 35; });
  bad("pivot[1] = 12", [&](S& d) { d.pivot = pivots.data(), d.n_pivot = 2; });
  bad("y and pivot", [&](S& d) { d.pivot = pivots.data(), d.y = x.data(), d.n_pivot = 2; });
  bad("n_valid[0] = 13", [&](S& d) { d.n_valid = valid.data(); });
  const auto window = [](S& d) { d.op = WN_SIM_WINDOWS, d.grid_w = 4, d.win_h = 3, d.win_w = 2; };
  bad("win_h = 2", [&](S& d) { window(d), d.win_h = 2; });
  bad("win_w = 3", [&](S& d) { window(d), d.win_w = 3; });
  bad("grid_w = 5", [&](S& d) { window(d), d.grid_w = 5; });
  bad("one token", [&](S& d) { window(d), d.win_h = d.win_w = 1; });
  bad("window of 0", [&](S& d) { window(d), d.win_h = 0; });
  EXPECT_OK(run(sim));

  wn_greedy_desc greedy = {};
  greedy.struct_size = sizeof greedy, greedy.batch = 1, greedy.n = 12, greedy.dim = 4, greedy.k = 3, greedy.x = x.data(), greedy.x_sn = 4, greedy.out_idx = out.data();
  using G = wn_greedy_desc;
  int32_t (*run_greedy)(const G&) = [](const G& d) { return wn_greedy(ctx, &d, scratch, sizeof scratch, nullptr); };
  const auto bad_greedy = [&](const char* argument, const std::function<void(G&)>& spoil) { refused<G>(greedy, run_greedy, out, argument, spoil); };
  bad_greedy("objective", [](G& d) { d.objective = 3; });
  bad_greedy("k = -1", [](G& d) { d.k = -1; });
  bad_greedy("flags", [](G& d) { d.flags = 2; });
  bad_greedy("f_scale", [](G& d) { d.objective = WN_COVERAGE, d.f_scale = nan; });
  bad_greedy("matrix_rows", [&](G& d) { d.matrix = x.data(), d.matrix_rows = 4; });
  bad_greedy("row_weight", [&](G& d) { d.row_weight = x.data(); });
  bad_greedy("out_idx overlaps x", [&](G& d) { d.out_idx = x.data(); });
  bad_greedy("x is NULL", [](G& d) { d.x = nullptr; });
  EXPECT_OK(run_greedy(greedy));
}

void library_functions() {
  subject() = "library functions";
  wn_ctx* other = reinterpret_cast<wn_ctx*>(1);
  EXPECT(wn_ctx_create(7, 0, &other) == WN_EINVAL && other == nullptr);
  EXPECT(wn_ctx_create(WN_CPU, 1, &other) == WN_EINVAL);
  EXPECT(wn_ctx_create(WN_CPU, 0, nullptr) == WN_EINVAL);
  EXPECT(wn_set_threads(ctx, 0) == WN_EINVAL && wn_set_threads(ctx, 257) == WN_EINVAL && wn_set_threads(nullptr, 1) == WN_EINVAL);
  EXPECT(wn_set_cpu_tier(nullptr) == WN_EINVAL && wn_set_cpu_tier("mmx") == WN_EINVAL);
  EXPECT(std::string(wn_last_error()).find("mmx") != std::string::npos);
  EXPECT(wn_cuda_devices() >= 0);
  wn_ctx_destroy(nullptr);
  // messages belong to their thread
  std::thread([] { EXPECT(std::string(wn_last_error()).empty()); }).join();
}

/** Many threads on one context, each with its own memory; and the caller's own parallel_for. */
void shared_context() {
  subject() = "shared context";
  Context shared(3);
  std::vector<float> scores(5000);
  Random random(1);
  for (float& s : scores) s = float(between(random, 0, 50));
  Array x = Array::normal(WN_BF16, 300 * 256, random);
  const auto run = [&](wn_ctx* use) {
    std::vector<int32_t> out(200);  // so many that the whole similarity matrix is computed, by several threads
    wn_greedy_desc d = {};
    d.struct_size = sizeof d, d.dtype = WN_BF16, d.objective = WN_DPP, d.batch = 1, d.n = 300, d.dim = 256, d.k = 200, d.x = x.data(), d.x_sn = 256, d.out_idx = out.data();
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
  ctx = context;
  score_arguments();
  select_arguments();
  row_arguments();
  similarity_arguments();
  library_functions();
  shared_context();
  return finish("border_test");
}
