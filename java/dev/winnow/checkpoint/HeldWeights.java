package dev.winnow.checkpoint;

import dev.winnow.InvalidInputException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/** Weights that were computed instead of read: tensors in memory, by canonical name. */
public final class HeldWeights implements Weights {
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  /** Keeps a tensor beyond the caller's PointerScope, until these weights are closed. */
  public void hold(String name, Tensor tensor) {
    tensor.retainReference();
    tensors.put(name, tensor);
  }

  @Override public Tensor get(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) throw new InvalidInputException("there is no tensor " + name);
    return tensor;
  }

  @Override public boolean has(String name) { return tensors.containsKey(name); }

  @Override public Set<String> names() { return Collections.unmodifiableSet(tensors.keySet()); }

  @Override public void close() {
    tensors.values().forEach(Tensor::releaseReference);
    tensors.clear();
  }
}
