package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.methods.Dart;
import dev.winnow.prune.methods.FastV;
import dev.winnow.prune.methods.MustDrop;
import dev.winnow.prune.methods.None;
import dev.winnow.prune.methods.PyramidDrop;
import dev.winnow.prune.methods.SimpleCut;
import dev.winnow.prune.methods.SparseVlm;
import dev.winnow.prune.methods.Vtw;
import java.util.List;

/** Every method by name. */
public final class Methods {
  private static final List<Method> ALL = List.of(new None(), new PyramidDrop(), new Vtw(), new FastV(), new SparseVlm(), new MustDrop(), new Dart(),
      SimpleCut.random(), SimpleCut.uniform());

  private Methods() {}

  public static List<Method> all() { return ALL; }

  public static Method named(String name) {
    for (Method method : ALL) if (method.name().equals(name)) return method;
    throw new InvalidInputException("unknown method '" + name + "'; methods are " + String.join(", ", ALL.stream().map(Method::name).toList()));
  }
}
