// Structured random calls across the C border, built with AddressSanitizer and UBSan: sound descriptors over buffers of exact size, then
// spoiled in up to three places. The library must answer every call; a refused call must have written nothing.
//
// Usage: fuzz_border [seconds] [seed]; seconds default to WINNOW_FUZZ_SECONDS, or 120, shared evenly by the CPU
// tiers. Prints the number of calls by function and status.
#include <chrono>
#include <limits>
#include <memory>

#include "testing.h"

using namespace testing;

namespace {

Random random_source;

int pick(int low, int high) { return between(random_source, low, high); }
bool chance(int percent) { return pick(1, 100) <= percent; }

/** The buffers of one call, each exactly as long as the descriptor says; outputs are remembered to see whether they changed. */
class Buffers {
 public:
  void* input(int64_t bytes, bool floats = true) {
    char* p = block(bytes);
    for (int64_t i = 0; i + 4 <= bytes; i += 4) {
      const uint32_t any = floats && chance(97) ? random_float() : uint32_t(random_source());
      std::memcpy(p + i, &any, 4);
    }
    return p;
  }
  template <typename Fill>
  void* ints(int64_t n, Fill fill) {
    int32_t* p = reinterpret_cast<int32_t*>(block(4 * n));
    for (int64_t i = 0; i < n; ++i) p[i] = fill(i);
    return p;
  }
  void* output(int64_t bytes) {
    char* p = block(bytes);
    for (int64_t i = 0; i < bytes; ++i) p[i] = char(random_source());
    outputs_.push_back({p, std::vector<char>(p, p + bytes)});
    return p;
  }
  bool outputs_unchanged() const {
    for (const auto& o : outputs_) {
      if (!o.second.empty() && std::memcmp(o.first, o.second.data(), o.second.size()) != 0) return false;
    }
    return true;
  }

