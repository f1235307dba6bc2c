// wn_select: the total order, ties, every rule, ragged rows, maps and counts, against a stable sort, on every tier.
#include "reference/select.h"

#include "descriptors.h"
#include "testing.h"

using namespace testing;

namespace {

std::vector<int32_t> top_k(wn_ctx* ctx, const std::vector<float>& scores, int k) {
  wn_select_desc d = top_of(scores, k);
  std::vector<int32_t> keep(scores.size()), count(1);
  d.keep = keep.data(), d.keep_count = count.data();
  Workspace workspace(wn_select_workspace(ctx, &d));
  EXPECT_OK(wn_select(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
  keep.resize(count[0]);
  return keep;
}

float bits(uint32_t u) { return wn::ref::from_bits(u); }

/** Field cases: NaN of both signs, signed zeros, and equal scores. */
void known_orders() {
  Context ctx;
  using List = std::vector<int32_t>;
  on_every_tier([&](const std::string& tier) {
    subject() = "known orders " + tier;
    const std::vector<float> nan = {1.0f, bits(0x7fc00000), 2.0f, bits(0xffc00000), -INFINITY, -0.0f, +0.0f};
    EXPECT(top_k(ctx, nan, 3) == (List{0, 2, 5}));
    EXPECT(top_k(ctx, nan, 4) == (List{0, 2, 5, 6}));
    EXPECT(top_k(ctx, nan, 5) == (List{0, 2, 4, 5, 6}));
    EXPECT(top_k(ctx, nan, 6) == (List{0, 1, 2, 4, 5, 6}));
    EXPECT(top_k(ctx, {3, 2, 3, 2, 1, 1}, 2) == (List{0, 2}));
    EXPECT(top_k(ctx, {3, 2, 3, 2, 1, 1}, 3) == (List{0, 1, 2}));
    EXPECT(top_k(ctx, {1, 2, 5, 4, 5}, 1) == (List{2}));
    EXPECT(top_k(ctx, {9, 9, 9, 9, 5, 5, 5, 5}, 6) == (List{0, 1, 2, 3, 4, 5}));
    EXPECT(top_k(ctx, std::vector<float>(20000, 0.5f), 7) == (List{0, 1, 2, 3, 4, 5, 6}));
    std::vector<float> two(2880);
    List expected;
    int ones = 0;
    for (int i = 0; i < 2880; ++i) two[i] = i % 3 == 1 ? 1.0f : bits(0x3f7fffff), ones += i % 3 == 1;
    for (int i = 0, rest = 1000 - ones; i < 2880; ++i) {
      if (i % 3 == 1 || rest-- > 0) expected.push_back(i);
    }
    EXPECT(top_k(ctx, two, 1000) == expected);
  });
}

std::vector<float> scores_of_kind(int kind, int n, Random& random) {
  std::vector<float> s(n);
  std::normal_distribution<float> normal;
  for (float& v : s) {
    switch (kind) {
      case 0: v = normal(random); break;
      case 1: v = float(between(random, 0, 3)); break;                     // heavy ties
      case 2: v = bits(uint32_t(random())); break;                         // any bits: NaN, infinities, denormals
      case 3: v = wn::ref::bfloat_to_float(wn::ref::float_to_bfloat(std::fabs(normal(random)) * 1e-3f)); break;  // rounded attention
      case 4: v = between(random, 0, 1) ? 0.0f : -0.0f; break;
      default: v = std::exp(8 * normal(random)); break;
    }
  }
  return s;
}

struct Output {
  std::vector<int32_t> keep, count, inverse, pos, first;
  bool operator==(const Output& o) const {
    return keep == o.keep && count == o.count && inverse == o.inverse && pos == o.pos && first == o.first;
  }
};

void random_rows(int cases) {
  Context ctx;
  Random random(99);
  const int sizes[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 129, 576, 577, 1000, 2880};
  for (int i = 0; i < cases; ++i) {
    const int rows = between(random, 1, 4), n = i % 50 == 0 ? 20000 : sizes[between(random, 0, 19)];
    wn_select_desc d = {};
    d.struct_size = sizeof d, d.rows = rows, d.max_len = n;
    d.rule = between(random, 0, 3);
    d.prefix = between(random, 0, 2) ? between(random, 0, 40) : 0;
    d.k = between(random, 0, n + 2);
    d.threshold = i % 9 == 0 ? -INFINITY : i % 9 == 1 ? -0.0f : float(between(random, -2, 2));
    d.iqr_factor = 0.5f * between(random, 0, 4);
    std::vector<float> scores;
    std::vector<int32_t> len, k, total, pos;
    d.scores_s = n + between(random, 0, 3);
    int whole = d.prefix + n;
    for (int r = 0; r < rows; ++r) {
      std::vector<float> row = scores_of_kind(between(random, 0, 5), n, random);
      row.resize(d.scores_s);
      scores.insert(scores.end(), row.begin(), row.end());
      len.push_back(between(random, 0, n));
      k.push_back(between(random, -1, n + 1));
      total.push_back(d.prefix + len.back() + between(random, 0, 20));
      whole = std::max(whole, total.back());
    }
    d.scores = scores.data();
    d.row_len = i % 2 ? len.data() : nullptr;
    d.row_k = i % 3 == 0 ? k.data() : nullptr;
    d.total_len = i % 2 && i % 5 ? total.data() : nullptr;
    d.max_keep = whole, d.keep_s = whole, d.inverse_s = whole, d.new_pos_s = whole, d.pos_s = whole;
    for (int j = 0; j < rows * whole; ++j) pos.push_back(between(random, 0, 5000));
    d.pos = i % 4 ? pos.data() : nullptr;
    const auto run = [&](bool reference) {
      const std::vector<int32_t> blank(size_t(rows) * whole, -99);
      Output o{blank, std::vector<int32_t>(rows, -99), blank, blank, std::vector<int32_t>(rows, -99)};
      d.keep = o.keep.data(), d.keep_count = o.count.data(), d.inverse = o.inverse.data(), d.new_pos = o.pos.data();
      d.first_moved = o.first.data();
      if (reference) {
        EXPECT(wn::ref::select(d) == -1);
      } else {
        Workspace workspace(wn_select_workspace(ctx, &d));
        EXPECT_OK(wn_select(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
      }
      return o;
    };
    const Output expected = run(true);
    on_every_tier([&](const std::string& tier) {
      subject() = "rule " + std::to_string(d.rule) + " rows " + std::to_string(rows) + " n " + std::to_string(n) + " " + tier;
      EXPECT(run(false) == expected);
    });
  }
}

/** A row that needs more places than there are is refused, and nothing has been written. */
void too_small() {
  Context ctx;
  on_every_tier([&](const std::string&) {
    const std::vector<float> scores = {1, 2, 3, 4, 5, 6};
    std::vector<int32_t> keep(8, -1), count(2, -1);
    wn_select_desc d = {};
    d.struct_size = sizeof d, d.rule = WN_GT, d.threshold = 1.5f, d.rows = 2, d.max_len = 3, d.max_keep = 2;
    d.scores = scores.data(), d.scores_s = 3, d.keep = keep.data(), d.keep_s = 4, d.keep_count = count.data();
    Workspace workspace(wn_select_workspace(ctx, &d));
    EXPECT(wn_select(ctx, &d, workspace.get(), workspace.bytes(), nullptr) == WN_EINVAL);
    EXPECT(std::string(wn_last_error()).find("max_keep = 2 is too small: row 1 keeps 3") != std::string::npos);
    EXPECT(keep == std::vector<int32_t>(8, -1) && count == std::vector<int32_t>(2, -1));
  });
}

}  // namespace

int main() {
  known_orders();
  random_rows(600);
  too_small();
  return finish("select_test");
}
