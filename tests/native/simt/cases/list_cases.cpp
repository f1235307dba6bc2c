// Lists and lengths that lie on the device, where the host cannot check them, with anything in them: nothing outside the arrays is read or
// written (the sanitised build and the guards see to that), and the outcome is the one that winnow.h tells.
#include "descriptors.h"
#include "hostile.h"

namespace cases {
namespace {

// Makes a call with hostile lists and one with what they count as; every output must be the same.
template <class Desc, class Query, class Function>
void same_as(Machine& m, Query query, Function function, const Desc& hostile, const Desc& clean, const std::string& name,
             const std::vector<std::pair<Twin<int32_t>*, Twin<int32_t>*>>& indices,
             const std::vector<std::pair<Twin<float>*, Twin<float>*>>& values) {
  call(m, query, function, hostile, name);
  call(m, query, function, clean, name + ", cleaned");
  for (const auto& pair : indices) m.check(pair.first->read() == pair.second->read(), name + ": indices");
  for (const auto& pair : values) {
    std::vector<float> a = pair.first->read(), b = pair.second->read();
    m.check(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0, name + ": values");
  }
}

struct Pivots {
  int dtype, op, n, dim, count;
};

// A listed pivot that is no valid row is similar to nothing; the others do not notice. Lengths of the batch rows are hostile too.
void pivots(Machine& m, Random& random, const Pivots& s) {
  constexpr int kBatch = 2, kTop = 3;
  std::string name = std::string("hostile pivots ") + dtype_name(s.dtype) + " op=" + std::to_string(s.op) + " count=" +
                     std::to_string(s.count) + " D=" + std::to_string(s.dim);
  int valid = s.n - 7, places = s.op == WN_SIM_PIVOTS ? s.n : s.op == WN_SIM_TOPM ? kTop : 1;
  std::vector<int32_t> clean, list = spoilt(random, size_t(kBatch) * s.count, valid, 0, &clean);
  auto rows_of = [&](size_t p) { return p < size_t(s.count) ? s.n : valid; };
  for (size_t p = 0; p < list.size(); ++p) {
    if (p % 6 == 0) list[p] = valid + 1;  // a row, valid in the first batch row alone
    clean[p] = list[p] < 0 || list[p] >= rows_of(p) ? 0 : list[p];
  }
  size_t outputs = size_t(kBatch) * s.count * places;
  Twin<unsigned char> x(m, encode(normals(random, size_t(kBatch) * s.n * s.dim), s.dtype));
  Twin<int32_t> pivot(m, list), good_pivot(m, clean), lengths(m, std::vector<int32_t>{INT_MAX, valid}), index(m, outputs, -9);
  Twin<int32_t> good_lengths(m, std::vector<int32_t>{s.n, valid}), good_index(m, outputs, -9);
  Twin<float> value(m, outputs, -9.0f), good_value(m, outputs, -9.0f);
  wn_sim_desc d = testing::similarity_of(s.op, s.dtype, s.n, s.dim, x.dev());
  d.batch = kBatch;
  d.n_pivot = s.count;
  d.top_m = kTop;
  d.eps = 1e-12f;
  d.x_sb = int64_t(s.dim) * s.n;
  d.pivot_sb = s.count;
  d.out_sp = places;
  d.out_sb = int64_t(places) * s.count;
  d.pivot = pivot.dev();
  d.n_valid = lengths.dev();
  d.out_val = value.dev();
  d.out_idx = s.op == WN_SIM_PIVOTS ? nullptr : index.dev();
  call(m, m.plugin->sim_workspace, m.plugin->sim, d, name);
  d.pivot = good_pivot.dev();
  d.n_valid = good_lengths.dev();
  d.out_val = good_value.dev();
  d.out_idx = s.op == WN_SIM_PIVOTS ? nullptr : good_index.dev();
  call(m, m.plugin->sim_workspace, m.plugin->sim, d, name + ", cleaned");
  std::vector<float> values = value.read(), expected = good_value.read();
  std::vector<int32_t> indices = index.read(), named = good_index.read();
  for (size_t i = 0; i < outputs; ++i) {
    size_t p = i / size_t(places);
    int rows = rows_of(p);
    bool stays = s.op == WN_SIM_PIVOTS && int(i % size_t(places)) >= rows;  // rows that take no part are not reported
    if (list[p] >= 0 && list[p] < rows) continue;
    expected[i] = stays ? -9.0f : s.op == WN_SIM_NEAREST ? INFINITY : -INFINITY;
    named[i] = s.op == WN_SIM_PIVOTS ? -9 : -1;
  }
  m.check(values == expected && indices == named, name);
}

void select(Machine& m, Random& random, int max_len) {
  constexpr int kPrefix = 3, kRows = 6;
  int longest = kPrefix + max_len + 4;
  std::vector<int32_t> len = {max_len, INT_MAX, -5, max_len / 2, max_len, max_len}, k = {5, INT_MAX, 7, INT_MIN, 4, 4};
  std::vector<int32_t> total = {longest, INT_MIN, 0, longest, INT_MAX, longest + 1};
  std::vector<int32_t> good_len = {max_len, max_len, 0, max_len / 2, max_len, max_len}, good_k = {5, max_len, 7, 0, 4, 4};
  std::vector<int32_t> good_total = {longest, kPrefix + max_len, kPrefix, longest, INT_MAX, longest + 1};  // the last two fit nowhere
  std::vector<float> values = normals(random, size_t(kRows) * max_len);
  std::vector<int32_t> positions(size_t(kRows) * longest);
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = int32_t(i * 3);
  Twin<float> scores(m, values);
  Twin<int32_t> lens(m, len), ks(m, k), totals(m, total), pos(m, positions);
  Twin<int32_t> good_lens(m, good_len), good_ks(m, good_k), good_totals(m, good_total);
  struct Outputs {
    Twin<int32_t> keep, count, inverse, new_pos, moved;
    Outputs(Machine& machine, size_t places)
        : keep(machine, kRows * places, -9), count(machine, kRows, -9), inverse(machine, kRows * places, -9),
          new_pos(machine, kRows * places, -9), moved(machine, kRows, -9) {}
  };
  Outputs hostile_out(m, size_t(longest)), clean_out(m, size_t(longest));
  auto describe = [&](Twin<int32_t>& l, Twin<int32_t>& wanted, Twin<int32_t>& t, Outputs& out) {
    wn_select_desc d = blank<wn_select_desc>();
    d.rule = WN_TOPK;
    d.rows = kRows;
    d.max_len = max_len;
    d.max_keep = longest;
    d.prefix = kPrefix;
    d.scores_s = max_len;
    d.pos_s = d.keep_s = d.inverse_s = d.new_pos_s = longest;
    d.scores = scores.dev();
    d.row_len = l.dev();
    d.row_k = wanted.dev();
    d.total_len = t.dev();
    d.pos = pos.dev();
    d.keep = out.keep.dev();
    d.keep_count = out.count.dev();
    d.inverse = out.inverse.dev();
    d.new_pos = out.new_pos.dev();
    d.first_moved = out.moved.dev();
    return d;
  };
  same_as(m, m.plugin->select_workspace, m.plugin->select, describe(lens, ks, totals, hostile_out),
          describe(good_lens, good_ks, good_totals, clean_out), "selection of hostile lengths, " + std::to_string(max_len),
          {{&hostile_out.keep, &clean_out.keep}, {&hostile_out.count, &clean_out.count}, {&hostile_out.inverse, &clean_out.inverse},
           {&hostile_out.new_pos, &clean_out.new_pos}, {&hostile_out.moved, &clean_out.moved}}, {});
  std::vector<int32_t> counts = hostile_out.count.read();
  m.check(counts[0] == kPrefix + 5 + 4 && counts[1] == kPrefix + max_len && counts[2] == kPrefix && counts[4] == -1 && counts[5] == -1,
          "selection of hostile lengths: counts");
}

// One row, whose arrays are as long as their strides say: nothing but the stride of `inverse` or of `pos` tells that total_len is too much.
void select_one(Machine& m, Random& random, int max_len, bool with_inverse) {
  constexpr int kPrefix = 3, kMore = 5, kWanted = 4;
  int longest = kPrefix + max_len + kMore, places = longest + 40;
  Twin<float> scores(m, normals(random, size_t(max_len)));
  Twin<int32_t> array(m, size_t(longest), -9), count(m, 1, -9), keep(m, size_t(places), -9), new_pos(m, size_t(places), -9);
  wn_select_desc d = blank<wn_select_desc>();
  d.rule = WN_TOPK;
  d.rows = 1;
  d.max_len = max_len;
  d.k = kWanted;
  d.max_keep = places;
  d.prefix = kPrefix;
  d.scores = scores.dev();
  d.keep = keep.dev();
  d.keep_count = count.dev();
  d.inverse = with_inverse ? array.dev() : nullptr;
  d.inverse_s = with_inverse ? longest : 0;
  d.pos = with_inverse ? nullptr : array.dev();
  d.pos_s = with_inverse ? 0 : longest;
  d.new_pos = new_pos.dev();
  std::string name = std::string("selection in one row, length beyond ") + (with_inverse ? "inverse" : "pos");
  for (int32_t total : {longest + 1, longest + 30, INT_MAX, longest}) {
    Twin<int32_t> totals(m, std::vector<int32_t>{total});
    d.total_len = totals.dev();
    call(m, m.plugin->select_workspace, m.plugin->select, d, name);
    bool fits = total == longest;
    m.check(count.read()[0] == (fits ? kPrefix + kWanted + kMore : -1), name + ": count");
    m.check((keep.read() == keep.host) == !fits, name + ": the list");
  }
}

void score(Machine& m, Random& random, int dtype, int mode, int queries) {
  constexpr int kBatch = 4, kKeys = 70, kDim = 24, kHeads = 2;
  std::vector<int32_t> len = {INT_MAX, INT_MIN, 50, -1}, first = {INT_MIN, -1, INT_MAX, 3}, pos(size_t(queries), 60);
  std::vector<int32_t> good_len = {kKeys, 0, 50, 0}, good_first = {0, 0, kKeys, 3}, good_pos = pos;
  for (int t = 0; t < queries; t += 2) {
    pos[size_t(t)] = t % 4 ? INT_MAX : INT_MIN;
    good_pos[size_t(t)] = t % 4 ? kKeys : -1;
  }
  Twin<unsigned char> q(m, encode(normals(random, size_t(kBatch) * kHeads * queries * kDim), dtype));
  Twin<unsigned char> k(m, encode(normals(random, size_t(kBatch) * kKeys * kDim), dtype));
  Twin<int32_t> lens(m, len), firsts(m, first), positions(m, pos);
  Twin<int32_t> good_lens(m, good_len), good_firsts(m, good_first), good_positions(m, good_pos);
  Twin<float> lse(m, size_t(kBatch) * kHeads * queries, 2.0f), out(m, kBatch * kKeys, -9.0f), good_out(m, kBatch * kKeys, -9.0f);
  auto describe = [&](Twin<int32_t>& l, Twin<int32_t>& f, Twin<int32_t>& p, Twin<float>& to) {
    wn_score_desc d = blank<wn_score_desc>();
    d.dtype = dtype;
    d.mode = mode;
    d.batch = kBatch;
    d.heads_q = kHeads;
    d.heads_kv = 1;
    d.head_dim = kDim;
    d.n_query = queries;
    d.max_key = d.key_count = kKeys;
    d.causal = 1;
    d.scale = 0.2f;
    d.q_st = d.k_sn = kDim;
    d.q_sh = int64_t(queries) * kDim;
    d.q_sb = d.q_sh * kHeads;
    d.k_sb = d.k_sh = int64_t(kKeys) * kDim;
    d.lse_st = 1;
    d.lse_sh = queries;
    d.lse_sb = int64_t(queries) * kHeads;
    d.out_sb = kKeys;
    d.q = q.dev();
    d.k = k.dev();
    d.lse = lse.dev();
    d.key_len = l.dev();
    d.key_first = f.dev();
    d.query_pos = p.dev();
    d.out = to.dev();
    return d;
  };
  same_as(m, m.plugin->score_workspace, m.plugin->score, describe(lens, firsts, positions, out),
          describe(good_lens, good_firsts, good_positions, good_out),
          std::string("scores of hostile lengths, ") + dtype_name(dtype) + " mode=" + std::to_string(mode), {}, {{&out, &good_out}});
}

void greedy(Machine& m, Random& random, int dtype, int objective) {
  constexpr int kBatch = 3, kRows = 30, kDim = 16, kPicks = 8;
  Twin<unsigned char> x(m, encode(normals(random, size_t(kBatch) * kRows * kDim), dtype));
  Twin<int32_t> lengths(m, std::vector<int32_t>{INT_MAX, INT_MIN, 5}), good_lengths(m, std::vector<int32_t>{kRows, 0, 5});
  Twin<int32_t> picks(m, kBatch * kPicks, -9), good_picks(m, kBatch * kPicks, -9);
  auto describe = [&](Twin<int32_t>& valid, Twin<int32_t>& to) {
    wn_greedy_desc d = testing::subset_of(objective, dtype, kRows, kDim, kPicks, x.dev());
    d.batch = kBatch;
    d.eps = 1e-12f;
    d.x_sb = int64_t(kDim) * kRows;
    d.out_sb = kPicks;
    d.n_valid = valid.dev();
    d.out_idx = to.dev();
    return d;
  };
  same_as(m, m.plugin->greedy_workspace, m.plugin->greedy, describe(lengths, picks), describe(good_lengths, good_picks),
          std::string("choices of hostile lengths, ") + dtype_name(dtype) + " objective=" + std::to_string(objective),
          {{&picks, &good_picks}}, {});
}

}  // namespace

void list_cases(Machine& m) {
  list_cases_of_rows(m);
  Random random(77);
  for (int op : {WN_SIM_PIVOTS, WN_SIM_ARGMAX, WN_SIM_TOPM, WN_SIM_NEAREST}) {
    pivots(m, random, {WN_F32, op, 40, 20, 7});
    pivots(m, random, {WN_F32, op, 40, 20, 25});
    pivots(m, random, {WN_BF16, op, 40, 40, 7});
    pivots(m, random, {WN_F16, op, 40, 40, 25});
    if (!m.small) pivots(m, random, {WN_BF16, op, 40, 1100, 25});                            // columns in parts
    if (!m.small && op == WN_SIM_ARGMAX) pivots(m, random, {WN_BF16, op, 400, 24, 900});  // large tiles
  }
  for (int max_len : {20, 700, 1500}) {
    select(m, random, max_len);
    for (bool with_inverse : {false, true}) select_one(m, random, max_len, with_inverse);
  }
  for (int mode : {WN_SOFTMAX, WN_SOFTMAX_LSE, WN_RAW_DOT}) {
    for (int queries : {1, 6, 12}) {
      score(m, random, WN_F32, mode, queries);
      score(m, random, WN_BF16, mode, queries);
    }
  }
  for (int objective : {WN_MAX_MIN, WN_DPP, WN_COVERAGE}) {
    for (int dtype : {WN_F32, WN_BF16}) greedy(m, random, dtype, objective);
  }
}

}  // namespace cases
