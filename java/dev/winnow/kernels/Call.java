package dev.winnow.kernels;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What every typed call of a native function shares: checks of tensors, of statuses, and what one thread reuses from call to call. */
final class Call {
  private static final ThreadLocal<Call> OF_THREAD = ThreadLocal.withInitial(() -> {
    NativeLibrary.buildId(); // the descriptors' code comes with the library
    return new Call();
  });

  final Wn.ScoreDesc score = kept(new Wn.ScoreDesc());
  final Wn.ScoreDesc rowScore = kept(new Wn.ScoreDesc());
  final Wn.SimilarityDesc similarity = kept(new Wn.SimilarityDesc());
  final Wn.GreedyDesc greedy = kept(new Wn.GreedyDesc());
  private final Wn.SelectionDesc selection = kept(new Wn.SelectionDesc());
  private final ByteBuffer selectionMemory =
      new BytePointer(selection).capacity(Loader.sizeof(Wn.SelectionDesc.class)).asByteBuffer().order(ByteOrder.nativeOrder());
  private final int scoresAt = Loader.offsetof(Wn.SelectionDesc.class, "scores");
  private final int keepAt = Loader.offsetof(Wn.SelectionDesc.class, "keep");
  private int selectionOf = -1;
  private int selectionKept = -1;
  final Wn.GatherDesc gather = kept(new Wn.GatherDesc());
  final Wn.CompactionDesc compaction = kept(new Wn.CompactionDesc());
  final Wn.MergeDesc merge = kept(new Wn.MergeDesc());
  final Wn.MergeDesc rowMerge = kept(new Wn.MergeDesc());
  final Staging keep = new Staging();
  final Staging counts = new Staging();
  final Staging weights = new Staging();
  /** Results that go on as Java values, on the host; they only grow. */
  private IntPointer results = kept(new IntPointer(1024));
  /** A count that nobody asks for. */
  final IntPointer count = kept(new IntPointer(1));
  /** Plane addresses, on the host; grows. */
  private LongPointer addresses = kept(new LongPointer(64));

  /** Scratch memory of the device that was used last; it only grows. */
  private Tensor workspace;
  private Pointer workspaceStart;
  private long workspaceBytes;
  private int workspaceDevice;

  private Call() {
    selection.rule(Wn.WN_TOPK).rows(1).keep_count(count);
  }

  static Call current() { return OF_THREAD.get(); }

  /** Makes a pointer survive the scope in which it was made. */
  static <P extends Pointer> P kept(P pointer) {
    pointer.retainReference();
    return pointer;
  }

  /** Bytes of workspace that a descriptor needs, or a negative status. */
  interface Query {
    long bytes(Wn.Context context);
  }

  /** A native function that needs a workspace; answers a status. */
  interface Work {
    int run(Wn.Context context, Pointer workspace, long bytes);
  }

  /** A native function that needs none. */
  interface PlainWork {
    int run(Wn.Context context);
  }

  /**
   * Runs a function with the thread's workspace. Only if that is too small is its size asked for, which saves the check of every call
   * twice.
   *
   * @param used the tensors that the function reads and writes, kept alive meanwhile; the first one tells the device
   */
  void run(Query query, Work work, Tensor... used) {
    run(NativeLibrary.deviceOf(used[0]), used[0], query, work);
    Reference.reachabilityFence(used);
  }

  /** The same for callers that know the device of the one tensor used. */
  void run(int device, Tensor used, Query query, Work work) {
    Wn.Context context = NativeLibrary.context(device);
    if (workspaceStart == null || workspaceDevice != device) allocate(1 << 16, device, used);
    int status = work.run(context, workspaceStart, workspaceBytes);
    if (status == Wn.WN_EWORKSPACE) {
      long bytes = query.bytes(context);
      if (bytes < 0) check((int) -bytes);
      allocate(bytes, device, used);
      status = work.run(context, workspaceStart, workspaceBytes);
    }
    check(status);
    Reference.reachabilityFence(used);
  }

