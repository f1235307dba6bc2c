package dev.winnow;

import java.util.Collection;
import java.util.Locale;

/** Guesses which name a mistyped one was meant to be. */
public final class Suggestion {
  private Suggestion() {}

  /** ", perhaps 'pyramiddrop'" to append to a complaint, or nothing where no name is near. */
  public static String of(String typed, Collection<String> names) {
    String nearest = null;
    int least = Math.max(1, bare(typed).length() / 3) + 1;
    for (String name : names) {
      int distance = distance(bare(typed), bare(name));
      if (distance >= least) continue;
      least = distance;
      nearest = name;
    }
    return nearest == null ? "" : ", perhaps '" + nearest + "'";
  }

  /** What people remember of a name: neither capitals nor how its words are joined. */
  private static String bare(String name) { return name.toLowerCase(Locale.ROOT).replaceAll("[-_ ]", ""); }

  /** Letters to insert, delete or replace to make one of the other (Levenshtein). */
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j < row.length; j++) row[j] = j;
    for (int i = 0; i < a.length(); i++) {
      int diagonal = row[0];
      row[0] = i + 1;
      for (int j = 0; j < b.length(); j++) {
        int replaced = diagonal + (a.charAt(i) == b.charAt(j) ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = Math.min(replaced, Math.min(row[j], diagonal) + 1);
      }
    }
    return row[b.length()];
  }
}
