#include "agreement.h"

#include <algorithm>
#include <cmath>

#include "descriptors.h"

namespace agreement {
namespace {

constexpr int kHeads = 8, kDim = 64;

struct Contexts {
  wn_ctx *cpu = nullptr, *cuda = nullptr;
  ~Contexts() {
    wn_ctx_destroy(cpu);
    wn_ctx_destroy(cuda);
  }
};

// A call on the CPU with a workspace of its own.
template <class Desc>
int32_t on_cpu(const Contexts& c, const Desc& d, int64_t (*query)(wn_ctx*, const Desc*), int32_t (*call)(wn_ctx*, const Desc*, void*,
    int64_t, void*)) {
  int64_t bytes = query(c.cpu, &d);
  if (bytes < 0) return int32_t(-bytes);
  std::vector<char> memory(size_t(bytes) + 64);
  char* workspace = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
  return call(c.cpu, &d, workspace, bytes, nullptr);
}

// One random row of scores, with ties, selected on both sides.
void same_scores(cases::Machine& m, const Contexts& c, cases::Random& random) {
  int n = 1 + random.below(3000), k = random.below(n + 1), kind = random.below(3);
  std::vector<float> scores(size_t(n), 0.0f);
  for (float& s : scores) {
    s = kind == 0 ? random.normal() : kind == 1 ? float(random.below(7)) : wn::ref::from_bits(uint32_t(random.next()));
  }
  cases::Twin<float> values(m, scores);
  cases::Twin<int32_t> keep(m, size_t(k), -1), count(m, size_t(1), -1);
  wn_select_desc d = testing::top_of(values.host, k);
  d.max_keep = k;
  d.keep = keep.data();
  d.keep_count = count.data();
  m.check(on_cpu(c, d, wn_select_workspace, wn_select) == WN_OK, std::string("CPU selection: ") + wn_last_error());
  d.scores = values.dev();
  d.keep = keep.dev();
  d.keep_count = count.dev();
  int32_t status = m.launch([&](void* stream) { return wn_select(c.cuda, &d, nullptr, 0, stream); });
  m.check(status == WN_OK, std::string("CUDA selection: ") + wn_last_error());
  m.check(keep.read() == keep.host && count.read() == count.host, "selection of " + std::to_string(k) + " of " + std::to_string(n));
}

// Scores computed on both sides from random queries and keys, then selected. Returns whether the keep-lists are equal. Half of them have
// enough rows for tensor cores (16-bit types), whose sums are cut off.
bool own_scores(cases::Machine& m, const Contexts& c, cases::Random& random) {
  int n = 64 + random.below(900), k = 1 + random.below(n - 1), dtype = random.below(3);
  int queries = random.below(2) ? 1 : 24;
  cases::Twin<unsigned char> q(m, cases::encode(cases::normals(random, size_t(kHeads) * queries * kDim), dtype));
  cases::Twin<unsigned char> keys(m, cases::encode(cases::normals(random, size_t(kHeads) * n * kDim), dtype));
  cases::Twin<float> scores(m, size_t(n), -1.0f);
  wn_score_desc d = testing::one_query(dtype, kHeads, kDim, n);
  d.n_query = queries;
  d.scale = 0.125f;
  d.q_st = d.k_sn = kDim;
  d.q_sh = int64_t(queries) * kDim;
  d.k_sh = int64_t(n) * kDim;
  d.q = q.data();
  d.k = keys.data();
  d.out = scores.data();
  m.check(on_cpu(c, d, wn_score_workspace, wn_score) == WN_OK, std::string("CPU score: ") + wn_last_error());
  d.q = q.dev();
  d.k = keys.dev();
  d.out = scores.dev();
  int64_t bytes = wn_score_workspace(c.cuda, &d);
  cases::Twin<unsigned char> workspace(m, size_t(bytes), 0xFF);
  int32_t status = m.launch([&](void* stream) { return wn_score(c.cuda, &d, workspace.dev(), bytes, stream); });
  m.check(status == WN_OK, std::string("CUDA score: ") + wn_last_error());
  std::vector<float> cuda = scores.read();
  auto kept = [&](const std::vector<float>& values) {
    std::vector<int32_t> keep(size_t(k), -1);
    int32_t count = -1;
    wn_select_desc s = testing::top_of(values, k);
    s.max_keep = k;
    s.keep = keep.data();
    s.keep_count = &count;
    m.check(on_cpu(c, s, wn_select_workspace, wn_select) == WN_OK, std::string("CPU selection: ") + wn_last_error());
    return keep;
  };
  bool equal = kept(scores.host) == kept(cuda);
  std::vector<float> sorted = scores.host;
  std::sort(sorted.begin(), sorted.end(), [](float a, float b) { return a > b; });
  float margin = (sorted[size_t(k - 1)] - sorted[size_t(k)]) / sorted[size_t(k)];
  m.check(equal || margin < (queries > 1 && dtype != WN_F32 ? 4e-5f : 1e-5f), "keep-lists differ at a margin of " + std::to_string(margin));
  return equal;
}

// The most similar other row of every row, found on both sides. Returns whether all are the same; those that are not must be as similar.
bool own_neighbours(cases::Machine& m, const Contexts& c, cases::Random& random) {
  int n = 20 + random.below(300), dim = 8 * (1 + random.below(24)), dtype = random.below(3);
  cases::Twin<unsigned char> x(m, cases::encode(cases::normals(random, size_t(n) * dim), dtype));
  cases::Twin<int32_t> index(m, size_t(n), -9);
  cases::Twin<float> value(m, size_t(n), -9.0f);
  wn_sim_desc d = testing::similarity_of(WN_SIM_ARGMAX, dtype, n, dim, x.data());
  d.eps = 1e-12f;
  d.out_val = value.data();
  d.out_idx = index.data();
  m.check(on_cpu(c, d, wn_sim_workspace, wn_sim) == WN_OK, std::string("CPU similarity: ") + wn_last_error());
  d.x = x.dev();
  d.out_val = value.dev();
  d.out_idx = index.dev();
  int64_t bytes = wn_sim_workspace(c.cuda, &d);
  cases::Twin<unsigned char> workspace(m, size_t(bytes), 0xFF);
  int32_t status = m.launch([&](void* stream) { return wn_sim(c.cuda, &d, workspace.dev(), bytes, stream); });
  m.check(status == WN_OK, std::string("CUDA similarity: ") + wn_last_error());
  std::vector<int32_t> rows = index.read();
  std::vector<float> similar = value.read();
  for (int i = 0; i < n; ++i) {
    // Another row may win only where the two are closer than the sums can tell; the values are the same to that.
    m.check(std::fabs(similar[size_t(i)] - value.host[size_t(i)]) < 4e-6f, "similarity of row " + std::to_string(i));
  }
  return rows == index.host;
}

}  // namespace

void run(cases::Machine& machine, int rows) {
  Contexts contexts;
  machine.check(wn_ctx_create(WN_CPU, 0, &contexts.cpu) == WN_OK, "CPU context");
  machine.check(wn_ctx_create(WN_CUDA, 0, &contexts.cuda) == WN_OK, std::string("CUDA context: ") + wn_last_error());
  if (!contexts.cpu || !contexts.cuda) return;
  cases::Random random(2026);
  int equal = 0, scored = rows / 5;
  for (int i = 0; i < rows; ++i) same_scores(machine, contexts, random);
  for (int i = 0; i < scored; ++i) equal += own_scores(machine, contexts, random);
  int neighbours = rows / 50, same = 0;
  for (int i = 0; i < neighbours; ++i) same += own_neighbours(machine, contexts, random);
  std::printf("agreement: of %d sets of rows %d have the same nearest rows throughout\n", neighbours, same);
  std::printf("agreement: %d selections of equal scores; of %d with own scores %d kept the same tokens; %d failures\n", rows, scored, equal,
              machine.failures);
}

}  // namespace agreement
