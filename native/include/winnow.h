/*
 * winnow.h - the native steps of visual-token pruning, for C11 and C++17.
 *
 * Score visual tokens, compare them, choose which stay, gather or merge rows, compact a KV cache in place. The library
 * works on raw memory; it knows nothing of tensors, frameworks or Java. The same functions serve CPU and CUDA: the context decides.
 *
 * Conventions, valid for every function unless it says otherwise
 * - Calls return a wn_status; wn_last_error() then tells, in one line, which argument was wrong. A refused call has written nothing.
 * - Descriptors are plain structs. Set struct_size = sizeof(the struct) and every field you do not use to 0 (memset first). Any other size,
 *   smaller or larger, is a caller built with another header than the library: WN_EINVAL, whatever else the struct holds.
 * - Strides are int64 in ELEMENTS, except in wn_gather_desc and wn_kv_desc, where rows are bytes and strides are BYTES. The innermost
 *   dimension is always contiguous. Strides must not be negative; 0 repeats an input.
 * - Counts and sizes (rows, heads, dimensions, bytes of a row, entries of a list) are below 2^30; strides may be larger.
 * - Data pointers are void*: host memory for a WN_CPU context, device memory for a WN_CUDA context. They must be aligned to their
 *   element size and need not be aligned further. Outputs must not overlap inputs, nor a workspace anything; an array
 *   reaches from its first to its last element, with the gaps that its strides leave.
 * - Index arrays and counts are int32, weights and scores float32, whatever the dtype of the data. Sums are accumulated in float32.
 * - A workspace is owned by the caller: at least as many bytes as the _workspace query answers for the same descriptor, 64-byte aligned
 *   (256 on CUDA), contents undefined on entry and on return. The query checks as the call does; for a bad descriptor it answers the
 *   status, negative.
 * - stream is a cudaStream_t, or NULL; CPU contexts ignore it. CUDA calls are asynchronous, allocate nothing on the device, never
 *   synchronise or read device data on the host, and so can be captured in a graph. A context on a device loads all kernels when it is
 *   made (make it before the capture begins), so that the first call may be a captured one.
 * - Lists, counts and lengths in device memory (keep-lists, pivots, segments, n_valid, key_len ...) are the caller's promise: where the CPU
 *   refuses one with WN_EINVAL, CUDA cannot see it and returns WN_OK. Whatever they hold, kernels read and write nothing outside the arrays
 *   described (total_len of wn_select may be the only measure of an array; see there). Lengths and counts are taken as the nearest that is
 *   allowed; an index that names no row counts as said below ("CUDA:").
 * - Errors of CUDA are WN_EDEVICE. An error that was pending when a call began is reported as such and left to its owner, nothing is
 *   launched; one of a kernel that failed earlier, whoever launched it, is told apart from the call's own. The CUDA library has a runtime
 *   of its own: cudaGetLastError of the application neither sees nor clears its errors, nor the other way round. What would need
 *   more blocks than one launch has is WN_EUNSUPPORTED.
 * - Thread-safety: any number of threads may compute with one context at once, each with its own outputs and workspace. wn_set_threads and
 *   wn_set_parallel_for must not run at the same time as other calls on their context, wn_set_cpu_tier not beside calls on any CPU context.
 *   All else, but for wn_ctx_destroy, may be called at any time.
 * - Determinism: results are bitwise repeatable, and do not depend on the number of threads or on the CPU tier. Equal values: the lower
 *   index wins. NaN ranks below every number, -0 equals +0. CPU and CUDA agree on every selection made from the same scores. Scores and
 *   similarities computed by a CPU and by a GPU, or by two generations of GPU, may differ in their last bits: sums have another order, and
 *   tensor cores cut off where others round.
 */
#ifndef WINNOW_H
#define WINNOW_H

#include <stdint.h>

#if defined(__GNUC__)
#define WN_API __attribute__((visibility("default")))
#else
#define WN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Grows when a struct or a function changes in a way that an older caller could notice. */
#define WN_ABI_VERSION 1

typedef struct wn_ctx wn_ctx;

