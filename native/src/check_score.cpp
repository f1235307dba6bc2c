#include <cmath>

#include "check.h"

namespace wn {

int32_t check_score(const wn_ctx* ctx, const wn_score_desc* d) {
  const char* f = "wn_score";
  WN_CHECK(check_desc(f, ctx, d));
  WN_REQUIRE(d->dtype >= WN_F32 && d->dtype <= WN_BF16, "%s: dtype = %d is not a wn_dtype", f, d->dtype);
  WN_REQUIRE(d->mode >= WN_SOFTMAX && d->mode <= WN_RAW_DOT, "%s: mode = %d is not a wn_score_mode", f, d->mode);
  WN_REQUIRE(d->reduce >= WN_MEAN && d->reduce <= WN_HEADS_THEN_MAX, "%s: reduce = %d is not a wn_reduce", f, d->reduce);
  WN_CHECK(check_counts(f, {{"batch", d->batch, 0},
                            {"heads_q", d->heads_q, 1},
                            {"heads_kv", d->heads_kv, 1},
                            {"head_dim", d->head_dim, 1, 1024},
                            {"n_query", d->n_query, 0},
                            {"max_key", d->max_key, 0},
                            {"key_begin", d->key_begin, 0},
                            {"key_count", d->key_count, 0}}));
  WN_REQUIRE(d->heads_q % d->heads_kv == 0, "%s: heads_q = %d is not a multiple of heads_kv = %d", f, d->heads_q, d->heads_kv);
  WN_REQUIRE(d->key_begin + d->key_count <= d->max_key, "%s: key_begin = %d and key_count = %d reach past max_key = %d", f,
             d->key_begin, d->key_count, d->max_key);
  WN_REQUIRE(d->causal == 0 || d->causal == 1, "%s: causal = %d is neither 0 nor 1", f, d->causal);
  WN_REQUIRE(d->mode != WN_SOFTMAX_LSE || d->lse_base == WN_LSE_E || d->lse_base == WN_LSE_2,
             "%s: lse_base = %d is not a wn_lse_base", f, d->lse_base);
  WN_REQUIRE((d->flags & ~WN_SCORE_MEAN_VISIBLE) == 0, "%s: flags = %d has unknown bits", f, d->flags);
  WN_REQUIRE(std::isfinite(d->scale), "%s: scale is not finite", f);
  WN_REQUIRE(d->reserved == 0, "%s: reserved = %d is not 0", f, d->reserved);

  const int64_t size = element_bytes(d->dtype);
  const int64_t b = d->batch, h = d->heads_q, q = d->n_query;
  // With nothing to report, or nothing to report from, the inputs are not read.
  const int64_t reads = d->key_count == 0 ? 0 : d->head_dim;
  Span out, in;
  WN_CHECK(check_output(f, "out", d->out, d->key_count, 4, {{b, d->out_sb}}, &out));
  WN_CHECK(check_array(f, "q", d->q, reads, size, {{b, d->q_sb}, {h, d->q_sh}, {q, d->q_st}}, &in));
  WN_CHECK(check_apart(f, "out", out, "q", in));
  in = {};
  WN_CHECK(check_array(f, "k", d->k, q == 0 ? 0 : reads, size,
                       {{b, d->k_sb}, {d->heads_kv, d->k_sh}, {d->max_key, d->k_sn}}, &in));
  WN_CHECK(check_apart(f, "out", out, "k", in));
  if (d->mode == WN_SOFTMAX_LSE) {
    in = {};
    WN_CHECK(check_array(f, "lse", d->lse, reads ? 1 : 0, 4, {{b, d->lse_sb}, {h, d->lse_sh}, {q, d->lse_st}}, &in));
    WN_CHECK(check_apart(f, "out", out, "lse", in));
  }
  const struct {
    const char* name;
    const void* array;
    int64_t count;
  } vectors[] = {{"key_len", d->key_len, b},
                 {"key_first", d->key_first, b},
                 {"query_pos", d->query_pos, q},
                 {"query_weight", d->query_weight, q}};
  for (const auto& v : vectors) {
    in = {};
    WN_CHECK(check_optional(f, v.name, v.array, v.count, 4, {}, &in));
    WN_CHECK(check_apart(f, "out", out, v.name, in));
  }
  if (ctx->device == WN_CPU) {
    WN_CHECK(check_values(f, "key_len", d->key_len, b, 0, d->max_key));
    WN_CHECK(check_values(f, "key_first", d->key_first, b, 0, d->max_key));
  }
  return WN_OK;
}

}  // namespace wn
