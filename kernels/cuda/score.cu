// Launch of the score kernels: which way through score.cuh and score_matrix.cuh a call takes, and where its workspace lies.
#include <type_traits>

#include "score.cuh"
#include "score_matrix.cuh"

#include "runtime.h"

namespace wn_cuda {
namespace {

enum class Way { Few, Columns, Many, SummedQueries };

constexpr int64_t kMaxFactors = 8192;  // floats of shared memory in `finish`
constexpr int kMaxFewRows = 16;        // rows per kv head for which the exponentials are stored
constexpr int kMinMatrixRows = 16;     // rows per kv head from which tensor cores pay
constexpr int kMaxMatrixDim = 256;     // what fits into registers
constexpr int kMaxChunk = 512;         // keys of a piece
constexpr int kMaxDim = 1024;          // of a head

struct Plan {
  Way way;
  int chunk, splits, units;
  int64_t rows;                                  // batch * heads_q * n_query
  int64_t piece, exponentials, joined, summed, part;  // offsets in the workspace
  int64_t bytes;
};

Plan plan_of(const wn_score_desc& d) {
  Plan p{};
  int group = d.heads_q / d.heads_kv;
  p.chunk = d.max_key <= 4096 ? 128 : d.max_key <= 8192 ? 256 : kMaxChunk;
  p.splits = int(ceil_div(d.max_key > 0 ? d.max_key : 1, p.chunk));
  p.rows = times({d.batch, d.heads_q, d.n_query});
  p.units = d.reduce == WN_HEADS_THEN_MAX ? 1 : d.heads_kv;
  bool sums = d.reduce == WN_MEAN || d.reduce == WN_SUM;
  if (d.mode == WN_SOFTMAX) {
    bool few = int64_t(d.n_query) * group <= kMaxFewRows && times({d.heads_q, d.n_query, p.splits}) <= kMaxFactors;
    p.way = few ? Way::Few : Way::Many;
  } else {
    bool summed = d.mode == WN_RAW_DOT && sums && !d.causal && d.n_query > 0;  // with no query there may be no keys either
    p.way = summed ? Way::SummedQueries : Way::Columns;
  }
  auto reserve = [&](std::initializer_list<int64_t> counts, int64_t size) {
    int64_t at = p.bytes;
    p.bytes += align_up(times({times(counts), size}));
    return at;
  };
  if (d.mode == WN_SOFTMAX) p.piece = reserve({p.rows, p.splits}, sizeof(float2));
  if (p.way == Way::Few) p.exponentials = reserve({p.rows, d.max_key}, sizeof(float));
  if (p.way == Way::Many) p.joined = reserve({p.rows}, sizeof(float2));
  if (p.way == Way::SummedQueries) p.summed = reserve({d.batch, d.heads_kv, d.head_dim}, sizeof(float));
  if (p.way != Way::Few) p.part = reserve({p.units, d.batch, d.key_count}, sizeof(float));
  return p;
}

// The most that `split` is launched with.
template <class T, bool REG, int R>
constexpr size_t kSplitShared = size_t(R) * size_t(scores::staged_dim<T, REG>(kMaxDim) + kMaxChunk) * sizeof(float);

template <class T, bool REG, int R>
void launch_split(const wn_score_desc& d, const Plan& p, bool vector, float* exponentials, float2* piece, void* stream) {
  int rows = d.n_query * (d.heads_q / d.heads_kv);
  size_t bytes = size_t(R) * size_t(scores::staged_dim<T, REG>(d.head_dim) + p.chunk) * sizeof(float);
  dim3 grid(unsigned(p.splits), unsigned(d.heads_kv * ceil_div(rows, R)), unsigned(d.batch));
  WN_LAUNCH((scores::split<T, REG, R>), grid, dim3(scores::kThreads), bytes, stream, d, p.chunk, vector, exponentials, piece);
}

template <class T, bool REG, int R>
void launch_columns(const wn_score_desc& d, const Plan& p, bool vector, const float* summed, const float2* joined, float* part,
    void* stream) {
  size_t bytes = size_t(R) * size_t(scores::staged_dim<T, REG>(d.head_dim)) * sizeof(float);
  dim3 grid(unsigned(ceil_div(d.key_count, scores::kKeysPerPass<T, REG>)), unsigned(p.units), unsigned(d.batch));
  WN_LAUNCH((scores::columns<T, REG, R>), grid, dim3(scores::kThreads), bytes, stream, d, vector, summed, joined, part);
}

// Calls f with the two template choices: one 16-byte load per lane or a loop, one row or eight at a time.
template <class T, class F>
void with_shape(const wn_score_desc& d, int rows, F f) {
  bool in_registers = d.head_dim <= scores::kRegisterDim<T>;
  if (in_registers && rows == 1) f(std::integral_constant<bool, true>(), std::integral_constant<int, 1>());
  if (in_registers && rows != 1) f(std::integral_constant<bool, true>(), std::integral_constant<int, 8>());
  if (!in_registers && rows == 1) f(std::integral_constant<bool, false>(), std::integral_constant<int, 1>());
  if (!in_registers && rows != 1) f(std::integral_constant<bool, false>(), std::integral_constant<int, 8>());
}

// Whether the passes over all rows go through score_matrix.cuh; float32 never does.
bool on_tensor_cores(const wn_score_desc& d, const Plan& p) {
  bool many = int64_t(d.n_query) * (d.heads_q / d.heads_kv) >= kMinMatrixRows && (p.way == Way::Many || p.way == Way::Columns);
  return many && d.dtype != WN_F32 && d.head_dim <= kMaxMatrixDim;
}

// Whether 16-byte loads reach every row.
bool aligned(const void* base, int64_t sb, int64_t sh, int64_t sn, size_t size) {
  uint64_t strides = size * (uint64_t(sb) | uint64_t(sh) | uint64_t(sn));
  return common_width(16, reinterpret_cast<uintptr_t>(base) | strides) == 16;
}

template <class T, int DEPTH>
void launch_split_matrix(const wn_score_desc& d, const Plan& p, bool vector, float2* piece, void* stream) {
  int64_t tiles = ceil_div(int64_t(d.n_query) * (d.heads_q / d.heads_kv), scores::kOwned);
  dim3 grid(unsigned(p.splits), unsigned(d.heads_kv * tiles), unsigned(d.batch));
  WN_LAUNCH((scores::split_matrix<T, DEPTH>), grid, dim3(scores::kThreads), scores::kMatrixShared<DEPTH>, stream, d, p.chunk, vector,
      piece);
}

template <class T, int DEPTH>
void launch_columns_matrix(const wn_score_desc& d, bool vector, const float2* joined, float* part, void* stream) {
  dim3 grid(unsigned(ceil_div(d.key_count, scores::kOwned)), unsigned(d.heads_kv), unsigned(d.batch));
  WN_LAUNCH((scores::columns_matrix<T, DEPTH>), grid, dim3(scores::kThreads), scores::kMatrixShared<DEPTH>, stream, d, vector, joined,
      part);
}

// Calls f with the steps of sixteen columns that the registers are to hold.
template <class F>
void with_depth(const wn_score_desc& d, F f) {
  if (d.head_dim <= 128) f(std::integral_constant<int, 8>());
  if (d.head_dim > 128) f(std::integral_constant<int, 16>());
}

// The pass over all keys that finds the maximum and the sum of every row.
template <class T>
void sum_rows(const wn_score_desc& d, const Plan& p, bool vector, float* exponentials, float2* piece, void* stream) {
  if constexpr (sizeof(T) == 2) {
    if (on_tensor_cores(d, p)) {
      bool both = vector && aligned(d.q, d.q_sb, d.q_sh, d.q_st, sizeof(T));
      with_depth(d, [&](auto depth) { launch_split_matrix<T, decltype(depth)::value>(d, p, both, piece, stream); });
      return;
    }
  }
  with_shape<T>(d, d.n_query * (d.heads_q / d.heads_kv), [&](auto reg, auto r) {
    launch_split<T, decltype(reg)::value, decltype(r)::value>(d, p, vector, exponentials, piece, stream);
  });
}

// The pass over all rows that gives every unit's part of the scores.
template <class T>
void sum_columns(const wn_score_desc& d, const Plan& p, bool vector, const float* summed, const float2* joined, float* part, void* stream) {
  if constexpr (sizeof(T) == 2) {
    if (on_tensor_cores(d, p) && d.reduce != WN_HEADS_THEN_MAX) {
      bool both = vector && aligned(d.q, d.q_sb, d.q_sh, d.q_st, sizeof(T));
      with_depth(d, [&](auto depth) { launch_columns_matrix<T, decltype(depth)::value>(d, both, joined, part, stream); });
      return;
    }
  }
  int rows = summed ? 1 : d.reduce == WN_HEADS_THEN_MAX ? d.n_query : d.n_query * (d.heads_q / d.heads_kv);
  with_shape<T>(d, rows, [&](auto reg, auto r) {
    launch_columns<T, decltype(reg)::value, decltype(r)::value>(d, p, vector, summed, joined, part, stream);
  });
}

template <class T>
void run(const wn_score_desc& d, const Plan& p, char* workspace, void* stream) {
  bool vector = aligned(d.k, d.k_sb, d.k_sh, d.k_sn, sizeof(T));
  float2* piece = reinterpret_cast<float2*>(workspace + p.piece);
  float* exponentials = p.way == Way::Few ? reinterpret_cast<float*>(workspace + p.exponentials) : nullptr;
  float2* joined = p.way == Way::Many ? reinterpret_cast<float2*>(workspace + p.joined) : nullptr;
  float* summed = p.way == Way::SummedQueries ? reinterpret_cast<float*>(workspace + p.summed) : nullptr;
  float* part = reinterpret_cast<float*>(workspace + p.part);
  dim3 block(scores::kThreads);
  if (d.mode == WN_SOFTMAX && p.rows > 0) sum_rows<T>(d, p, vector, exponentials, piece, stream);
  if (p.way == Way::Few) {
    dim3 grid(unsigned(ceil_div(d.key_count, 32)), unsigned(d.batch));
    size_t bytes = size_t(d.heads_q) * size_t(d.n_query) * size_t(p.splits) * sizeof(float);
    WN_LAUNCH(scores::finish, grid, block, bytes, stream, d, p.chunk, p.splits, exponentials, piece);
    return;
  }
  if (p.way == Way::Many) {
    WN_LAUNCH(scores::combine, dim3(unsigned(ceil_div(p.rows, scores::kThreads))), block, 0, stream, piece, p.splits, p.rows, joined);
  }
  if (p.way == Way::SummedQueries) {
    dim3 grid(unsigned(ceil_div(d.head_dim, scores::kThreads)), unsigned(d.heads_kv), unsigned(d.batch));
    WN_LAUNCH(scores::sum_queries<T>, grid, block, 0, stream, d, summed);
  }
  sum_columns<T>(d, p, vector, summed, joined, part, stream);
  dim3 grid(unsigned(ceil_div(d.key_count, scores::kThreads)), unsigned(d.batch));
  WN_LAUNCH(scores::reduce, grid, block, 0, stream, d, p.units, part);
}

}  // namespace

#define WN_SCORE_SHAPE(T, REG, R) WN_KERNEL((kSplitShared<T, REG, R>), scores::split<T, REG, R>), WN_KERNEL(0, scores::columns<T, REG, R>)
#define WN_SCORE_TYPE(T) \
  WN_SCORE_SHAPE(T, true, 1), WN_SCORE_SHAPE(T, true, 8), WN_SCORE_SHAPE(T, false, 1), WN_SCORE_SHAPE(T, false, 8), \
      WN_KERNEL(0, scores::sum_queries<T>)
#define WN_SCORE_MATRIX(T, DEPTH)                                                \
  WN_KERNEL(scores::kMatrixShared<DEPTH>, scores::split_matrix<T, DEPTH>), \
      WN_KERNEL(scores::kMatrixShared<DEPTH>, scores::columns_matrix<T, DEPTH>)

KernelList score_kernels() {
  static const Kernel kernels[] = {
      WN_SCORE_TYPE(float),           WN_SCORE_TYPE(dev::F16),         WN_SCORE_TYPE(dev::BF16),
      WN_SCORE_MATRIX(dev::F16, 8),   WN_SCORE_MATRIX(dev::F16, 16),   WN_SCORE_MATRIX(dev::BF16, 8),
      WN_SCORE_MATRIX(dev::BF16, 16), WN_KERNEL(0, scores::finish),    WN_KERNEL(0, scores::combine),
      WN_KERNEL(0, scores::reduce),
  };
  return {kernels, sizeof kernels / sizeof kernels[0]};
}

int64_t score_workspace(const wn_score_desc* d) { return plan_of(*d).bytes; }

int32_t score(const wn_cuda_device* device, const wn_score_desc* d, void* workspace, void* stream) {
  if (d->batch == 0 || d->key_count == 0) return WN_OK;
  int64_t row_tiles = int64_t(d->heads_kv) * ceil_div(int64_t(d->n_query) * (d->heads_q / d->heads_kv), 8);
  if (d->batch > kMostBlocks || d->heads_kv > kMostBlocks || row_tiles > kMostBlocks) {
    return refuse(WN_EUNSUPPORTED, "wn_score: batch, heads_kv or n_query is too large for one launch; split the call");
  }
  Call call(*device, "wn_score");
  if (!call.begun()) return call.status();
  Plan p = plan_of(*d);
  char* memory = static_cast<char*>(workspace);
  switch (d->dtype) {
    case WN_F32: run<float>(*d, p, memory, stream); break;
    case WN_F16: run<dev::F16>(*d, p, memory, stream); break;
    default: run<dev::BF16>(*d, p, memory, stream); break;
  }
  return call.finish();
}

}  // namespace wn_cuda