enum wn_status {
  WN_OK = 0,
  WN_EINVAL = 1,       /**< an argument is wrong; the message names it */
  WN_EUNSUPPORTED = 2, /**< right in principle, but this build or machine cannot do it */
  WN_EWORKSPACE = 3,   /**< workspace missing, too small or misaligned */
  WN_EDEVICE = 4,      /**< the CUDA runtime reported an error, of this call or, the message then says so, of work before it */
  WN_ENOMEM = 5        /**< the host could not give what the library itself needs: a context, threads, a list of planes */
};

enum wn_device { WN_CPU = 0, WN_CUDA = 1 };
enum wn_dtype { WN_F32 = 0, WN_F16 = 1, WN_BF16 = 2 };

/* ------------------------------------------------------------------------------------------------ library and context */

/** The WN_ABI_VERSION that the library was built with. */
WN_API int32_t wn_abi_version(void);

/** Identity of this build: version and a hash of the native sources. Never NULL; lives as long as the library. */
WN_API const char* wn_build_id(void);

/** Message of the calling thread's last failed call; never NULL, valid until that thread's next failing call. */
WN_API const char* wn_last_error(void);

/**
 * Makes a context; *out is NULL if that fails. device: wn_device; ordinal: 0 for CPU, the CUDA device's number otherwise.
 * WN_EUNSUPPORTED if the CUDA library or the device is not there, or cannot load the kernels (an answer, not a fault: the CPU goes on
 * working). The first context of a CUDA device loads them all; not while the thread captures a graph.
 * A CPU context is refused while the environment's WINNOW_CPU_TIER names no implementation (WN_EINVAL) or one that this machine cannot
 * run (WN_EUNSUPPORTED); the message lists those that it can. wn_set_cpu_tier overrules the variable; an empty value counts as unset.
 */
WN_API int32_t wn_ctx_create(int32_t device, int32_t ordinal, wn_ctx** out);

/** Frees a context; NULL is allowed. No call may be running on it. */
WN_API void wn_ctx_destroy(wn_ctx* ctx);

/** Threads that CPU calls on this context may use, the caller's included: 1 (the default) to 256. Idle ones sleep, they never spin. */
WN_API int32_t wn_set_threads(wn_ctx* ctx, int32_t n);

/**
 * Calls body(arg, begin, end) for pieces that cover 0..n exactly once, in any order, on any threads, and returns when all are done. A piece
 * of fewer than grain (>= 1) is hardly worth another thread.
 */
typedef void (*wn_range_fn)(void* arg, int64_t begin, int64_t end);
typedef void (*wn_parallel_for)(void* user, int64_t n, int64_t grain, wn_range_fn body, void* arg);

/**
 * Lets CPU calls borrow the caller's threads instead of the library's own. NULL goes back to those. Only calls that may use more than one
 * thread (wn_set_threads) and are large enough to gain by it ask for any; calls at the same time ask at the same time.
 */
WN_API int32_t wn_set_parallel_for(wn_ctx* ctx, wn_parallel_for parallel_for, void* user);

/** Name of the CPU implementation in use: "portable", "avx2", "avx512", "avx512bf16" or "amx". Chosen once, from cpuid and WINNOW_CPU_TIER;
 * "" while that names none that this machine can run. All give the same results. */
WN_API const char* wn_cpu_tier(void);

/** The implementations that this machine can run, best last, separated by blanks. On Intel processors "avx512" comes after "avx512bf16",
 * whose dot instruction is the slower way there. "amx" is "avx512" but for the most similar of all bfloat16 rows, which matrix tiles sort
 * out first; it is there where the system grants this process their use, which it is asked for when tiers are chosen or listed. */
WN_API const char* wn_cpu_tiers(void);

/** Forces a CPU implementation for the whole process; WN_EUNSUPPORTED if this machine cannot run it, WN_EINVAL if it has no such name.
 * Sizes of workspaces that were asked for before do not hold after it. */
WN_API int32_t wn_set_cpu_tier(const char* name);

/**
 * Loads the CUDA library from path (NULL: libwinnow_cuda.so beside this library). Called by wn_ctx_create(WN_CUDA) if nobody did before.
 * WN_EUNSUPPORTED with the loader's reason if it cannot be loaded or was built for another ABI.
 */
