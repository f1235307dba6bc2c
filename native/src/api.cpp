// The exported functions: check, then hand over to the context's device.
#include <new>

#include "check.h"
#include "cpu/pool.h"

#ifndef WN_BUILD_ID
#error "the build passes WN_BUILD_ID"
#endif

namespace {

/** Bytes of workspace, or a negative status. */
int64_t workspace_or_status(int32_t status, int64_t bytes) { return status == WN_OK ? bytes : -static_cast<int64_t>(status); }

}  // namespace

extern "C" {

int32_t wn_abi_version(void) { return WN_ABI_VERSION; }

const char* wn_build_id(void) { return WN_BUILD_ID; }

int32_t wn_ctx_create(int32_t device, int32_t ordinal, wn_ctx** out) {
  WN_REQUIRE(out, "wn_ctx_create: out is NULL");
  *out = nullptr;
  WN_REQUIRE(device == WN_CPU || device == WN_CUDA, "wn_ctx_create: device = %d is not a wn_device", device);
  WN_REQUIRE(device == WN_CUDA || ordinal == 0, "wn_ctx_create: ordinal = %d, the CPU has only 0", ordinal);
  WN_REQUIRE(ordinal >= 0, "wn_ctx_create: ordinal = %d is negative", ordinal);
  const wn::Device* cuda = nullptr;
  WN_CHECK(device == WN_CPU ? wn::check_cpu_tier("wn_ctx_create") : wn::open_cuda_device(ordinal, &cuda));
  wn_ctx* ctx = new (std::nothrow) wn_ctx{device, ordinal, 1, nullptr, nullptr, nullptr, cuda};
  if (!ctx) return wn::fail(WN_ENOMEM, "wn_ctx_create: no memory");
  *out = ctx;
  return WN_OK;
}

void wn_ctx_destroy(wn_ctx* ctx) {
  if (!ctx) return;
  wn::stop_pool(ctx->pool);
  delete ctx;
}

int32_t wn_set_threads(wn_ctx* ctx, int32_t n) {
  WN_REQUIRE(ctx, "wn_set_threads: ctx is NULL");
  WN_REQUIRE(n >= 1 && n <= 256, "wn_set_threads: n = %d is outside 1..256", n);
  if (n == ctx->threads) return WN_OK;
  wn::Pool* pool = n > 1 ? wn::start_pool(n - 1) : nullptr;
  if (n > 1 && !pool) return wn::fail(WN_ENOMEM, "wn_set_threads: the system refuses %d threads; fewer may do", n - 1);
  wn::stop_pool(ctx->pool);
  ctx->pool = pool;
  ctx->threads = n;
  return WN_OK;
}

int32_t wn_set_parallel_for(wn_ctx* ctx, wn_parallel_for parallel_for, void* user) {
  WN_REQUIRE(ctx, "wn_set_parallel_for: ctx is NULL");
  ctx->parallel_for = parallel_for;
  ctx->parallel_user = user;
  return WN_OK;
}

int64_t wn_score_workspace(wn_ctx* ctx, const wn_score_desc* d) {
  const int32_t status = wn::check_score(ctx, d);
  return workspace_or_status(status, status == WN_OK ? ctx->work().score_workspace(*d) : 0);
}

int32_t wn_score(wn_ctx* ctx, const wn_score_desc* d, void* workspace, int64_t workspace_bytes, void* stream) {
  WN_CHECK(wn::check_score(ctx, d));
  WN_CHECK(wn::check_workspace("wn_score", ctx->device, ctx->work().score_workspace(*d), workspace, workspace_bytes));
  if (d->batch == 0 || d->key_count == 0) return WN_OK;
  return ctx->work().score(*ctx, *d, workspace, stream);
}

int64_t wn_sim_workspace(wn_ctx* ctx, const wn_sim_desc* d) {
  const int32_t status = wn::check_sim(ctx, d);
  return workspace_or_status(status, status == WN_OK ? ctx->work().sim_workspace(*d) : 0);
}

int32_t wn_sim(wn_ctx* ctx, const wn_sim_desc* d, void* workspace, int64_t workspace_bytes, void* stream) {
  WN_CHECK(wn::check_sim(ctx, d));
  WN_CHECK(wn::check_workspace("wn_sim", ctx->device, ctx->work().sim_workspace(*d), workspace, workspace_bytes));
  if (d->batch == 0 || (d->op == WN_SIM_WINDOWS ? d->n : d->n_pivot) == 0) return WN_OK;
  return ctx->work().sim(*ctx, *d, workspace, stream);
}

int64_t wn_greedy_workspace(wn_ctx* ctx, const wn_greedy_desc* d) {
  const int32_t status = wn::check_greedy(ctx, d);
  return workspace_or_status(status, status == WN_OK ? ctx->work().greedy_workspace(*d) : 0);
}

int32_t wn_greedy(wn_ctx* ctx, const wn_greedy_desc* d, void* workspace, int64_t workspace_bytes, void* stream) {
  WN_CHECK(wn::check_greedy(ctx, d));
  WN_CHECK(wn::check_workspace("wn_greedy", ctx->device, ctx->work().greedy_workspace(*d), workspace, workspace_bytes));
  if (d->batch == 0 || d->k == 0) return WN_OK;
  return ctx->work().greedy(*ctx, *d, workspace, stream);
}

int64_t wn_select_workspace(wn_ctx* ctx, const wn_select_desc* d) {
  const int32_t status = wn::check_select(ctx, d);
  return workspace_or_status(status, status == WN_OK ? ctx->work().select_workspace(*d) : 0);
}

int32_t wn_select(wn_ctx* ctx, const wn_select_desc* d, void* workspace, int64_t workspace_bytes, void* stream) {
  WN_CHECK(wn::check_select(ctx, d));
  WN_CHECK(wn::check_workspace("wn_select", ctx->device, ctx->work().select_workspace(*d), workspace, workspace_bytes));
  if (d->rows == 0) return WN_OK;
  return ctx->work().select(*ctx, *d, workspace, stream);
}

int32_t wn_gather_rows(wn_ctx* ctx, const wn_gather_desc* d, void* stream) {
  WN_CHECK(wn::check_gather(ctx, d));
  if (d->batch == 0 || d->max_keep == 0) return WN_OK;
  return ctx->work().gather_rows(*ctx, *d, stream);
}

int32_t wn_kv_compact(wn_ctx* ctx, const wn_kv_desc* d, void* stream) {
  WN_CHECK(wn::check_kv(ctx, d));
  if (d->n_planes == 0 || d->batch == 0 || d->heads == 0 || d->max_keep == 0) return WN_OK;
  return ctx->work().kv_compact(*ctx, *d, stream);
}

int32_t wn_merge_rows(wn_ctx* ctx, const wn_merge_desc* d, void* stream) {
  WN_CHECK(wn::check_merge(ctx, d));
  if (d->batch == 0 || d->n_seg == 0) return WN_OK;
  return ctx->work().merge_rows(*ctx, *d, stream);
}

}  // extern "C"
