package dev.winnow.prune.methods;

import dev.winnow.InvalidInputException;
import dev.winnow.prune.Method;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Parameter;
import dev.winnow.prune.Plan;
import dev.winnow.prune.Settings;
import java.util.List;
import java.util.Map;

/** The plain model. */
public final class None implements Method {
  @Override public String name() { return "none"; }

  @Override public String summary() { return "Removes nothing: the plain model, to compare with."; }

  @Override public String source() { return "-"; }

  @Override public List<Parameter> parameters() { return List.of(); }

  @Override public Plan plan(ModelShape shape, Settings settings) { return Plan.NONE; }

  @Override public Map<String, String> budget(ModelShape shape, Settings settings, int imageTokens, int tokens) {
    if (tokens >= imageTokens) return Map.of();
    throw new InvalidInputException("method 'none' removes nothing and cannot hold " + tokens + " of " + imageTokens
        + " tokens; leave the budget out, or name a method that prunes");
  }
}