WN_API int32_t wn_cuda_open(const char* path);

/** CUDA devices that can be used: 0 where there is no CUDA library, driver or device; wn_last_error then says why. Never fails. */
WN_API int32_t wn_cuda_devices(void);

/* ------------------------------------------------------------------------------------------------ K1 attention scores */

enum wn_score_mode {
  WN_SOFTMAX = 0,     /**< probabilities: softmax over the whole row of visible keys, of which a span is reported */
  WN_SOFTMAX_LSE = 1, /**< the same with the log-sum-exp of every row supplied by the attention kernel: keys are read once */
  WN_RAW_DOT = 2      /**< scale * q.k, no softmax */
};
enum wn_reduce {
  WN_MEAN = 0,           /**< weighted mean over queries, mean over heads */
  WN_SUM = 1,            /**< weighted sum over queries, sum over heads */
  WN_MAX = 2,            /**< largest value over queries and heads; queries of weight 0 take no part, other weights do not scale */
  WN_HEADS_THEN_MAX = 3  /**< mean over heads first, then the largest over queries (weights as for WN_MAX) */
};
enum wn_lse_base { WN_LSE_E = 0, WN_LSE_2 = 1 }; /* FlashAttention and ATen store ln, FlashInfer log2 */
enum wn_score_flags {
  WN_SCORE_MEAN_VISIBLE = 1 /**< WN_MEAN divides each key's sum by the weight of the queries that can see that key (column mean) */
};

/**
 * out[b][n] = reduce over h, t of p(b, h, t, key_begin + n), for n in 0..key_count.
 *
 * Query head h reads kv head h / (heads_q / heads_kv). Key j of batch row b is visible to query t if key_first[b] <= j < key_len[b]
 * and, with causal, j <= position of t. The softmax runs over all visible keys, wherever the reported span lies.
 * A key that no query sees scores 0, as does every key of a query without visible keys; a NaN logit counts as masked, an infinite
 * one as the largest finite number; a row whose supplied LSE is not finite contributes 0; where query weights are so large that sums of
 * them overflow into a NaN the score is 0. So softmax scores are never NaN.
 * WN_RAW_DOT hands NaN and infinities on (WN_MAX and WN_HEADS_THEN_MAX skip NaN, and give 0 where nothing above -infinity is left; WN_MEAN
 * and WN_SUM may add the weighted queries first, so that an infinite key gives NaN where their sum is 0); keys outside key_first..key_len
 * score 0.
 */
typedef struct wn_score_desc {
  int32_t struct_size;
  int32_t dtype;              /**< wn_dtype of q and k */
  int32_t mode;               /**< wn_score_mode */
  int32_t reduce;             /**< wn_reduce */
  int32_t batch;              /**< B >= 0 */
  int32_t heads_q;            /**< H >= 1, a multiple of heads_kv */
  int32_t heads_kv;           /**< Hkv >= 1 */
  int32_t head_dim;           /**< D, 1..1024 */
  int32_t n_query;            /**< Q >= 0 */
  int32_t max_key;            /**< L >= 0: key rows in k */
  int32_t key_begin;          /**< first key reported, 0..L */
  int32_t key_count;          /**< N >= 0 keys reported, key_begin + N <= L */
  int32_t causal;             /**< 0, or 1: query t sees keys 0..its position */
  int32_t query_pos0;         /**< position (key index) of query 0, the others follow; used if query_pos is NULL */
  int32_t lse_base;           /**< wn_lse_base */
  int32_t flags;              /**< wn_score_flags */
  float scale;                /**< finite; usually 1/sqrt(D) */
  int32_t reserved;           /**< 0 */
  const void* q;              /**< [B][H][Q][D] by strides */
  int64_t q_sb, q_sh, q_st;
  const void* k;              /**< [B][Hkv][L][D] by strides */
  int64_t k_sb, k_sh, k_sn;
  const void* lse;            /**< float32 [B][H][Q] by strides, of scale * q.k; only for WN_SOFTMAX_LSE */
  int64_t lse_sb, lse_sh, lse_st;
  const void* key_len;        /**< int32[B], 0..L; NULL: L */
  const void* key_first;      /**< int32[B], 0..L, for left padding; NULL: 0 */
  const void* query_pos;      /**< int32[Q], any value, negative sees no key; NULL: query_pos0 + t */
  const void* query_weight;   /**< float32[Q]; 0 or not finite drops the query (a row list); NULL: 1 */
  void* out;                  /**< float32 [B][N] */
  int64_t out_sb;             /**< >= N if B > 1 */
} wn_score_desc;

