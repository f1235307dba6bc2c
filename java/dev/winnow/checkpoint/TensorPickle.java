package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the one kind of pickle that a PyTorch weight file holds: a dictionary of tensors. A pickle is a program; this reader
 * knows the handful of instructions and the handful of names that tensors need, runs nothing, and refuses every other name.
 */
final class TensorPickle {
  /** dtype by the storage class that the pickle names. */
  private static final Map<String, String> STORAGES = Map.of(
      "torch FloatStorage", "F32", "torch HalfStorage", "F16", "torch BFloat16Storage", "BF16", "torch DoubleStorage", "F64",
      "torch LongStorage", "I64", "torch IntStorage", "I32", "torch ShortStorage", "I16", "torch CharStorage", "I8",
      "torch ByteStorage", "U8", "torch BoolStorage", "BOOL");
  private static final String REBUILD_TENSOR = "torch._utils _rebuild_tensor_v2";
  private static final String REBUILD_PARAMETER = "torch._utils _rebuild_parameter";
  private static final String ORDERED_DICT = "collections OrderedDict";
  private static final Object MARK = new Object();

  /** A name of a Python object. */
  private record Global(String name) {}

  /** Numbers in one entry of the archive. */
  record Storage(String dtype, String key) {}

  /** A tensor as the pickle describes it; offset and strides count elements. */
  record Stored(Storage storage, long offset, long[] shape, long[] strides) {}

  private final ByteBuffer in;
  private final ArrayList<Object> stack = new ArrayList<>();
  private final Map<Integer, Object> memo = new HashMap<>();

  private TensorPickle(ByteBuffer in) { this.in = in; }

  /**
   * The tensors by name.
   *
   * @param in the pickle, little-endian
   */
  static Map<String, Stored> read(ByteBuffer in) {
    try {
      Object top = new TensorPickle(in).run();
      if (!(top instanceof Map)) throw refuse("does not hold a dictionary of tensors");
      Map<String, Stored> tensors = new LinkedHashMap<>();
      ((Map<?, ?>) top).forEach((name, value) -> {
        if (!(name instanceof String) || !(value instanceof Stored)) throw refuse("holds '" + name + "', which is not a tensor");
        tensors.put((String) name, (Stored) value);
      });
      return tensors;
    } catch (BufferUnderflowException | IndexOutOfBoundsException | ClassCastException e) {
      throw new InvalidInputException("is damaged: its pickle ends early or does not fit together", e);
    }
  }

  private Object run() {
    while (true) {
      int code = in.get() & 0xff;
      switch (code) {
        case 0x80: in.get(); break;
        case '.': return pop();
        case '(': stack.add(MARK); break;
        case '}': stack.add(new LinkedHashMap<String, Object>()); break;
        case ']': case ')': stack.add(new ArrayList<>()); break;
        case 'N': stack.add(null); break;
        case 0x88: stack.add(Boolean.TRUE); break;
        case 0x89: stack.add(Boolean.FALSE); break;
        case 'K': stack.add((long) (in.get() & 0xff)); break;
        case 'M': stack.add((long) (in.getShort() & 0xffff)); break;
        case 'J': stack.add((long) in.getInt()); break;
        case 0x8a: stack.add(bigInteger(in.get() & 0xff)); break;
        case 'G': stack.add(Double.longBitsToDouble(Long.reverseBytes(in.getLong()))); break;
        case 'X': stack.add(text(in.getInt())); break;
        case 0x8c: stack.add(text(in.get() & 0xff)); break;
        case 'q': memo.put(in.get() & 0xff, top()); break;
        case 'r': memo.put(in.getInt(), top()); break;
        case 'h': stack.add(remembered(in.get() & 0xff)); break;
        case 'j': stack.add(remembered(in.getInt())); break;
        case 'c': stack.add(new Global(line() + " " + line())); break;
        case 0x85: tuple(1); break;
        case 0x86: tuple(2); break;
        case 0x87: tuple(3); break;
        case 't': stack.add(popToMark()); break;
        case 'Q': stack.add(storage(list(pop()))); break;
        case 'R': { Object arguments = pop(); stack.add(call((Global) pop(), list(arguments))); break; }
        case 's': { Object value = pop(); Object key = pop(); put(key, value); break; }
        case 'u': putAll(popToMark()); break;
        case 'a': { Object value = pop(); list(top()).add(value); break; }
        case 'e': { List<Object> values = popToMark(); list(top()).addAll(values); break; }
        // state of an OrderedDict: the module versions, which nothing here needs
        case 'b': pop(); break;
        default: throw refuse("uses the pickle instruction 0x" + Integer.toHexString(code) + ", which no plain tensor needs");
      }
    }
  }

  private Object call(Global function, List<Object> arguments) {
    switch (function.name()) {
      case ORDERED_DICT: return new LinkedHashMap<String, Object>();
      case REBUILD_PARAMETER: return arguments.get(0);
      case REBUILD_TENSOR:
        return new Stored((Storage) arguments.get(0), (Long) arguments.get(1), longs(arguments.get(2)), longs(arguments.get(3)));
      default: throw refuse("wants to call " + function.name().replace(' ', '.') + ": only plain tensors are read");
    }
  }

  private Storage storage(List<Object> id) {
    String type = ((Global) id.get(1)).name();
    String dtype = STORAGES.get(type);
    if (!"storage".equals(id.get(0)) || dtype == null) throw refuse("stores numbers as " + type.replace(' ', '.') + ": not supported");
    return new Storage(dtype, (String) id.get(2));
  }

  private long bigInteger(int length) {
    byte[] bytes = new byte[length];
    in.get(bytes);
    if (length > 8) throw refuse("holds a number beyond 64 bits");
    long value = length == 0 ? 0 : bytes[length - 1];
    for (int i = length - 2; i >= 0; i--) value = value << 8 | bytes[i] & 0xff;
    return value;
  }

  private String text(int length) {
    if (length < 0 || length > in.remaining()) throw new BufferUnderflowException();
    byte[] bytes = new byte[length];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private String line() {
    int start = in.position();
    while (in.get() != '\n') { }
    byte[] bytes = new byte[in.position() - 1 - start];
    in.get(start, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private void tuple(int count) {
    List<Object> from = stack.subList(stack.size() - count, stack.size());
    List<Object> values = new ArrayList<>(from);
    from.clear();
    stack.add(values);
  }

  private List<Object> popToMark() {
    List<Object> from = stack.subList(stack.lastIndexOf(MARK), stack.size());
    List<Object> values = new ArrayList<>(from.subList(1, from.size()));
    from.clear();
    return values;
  }

  private void putAll(List<Object> pairs) {
    for (int i = 0; i < pairs.size(); i += 2) put(pairs.get(i), pairs.get(i + 1));
  }

  @SuppressWarnings("unchecked")
  private void put(Object key, Object value) {
    Map<String, Object> target = (Map<String, Object>) top();
    if (!(key instanceof String)) throw refuse("has a dictionary whose keys are not texts");
    if (target.put((String) key, value) != null) throw refuse("holds tensor " + key + " twice");
  }

  private Object remembered(int index) {
    if (!memo.containsKey(index)) throw new IndexOutOfBoundsException();
    return memo.get(index);
  }

  private Object pop() { return stack.remove(stack.size() - 1); }

  private Object top() { return stack.get(stack.size() - 1); }

  @SuppressWarnings("unchecked")
  private static List<Object> list(Object value) { return (List<Object>) value; }

  private static long[] longs(Object value) { return list(value).stream().mapToLong(item -> (Long) item).toArray(); }

  private static InvalidInputException refuse(String what) { return new InvalidInputException(what); }
}
