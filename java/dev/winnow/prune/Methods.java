package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import dev.winnow.Suggestion;
import dev.winnow.prune.methods.CdPruner;
import dev.winnow.prune.methods.Dart;
import dev.winnow.prune.methods.DivPrune;
import dev.winnow.prune.methods.Eadp;
import dev.winnow.prune.methods.FastV;
import dev.winnow.prune.methods.FasterVlm;
import dev.winnow.prune.methods.FoPru;
import dev.winnow.prune.methods.HiPrune;
import dev.winnow.prune.methods.HiRed;
import dev.winnow.prune.methods.HoloV;
import dev.winnow.prune.methods.MmTok;
import dev.winnow.prune.methods.MustDrop;
import dev.winnow.prune.methods.None;
import dev.winnow.prune.methods.PruMerge;
import dev.winnow.prune.methods.PyramidDrop;
import dev.winnow.prune.methods.RestoreAnchors;
import dev.winnow.prune.methods.Scope;
import dev.winnow.prune.methods.SimpleCut;
import dev.winnow.prune.methods.SparseVlm;
import dev.winnow.prune.methods.ToMe;
import dev.winnow.prune.methods.VisPruner;
import dev.winnow.prune.methods.VisionZip;
import dev.winnow.prune.methods.Vtw;
import java.util.List;

/** Every method by name. */
public final class Methods {
  private static final List<Method> ALL = List.of(
      new None(), new PyramidDrop(), new Vtw(), new FastV(), new SparseVlm(), new MustDrop(), new Dart(), new FasterVlm(),
      new VisionZip(), PruMerge.plain(), PruMerge.withSupplement(), new FoPru(), new VisPruner(), new HiRed(), new DivPrune(),
      new CdPruner(), new HoloV(), new ToMe(), new Scope(), new MmTok(), new HiPrune(), new Eadp(),
      new RestoreAnchors(new VisPruner(), new FasterVlm(), new HiRed(), new FoPru(), new DivPrune(), new CdPruner(), new HoloV(),
          new Scope(), new MmTok(), new HiPrune(), new Eadp()),
      SimpleCut.random(), SimpleCut.uniform());

  private Methods() {}

  public static List<Method> all() { return ALL; }

  public static Method named(String name) {
    for (Method method : ALL) if (method.name().equals(name)) return method;
    List<String> names = ALL.stream().map(Method::name).toList();
    throw new InvalidInputException("unknown method '" + name + "'" + Suggestion.of(name, names) + "; methods are "
        + String.join(", ", names));
  }
}
