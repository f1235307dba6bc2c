/* A C11 program that uses the library as any C caller would: score a toy image's tokens, select, and compact a toy cache. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "winnow.h"

#define REQUIRE(condition)                                                                      \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, wn_last_error());     \
      return 1;                                                                                 \
    }                                                                                           \
  } while (0)

enum { PREFIX = 2, TOKENS = 6, SUFFIX = 2, ROWS = PREFIX + TOKENS + SUFFIX, DIM = 4, LAYERS = 3, KEEP = 3 };

static void* aligned(int64_t bytes) {
  /* aligned_alloc wants a size that is a multiple of the alignment */
  return bytes > 0 ? aligned_alloc(64, (size_t)((bytes + 63) / 64 * 64)) : NULL;
}

int main(void) {
  REQUIRE(wn_abi_version() == WN_ABI_VERSION);
  REQUIRE(strlen(wn_build_id()) > 12);
  wn_ctx* ctx = NULL;
  REQUIRE(wn_ctx_create(WN_CPU, 0, &ctx) == WN_OK);

  /* Keys: token t points along axis 0 with strength t mod 4; the query looks along axis 0. Tokens 3, 2 (of the image) win. */
  float query[DIM] = {2, 0, 0, 0};
  float keys[ROWS][DIM] = {{0}};
  for (int t = 0; t < TOKENS; ++t) keys[PREFIX + t][0] = (float)(t % 4);
  float scores[TOKENS];
  wn_score_desc score;
  memset(&score, 0, sizeof score);
  score.struct_size = sizeof score;
  score.batch = score.heads_q = score.heads_kv = score.n_query = 1;
  score.head_dim = DIM;
  score.max_key = ROWS;
  score.key_begin = PREFIX;
  score.key_count = TOKENS;
  score.scale = 0.5f;
  score.q = query;
  score.k = keys;
  score.k_sn = DIM;
  score.out = scores;
  int64_t bytes = wn_score_workspace(ctx, &score);
  REQUIRE(bytes >= 0);
  void* workspace = aligned(bytes);
  REQUIRE(wn_score(ctx, &score, workspace, bytes, NULL) == WN_OK);
  free(workspace);
  double whole = 4.0; /* exp(0) of prefix and suffix */
  for (int t = 0; t < TOKENS; ++t) whole += exp(t % 4);
  for (int t = 0; t < TOKENS; ++t) REQUIRE(fabs(scores[t] - exp(t % 4) / whole) < 1e-6);

  int32_t keep[ROWS], count = 0, inverse[ROWS], moved = 0, total = ROWS;
  wn_select_desc select;
  memset(&select, 0, sizeof select);
  select.struct_size = sizeof select;
  select.rule = WN_TOPK;
  select.rows = 1;
  select.max_len = TOKENS;
  select.k = KEEP;
  select.prefix = PREFIX;
  select.max_keep = ROWS;
  select.scores = scores;
  select.total_len = &total;
  select.keep = keep;
  select.keep_count = &count;
  select.inverse = inverse;
  select.first_moved = &moved;
  bytes = wn_select_workspace(ctx, &select);
  REQUIRE(bytes >= 0);
  workspace = aligned(bytes);
  REQUIRE(wn_select(ctx, &select, workspace, bytes, NULL) == WN_OK);
  free(workspace);
  const int32_t expected[] = {0, 1, 3, 4, 5, 8, 9}; /* image tokens 1 (before 5: equal scores), 2 and 3 */
  REQUIRE(count == 7 && memcmp(keep, expected, sizeof expected) == 0);
  REQUIRE(moved == 2 && inverse[2] == -1 && inverse[9] == 6);

  /* Three layers, two numbers a row; afterwards row j is old row keep[j], in every layer. */
  int32_t cache[LAYERS][ROWS][2];
  int64_t planes[LAYERS];
  for (int l = 0; l < LAYERS; ++l) {
    planes[l] = (int64_t)(intptr_t)cache[l];
    for (int r = 0; r < ROWS; ++r) cache[l][r][0] = 100 * l + r, cache[l][r][1] = -r;
  }
  wn_kv_desc kv;
  memset(&kv, 0, sizeof kv);
  kv.struct_size = sizeof kv;
  kv.n_planes = LAYERS;
  kv.batch = kv.heads = 1;
  kv.n_rows = ROWS;
  kv.row_bytes = sizeof cache[0][0];
  kv.max_keep = ROWS;
  kv.first_row = moved;
  kv.plane_addr = planes;
  kv.sn = sizeof cache[0][0];
  kv.keep = keep;
  kv.keep_count = &count;
  REQUIRE(wn_kv_compact(ctx, &kv, NULL) == WN_OK);
  for (int l = 0; l < LAYERS; ++l) {
    for (int j = 0; j < count; ++j) REQUIRE(cache[l][j][0] == 100 * l + keep[j] && cache[l][j][1] == -keep[j]);
  }

  /* What is wrong is named. */
  kv.struct_size -= 8;
  REQUIRE(wn_kv_compact(ctx, &kv, NULL) == WN_EINVAL);
  REQUIRE(strstr(wn_last_error(), "struct_size"));
  wn_ctx* cuda = NULL;
  const int32_t status = wn_ctx_create(WN_CUDA, 0, &cuda);
  REQUIRE(status == WN_OK ? wn_cuda_devices() > 0 : status == WN_EUNSUPPORTED && cuda == NULL);
  wn_ctx_destroy(cuda);
  wn_ctx_destroy(ctx);
  printf("prune_test: pruned a toy cache from %d to %d rows\n", ROWS, (int)count);
  return 0;
}