 private:
  static uint32_t random_float() {
    const float f = std::normal_distribution<float>(0, 2)(random_source);
    return wn::ref::to_bits(f);
  }
  char* block(int64_t bytes) {
    blocks_.emplace_back(new char[bytes > 0 ? bytes : 1]);
    return blocks_.back().get();
  }
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<std::pair<char*, std::vector<char>>> outputs_;
};

// Fields that can be spoiled: a pointer to the field and how. Sizes grow only where the library can tell that it is wrong.
struct Spoiler {
  std::vector<std::function<void()>> ways;
  template <typename... T>
  void sizes(T&... field) {
    (ways.push_back([&field] { field = chance(50) ? -1 : chance(50) ? INT32_MIN : -pick(2, 1000); }), ...);
  }
  template <typename... T>
  void enums(T&... field) {
    (ways.push_back([&field] { field = chance(30) ? INT32_MAX : chance(30) ? -1 : pick(0, 9); }), ...);
  }
  template <typename... T>
  void strides(T&... field) {
    (ways.push_back([&field] { field = chance(40) ? -field - 1 : chance(50) ? int64_t(1) << 61 : std::numeric_limits<int64_t>::max(); }), ...);
  }
  template <typename... T>
  void pointers(T&... field) {
    (ways.push_back([&field] {
      using P = std::remove_reference_t<decltype(field)>;
      if (chance(50)) {
        field = nullptr;
      } else if (field) {
        field = reinterpret_cast<P>(reinterpret_cast<uintptr_t>(field) | 1);
      }
    }), ...);
  }
  void anything(std::function<void()> way) { ways.push_back(std::move(way)); }
  bool apply() {
    if (chance(35)) return false;
    for (int n = pick(1, 3); n > 0; --n) ways[pick(0, int(ways.size()) - 1)]();
    return true;
  }
};

const char* const names[] = {"score", "select", "sim", "greedy", "gather", "kv", "merge"};
int64_t calls[7][6];
wn_ctx* contexts[2];

wn_ctx* some_context() { return contexts[pick(0, 1)]; }

void count(int function, int32_t status, const Buffers& buffers, bool spoiled) {
  subject() = names[function] + std::string(": ") + wn_last_error();
  EXPECT(status >= WN_OK && status <= WN_ENOMEM);
  if (status != WN_OK) EXPECT(buffers.outputs_unchanged());
  if (!spoiled) EXPECT(status == WN_OK || function == 1);  // a selection may rightly not fit
  ++calls[function][status < 0 || status > 5 ? 5 : status];
}

/** Asks for the workspace and calls, now and then with too little or a crooked one. */
template <typename Desc>
int32_t with_workspace(const Desc& d, int64_t (*bytes)(wn_ctx*, const Desc*), int32_t (*call)(wn_ctx*, const Desc*, void*, int64_t, void*), bool* spoiled) {
  wn_ctx* ctx = some_context();
  const int64_t needed = bytes(ctx, &d);
  if (needed < 0) return call(ctx, &d, nullptr, 0, nullptr);
  Workspace workspace(needed);
  if (needed > 0 && chance(5)) {
    *spoiled = true;
    return call(ctx, &d, chance(30) ? nullptr : static_cast<char*>(workspace.get()) + (chance(50) ? 4 : 0), needed - pick(1, 64), nullptr);
  }
  return call(ctx, &d, workspace.get(), needed, nullptr);
}

int64_t size_of(int dtype) { return dtype == WN_F32 ? 4 : 2; }

void score() {
  Buffers b;
  Spoiler s;
  wn_score_desc d = {};
  d.struct_size = sizeof d, d.dtype = pick(0, 2), d.mode = pick(0, 2), d.reduce = pick(0, 3), d.batch = pick(0, 2), d.heads_kv = pick(1, 3);
  d.heads_q = d.heads_kv * pick(1, 3), d.head_dim = pick(1, 70), d.n_query = pick(0, 4), d.max_key = pick(0, 40), d.key_begin = pick(0, d.max_key);
  d.key_count = pick(0, d.max_key - d.key_begin), d.causal = pick(0, 1), d.query_pos0 = chance(5) ? INT32_MAX : pick(-3, 40), d.lse_base = pick(0, 1);
  d.flags = pick(0, 1), d.scale = 0.1f * pick(-5, 20);
  d.q_st = d.head_dim + pick(0, 2), d.q_sh = d.q_st * d.n_query, d.q_sb = d.q_sh * d.heads_q;
  d.k_sn = d.head_dim + pick(0, 2), d.k_sh = d.k_sn * d.max_key, d.k_sb = d.k_sh * d.heads_kv;
  d.lse_st = 1, d.lse_sh = d.n_query, d.lse_sb = int64_t(d.n_query) * d.heads_q, d.out_sb = d.key_count + pick(0, 3);
  d.q = b.input(d.q_sb * d.batch * size_of(d.dtype)), d.k = b.input(d.k_sb * d.batch * size_of(d.dtype));
  d.lse = b.input(4 * d.lse_sb * d.batch);
  const bool bad_lengths = chance(10);
  const auto length = [&](int64_t) { return bad_lengths && chance(40) ? pick(-1, 1) * INT32_MAX : pick(0, d.max_key); };
  if (chance(50)) d.key_len = b.ints(d.batch, length);
  if (chance(50)) d.key_first = b.ints(d.batch, length);
  if (chance(30)) d.query_pos = b.ints(d.n_query, [](int64_t) { return chance(5) ? INT32_MIN : chance(5) ? INT32_MAX : pick(-2, 45); });
  if (chance(30)) d.query_weight = b.input(4 * d.n_query);
  d.out = b.output(4 * d.out_sb * d.batch);
  s.sizes(d.batch, d.heads_q, d.heads_kv, d.head_dim, d.n_query, d.max_key, d.key_begin, d.key_count, d.struct_size);
  s.enums(d.dtype, d.mode, d.reduce, d.causal, d.lse_base, d.flags, d.reserved);
  s.strides(d.q_sb, d.q_sh, d.q_st, d.k_sb, d.k_sh, d.k_sn, d.lse_sb, d.lse_sh, d.lse_st, d.out_sb);
  s.pointers(d.q, d.k, d.out, d.lse);
  s.anything([&] { d.scale = chance(50) ? NAN : INFINITY; });
  s.anything([&] { (chance(50) ? d.key_begin : d.key_count) = INT32_MAX; });
  s.anything([&] {
    if (d.n_query > 0 && d.max_key > 0) d.out = const_cast<void*>(d.k);  // an input that is not read may lie anywhere
  });
  const int dtype = d.dtype, mode = d.mode;
  bool spoiled = s.apply() || bad_lengths;
  // a spoiled dtype that is another right one asks for other buffers
  if (d.dtype >= 0 && d.dtype <= 2 && size_of(d.dtype) > size_of(dtype)) d.dtype = dtype;
  const int32_t status = with_workspace(d, wn_score_workspace, wn_score, &spoiled);
  count(0, status, b, spoiled);
  if (status == WN_OK && mode != WN_RAW_DOT && d.mode == mode) {
    for (int r = 0; r < d.batch; ++r) {
      for (int i = 0; i < d.key_count; ++i) EXPECT(!std::isnan(static_cast<float*>(d.out)[r * d.out_sb + i]));
    }
  }
}

void select() {
  Buffers b;
  Spoiler s;
  wn_select_desc d = {};
  d.struct_size = sizeof d, d.rule = pick(0, 3), d.rows = pick(0, 3), d.max_len = pick(0, chance(10) ? 400 : 50), d.k = pick(0, d.max_len + 2);
  d.prefix = pick(0, 5), d.threshold = chance(5) ? -INFINITY : 0.5f * pick(-4, 4), d.iqr_factor = 1.5f, d.scores_s = d.max_len + pick(0, 3);
  const int whole = d.prefix + d.max_len + 7;
  d.max_keep = chance(80) ? whole : pick(0, whole), d.keep_s = d.max_keep + pick(0, 2), d.inverse_s = whole, d.new_pos_s = d.max_keep, d.pos_s = whole;
  d.scores = b.input(4 * d.scores_s * d.rows);
  const bool bad = chance(10);
  std::vector<int> len;
  for (int r = 0; r < d.rows; ++r) len.push_back(bad && chance(30) ? pick(-1, 1) * INT32_MAX : pick(0, d.max_len));
  if (chance(50)) d.row_len = b.ints(d.rows, [&](int64_t r) { return len[r]; });
  if (chance(30)) d.row_k = b.ints(d.rows, [&](int64_t) { return chance(5) ? INT32_MIN : pick(-1, d.max_len + 1); });
  if (chance(30)) d.total_len = b.ints(d.rows, [&](int64_t r) { return (bad ? pick(0, 3) : 0) + d.prefix + (d.row_len ? std::max(0, std::min(len[r], d.max_len)) : d.max_len) + pick(0, 7) - (bad ? 3 : 0); });
  if (chance(50)) d.pos = b.ints(int64_t(whole) * d.rows, [](int64_t i) { return int32_t(i); });
  d.keep = b.output(4 * d.keep_s * d.rows), d.keep_count = b.output(4 * d.rows);
  if (chance(50)) d.inverse = b.output(4 * d.inverse_s * d.rows);
  if (chance(50)) d.new_pos = b.output(4 * d.new_pos_s * d.rows);
  if (chance(50)) d.first_moved = b.output(4 * d.rows);
  s.sizes(d.rows, d.max_len, d.max_keep, d.prefix, d.struct_size);
  s.enums(d.rule, d.flags);
  s.strides(d.scores_s, d.keep_s, d.inverse_s, d.new_pos_s, d.pos_s);
  s.pointers(d.scores, d.keep, d.keep_count, d.inverse, d.new_pos, d.first_moved);
  s.anything([&] { d.threshold = d.iqr_factor = NAN; });
  s.anything([&] { d.prefix = INT32_MAX; });
  s.anything([&] { d.k = -pick(1, 9); });
  s.anything([&] {
    if (d.max_keep > 0) d.keep_count = d.keep;
  });
  bool spoiled = s.apply() || bad;
  const int32_t status = with_workspace(d, wn_select_workspace, wn_select, &spoiled);
  count(1, status, b, spoiled);
  if (status != WN_OK) return;
  for (int r = 0; r < d.rows; ++r) {
    const int32_t* keep = static_cast<int32_t*>(d.keep) + r * d.keep_s;
    const int n = static_cast<int32_t*>(d.keep_count)[r];
    EXPECT(n >= 0 && n <= d.max_keep);
    for (int j = 1; j < n; ++j) EXPECT(keep[j] > keep[j - 1]);
  }
}

void similarity() {
  Buffers b;
  Spoiler s;
  wn_sim_desc d = {};
  d.struct_size = sizeof d, d.dtype = pick(0, 2), d.op = pick(0, 4), d.metric = pick(0, 2), d.batch = pick(0, 2), d.n = pick(0, 40), d.dim = pick(1, 70);
  d.top_m = pick(1, 45), d.eps = chance(50) ? 0 : 1e-6f, d.win_h = pick(1, 3), d.win_w = pick(2, 3), d.grid_w = d.win_w * pick(1, 3);
  if (d.op == WN_SIM_WINDOWS) d.n = d.grid_w * d.win_h * pick(0, 3);
  d.n_pivot = d.n, d.x_sn = d.dim + pick(0, 2), d.x_sb = d.x_sn * d.n;
  d.x = b.input(d.x_sb * d.batch * size_of(d.dtype));
  const bool bad = chance(10) && d.op != WN_SIM_WINDOWS;
  const int source = pick(0, 2);
  if (source == 1) {
    d.n_pivot = pick(0, 20), d.y_sn = d.dim, d.y_sb = int64_t(d.dim) * d.n_pivot, d.y = b.input(d.y_sb * d.batch * size_of(d.dtype));
  } else if (source == 2 && d.n > 0) {
    d.n_pivot = pick(0, 20), d.pivot_sb = d.n_pivot;
    d.pivot = b.ints(int64_t(d.n_pivot) * d.batch, [&](int64_t) { return bad && chance(10) ? pick(-1, 1) * INT32_MAX : pick(0, d.n - 1); });
  }
  if (d.op != WN_SIM_WINDOWS && source != 2 && chance(40)) d.n_valid = b.ints(d.batch, [&](int64_t) { return bad && chance(20) ? INT32_MAX : pick(0, d.n); });
  d.out_sp = std::max(d.n, d.top_m) + pick(0, 2), d.out_sb = d.out_sp * std::max(d.n_pivot, 1) + std::max(d.n, d.n_pivot);
  d.out_val = b.output(4 * d.out_sb * d.batch);
  if (chance(60)) d.out_idx = b.output(4 * d.out_sb * d.batch);
  s.sizes(d.batch, d.n, d.dim, d.n_pivot, d.top_m, d.win_h, d.win_w, d.grid_w, d.struct_size);
  s.enums(d.dtype, d.metric, d.reserved);
  s.strides(d.x_sb, d.x_sn, d.y_sb, d.y_sn, d.pivot_sb, d.out_sb, d.out_sp);
  s.pointers(d.x, d.out_val, d.out_idx);
  s.anything([&] { d.eps = chance(50) ? NAN : -1; });
  s.anything([&] { d.op = chance(50) ? 5 : -1; });
  s.anything([&] { d.win_h = d.grid_w = INT32_MAX; });
  s.anything([&] {
    if (d.n > 0) d.out_val = const_cast<void*>(d.x);
  });
  const int dtype = d.dtype;
  bool spoiled = s.apply() || bad;
  if (d.dtype >= 0 && d.dtype <= 2 && size_of(d.dtype) > size_of(dtype)) d.dtype = dtype;
  const int32_t status = with_workspace(d, wn_sim_workspace, wn_sim, &spoiled);
  count(2, status, b, spoiled);
}

void greedy() {
  Buffers b;
  Spoiler s;
  wn_greedy_desc d = {};
  d.struct_size = sizeof d, d.dtype = pick(0, 2), d.objective = pick(0, 2), d.flags = pick(0, 1), d.batch = pick(0, 2), d.n = pick(0, 40), d.dim = pick(1, 70);
  d.k = pick(0, 45), d.f_scale = 0.5f * pick(-2, 2), d.f_shift = 0.5f * pick(-1, 2), d.x_sn = d.dim, d.x_sb = d.x_sn * d.n;
  d.x = b.input(d.x_sb * d.batch * size_of(d.dtype));
  if (chance(40)) {
    d.matrix_rows = d.objective == WN_COVERAGE ? pick(0, 40) : d.n, d.matrix_sr = d.n, d.matrix_sb = int64_t(d.n) * d.matrix_rows;
    d.matrix = b.input(4 * d.matrix_sb * d.batch);
  }
  const int rows = d.matrix ? d.matrix_rows : d.n;
  if (chance(50)) d.weight = b.input(4 * int64_t(d.n) * d.batch), d.weight_sb = d.n;
  if (d.objective == WN_COVERAGE && chance(50)) d.row_weight = b.input(4 * int64_t(rows) * d.batch), d.row_weight_sb = rows;
  const bool bad = chance(5);
  if (chance(40)) d.n_valid = b.ints(d.batch, [&](int64_t) { return bad ? pick(-1, 1) * INT32_MAX : pick(0, d.n); });
  d.out_sb = d.k + pick(0, 2), d.out_idx = b.output(4 * d.out_sb * d.batch);
  if (chance(50)) d.out_gain = b.output(4 * d.out_sb * d.batch);
  s.sizes(d.batch, d.n, d.dim, d.k, d.matrix_rows, d.struct_size);
  s.enums(d.flags);
  s.strides(d.x_sb, d.x_sn, d.matrix_sb, d.matrix_sr, d.weight_sb, d.row_weight_sb, d.out_sb);
  s.pointers(d.x, d.weight, d.out_idx, d.out_gain);
  s.anything([&] { d.eps = NAN; });
  s.anything([&] { d.objective = chance(50) ? 3 : -1; });
  s.anything([&] { d.f_scale = NAN; });
  bool spoiled = s.apply() || bad;
  const int32_t status = with_workspace(d, wn_greedy_workspace, wn_greedy, &spoiled);
  count(3, status, b, spoiled);
}

void gather() {
  Buffers b;
  Spoiler s;
  wn_gather_desc d = {};
  d.struct_size = sizeof d, d.batch = pick(0, 2), d.n_rows = pick(1, 30), d.row_bytes = pick(1, 300), d.max_keep = pick(0, 30);
  d.src_sn = d.row_bytes + pick(0, 3), d.src_sb = d.src_sn * d.n_rows, d.dst_sn = d.row_bytes + pick(0, 3), d.dst_sb = d.dst_sn * d.max_keep, d.keep_s = d.max_keep;
  d.src = b.input(d.src_sb * d.batch), d.dst = b.output(d.dst_sb * d.batch);
  const bool bad = chance(15);
  d.keep = b.ints(d.keep_s * d.batch, [&](int64_t) { return bad && chance(10) ? pick(-1, 1) * INT32_MAX : pick(0, d.n_rows - 1); });
  if (chance(50)) d.keep_count = b.ints(d.batch, [&](int64_t) { return bad && chance(20) ? pick(-1, 1) * INT32_MAX : pick(0, d.max_keep); });
  s.sizes(d.batch, d.n_rows, d.row_bytes, d.max_keep, d.struct_size);
  s.enums(d.reserved);
  s.strides(d.src_sb, d.src_sn, d.dst_sb, d.dst_sn, d.keep_s);
  s.anything([&] { d.src = nullptr; });
  s.anything([&] { d.dst = nullptr; });
  s.anything([&] { d.dst = const_cast<void*>(d.src); });
  s.pointers(d.keep);
  const bool spoiled = s.apply() || bad;
  count(4, wn_gather_rows(some_context(), &d, nullptr), b, spoiled);
}

void kv() {
  Buffers b;
  Spoiler s;
  wn_kv_desc d = {};
  d.struct_size = sizeof d, d.n_planes = pick(0, 4), d.batch = pick(0, 2), d.heads = pick(0, 3), d.n_rows = pick(0, 30), d.row_bytes = pick(1, 300);
  d.max_keep = pick(0, d.n_rows), d.order = pick(0, 1), d.sn = d.row_bytes, d.sh = d.sn * d.n_rows, d.sb = d.sh * d.heads;
  std::vector<int64_t> planes;
  for (int p = 0; p < d.n_planes; ++p) planes.push_back(reinterpret_cast<int64_t>(b.output(d.sb * d.batch)));
  d.plane_addr = planes.data();
  const bool bad = chance(20);
  // one shared list, or one per plane
  d.keep_sp = chance(50) ? d.max_keep : 0, d.count_sp = d.keep_sp ? 1 : 0;
  const int lists = d.keep_sp ? d.n_planes : 1;
  std::vector<int32_t> all;
  for (int list = 0; list < lists; ++list) {
    std::vector<int32_t> rows(d.n_rows);
    for (int r = 0; r < d.n_rows; ++r) rows[r] = r;
    std::shuffle(rows.begin(), rows.end(), random_source);
    rows.resize(d.max_keep);
    if (!(bad && chance(50))) std::sort(rows.begin(), rows.end());
    if (bad && chance(50) && d.max_keep > 0) rows[pick(0, d.max_keep - 1)] = pick(-1, 1) * INT32_MAX;
    all.insert(all.end(), rows.begin(), rows.end());
  }
  d.keep = b.ints(int64_t(all.size()), [&](int64_t i) { return all[i]; });
  if (chance(60)) d.keep_count = b.ints(lists, [&](int64_t) { return bad && chance(20) ? pick(-1, 1) * INT32_MAX : pick(0, d.max_keep); });
  s.sizes(d.n_planes, d.batch, d.heads, d.n_rows, d.row_bytes, d.max_keep, d.first_row, d.struct_size);
  s.enums(d.order, d.reserved);
  s.strides(d.sb, d.sh, d.sn, d.keep_sp, d.keep_sb, d.keep_sh, d.count_sp, d.count_sb, d.count_sh);
  s.pointers(d.keep);
  s.anything([&] { d.max_keep = d.first_row = INT32_MAX; });
  s.anything([&] { d.plane_addr = nullptr; });
  s.anything([&] {
    if (!planes.empty()) planes[pick(0, int(planes.size()) - 1)] = planes[0];
  });
  s.anything([&] {
    if (!planes.empty()) planes[pick(0, int(planes.size()) - 1)] = 0;
  });
  const bool spoiled = s.apply() || bad;
  count(5, wn_kv_compact(some_context(), &d, nullptr), b, spoiled);
}

void merge() {
  Buffers b;
  Spoiler s;
  wn_merge_desc d = {};
  d.struct_size = sizeof d, d.dtype = pick(0, 2), d.batch = pick(0, 2), d.n_rows = pick(1, 20), d.dim = pick(1, 80), d.n_seg = pick(0, 6), d.n_entry = pick(0, 20);
  d.normalise = pick(0, 1), d.src_sn = d.dim + pick(0, 2), d.src_sb = d.src_sn * d.n_rows, d.dst_sn = d.dim + pick(0, 2), d.dst_sb = d.dst_sn * d.n_seg;
  d.seg_begin_sb = d.n_seg + 1;
  d.src = b.input(d.src_sb * d.batch * size_of(d.dtype)), d.dst = b.output(d.dst_sb * d.batch * size_of(d.dtype));
  const bool bad = chance(15);
  std::vector<int32_t> begin;
  for (int r = 0; r < d.batch; ++r) {
    std::vector<int32_t> row;
    for (int i = 0; i <= d.n_seg; ++i) row.push_back(bad && chance(10) ? pick(-1, 1) * INT32_MAX : pick(0, d.n_entry));
    if (!(bad && chance(50))) std::sort(row.begin(), row.end());
    begin.insert(begin.end(), row.begin(), row.end());
  }
  d.seg_begin = b.ints(int64_t(begin.size()), [&](int64_t i) { return begin[i]; });
  d.seg_src = b.ints(d.n_entry, [&](int64_t) { return bad && chance(10) ? pick(-1, 1) * INT32_MAX : pick(0, d.n_rows - 1); });
  if (chance(60)) d.seg_weight = b.input(4 * d.n_entry);
  s.sizes(d.batch, d.n_rows, d.dim, d.n_seg, d.n_entry, d.struct_size);
  s.enums(d.dtype, d.normalise);
  s.strides(d.src_sb, d.src_sn, d.dst_sb, d.dst_sn, d.seg_begin_sb);
  s.pointers(d.src, d.dst, d.seg_begin, d.seg_src);
  s.anything([&] {
    if (d.n_entry > 0) d.dst = const_cast<void*>(d.src);
  });
  const int dtype = d.dtype;
  const bool spoiled = s.apply() || bad;
  if (d.dtype >= 0 && d.dtype <= 2 && size_of(d.dtype) > size_of(dtype)) d.dtype = dtype;
  count(6, wn_merge_rows(some_context(), &d, nullptr), b, spoiled);
}

}  // namespace

