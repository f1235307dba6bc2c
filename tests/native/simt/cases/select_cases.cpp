// wn_select against a stable sort: ragged rows, heavy ties, NaN, infinities, both kernels, all rules.
#include "harness.h"
#include "reference/select.h"

namespace cases {
namespace {

constexpr int32_t kPoison = -77;

struct Options {
  int rule, rows, max_len, k, prefix, suffix;
  bool ragged, extras, roomy;
  float threshold, factor;
};

float hostile_score(Random& random, int kind) {
  switch (kind) {
    case 0: return random.normal();
    case 1: return float(random.below(4)) * 0.25f;                          // heavy ties
    case 2: return 0.015625f + random.unit() * 1e-6f;                       // one exponent, like attention scores
    case 3: return wn::ref::from_bits(uint32_t(random.next()));             // any bits: NaN, infinities, subnormals
    default: return random.below(97) == 0 ? -0.0f : random.below(3) ? 0.0f : 1.0f;
  }
}

void run(Machine& m, const Options& o, const std::vector<float>& values, Random& random, const std::string& name) {
  int stride = o.max_len + 3;
  std::vector<float> padded(size_t(o.rows) * size_t(stride), 1e30f);  // beyond a row's end lies a score that would win
  for (int r = 0; r < o.rows; ++r) {
    for (int i = 0; i < o.max_len; ++i) padded[size_t(r) * stride + i] = values[size_t(r) * o.max_len + i];
  }
  std::vector<int32_t> len(o.rows), k(o.rows), total(o.rows);
  for (int r = 0; r < o.rows; ++r) {
    len[r] = o.ragged ? (r == 0 ? o.max_len : random.below(o.max_len + 1)) : o.max_len;
    k[r] = o.ragged ? (r == 1 ? len[r] : r == 2 ? 0 : random.below(len[r] + 3) - 1) : o.k;
    total[r] = o.prefix + len[r] + o.suffix;
  }
  int longest = o.prefix + o.max_len + o.suffix, room = o.roomy ? longest : o.prefix + o.suffix + o.k;
  std::vector<int32_t> positions(size_t(o.rows) * longest);
  for (size_t i = 0; i < positions.size(); ++i) positions[i] = int32_t(i * 3 + 1);

  Twin<float> scores(m, padded);
  Twin<int32_t> lens(m, len), ks(m, k), totals(m, total), pos(m, positions);
  Twin<int32_t> keep(m, size_t(o.rows) * room, kPoison), count(m, o.rows, kPoison), inverse(m, size_t(o.rows) * longest, kPoison);
  Twin<int32_t> new_pos(m, size_t(o.rows) * room, kPoison), moved(m, o.rows, kPoison);
  wn_select_desc d = blank<wn_select_desc>();
  d.rule = o.rule;
  d.rows = o.rows;
  d.max_len = o.max_len;
  d.k = o.k;
  d.max_keep = room;
  d.prefix = o.prefix;
  d.threshold = o.threshold;
  d.iqr_factor = o.factor;
  d.scores_s = stride;
  d.keep_s = room;
  d.inverse_s = longest;
  d.new_pos_s = room;
  d.pos_s = longest;
  auto place = [&](bool device) {
    auto at = [&](auto& twin) { return static_cast<void*>(device ? twin.dev() : twin.data()); };
    d.scores = at(scores);
    d.keep = at(keep);
    d.keep_count = at(count);
    if (o.ragged) d.row_len = at(lens);
    if (o.ragged) d.row_k = at(ks);
    if (o.suffix > 0) d.total_len = at(totals);
    if (!o.extras) return;
    d.inverse = at(inverse);
    d.new_pos = at(new_pos);
    d.pos = at(pos);
    d.first_moved = at(moved);
  };
  place(true);
  call(m, m.plugin->select_workspace, m.plugin->select, d, name);
  place(false);
  int misfit = wn::ref::select(d);
  if (misfit >= 0) {  // rows that fit are written, the others answer -1
    auto counts = count.read();
    for (int r = 0; r < o.rows; ++r) {
      int expected = int(wn::ref::keep_list(d, r).size());
      m.check(counts[r] == (expected > room ? -1 : expected), name + ": count of a row beside one that does not fit");
    }
    return;
  }
  m.check(count.read() == count.host, name + ": keep_count");
  m.check(keep.read() == keep.host, name + ": keep");
  m.check(inverse.read() == inverse.host, name + ": inverse");
  m.check(new_pos.read() == new_pos.host, name + ": new_pos");
  m.check(moved.read() == moved.host, name + ": first_moved");
}

void published(Machine& m, const std::vector<float>& scores, int k, const std::vector<int32_t>& expected) {
  Twin<float> s(m, scores);
  Twin<int32_t> keep(m, expected.size() + 1, kPoison), count(m, 1, kPoison);
  wn_select_desc d = blank<wn_select_desc>();
  d.rule = WN_TOPK;
  d.rows = 1;
  d.max_len = int32_t(scores.size());
  d.k = k;
  d.max_keep = int32_t(expected.size());
  d.scores = s.dev();
  d.keep = keep.dev();
  d.keep_count = count.dev();
  call(m, m.plugin->select_workspace, m.plugin->select, d, "select");
  auto list = keep.read();
  m.check(count.read()[0] == int32_t(expected.size()), "select: count of a known case");
  m.check(std::equal(expected.begin(), expected.end(), list.begin()) && list.back() == kPoison,
      "select: a known case, k = " + std::to_string(k));
}

void known_cases(Machine& m) {
  float nan = wn::ref::from_bits(0x7fc00000u), negative_nan = wn::ref::from_bits(0xffc00000u);
  std::vector<float> hostile = {1.0f, nan, 2.0f, negative_nan, -INFINITY, -0.0f, 0.0f};
  published(m, hostile, 3, {0, 2, 5});
  published(m, hostile, 4, {0, 2, 5, 6});
  published(m, hostile, 5, {0, 2, 4, 5, 6});
  published(m, hostile, 6, {0, 1, 2, 4, 5, 6});
  published(m, {3, 2, 3, 2, 1, 1}, 2, {0, 2});
  published(m, {3, 2, 3, 2, 1, 1}, 3, {0, 1, 2});
  published(m, {1, 2, 5, 4, 5}, 1, {2});
  published(m, {9, 9, 9, 9, 5, 5, 5, 5}, 6, {0, 1, 2, 3, 4, 5});
  published(m, std::vector<float>(m.small ? 2000 : 20000, 0.5f), 7, {0, 1, 2, 3, 4, 5, 6});
  std::vector<float> two(2880, 1.0f);
  std::vector<int32_t> expected;
  for (int i = 0; i < 2880; ++i) {
    if (i % 3 == 0) two[size_t(i)] = 2.0f;
  }
  for (int i = 0, ones = 0; i < 2880; ++i) {
    if (i % 3 == 0 || ones++ < 40) expected.push_back(i);
  }
  published(m, two, 1000, expected);
}

}  // namespace

void select_cases(Machine& m) {
  known_cases(m);
  Random random(31);
  std::vector<int> lengths = {1, 2, 31, 32, 33, 576, 640, 641, 1024, 1025};
  if (!m.small) lengths.insert(lengths.end(), {2880, 25000});
  for (int n : lengths) {
    for (int kind = 0; kind < (n > 1100 ? 2 : 5); ++kind) {
      for (int rule : {WN_TOPK, WN_GT, WN_GE, WN_IQR_HIGH}) {
        if (n > 1100 && rule == WN_GT) continue;
        int rows = n > 1100 ? 3 : 5;
        std::vector<float> values(size_t(rows) * n);
        for (float& v : values) v = hostile_score(random, kind);
        bool ragged = random.below(2) == 0, fits = rule == WN_TOPK && !ragged;
        Options o{rule, rows, n, random.below(n + 1), random.below(3) * 7, random.below(2) * 5, ragged, true, !fits, 0.25f, 1.5f};
        run(m, o, values, random, "select n=" + std::to_string(n) + " kind=" + std::to_string(kind) + " rule=" + std::to_string(rule));
      }
    }
  }
  // More chosen than there is room for.
  std::vector<float> values(4 * 100);
  for (float& v : values) v = random.normal();
  Options tight{WN_GT, 4, 100, 40, 3, 2, false, false, false, 0.0f, 0.0f};
  run(m, tight, values, random, "select without room");
}

}  // namespace cases