WN_API int64_t wn_score_workspace(wn_ctx* ctx, const wn_score_desc* d);
WN_API int32_t wn_score(wn_ctx* ctx, const wn_score_desc* d, void* workspace, int64_t workspace_bytes, void* stream);

/* ------------------------------------------------------------------------------------------------ K2 similarity */

enum wn_metric {
  WN_COSINE = 0, /**< x.y / (max(|x|, eps) max(|y|, eps)); 0 if a row is all zero */
  WN_DOT = 1,    /**< x.y */
  WN_NEG_L2 = 2  /**< -|x - y|^2, from the dot products, never above 0 */
};
enum wn_sim_op {
  WN_SIM_WINDOWS = 0, /**< out_val[b][w]: mean over the pairs of different tokens in window w of the grid */
  WN_SIM_PIVOTS = 1,  /**< out_val[b][p][j]: similarity of pivot p and row j of x */
  WN_SIM_ARGMAX = 2,  /**< out_val[b][p], out_idx[b][p]: the row of x most similar to pivot p */
  WN_SIM_TOPM = 3,    /**< out_val[b][p][m], out_idx[b][p][m]: the top_m most similar, in falling order */
  WN_SIM_NEAREST = 4  /**< out_val[b][p], out_idx[b][p]: 1 - similarity to the most similar row (cosine: the nearest distance) */
};

/**
 * Compares pivots with the rows of x. Pivots are the rows of y, or, if y is NULL, the rows of x listed in pivot, or, if that is NULL
 * too, all rows of x (n_pivot = n). A pivot that is itself a row of x is never its own neighbour (WN_SIM_PIVOTS reports it).
 * A row or pivot with a NaN or infinite entry (or a squared norm beyond float32) is similar to nothing: -infinity, and comes last.
 * Where a pivot has fewer than top_m neighbours (or none), the places left hold index -1 and -infinity (WN_SIM_NEAREST: infinity). Rows at
 * or past n_valid[b] take no part: their outputs are left as they were.
 * Windows: the n = grid_h * grid_w rows of x are a raster; window w = (row / win_h) * (grid_w / win_w) + col / win_w.
 */
typedef struct wn_sim_desc {
  int32_t struct_size;
  int32_t dtype;              /**< wn_dtype of x and y */
  int32_t op;                 /**< wn_sim_op */
  int32_t metric;             /**< wn_metric */
  int32_t batch;              /**< B >= 0 */
  int32_t n;                  /**< rows of x, >= 0 */
  int32_t dim;                /**< D >= 1 */
  int32_t n_pivot;            /**< P >= 0; n if y and pivot are NULL; ignored by windows */
  int32_t top_m;              /**< WN_SIM_TOPM: 1 or more */
  int32_t win_h, win_w;       /**< windows: >= 1, more than one token, dividing the grid */
  int32_t grid_w;             /**< windows: columns of the grid, dividing n */
  float eps;                  /**< >= 0: floor of a norm under WN_COSINE */
  int32_t reserved;           /**< 0 */
  const void* x;              /**< [B][n][D] by strides */
  int64_t x_sb, x_sn;
  const void* y;              /**< [B][P][D] by strides, or NULL */
  int64_t y_sb, y_sn;
  const void* pivot;          /**< int32 [B][P], valid rows of x, or NULL. CUDA: any other entry is similar to nothing */
  int64_t pivot_sb;
  const void* n_valid;        /**< int32[B], 0..n; NULL: n; must be NULL for windows */
  void* out_val;              /**< float32; may be NULL for ARGMAX, TOPM and NEAREST */
  void* out_idx;              /**< int32, index into x; may be NULL; unused by windows and pivots */
  int64_t out_sb;             /**< stride between batch rows, for both outputs */
  int64_t out_sp;             /**< stride between pivots, for PIVOTS and TOPM */
} wn_sim_desc;

