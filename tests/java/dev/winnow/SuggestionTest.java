package dev.winnow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestionTest {
  private static final List<String> NAMES = List.of("vtw", "fastv", "pyramiddrop", "prumerge", "prumerge_plus", "--prompt", "--budget");

  @ParameterizedTest
  @CsvSource({
      "pyramiddrp, pyramiddrop", "PyramidDrop, pyramiddrop", "pyramid_drop, pyramiddrop", "fastvv, fastv", "vtx, vtw",
      "prumerge+plus, prumerge_plus", "prumegre, prumerge", "--prompts, --prompt", "-budget, --budget"})
  void findsTheNameThatIsNear(String typed, String meant) {
    assertEquals(", perhaps '" + meant + "'", Suggestion.of(typed, NAMES));
  }

  @ParameterizedTest
  @CsvSource({"xyz", "magic", "''", "drop"})
  void keepsQuietWhereNoNameIsNear(String typed) { assertEquals("", Suggestion.of(typed, NAMES)); }
}