int main(int argc, char** argv) {
  const char* setting = std::getenv("WINNOW_FUZZ_SECONDS");
  const double seconds = argc > 1 ? std::atof(argv[1]) : setting ? std::atof(setting) : 120;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
  random_source.seed(seed);
  Context one, three(3);
  contexts[0] = one, contexts[1] = three;
  const std::vector<std::string> all = tiers();
  void (*const functions[])() = {score, select, similarity, greedy, gather, kv, merge};
  const auto start = std::chrono::steady_clock::now();
  int64_t total = 0;
  while (failures() == 0 && std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds) {
    EXPECT_OK(wn_set_cpu_tier(all[total / 70 % all.size()].c_str()));
    for (int i = 0; i < 70; ++i, ++total) functions[i % 7]();
  }
  for (int f = 0; f < 7; ++f) {
    std::printf("%-8s %9lld done, %9lld refused as invalid, %6lld for the workspace\n", names[f], static_cast<long long>(calls[f][WN_OK]),
                static_cast<long long>(calls[f][WN_EINVAL]), static_cast<long long>(calls[f][WN_EWORKSPACE]));
  }
  std::printf("fuzz_border: %lld calls, seed %llu\n", static_cast<long long>(total), static_cast<unsigned long long>(seed));
  return finish("fuzz_border");
}