WN_API int64_t wn_sim_workspace(wn_ctx* ctx, const wn_sim_desc* d);
WN_API int32_t wn_sim(wn_ctx* ctx, const wn_sim_desc* d, void* workspace, int64_t workspace_bytes, void* stream);

/* ------------------------------------------------------------------------------------------------ K2 greedy subsets */

enum wn_objective {
  WN_MAX_MIN = 0,  /**< farthest point: first the row whose nearest neighbour is farthest, then max of weight * distance to the chosen */
  WN_DPP = 1,      /**< greedy MAP of the determinantal process with kernel weight_i S_ij weight_j (pivoted Cholesky) */
  WN_COVERAGE = 2  /**< facility location: weight_u * sum_r row_weight_r * max(0, f(S_ru) - covered_r), covered starts at 0 */
};
enum wn_greedy_flags { WN_GREEDY_ASCENDING = 1 /**< report the chosen rows in ascending order instead of the order of choice */ };

/**
 * Chooses k of the n rows of x one after the other, by cosine similarity S (distance = 1 - S), or by a matrix that the caller computed.
 * f(s) = f_scale * s + f_shift. Weights below zero or NaN count as 0. Rows with NaN or infinite entries (in matrix form: rows whose
 * diagonal entry, or for WN_COVERAGE whose weight, is NaN) are chosen last. Under WN_DPP a candidate whose remaining variance has sunk
 * to a millionth of its own weight^2 S_ii counts as spent; when all are, the largest weights follow. Otherwise equal values, zeros
 * included, go by the lowest index. If k > n_valid[b] all n_valid[b] are taken and the places left hold -1, their gains 0.
 */
typedef struct wn_greedy_desc {
  int32_t struct_size;
  int32_t dtype;              /**< wn_dtype of x */
  int32_t objective;          /**< wn_objective */
  int32_t flags;              /**< wn_greedy_flags */
  int32_t batch;              /**< B >= 0 */
  int32_t n;                  /**< candidates, >= 0 */
  int32_t dim;                /**< D >= 1 if x is used */
  int32_t k;                  /**< >= 0 */
  int32_t matrix_rows;        /**< R: rows of matrix; n unless the objective is WN_COVERAGE */
  float eps;                  /**< >= 0: floor of a norm */
  float f_scale, f_shift;     /**< WN_COVERAGE; 1 and 0 for plain cosine */
  const void* x;              /**< [B][n][D] by strides; unused if matrix is given */
  int64_t x_sb, x_sn;
  const void* matrix;         /**< float32 [B][R][n] by strides, or NULL: S as the caller has it */
  int64_t matrix_sb, matrix_sr;
  const void* weight;         /**< float32 [B][n] per candidate; NULL: 1 */
  int64_t weight_sb;
  const void* row_weight;     /**< float32 [B][R] (R = n without matrix), WN_COVERAGE only; NULL: 1 */
  int64_t row_weight_sb;
  const void* n_valid;        /**< int32[B], 0..n; NULL: n */
  void* out_idx;              /**< int32 [B][k] */
  int64_t out_sb;             /**< >= k if B > 1 */
  void* out_gain;             /**< float32 [B][k] by out_sb: the value that won each choice, in the order of choice; or NULL */
} wn_greedy_desc;

WN_API int64_t wn_greedy_workspace(wn_ctx* ctx, const wn_greedy_desc* d);
WN_API int32_t wn_greedy(wn_ctx* ctx, const wn_greedy_desc* d, void* workspace, int64_t workspace_bytes, void* stream);

/* ------------------------------------------------------------------------------------------------ K3 selection */

enum wn_rule {
  WN_TOPK = 0,    /**< the k largest */
  WN_GT = 1,      /**< score > threshold */
  WN_GE = 2,      /**< score >= threshold */
  WN_IQR_HIGH = 3 /**< score > Q3 + iqr_factor * (Q3 - Q1) of the row, quartiles as numpy's default (linear) in float32 */
};

