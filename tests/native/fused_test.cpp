// Dot products are fused: every product enters the sum unrounded, and the sum is rounded once. Every tier must give the bits of std::fma,
// for float32 too, whose products have more bits than a double keeps of their sum.
#include <algorithm>

#include "descriptors.h"
#include "testing.h"

using namespace testing;

namespace {

constexpr int dim = 33;  // two whole steps and a tail
constexpr int lanes = 16;

/** A float of few bits or of nearly all, so that sums end at ties, or just beside them. */
float knotty(Random& random, int exponent) {
  uint32_t mantissa = between(random, 0, 1) ? 0 : 0x7fffff;
  for (int bits = between(random, 0, 3); bits > 0; --bits) mantissa ^= 1u << between(random, 0, 22);
  const float m = wn::ref::from_bits(0x3f800000 | mantissa);
  return std::ldexp(between(random, 0, 1) ? m : -m, exponent);
}

/** A sum and the two factors that are added to it. */
struct Triple {
  float sum, factor;
};

/** Sums for a factor that meets others: of the product's size and sign or the opposite, far above it, or below. */
std::vector<Triple> triples_for(float other, int least, int most, Random& random) {
  std::vector<Triple> list;
  for (int i = 0; i < 64; ++i) {
    const int exponent = between(random, least, most);
    Triple t = {0, knotty(random, exponent)};
    const float product = t.factor * other;
    const int size = std::isfinite(product) && product != 0 ? std::ilogb(product) : 0;
    t.sum = i % 8 == 0 ? -product : knotty(random, size + between(random, -30, 50));
    list.push_back(t);
  }
  return list;
}

bool same_float(float a, float b) { return wn::ref::to_bits(a) == wn::ref::to_bits(b) || (std::isnan(a) && std::isnan(b)); }

/** What the lanes' tree makes of the one sum that is not zero. */
float expected(const Triple& t, float other) { return std::fma(t.factor, other, t.sum) + 0.0f; }

/** A row that holds a sum and a factor in the same lane of its two steps. */
void put_row(Array& x, int row, int lane, float first, float second) {
  for (int c = 0; c < dim; ++c) x.set(int64_t(row) * dim + c, 0.0f);
  x.set(int64_t(row) * dim + lane, first), x.set(int64_t(row) * dim + lanes + lane, second);
}

/** Raw scores of keys that hold the triples: of the query as it is (causal), and of the sum of all queries, which is that one. */
void scores_are_fused(wn_ctx* ctx, float other, const std::vector<Triple>& triples, int lane) {
  const int n = int(triples.size());
  Array q(WN_F32, dim), k(WN_F32, int64_t(n) * dim);
  put_row(q, 0, lane, 1.0f, other);
  for (int i = 0; i < n; ++i) put_row(k, i, lane, triples[i].sum, triples[i].factor);
  std::vector<float> out(n);
  wn_score_desc d = one_query(WN_F32, 1, dim, n);
  d.mode = WN_RAW_DOT, d.reduce = WN_SUM, d.q = q.data(), d.q_sb = d.q_sh = d.q_st = dim;
  d.k = k.data(), d.k_sb = d.k_sh = int64_t(n) * dim, d.k_sn = dim, d.query_pos0 = n, d.out = out.data();
  for (int causal : {0, 1}) {
    d.causal = causal;
    Workspace workspace(wn_score_workspace(ctx, &d));
    EXPECT_OK(wn_score(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
    for (int i = 0; i < n; ++i) EXPECT(same_float(out[i], expected(triples[i], other)));
  }
}

/** The dot product of two rows by pivots, and as the largest of all pairs. */
void similarities_are_fused(wn_ctx* ctx, float other, const std::vector<Triple>& triples, int lane) {
  for (size_t i = 0; i < triples.size(); ++i) {
    if (std::fabs(triples[i].sum) > 0x1p60f) continue;  // a row whose square overflows is not usable
    Array x(WN_F32, 2 * dim);
    put_row(x, 0, lane, 1.0f, other), put_row(x, 1, lane, triples[i].sum, triples[i].factor);
    for (int op : {WN_SIM_PIVOTS, WN_SIM_ARGMAX}) {
      std::vector<float> val(4);
      std::vector<int32_t> idx(2);
      wn_sim_desc d = similarity_of(op, WN_F32, 2, dim, x.data());
      d.metric = WN_DOT, d.out_val = val.data(), d.out_idx = op == WN_SIM_PIVOTS ? nullptr : idx.data();
      Workspace workspace(wn_sim_workspace(ctx, &d));
      EXPECT_OK(wn_sim(ctx, &d, workspace.get(), workspace.bytes(), nullptr));
      EXPECT(same_float(val[op == WN_SIM_PIVOTS ? 1 : 0], expected(triples[i], other)));
    }
  }
}

/** Sums at which rounding the product first, or the sum in double, gives another float. */
void known_sums(wn_ctx* ctx) {
  const float odd = 1 + 0x1p-23f;
  const std::vector<Triple> just_below_a_tie = {{odd, (1 + 0x1p-23f) * 0x1p-24f}};
  subject() += ", a tie that is none";
  EXPECT(std::fma(just_below_a_tie[0].factor, 1 - 0x1p-23f, odd) == odd);
  EXPECT(static_cast<float>(double(just_below_a_tie[0].factor) * double(1 - 0x1p-23f) + double(odd)) != odd);
  scores_are_fused(ctx, 1 - 0x1p-23f, just_below_a_tie, 3);
  similarities_are_fused(ctx, 1 - 0x1p-23f, just_below_a_tie, 3);
  subject() += ", what a product loses";
  const std::vector<Triple> cancels = {{-(1 + 0x1p-11f), 1 + 0x1p-12f}};
  EXPECT(expected(cancels[0], 1 + 0x1p-12f) == 0x1p-24f && (1 + 0x1p-12f) * (1 + 0x1p-12f) + cancels[0].sum == 0);
  scores_are_fused(ctx, 1 + 0x1p-12f, cancels, 12);
  similarities_are_fused(ctx, 1 + 0x1p-12f, cancels, 12);
}

}  // namespace

int main() {
  Context ctx;
  on_every_tier([&](const std::string& tier) {
    subject() = tier;
    known_sums(ctx);
    Random random(61);
    for (int i = 0; i < 150; ++i) {
      const int exponent = between(random, -126, 127);
      const float other = knotty(random, exponent);
      subject() = "scores " + tier + ", factor " + std::to_string(other);
      // products from far below the least denormal to far above the largest float
      scores_are_fused(ctx, other, triples_for(other, std::max(-149, -149 - exponent), 127, random), i % lanes);
      const float moderate = knotty(random, between(random, -40, 40));
      subject() = "similarities " + tier + ", factor " + std::to_string(moderate);
      if (i % 5 == 0) similarities_are_fused(ctx, moderate, triples_for(moderate, -60, 10, random), i % lanes);
    }
    const float tops[] = {INFINITY, -INFINITY, NAN, 0x1.fffffep127f, -0x1.fffffep127f, 0x1p-149f, 0.0f};
    for (float other : tops) {
      std::vector<Triple> extremes;
      for (float sum : tops) {
        for (float factor : tops) extremes.push_back({sum, factor});
      }
      subject() = "extremes " + tier + ", factor " + std::to_string(other);
      scores_are_fused(ctx, other, extremes, 15);
    }
  });
  return finish("fused_test");
}
