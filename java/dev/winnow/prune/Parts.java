package dev.winnow.prune;

import dev.winnow.InvalidInputException;
import dev.winnow.Suggestion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Function;

/** Every part that a plan file can name, one's own included. Safe for use by several threads. */
public final class Parts {
  /** Parts of one kind by name. */
  static final class Shelf<P> {
    private final String kind;
    private final Map<String, Entry<P>> entries = new TreeMap<>();

    private Shelf(String kind) { this.kind = kind; }

    private synchronized void add(String name, Entry<P> entry) {
      if (entries.putIfAbsent(name, entry) != null) throw new InvalidInputException("there is a " + kind + " '" + name
          + "' already; choose another name");
    }

    private synchronized Entry<P> named(String name) {
      Entry<P> entry = entries.get(name);
      if (entry != null) return entry;
      throw new InvalidInputException("unknown " + kind + " '" + name + "'" + Suggestion.of(name, entries.keySet()) + "; there are "
          + String.join(", ", entries.keySet()));
    }

    private synchronized List<String> names() { return new ArrayList<>(entries.keySet()); }

    /** Throws InvalidInputException naming the part or parameter that is wrong. */
    P make(String name, Map<String, String> given) {
      Entry<P> entry = named(name);
      return entry.make().apply(Settings.of(kind + " '" + name + "'", entry.parameters(), null, given));
    }
  }

  private record Entry<P>(List<Parameter> parameters, Function<Settings, P> make) {}

  static final Shelf<Scorer> SCORERS = new Shelf<>("scorer");
  static final Shelf<Selector> SELECTORS = new Shelf<>("selector");
  static final Shelf<Merger> MERGERS = new Shelf<>("merger");
  static final Shelf<CacheAttention> CACHE_SCORERS = new Shelf<>("cache scorer");

  static {
    SharedParts.register();
    for (PartProvider provider : ServiceLoader.load(PartProvider.class)) provider.register();
  }

  private Parts() {}

  /**
   * Registers a scorer.
   *
   * @param name as plan files write it
   * @param parameters with defaults; they must not depend on the model
   * @param make makes the part; throws InvalidInputException, best by {@link Settings#wrong}, where a value does not do
   */
  public static void scorer(String name, List<Parameter> parameters, Function<Settings, Scorer> make) {
    SCORERS.add(name, new Entry<>(List.copyOf(parameters), make));
  }

  /** Registers a selector; see {@link #scorer}. */
  public static void selector(String name, List<Parameter> parameters, Function<Settings, Selector> make) {
    SELECTORS.add(name, new Entry<>(List.copyOf(parameters), make));
  }

  /** Registers a merger; see {@link #scorer}. */
  public static void merger(String name, List<Parameter> parameters, Function<Settings, Merger> make) {
    MERGERS.add(name, new Entry<>(List.copyOf(parameters), make));
  }

  static void cacheScorer(String name, List<Parameter> parameters, Function<Settings, CacheAttention> make) {
    CACHE_SCORERS.add(name, new Entry<>(List.copyOf(parameters), make));
  }

  /** Names of all scorers, selectors, mergers and cache scorers, under those words. */
  public static Map<String, List<String>> names() {
    return Map.of("scorer", SCORERS.names(), "selector", SELECTORS.names(), "merger", MERGERS.names(), "cache scorer",
        CACHE_SCORERS.names());
  }
}