/**
 * Chooses, per row, which scored tokens stay, and writes the keep-list of the whole sequence:
 * 0..prefix, then prefix + every chosen index, then prefix + len .. total_len (the text after the image). Ascending, no duplicates.
 * k >= len keeps all, k = 0 none. NaN never passes a threshold; a row whose quartiles are NaN keeps none.
 * A row that needs more than max_keep places: CPU: WN_EINVAL, nothing written; CUDA: keep_count = -1 and no list for that row (gather and
 * compaction take such a count as 0).
 * keep, inverse and new_pos are written only up to the row's own length; places after it are left alone.
 */
typedef struct wn_select_desc {
  int32_t struct_size;
  int32_t rule;               /**< wn_rule */
  int32_t rows;               /**< R >= 0 */
  int32_t max_len;            /**< scores per row, >= 0 */
  int32_t k;                  /**< WN_TOPK: >= 0; used if row_k is NULL */
  int32_t max_keep;           /**< places per row in keep */
  int32_t prefix;             /**< rows before the scored span, >= 0 */
  int32_t flags;              /**< 0 */
  float threshold;            /**< WN_GT, WN_GE: not NaN */
  float iqr_factor;           /**< WN_IQR_HIGH: finite; 1.5 is the usual fence */
  const void* scores;         /**< float32 [R][max_len] */
  int64_t scores_s;
  const void* row_len;        /**< int32[R], 0..max_len; NULL: max_len */
  const void* row_k;          /**< int32[R], below 0 counts as 0; NULL: k */
  const void* total_len;      /**< int32[R], >= prefix + len; NULL: prefix + len. CUDA: one beyond inverse_s or pos_s, unless that is 0,
                                   does not fit; with a stride of 0 only the caller knows how long the array is */
  const void* pos;            /**< int32 [R][total_len]: positions of the rows before; NULL: their index */
  int64_t pos_s;
  void* keep;                 /**< int32 [R][max_keep] */
  int64_t keep_s;             /**< >= max_keep if R > 1 */
  void* keep_count;           /**< int32[R] */
  void* inverse;              /**< int32 [R][total_len]: old row -> new row or -1; or NULL */
  int64_t inverse_s;
  void* new_pos;              /**< int32 [R][max_keep]: pos[keep[j]]; or NULL */
  int64_t new_pos_s;
  void* first_moved;          /**< int32[R]: first j with keep[j] != j, keep_count if there is none; or NULL */
} wn_select_desc;

WN_API int64_t wn_select_workspace(wn_ctx* ctx, const wn_select_desc* d);
WN_API int32_t wn_select(wn_ctx* ctx, const wn_select_desc* d, void* workspace, int64_t workspace_bytes, void* stream);

/* ------------------------------------------------------------------------------------------------ K4 moving rows */

/** dst[b][j] = src[b][keep[b][j]], j < keep_count[b]. Any order and repetition of indices. Strides in bytes. No workspace. */
typedef struct wn_gather_desc {
  int32_t struct_size;
  int32_t batch;              /**< B >= 0 */
  int32_t n_rows;             /**< rows in src, per batch row */
  int32_t row_bytes;          /**< >= 1 */
  int32_t max_keep;           /**< rows in dst, per batch row */
  int32_t reserved;           /**< 0 */
  const void* src;
  int64_t src_sb, src_sn;     /**< bytes */
  void* dst;                  /**< must not overlap src */
  int64_t dst_sb, dst_sn;     /**< bytes, src and dst rows must not overlap one another */
  const void* keep;           /**< int32 [B][max_keep], each 0..n_rows-1. CUDA: any other leaves its row of dst as it was */
  int64_t keep_s;             /**< elements; 0: shared by all */
  const void* keep_count;     /**< int32[B], 0..max_keep; NULL: max_keep */
} wn_gather_desc;

WN_API int32_t wn_gather_rows(wn_ctx* ctx, const wn_gather_desc* d, void* stream);

