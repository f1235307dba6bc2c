package dev.winnow.kernels;

import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import java.util.Arrays;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Device;
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
  final Wn.SimilarityDesc comparison = kept(new Wn.SimilarityDesc());
  final Wn.GreedyDesc greedy = kept(new Wn.GreedyDesc());
  final Wn.SelectionDesc selection = kept(new Wn.SelectionDesc());
  final Wn.GatherDesc gather = kept(new Wn.GatherDesc());
  final Wn.CompactionDesc compaction = kept(new Wn.CompactionDesc());
  final Wn.MergeDesc merge = kept(new Wn.MergeDesc());
  final Wn.MergeDesc rowMerge = kept(new Wn.MergeDesc());
  /** Workspaces only grow. */
  private Tensor workspace;

  /** Results that go on as Java values, on the host; grows. */
  private IntPointer integers;

  private Call() {}

  static Call current() { return OF_THREAD.get(); }

  /** Makes a pointer survive the scope in which it was made. */
  private static <P extends Pointer> P kept(P pointer) {
    pointer.retainReference();
    return pointer;
  }

  /** At least so many bytes of scratch memory on a device, valid until the thread's next call; null for none. */
  Pointer workspace(long bytes, Device device) {
    if (bytes == 0) return null;
    boolean usable = workspace != null && workspace.numel() >= bytes && workspace.device().is_cpu() == device.is_cpu();
    if (!usable) {
      if (workspace != null) workspace.releaseReference();
      workspace = kept(Tensors.uninitialised(ScalarType.Byte, device, Math.max(bytes, 1 << 16)));
    }
    return workspace.data_ptr();
  }

  /** Room for so many int32 on the host, valid until the thread's next call. */
  IntPointer integers(int count) {
    if (integers == null || integers.capacity() < count) {
      if (integers != null) integers.releaseReference();
      integers = kept(new IntPointer(Math.max(1024L, count)));
    }
    return integers;
  }

  /** Throws InvalidInputException naming the function, what it wants, and the shapes given, unless {@code holds}. */
  static void require(boolean holds, String function, String wanted, Tensor... given) {
    if (holds) return;
    StringBuilder shapes = new StringBuilder();
    for (Tensor tensor : given) shapes.append(' ').append(tensor.scalar_type().intern().name()).append(Arrays.toString(tensor.shape()));
    throw new InvalidInputException(function + ": wants " + wanted + ", got" + shapes);
  }

  /** Whether it is a matrix whose rows are contiguous, of a dtype that the kernels take. */
  static boolean isRows(Tensor x) { return x.dim() == 2 && (x.stride(1) == 1 || x.size(1) <= 1) && isFloating(x); }

  private static boolean isFloating(Tensor x) {
    for (Dtype dtype : Dtype.values()) if (dtype.torch.value == x.scalar_type().value) return true;
    return false;
  }

  /** The answer of a workspace query, unless it is a status. */
  static long bytes(long answer) {
    if (answer < 0) check((int) -answer);
    return answer;
  }

  static void check(int status) {
    if (status == Wn.WN_OK) return;
    String message = Wn.wn_last_error().getString();
    throw status == Wn.WN_EINVAL ? new InvalidInputException(message) : new WinnowException(message);
  }
}