  static void run(PlainWork work, Tensor... used) {
    check(work.run(NativeLibrary.context(NativeLibrary.deviceOf(used[0]))));
    Reference.reachabilityFence(used);
  }

  private void allocate(long bytes, int device, Tensor like) {
    if (workspace != null) workspace.releaseReference();
    workspace = kept(Tensors.like(like, ScalarType.Byte, bytes));
    workspaceStart = workspace.data_ptr();
    workspaceBytes = bytes;
    workspaceDevice = device;
  }

  /**
   * The descriptor of a selection of k among n. Crossing into C costs more than comparing: sizes go over only where they have changed, and
   * addresses are written as memory.
   */
  Wn.SelectionDesc selection(int n, int k, Pointer scores, Pointer keep) {
    selectionMemory.putLong(scoresAt, addressOf(scores)).putLong(keepAt, addressOf(keep));
    if (n == selectionOf && k == selectionKept) return selection;
    selectionOf = n;
    selectionKept = k;
    return selection.max_len(n).k(k).max_keep(k);
  }

  /** An empty tensor has no data. */
  private static long addressOf(Pointer data) { return data == null ? 0 : data.address(); }

  /** Room for so many int32 on the host, valid until the thread's next call. */
  IntPointer results(int count) {
    if (results.capacity() < count) {
      results.releaseReference();
      results = kept(new IntPointer(2L * count));
    }
    return results;
  }

  /** Room for so many addresses on the host, valid until the thread's next call. */
  LongPointer addresses(int count) {
    if (addresses.capacity() < count) {
      addresses.releaseReference();
      addresses = kept(new LongPointer(2L * count));
    }
    return addresses;
  }

  /** Throws InvalidInputException naming the function, what it wants, and the shapes given, unless {@code holds}. */
  static void require(boolean holds, String function, String wanted, Tensor... given) {
    if (holds) return;
    StringBuilder shapes = new StringBuilder();
    for (Tensor tensor : given) shapes.append(' ').append(describe(tensor));
    throw new InvalidInputException(function + ": wants " + wanted + ", got" + shapes);
  }

  private static String describe(Tensor tensor) {
    return tensor == null ? "none" : tensor.scalar_type().intern().name() + Arrays.toString(tensor.shape());
  }

  /** Whether it is a matrix whose rows are contiguous, of a dtype that the kernels take. */
  static boolean isRows(Tensor x) { return x.dim() == 2 && (x.stride(1) == 1 || x.size(1) <= 1) && isFloating(x); }

  private static boolean isFloating(Tensor x) {
    byte type = x.scalar_type().value;
    return type == ScalarType.Float.value || type == ScalarType.Half.value || type == ScalarType.BFloat16.value;
  }

  /** The data of a float32 tensor. libtorch itself refuses another type, which takes one call where asking for the type takes another. */
  static Pointer floatData(Tensor x, String function, String wanted, Tensor... given) {
    try {
      return x.data_ptr_float();
    } catch (RuntimeException e) {
      require(isFloat32(x), function, wanted, given);
      throw e;
    }
  }

  /** The same of an int32 tensor. */
  static Pointer intData(Tensor x, String function, String wanted, Tensor... given) {
    try {
      return x.data_ptr_int();
    } catch (RuntimeException e) {
      require(x.scalar_type().value == ScalarType.Int.value, function, wanted, given);
      throw e;
    }
  }

  static boolean isFloat32(Tensor x) { return x.scalar_type().value == ScalarType.Float.value; }

  /** The address, or null for no tensor. */
  static Pointer address(Tensor tensor) { return tensor == null ? null : tensor.data_ptr(); }

  static void check(int status) {
    if (status == Wn.WN_OK) return;
    String message = Wn.wn_last_error().getString();
    throw status == Wn.WN_EINVAL ? new InvalidInputException(message) : new WinnowException(message);
  }
}
