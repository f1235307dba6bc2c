package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import dev.winnow.decoder.AttentionBias;
import dev.winnow.decoder.PositionPolicy;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/** Reads plan files (docs/plan-schema.json). Every complaint is an InvalidInputException that names line and column. */
public final class PlanReader {
  public static final String FORMAT = "winnow.plan/1";

  private final PlanNode root;

  private PlanReader(PlanNode root) { this.root = root; }

  /** Reads a file; what it says is checked against a model by {@link #plan}. */
  public static PlanReader open(Path file) {
    try {
      return parse(Files.readString(file, StandardCharsets.UTF_8), file.toString());
    } catch (MalformedInputException e) {
      throw new InvalidInputException("plan " + file + " is not UTF-8 text; save it as UTF-8", e);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such plan file; check the path", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read as a plan (" + e.getMessage() + "); give a file of JSON", e);
    }
  }

  /** @param source what complaints call the text */
  public static PlanReader parse(String json, String source) {
    PlanNode root = PlanNode.parse(json, source);
    root.only("a plan", Set.of("$schema", "format", "name", "positions", "attention_bias", "cached", "cuts"));
    root.required("format").word(FORMAT);
    return new PlanReader(root);
  }

  /** The plan for a model. */
  public Plan plan(ModelShape shape) {
    List<LayerCut> layerCuts = new ArrayList<>();
    List<CacheCut> cacheCuts = new ArrayList<>();
    List<VisionCut> visionCuts = new ArrayList<>();
    for (PlanNode node : root.required("cuts").items()) {
      Site site = site(node.required("site"));
      switch (site.kind()) {
        case LAYER -> layerCuts.add(layerCut(node, site, shape, layerCuts));
        case CACHE, DECODE -> cacheCuts.add(cacheCut(node, site, shape));
        default -> visionCuts.add(visionCut(node, site, shape, visionCuts));
      }
    }
    String name = root.has("name") ? root.get("name").string() : "plan";
    PositionPolicy positions = root.has("positions") ? word(root.get("positions"), PositionPolicy.class) : PositionPolicy.KEEP;
    AttentionBias bias = root.has("attention_bias") ? bias(root.get("attention_bias")) : AttentionBias.NONE;
    boolean cached = !root.has("cached") || root.get("cached").truth();
    if (!cached && !cacheCuts.isEmpty()) throw root.get("cached").wrong("without a cache there is nothing to cut at the sites cache and "
        + "decode");
    for (String field : List.of("positions", "attention_bias")) {
      boolean repairs = field.equals("positions") ? positions == PositionPolicy.ORIGINAL : !bias.isNone();
      if (repairs && visionCuts.isEmpty()) throw root.get(field).wrong("only pictures that a cut before the decoder shortened have this");
      if (repairs && !cached) throw root.get(field).wrong("this needs a cache");
    }
    return new Plan(name, Map.of(), visionCuts, layerCuts, cacheCuts, positions, bias, cached);
  }

  private static AttentionBias bias(PlanNode node) {
    node.only("an attention bias", Set.of("sizes", "distance"));
    return new AttentionBias(node.has("sizes") ? word(node.get("sizes"), AttentionBias.Sizes.class) : AttentionBias.Sizes.NONE,
        node.has("distance") ? word(node.get("distance"), AttentionBias.Distance.class) : AttentionBias.Distance.NONE);
  }

  private static <E extends Enum<E>> E word(PlanNode node, Class<E> type) {
    return PlanWords.read(type, node.word(PlanWords.all(type.getEnumConstants())));
  }

  private static Site site(PlanNode node) {
    try {
      return Site.parse(node.string());
    } catch (InvalidInputException e) {
      throw node.wrong(e.getMessage().replaceFirst("^.*?: (?=')", ""));
    }
  }

  /** A reducer goes by the name and the parameters of the method that it is the whole of. */
  private static VisionCut visionCut(PlanNode node, Site site, ModelShape shape, List<VisionCut> before) {
    node.only("a cut before the decoder", Set.of("site", "reducer"));
    PlanNode reducer = node.required("reducer");
    Map<String, String> given = settings(reducer);
    String name = reducer.required("name").string();
    List<VisionCut> cuts;
    try {
      cuts = Methods.named(name).plan(shape, given, OptionalInt.empty(), 0).visionCuts();
    } catch (InvalidInputException e) {
      throw culprit(reducer, e.getMessage()).wrong(e.getMessage());
    }
    if (cuts.isEmpty()) throw reducer.get("name").wrong("method '" + name + "' does not cut before the decoder");
    Site own = cuts.get(0).site();
    if (!own.equals(site)) throw node.get("site").wrong("method '" + name + "' cuts at " + own);
    VisionCut cut = new VisionCut(site, cuts.get(0).reducer(), new Part.Spec(name, given));
    String reason = before.isEmpty() ? null : cut.whyNotBehind(before.get(before.size() - 1));
    if (reason != null) throw node.get("site").wrong(reason);
    return cut;
  }

  private static LayerCut layerCut(PlanNode node, Site site, ModelShape shape, List<LayerCut> before) {
    node.only("a cut at a layer", Set.of("site", "scorer", "selector", "merger", "effect", "ranking_layer_stored_twice"));
    int layer = site.index();
    if (layer >= shape.layers()) throw node.get("site").wrong("this model has layers 0 to " + (shape.layers() - 1));
    if (!before.isEmpty() && layer <= before.get(before.size() - 1).layer()) throw node.get("site").wrong("cuts must stand by rising "
        + "layer, one a layer");
    Scorer scorer = node.has("scorer") ? part(node.get("scorer"), Parts.SCORERS) : null;
    if (scorer != null && scorer.input() == Scorer.Input.LAYER_BEFORE
        && layer == 0) throw node.get("site").wrong("this scorer looks at the layer before, and layer 0 has none");
    Selector selector = part(node.required("selector"), Parts.SELECTORS);
    String missing = missing(selector, scorer);
    if (missing != null) throw node.get("selector").wrong(missing);
    Merger merger = node.has("merger") ? part(node.get("merger"), Parts.MERGERS) : null;
    if (merger != null && (scorer == null || scorer.input() == Scorer.Input.LAYER_ITSELF)) {
      throw node.get("merger").wrong("merging needs a scorer that does not look at the layer itself");
    }
    boolean hide = node.has("effect") && node.get("effect").word("drop", "hide").equals("hide");
    if (hide && merger != null) throw node.get("effect").wrong("tokens that are merged cannot be hidden");
    boolean twice = node.has("ranking_layer_stored_twice") && node.get("ranking_layer_stored_twice").truth();
    return new LayerCut(layer, scorer, selector, merger, hide ? LayerCut.Effect.HIDE : LayerCut.Effect.DROP, twice);
  }

  /** What a selector at a layer lacks; null where it has all that it looks at. */
  private static String missing(Selector selector, Scorer scorer) {
    return switch (selector.needs()) {
      case NOTHING -> null;
      case SCORES, SCORES_AND_ROWS -> scorer == null ? "this selector needs a scorer" : null;
      case EVIDENCE -> scorer == null || !scorer.showsEvidence()
          ? "this selector looks at single text rows and needs the scorer text-attention or corrected-text-attention" : null;
      case KEY_NORMS -> scorer instanceof KeyNorms ? null : "this selector needs the scorer key-norms";
      case SURVIVORS -> "only caches have survivors: use this selector at the sites cache and decode";
    };
  }

  private static CacheCut cacheCut(PlanNode node, Site site, ModelShape shape) {
    node.only("a cut of the caches", Set.of("site", "every", "layers", "scorer", "selector", "next_position"));
    boolean decode = site.kind() == Site.Kind.DECODE;
    if (!decode && node.has("every")) throw node.get("every").wrong("only cuts at the site decode come again");
    int every = decode ? node.required("every").integer(1, Integer.MAX_VALUE) : 0;
    List<Integer> layers = node.has("layers") ? node.get("layers").items().stream().map(layer -> layer.integer(0,
        shape.layers() - 1)).toList() : null;
    if (layers != null && layers.isEmpty()) throw node.get("layers").wrong("name at least one layer, or leave this out for all");
    CacheAttention attention = node.has("scorer") ? part(node.get("scorer"), Parts.CACHE_SCORERS) : null;
    if (attention != null && attention.layers() != null && attention.layers().stream().anyMatch(layer -> layer < 0
        || layer >= shape.layers())) {
      throw node.get("scorer").wrong("this model has layers 0 to " + (shape.layers() - 1));
    }
    Selector selector = part(node.required("selector"), Parts.SELECTORS);
    switch (selector.needs()) {
      case NOTHING, SURVIVORS -> { }
      case SCORES -> { if (attention == null) throw node.get("selector").wrong("this selector needs a scorer"); }
      default -> throw node.get("selector").wrong("this selector looks at rows, which a cut of the caches has none of; use top, even, none"
          + " or survivors");
    }
    boolean fromRows = node.has("next_position") && node.get("next_position").word("continue", "rows").equals("rows");
    return new CacheCut(site.kind(), every, layers, attention, selector, fromRows);
  }

  private static <P> P part(PlanNode node, Parts.Shelf<P> shelf) {
    String name = node.required("name").string();
    Map<String, String> given = settings(node);
    try {
      return shelf.make(name, given);
    } catch (InvalidInputException e) {
      throw culprit(node, e.getMessage()).wrong(e.getMessage());
    }
  }

  private static Map<String, String> settings(PlanNode part) {
    Map<String, String> given = new LinkedHashMap<>();
    part.fields().forEach((key, value) -> {
      if (!key.equals("name")) given.put(key, value.asSetting());
    });
    return given;
  }

  /** The field that a complaint about a part is about; the part itself where it names none. */
  private static PlanNode culprit(PlanNode part, String complaint) {
    for (Map.Entry<String, PlanNode> field : part.fields().entrySet()) {
      if (complaint.contains("parameter " + field.getKey() + "=") || complaint.contains("parameter '" + field.getKey()
          + "'")) return field.getValue();
    }
    return complaint.startsWith("unknown") ? part.get("name") : part;
  }
}
