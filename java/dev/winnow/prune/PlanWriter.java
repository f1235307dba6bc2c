package dev.winnow.prune;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.InvalidInputException;
import dev.winnow.WinnowException;
import java.math.BigInteger;

/** Writes plans as plan files that {@link PlanReader} reads back. */
public final class PlanWriter {
  private static final ObjectMapper JSON = new ObjectMapper();

  private PlanWriter() {}

  /** Indented JSON. Throws InvalidInputException where the plan has a part without a name. */
  public static String write(Plan plan) { return write(plan, null); }

  /**
   * The same; throws also where the model has no place for a cut.
   *
   * @param shape of the model that the plan was made for
   */
  public static String write(Plan plan, ModelShape shape) {
    ObjectNode root = JSON.createObjectNode().put("format", PlanReader.FORMAT).put("name", plan.method());
    root.put("positions", PlanWords.of(plan.positions()));
    if (!plan.bias().isNone()) {
      root.putObject("attention_bias").put("sizes", PlanWords.of(plan.bias().sizes()))
          .put("distance", PlanWords.of(plan.bias().distance()));
    }
    if (!plan.cached()) root.put("cached", false);
    ArrayNode cuts = root.putArray("cuts");
    for (VisionCut cut : plan.visionCuts()) visionCut(cuts.addObject(), cut);
    for (LayerCut cut : plan.cuts()) {
      if (shape != null && cut.layer() == shape.layers()) {
        throw new InvalidInputException("a cut behind the last layer changes nothing and has no place in a plan file; leave layer "
            + (cut.layer() - 1) + " out");
      }
      layerCut(cuts.addObject(), cut);
    }
    for (CacheCut cut : plan.cacheCuts()) cacheCut(cuts.addObject(), cut);
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    } catch (JsonProcessingException e) {
      throw new WinnowException("the plan cannot be written: " + e.getMessage(), e);
    }
  }

  private static void visionCut(ObjectNode node, VisionCut cut) {
    node.put("site", cut.site().toString()).set("reducer", part(cut.spec(), cut.reducer()));
  }

  private static void layerCut(ObjectNode node, LayerCut cut) {
    node.put("site", cut.site().toString());
    if (cut.scorer() != null) node.set("scorer", part(cut.scorer()));
    node.set("selector", part(cut.selector()));
    if (cut.merger() != null) node.set("merger", part(cut.merger()));
    if (cut.effect() == LayerCut.Effect.HIDE) node.put("effect", "hide");
    if (cut.rankingLayerStoredTwice()) node.put("ranking_layer_stored_twice", true);
  }

  private static void cacheCut(ObjectNode node, CacheCut cut) {
    node.put("site", cut.site().toString());
    if (cut.when() == Site.Kind.DECODE) node.put("every", cut.every());
    if (cut.layers() != null) cut.layers().forEach(node.withArray("layers")::add);
    if (cut.attention() != null) node.set("scorer", part(cut.attention()));
    node.set("selector", part(cut.selector()));
    if (cut.continueFromRows()) node.put("next_position", "rows");
  }

  private static ObjectNode part(Part part) { return part(part.spec(), part); }

  private static ObjectNode part(Part.Spec spec, Object part) {
    if (spec == null) throw new InvalidInputException("the plan has a part that no plan file can name: " + part.getClass().getName());
    ObjectNode node = JSON.createObjectNode().put("name", spec.name());
    spec.parameters().forEach((name, value) -> {
      if (!value.isEmpty()) node.set(name, value(value));
    });
    return node;
  }

  private static JsonNode value(String text) {
    if (text.matches("-?[0-9]+")) return JSON.getNodeFactory().numberNode(new BigInteger(text));
    if (text.matches("-?[0-9]+\\.[0-9]+([eE][+-]?[0-9]+)?")) return JSON.getNodeFactory().numberNode(Double.parseDouble(text));
    if (text.equals("true") || text.equals("false")) return JSON.getNodeFactory().booleanNode(Boolean.parseBoolean(text));
    return JSON.getNodeFactory().textNode(text);
  }
}