enum wn_order {
  WN_STABLE = 0, /**< kept rows stay in their order: row j becomes old row keep[j] */
  WN_ANY = 1     /**< fewer moves, where order is of no matter: kept rows below keep_count stay, the others fill the holes, ascending */
};

/**
 * Compacts caches in place, no scratch memory: in every plane (p, b, h) row j becomes old row keep[j], j < keep_count; rows after that
 * are left as they were. Row r of a plane starts at plane_addr[p] + b*sb + h*sh + r*sn and has row_bytes bytes; planes must not overlap.
 * A cache with rows [K|V] over all heads is heads = 1, row_bytes = 2*Hkv*D*size; a head-major cache is heads = Hkv, row_bytes = D*size,
 * with K and V as separate planes. All layers of a sequence go in one call. CUDA: a list that does not ascend strictly, or names a row
 * that is not there, leaves the rows below keep_count of its own planes with bytes that are no promise; all other rows are right.
 */
typedef struct wn_kv_desc {
  int32_t struct_size;
  int32_t n_planes;           /**< layers, or layers times two; >= 0 */
  int32_t batch;              /**< >= 0 */
  int32_t heads;              /**< >= 0 */
  int32_t n_rows;             /**< rows now in every plane: upper bound of the keep indices */
  int32_t row_bytes;          /**< >= 1, any size */
  int32_t max_keep;           /**< entries per keep-list, <= n_rows */
  int32_t first_row;          /**< rows below this one are known not to move; 0 is always right */
  int32_t order;              /**< wn_order */
  int32_t reserved;           /**< 0 */
  const int64_t* plane_addr;  /**< HOST array [n_planes] of addresses, read during the call */
  int64_t sb, sh, sn;         /**< bytes */
  const void* keep;           /**< int32, strictly ascending, 0..n_rows-1 */
  int64_t keep_sp, keep_sb, keep_sh;    /**< elements between the lists of two planes, batch rows, heads; 0: shared */
  const void* keep_count;     /**< int32, 0..max_keep; NULL: max_keep everywhere */
  int64_t count_sp, count_sb, count_sh; /**< elements; 0: shared */
} wn_kv_desc;

WN_API int32_t wn_kv_compact(wn_ctx* ctx, const wn_kv_desc* d, void* stream);

enum wn_normalise {
  WN_MERGE_SUM = 0, /**< sum of weight * row */
  WN_MERGE_MEAN = 1 /**< divided by the sum of the weights (by the number of sources where seg_weight is NULL) */
};

/**
 * dst[b][s] = sum over e in seg_begin[b][s] .. seg_begin[b][s+1] of seg_weight[e] * src[b][seg_src[e]], in that order, in float32,
 * rounded once to dtype. An empty segment, or a mean whose weights sum to 0, gives zeros. seg_begin holds absolute places in seg_src and
 * seg_weight. No workspace.
 */
typedef struct wn_merge_desc {
  int32_t struct_size;
  int32_t dtype;              /**< wn_dtype of src and dst */
  int32_t batch;              /**< B >= 0 */
  int32_t n_rows;             /**< rows in src, per batch row */
  int32_t dim;                /**< D >= 1 */
  int32_t n_seg;              /**< S >= 0 rows in dst, per batch row */
  int32_t n_entry;            /**< entries in seg_src: upper bound of seg_begin */
  int32_t normalise;          /**< wn_normalise */
  const void* src;            /**< [B][n_rows][D] by strides, in elements */
  int64_t src_sb, src_sn;
  void* dst;                  /**< [B][S][D] by strides, in elements; must not overlap src */
  int64_t dst_sb, dst_sn;
  const void* seg_begin;      /**< int32 [B][S+1], 0..n_entry, never falling. CUDA: taken as within 0..n_entry; falling: empty */
  int64_t seg_begin_sb;       /**< elements */
  const void* seg_src;        /**< int32 [n_entry], each 0..n_rows-1. CUDA: any other is left out, of a mean's divisor too */
  const void* seg_weight;     /**< float32 [n_entry], or NULL: 1 */
} wn_merge_desc;

WN_API int32_t wn_merge_rows(wn_ctx* ctx, const wn_merge_desc* d, void* stream);

#ifdef __cplusplus
}
#endif
#endif
