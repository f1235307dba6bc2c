package dev.winnow.prune;

import java.util.LinkedHashMap;
import java.util.Map;

/** A scorer, selector or merger: what plans are put together from. Immutable; shared by sessions and threads. */
public interface Part {
  /**
   * How a plan file names a part.
   *
   * @param name as registered in {@link Parts}
   * @param parameters what differs from the part's defaults, in order
   */
  record Spec(String name, Map<String, String> parameters) {
    /** @param namesAndValues in turns; a null value leaves its name out */
    public static Spec of(String name, Object... namesAndValues) {
      Map<String, String> parameters = new LinkedHashMap<>();
      for (int i = 0; i < namesAndValues.length; i += 2) {
        if (namesAndValues[i + 1] != null) parameters.put((String) namesAndValues[i], String.valueOf(namesAndValues[i + 1]));
      }
      return new Spec(name, parameters);
    }
  }

  /** How a plan file names this part; null for one that no plan file can name. */
  default Spec spec() { return null; }
}
