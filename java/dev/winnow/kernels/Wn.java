package dev.winnow.kernels;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Opaque;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * The functions, structs and constants of {@code native/include/winnow.h}, one to one and under their C names; that header is their
 * documentation. Functions return a status ({@link #WN_OK} or the reason is in {@link #wn_last_error()}), workspace queries a negative
 * status for a bad descriptor. A new descriptor is zero except for its {@code struct_size}.
 */
@Properties(
    @Platform(include = "winnow.h", link = "winnow", library = "jniwinnow", preload = "gomp@.1", preloadresource = "/org/bytedeco/pytorch/"))
final class Wn {
  static {
    Loader.load();
  }

  private Wn() {}

  static final int WN_ABI_VERSION = 1;
  static final int WN_OK = 0, WN_EINVAL = 1, WN_EUNSUPPORTED = 2, WN_EWORKSPACE = 3, WN_EDEVICE = 4, WN_ENOMEM = 5;
  static final int WN_CPU = 0, WN_CUDA = 1;
  static final int WN_F32 = 0, WN_F16 = 1, WN_BF16 = 2;
  static final int WN_SOFTMAX = 0, WN_SOFTMAX_LSE = 1, WN_RAW_DOT = 2;
  static final int WN_MEAN = 0, WN_SUM = 1, WN_MAX = 2, WN_HEADS_THEN_MAX = 3;
  static final int WN_LSE_E = 0, WN_LSE_2 = 1;
  static final int WN_SCORE_MEAN_VISIBLE = 1;
  static final int WN_COSINE = 0, WN_DOT = 1, WN_NEG_L2 = 2;
  static final int WN_SIM_WINDOWS = 0, WN_SIM_PIVOTS = 1, WN_SIM_ARGMAX = 2, WN_SIM_TOPM = 3, WN_SIM_NEAREST = 4;
  static final int WN_MAX_MIN = 0, WN_DPP = 1, WN_COVERAGE = 2;
  static final int WN_GREEDY_ASCENDING = 1;
  static final int WN_TOPK = 0, WN_GT = 1, WN_GE = 2, WN_IQR_HIGH = 3;
  static final int WN_STABLE = 0, WN_ANY = 1;
  static final int WN_MERGE_SUM = 0, WN_MERGE_MEAN = 1;

  @Opaque
  @Name("wn_ctx")
  static final class Context extends Pointer {
    Context() {
      super((Pointer) null);
    }

    Context(Pointer p) {
      super(p);
    }
  }

  static native int wn_abi_version();
  static native @Cast("const char*") BytePointer wn_build_id();
  static native @Cast("const char*") BytePointer wn_last_error();
  static native int wn_ctx_create(int device, int ordinal, @Cast("wn_ctx**") PointerPointer<Context> out);
  static native void wn_ctx_destroy(Context ctx);
  static native int wn_set_threads(Context ctx, int n);
  static native @Cast("const char*") BytePointer wn_cpu_tier();
  static native @Cast("const char*") BytePointer wn_cpu_tiers();
  static native int wn_set_cpu_tier(String name);
  static native int wn_cuda_open(String path);
  static native int wn_cuda_devices();

  static native long wn_score_workspace(Context ctx, @Const ScoreDesc d);
  static native int wn_score(Context ctx, @Const ScoreDesc d, Pointer workspace, long workspaceBytes, Pointer stream);
  static native long wn_sim_workspace(Context ctx, @Const SimilarityDesc d);
  static native int wn_sim(Context ctx, @Const SimilarityDesc d, Pointer workspace, long workspaceBytes, Pointer stream);
  static native long wn_greedy_workspace(Context ctx, @Const GreedyDesc d);
  static native int wn_greedy(Context ctx, @Const GreedyDesc d, Pointer workspace, long workspaceBytes, Pointer stream);
  static native long wn_select_workspace(Context ctx, @Const SelectionDesc d);
  static native int wn_select(Context ctx, @Const SelectionDesc d, Pointer workspace, long workspaceBytes, Pointer stream);
  static native int wn_gather_rows(Context ctx, @Const GatherDesc d, Pointer stream);
  static native int wn_kv_compact(Context ctx, @Const CompactionDesc d, Pointer stream);
  static native int wn_merge_rows(Context ctx, @Const MergeDesc d, Pointer stream);

  @Name("wn_score_desc")
  static final class ScoreDesc extends Pointer {
    ScoreDesc() {
      super((Pointer) null);
      allocate();
      struct_size((int) Loader.sizeof(ScoreDesc.class));
    }

    private native void allocate();
    private native int struct_size();
    private native ScoreDesc struct_size(int v);

    native int dtype(); native ScoreDesc dtype(int v);  native int mode(); native ScoreDesc mode(int v);
    native int reduce(); native ScoreDesc reduce(int v);  native int batch(); native ScoreDesc batch(int v);
    native int heads_q(); native ScoreDesc heads_q(int v);  native int heads_kv(); native ScoreDesc heads_kv(int v);
    native int head_dim(); native ScoreDesc head_dim(int v);  native int n_query(); native ScoreDesc n_query(int v);
    native int max_key(); native ScoreDesc max_key(int v);  native int key_begin(); native ScoreDesc key_begin(int v);
    native int key_count(); native ScoreDesc key_count(int v);  native int causal(); native ScoreDesc causal(int v);
    native int query_pos0(); native ScoreDesc query_pos0(int v);  native int lse_base(); native ScoreDesc lse_base(int v);
    native int flags(); native ScoreDesc flags(int v);  native float scale(); native ScoreDesc scale(float v);
    native @Const Pointer q(); native ScoreDesc q(@Const Pointer v);  native long q_sb(); native ScoreDesc q_sb(long v);
    native long q_sh(); native ScoreDesc q_sh(long v);  native long q_st(); native ScoreDesc q_st(long v);
    native @Const Pointer k(); native ScoreDesc k(@Const Pointer v);  native long k_sb(); native ScoreDesc k_sb(long v);
    native long k_sh(); native ScoreDesc k_sh(long v);  native long k_sn(); native ScoreDesc k_sn(long v);
    native @Const Pointer lse(); native ScoreDesc lse(@Const Pointer v);  native long lse_sb(); native ScoreDesc lse_sb(long v);
    native long lse_sh(); native ScoreDesc lse_sh(long v);  native long lse_st(); native ScoreDesc lse_st(long v);
    native @Const Pointer key_len(); native ScoreDesc key_len(@Const Pointer v);
    native @Const Pointer key_first(); native ScoreDesc key_first(@Const Pointer v);
    native @Const Pointer query_pos(); native ScoreDesc query_pos(@Const Pointer v);
    native @Const Pointer query_weight(); native ScoreDesc query_weight(@Const Pointer v);
    native Pointer out(); native ScoreDesc out(Pointer v);  native long out_sb(); native ScoreDesc out_sb(long v);
  }

  @Name("wn_sim_desc")
  static final class SimilarityDesc extends Pointer {
    SimilarityDesc() {
      super((Pointer) null);
      allocate();
      struct_size((int) Loader.sizeof(SimilarityDesc.class));
    }

    private native void allocate();
    private native int struct_size();
    private native SimilarityDesc struct_size(int v);

    native int dtype(); native SimilarityDesc dtype(int v);  native int op(); native SimilarityDesc op(int v);
    native int metric(); native SimilarityDesc metric(int v);  native int batch(); native SimilarityDesc batch(int v);
    native int n(); native SimilarityDesc n(int v);  native int dim(); native SimilarityDesc dim(int v);
    native int n_pivot(); native SimilarityDesc n_pivot(int v);  native int top_m(); native SimilarityDesc top_m(int v);
    native int win_h(); native SimilarityDesc win_h(int v);  native int win_w(); native SimilarityDesc win_w(int v);
    native int grid_w(); native SimilarityDesc grid_w(int v);  native float eps(); native SimilarityDesc eps(float v);
    native @Const Pointer x(); native SimilarityDesc x(@Const Pointer v);  native long x_sb(); native SimilarityDesc x_sb(long v);
    native long x_sn(); native SimilarityDesc x_sn(long v);  native @Const Pointer y(); native SimilarityDesc y(@Const Pointer v);
    native long y_sb(); native SimilarityDesc y_sb(long v);  native long y_sn(); native SimilarityDesc y_sn(long v);
    native @Const Pointer pivot(); native SimilarityDesc pivot(@Const Pointer v);
    native long pivot_sb(); native SimilarityDesc pivot_sb(long v);
    native @Const Pointer n_valid(); native SimilarityDesc n_valid(@Const Pointer v);
    native Pointer out_val(); native SimilarityDesc out_val(Pointer v);
    native Pointer out_idx(); native SimilarityDesc out_idx(Pointer v);
    native long out_sb(); native SimilarityDesc out_sb(long v);  native long out_sp(); native SimilarityDesc out_sp(long v);
  }

  @Name("wn_greedy_desc")
  static final class GreedyDesc extends Pointer {
    GreedyDesc() {
      super((Pointer) null);
      allocate();
      struct_size((int) Loader.sizeof(GreedyDesc.class));
    }

    private native void allocate();
    private native int struct_size();
    private native GreedyDesc struct_size(int v);

    native int dtype(); native GreedyDesc dtype(int v);  native int objective(); native GreedyDesc objective(int v);
    native int flags(); native GreedyDesc flags(int v);  native int batch(); native GreedyDesc batch(int v);
    native int n(); native GreedyDesc n(int v);  native int dim(); native GreedyDesc dim(int v);
    native int k(); native GreedyDesc k(int v);  native int matrix_rows(); native GreedyDesc matrix_rows(int v);
    native float eps(); native GreedyDesc eps(float v);  native float f_scale(); native GreedyDesc f_scale(float v);
    native float f_shift(); native GreedyDesc f_shift(float v);  native @Const Pointer x(); native GreedyDesc x(@Const Pointer v);
    native long x_sb(); native GreedyDesc x_sb(long v);  native long x_sn(); native GreedyDesc x_sn(long v);
    native @Const Pointer matrix(); native GreedyDesc matrix(@Const Pointer v);
    native long matrix_sb(); native GreedyDesc matrix_sb(long v);  native long matrix_sr(); native GreedyDesc matrix_sr(long v);
    native @Const Pointer weight(); native GreedyDesc weight(@Const Pointer v);
    native long weight_sb(); native GreedyDesc weight_sb(long v);
    native @Const Pointer row_weight(); native GreedyDesc row_weight(@Const Pointer v);
    native long row_weight_sb(); native GreedyDesc row_weight_sb(long v);
    native @Const Pointer n_valid(); native GreedyDesc n_valid(@Const Pointer v);
    native Pointer out_idx(); native GreedyDesc out_idx(Pointer v);  native long out_sb(); native GreedyDesc out_sb(long v);
    native Pointer out_gain(); native GreedyDesc out_gain(Pointer v);
  }

  @Name("wn_select_desc")
  static final class SelectionDesc extends Pointer {
    SelectionDesc() {
      super((Pointer) null);
      allocate();
      struct_size((int) Loader.sizeof(SelectionDesc.class));
    }

    private native void allocate();
    private native int struct_size();
    private native SelectionDesc struct_size(int v);

    native int rule(); native SelectionDesc rule(int v);  native int rows(); native SelectionDesc rows(int v);
    native int max_len(); native SelectionDesc max_len(int v);  native int k(); native SelectionDesc k(int v);
    native int max_keep(); native SelectionDesc max_keep(int v);  native int prefix(); native SelectionDesc prefix(int v);
    native int flags(); native SelectionDesc flags(int v);  native float threshold(); native SelectionDesc threshold(float v);
    native float iqr_factor(); native SelectionDesc iqr_factor(float v);
    native @Const Pointer scores(); native SelectionDesc scores(@Const Pointer v);
    native long scores_s(); native SelectionDesc scores_s(long v);
    native @Const Pointer row_len(); native SelectionDesc row_len(@Const Pointer v);
    native @Const Pointer row_k(); native SelectionDesc row_k(@Const Pointer v);
    native @Const Pointer total_len(); native SelectionDesc total_len(@Const Pointer v);
    native @Const Pointer pos(); native SelectionDesc pos(@Const Pointer v);
    native long pos_s(); native SelectionDesc pos_s(long v);  native Pointer keep(); native SelectionDesc keep(Pointer v);
    native long keep_s(); native SelectionDesc keep_s(long v);
    native Pointer keep_count(); native SelectionDesc keep_count(Pointer v);
    native Pointer inverse(); native SelectionDesc inverse(Pointer v);
    native long inverse_s(); native SelectionDesc inverse_s(long v);
    native Pointer new_pos(); native SelectionDesc new_pos(Pointer v);
    native long new_pos_s(); native SelectionDesc new_pos_s(long v);
    native Pointer first_moved(); native SelectionDesc first_moved(Pointer v);
  }

  @Name("wn_gather_desc")
  static final class GatherDesc extends Pointer {
    GatherDesc() {
      super((Pointer) null);
      allocate();
      struct_size((int) Loader.sizeof(GatherDesc.class));
    }

    private native void allocate();
    private native int struct_size();
    private native GatherDesc struct_size(int v);

    native int batch(); native GatherDesc batch(int v);  native int n_rows(); native GatherDesc n_rows(int v);
    native int row_bytes(); native GatherDesc row_bytes(int v);  native int max_keep(); native GatherDesc max_keep(int v);
    native @Const Pointer src(); native GatherDesc src(@Const Pointer v);  native long src_sb(); native GatherDesc src_sb(long v);
    native long src_sn(); native GatherDesc src_sn(long v);  native Pointer dst(); native GatherDesc dst(Pointer v);
    native long dst_sb(); native GatherDesc dst_sb(long v);  native long dst_sn(); native GatherDesc dst_sn(long v);
    native @Const Pointer keep(); native GatherDesc keep(@Const Pointer v);
    native long keep_s(); native GatherDesc keep_s(long v);
    native @Const Pointer keep_count(); native GatherDesc keep_count(@Const Pointer v);
  }

  @Name("wn_kv_desc")
  static final class CompactionDesc extends Pointer {
    CompactionDesc() {
      super((Pointer) null);
      allocate();
      struct_size((int) Loader.sizeof(CompactionDesc.class));
    }

    private native void allocate();
    private native int struct_size();
    private native CompactionDesc struct_size(int v);

    native int n_planes(); native CompactionDesc n_planes(int v);  native int batch(); native CompactionDesc batch(int v);
    native int heads(); native CompactionDesc heads(int v);  native int n_rows(); native CompactionDesc n_rows(int v);
    native int row_bytes(); native CompactionDesc row_bytes(int v);  native int max_keep(); native CompactionDesc max_keep(int v);
    native int first_row(); native CompactionDesc first_row(int v);  native int order(); native CompactionDesc order(int v);
    native @Cast("const int64_t*") LongPointer plane_addr(); native CompactionDesc plane_addr(LongPointer v);
    native long sb(); native CompactionDesc sb(long v);  native long sh(); native CompactionDesc sh(long v);
    native long sn(); native CompactionDesc sn(long v);
    native @Const Pointer keep(); native CompactionDesc keep(@Const Pointer v);
    native long keep_sp(); native CompactionDesc keep_sp(long v);  native long keep_sb(); native CompactionDesc keep_sb(long v);
    native long keep_sh(); native CompactionDesc keep_sh(long v);
    native @Const Pointer keep_count(); native CompactionDesc keep_count(@Const Pointer v);
    native long count_sp(); native CompactionDesc count_sp(long v);
    native long count_sb(); native CompactionDesc count_sb(long v);
    native long count_sh(); native CompactionDesc count_sh(long v);
  }

  @Name("wn_merge_desc")
  static final class MergeDesc extends Pointer {
    MergeDesc() {
      super((Pointer) null);
      allocate();
      struct_size((int) Loader.sizeof(MergeDesc.class));
    }

    private native void allocate();
    private native int struct_size();
    private native MergeDesc struct_size(int v);

    native int dtype(); native MergeDesc dtype(int v);  native int batch(); native MergeDesc batch(int v);
    native int n_rows(); native MergeDesc n_rows(int v);  native int dim(); native MergeDesc dim(int v);
    native int n_seg(); native MergeDesc n_seg(int v);  native int n_entry(); native MergeDesc n_entry(int v);
    native int normalise(); native MergeDesc normalise(int v);
    native @Const Pointer src(); native MergeDesc src(@Const Pointer v);  native long src_sb(); native MergeDesc src_sb(long v);
    native long src_sn(); native MergeDesc src_sn(long v);  native Pointer dst(); native MergeDesc dst(Pointer v);
    native long dst_sb(); native MergeDesc dst_sb(long v);  native long dst_sn(); native MergeDesc dst_sn(long v);
    native @Const Pointer seg_begin(); native MergeDesc seg_begin(@Const Pointer v);
    native long seg_begin_sb(); native MergeDesc seg_begin_sb(long v);
    native @Const Pointer seg_src(); native MergeDesc seg_src(@Const Pointer v);
    native @Const Pointer seg_weight(); native MergeDesc seg_weight(@Const Pointer v);
  }
}
