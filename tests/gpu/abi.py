"""winnow.h for ctypes: descriptors field by field, and one class around a context."""
import ctypes as c

I32, I64, F32, PTR = c.c_int32, c.c_int64, c.c_float, c.c_void_p
CPU, CUDA = 0, 1
F32_DTYPE, F16_DTYPE, BF16_DTYPE = 0, 1, 2
WITH_WORKSPACE = ("score", "sim", "greedy", "select")
WITHOUT_WORKSPACE = ("gather_rows", "kv_compact", "merge_rows")


def fields(text):
    """'i32: a b; ptr: c' -> ctypes fields in that order."""
    kinds = {"i32": I32, "i64": I64, "f32": F32, "ptr": PTR}
    result = []
    for part in text.replace("\n", " ").split(";"):
        if part.strip():
            kind, names = part.split(":")
            result += [(name, kinds[kind.strip()]) for name in names.split()]
    return result


class Score(c.Structure):
    _fields_ = fields("""i32: struct_size dtype mode reduce batch heads_q heads_kv head_dim n_query max_key key_begin key_count causal
        query_pos0 lse_base flags; f32: scale; i32: reserved; ptr: q; i64: q_sb q_sh q_st; ptr: k; i64: k_sb k_sh k_sn; ptr: lse;
        i64: lse_sb lse_sh lse_st; ptr: key_len key_first query_pos query_weight out; i64: out_sb""")


class Sim(c.Structure):
    _fields_ = fields("""i32: struct_size dtype op metric batch n dim n_pivot top_m win_h win_w grid_w; f32: eps; i32: reserved; ptr: x;
        i64: x_sb x_sn; ptr: y; i64: y_sb y_sn; ptr: pivot; i64: pivot_sb; ptr: n_valid out_val out_idx; i64: out_sb out_sp""")


class Greedy(c.Structure):
    _fields_ = fields("""i32: struct_size dtype objective flags batch n dim k matrix_rows; f32: eps f_scale f_shift; ptr: x; i64: x_sb x_sn;
        ptr: matrix; i64: matrix_sb matrix_sr; ptr: weight; i64: weight_sb; ptr: row_weight; i64: row_weight_sb; ptr: n_valid out_idx;
        i64: out_sb; ptr: out_gain""")


class Select(c.Structure):
    _fields_ = fields("""i32: struct_size rule rows max_len k max_keep prefix flags; f32: threshold iqr_factor; ptr: scores; i64: scores_s;
        ptr: row_len row_k total_len pos; i64: pos_s; ptr: keep; i64: keep_s; ptr: keep_count inverse; i64: inverse_s; ptr: new_pos;
        i64: new_pos_s; ptr: first_moved""")


class Gather(c.Structure):
    _fields_ = fields("""i32: struct_size batch n_rows row_bytes max_keep reserved; ptr: src; i64: src_sb src_sn; ptr: dst;
        i64: dst_sb dst_sn; ptr: keep; i64: keep_s; ptr: keep_count""")


class Kv(c.Structure):
    _fields_ = fields("""i32: struct_size n_planes batch heads n_rows row_bytes max_keep first_row order reserved; ptr: plane_addr;
        i64: sb sh sn; ptr: keep; i64: keep_sp keep_sb keep_sh; ptr: keep_count; i64: count_sp count_sb count_sh""")


class Merge(c.Structure):
    _fields_ = fields("""i32: struct_size dtype batch n_rows dim n_seg n_entry normalise; ptr: src; i64: src_sb src_sn; ptr: dst;
        i64: dst_sb dst_sn; ptr: seg_begin; i64: seg_begin_sb; ptr: seg_src seg_weight""")


class Winnow:
    """One context. A call raises RuntimeError with the library's message; workspaces come from `allocate(bytes) -> address`."""

    def __init__(self, path, device):
        self.lib = c.CDLL(path)
        self.lib.wn_last_error.restype = c.c_char_p
        for name in WITH_WORKSPACE:
            query, call = getattr(self.lib, f"wn_{name}_workspace"), getattr(self.lib, f"wn_{name}")
            query.restype, query.argtypes = I64, [PTR, PTR]
            call.argtypes = [PTR, PTR, PTR, I64, PTR]
        for name in WITHOUT_WORKSPACE:
            getattr(self.lib, f"wn_{name}").argtypes = [PTR, PTR, PTR]
        self.ctx = PTR()
        self.check(self.lib.wn_ctx_create(I32(device), I32(0), c.byref(self.ctx)))

    def check(self, status):
        if status != 0:
            raise RuntimeError(f"status {status}: {self.lib.wn_last_error().decode()}")

    def workspace(self, name, desc):
        desc.struct_size = c.sizeof(desc)
        size = getattr(self.lib, f"wn_{name}_workspace")(self.ctx, c.byref(desc))
        self.check(-size if size < 0 else 0)
        return size

    def call(self, name, desc, workspace=None, size=0, stream=None):
        desc.struct_size = c.sizeof(desc)
        if name in WITHOUT_WORKSPACE:
            self.check(getattr(self.lib, f"wn_{name}")(self.ctx, c.byref(desc), stream))
        else:
            self.check(getattr(self.lib, f"wn_{name}")(self.ctx, c.byref(desc), workspace, size, stream))
