// Arguments that wn_score refuses.
#include "border.h"

namespace testing {
namespace {

/** Every optional array is there, every dimension is two or more. */
wn_score_desc sound(Slices& s) {
  wn_score_desc d = {};
  d.struct_size = sizeof d, d.mode = WN_SOFTMAX_LSE, d.batch = 2, d.heads_q = 4, d.heads_kv = 2, d.head_dim = 8, d.n_query = 2;
  d.max_key = 10, d.key_begin = 3, d.key_count = 5, d.scale = 1;
  d.q = s.floats(), d.q_st = 8, d.q_sh = 16, d.q_sb = 64;
  d.k = s.floats(), d.k_sn = 8, d.k_sh = 80, d.k_sb = 160;
  d.lse = s.floats(), d.lse_st = 1, d.lse_sh = 2, d.lse_sb = 8;
  d.key_len = s.ints({10, 10}), d.key_first = s.ints({0, 0}), d.query_pos = s.ints({9, 9}), d.query_weight = s.floats();
  d.out = s.floats(-3), d.out_sb = 5;
  return d;
}

/** Without queries the keys are not read, so they need not exist; without reported keys nothing need. */
void nothing_to_do(const Border<wn_score_desc>& border) {
  std::vector<float> zeros(10, -3);
  for (int mode : {WN_SOFTMAX, WN_RAW_DOT}) {
    border.accepts("no queries", [&](wn_score_desc& d) {
      std::fill(zeros.begin(), zeros.end(), -3.0f);
      d.mode = mode, d.n_query = 0, d.q = d.k = nullptr, d.out = zeros.data();
    });
    EXPECT(zeros == std::vector<float>(10, 0.0f));
  }
  border.accepts("no keys", [](wn_score_desc& d) { d.key_count = 0, d.q = d.k = d.lse = nullptr, d.out = nullptr; });
  border.accepts("no batch", [](wn_score_desc& d) { d.batch = 0, d.q = d.k = d.lse = nullptr, d.out = nullptr; });
}

}  // namespace

void score_border(wn_ctx* ctx) {
  using D = wn_score_desc;
  Slices s;
  const Border<D> border = {ctx, s, sound(s), with_scratch(wn_score)};
  int32_t* eleven = s.ints({10, 11});
  int32_t* negative = s.ints({-1, 10});
  border.accepts("sound scores");
  border.descriptor();
  border.workspace(wn_score_workspace, wn_score);
  border.counts({{&D::batch, "batch", 0},
                 {&D::heads_q, "heads_q", 1},
                 {&D::heads_kv, "heads_kv", 1},
                 {&D::head_dim, "head_dim", 1, 1024},
                 {&D::n_query, "n_query", 0},
                 {&D::max_key, "max_key", 0},
                 {&D::key_begin, "key_begin", 0},
                 {&D::key_count, "key_count", 0}});
  border.enums({{&D::dtype, "dtype", 3},
                {&D::mode, "mode", 3},
                {&D::reduce, "reduce", 4},
                {&D::lse_base, "lse_base", 2},
                {&D::causal, "causal", 2},
                {&D::flags, "flags", 2},
                {&D::reserved, "reserved", 1}});
  border.not_finite(&D::scale, "scale");
  border.refuses("heads_q = 3 is not a multiple", [](D& d) { d.heads_q = 3; });
  border.refuses("reach past max_key = 10", [](D& d) { d.key_begin = 6; });
  border.refuses("reach past max_key = 10", [](D& d) { d.key_begin = d.key_count = largest_count; });
  border.strides({{&D::q_sb, "q"}, {&D::q_sh, "q"}, {&D::q_st, "q"}, {&D::k_sb, "k"}, {&D::k_sh, "k"}, {&D::k_sn, "k"},
                  {&D::lse_sb, "lse"}, {&D::lse_sh, "lse"}, {&D::lse_st, "lse"}, {&D::out_sb, "out"}});
  border.refuses("rows of out overlap", [](D& d) { d.out_sb = 4; });
  const std::vector<Border<D>::Input> needed = {{&D::q, "q"}, {&D::k, "k"}, {&D::lse, "lse"}};
  const std::vector<Border<D>::Input> optional = {
      {&D::key_len, "key_len"}, {&D::key_first, "key_first"}, {&D::query_pos, "query_pos"}, {&D::query_weight, "query_weight"}};
  const std::vector<Border<D>::Output> outputs = {{&D::out, "out"}};
  border.arrays(outputs, needed, optional);
  border.refuses("out overlaps q", [](D& d) { d.out = static_cast<float*>(const_cast<void*>(d.q)) + 127; });
  border.refuses("k overflow the address space", [](D& d) { d.k = reinterpret_cast<void*>(UINTPTR_MAX - 63); });
  border.refuses("key_len[1] = 11", [&](D& d) { d.key_len = eleven; });
  border.refuses("key_len[0] = -1", [&](D& d) { d.key_len = negative; });
  border.refuses("key_first[1] = 11", [&](D& d) { d.key_first = eleven; });
  border.refuses("key_first[0] = -1", [&](D& d) { d.key_first = negative; });
  nothing_to_do(border);
  subject() = "score at the largest sizes";
  D d = border.good;
  d.heads_q = d.heads_kv = d.n_query = d.max_key = largest_count, d.key_count = d.head_dim = 1, d.lse_sh = d.lse_st = d.q_sh = d.q_st = 0;
  d.k_sh = d.k_sn = 0, d.query_pos = d.query_weight = nullptr;
  EXPECT(wn_score_workspace(ctx, &d) > largest_count);
}

}  // namespace testing
