package dev.winnow.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class MetricTest {
  @Test void answersAreComparedAsTheVqaChallengeDoes() {
    assertEquals("red cat", VqaText.normalise("  The RED\tcat. "));
    assertEquals("2", VqaText.normalise("Two"));
    assertEquals("0", VqaText.normalise("none"));
    assertEquals("1000", VqaText.normalise("1,000"));
    assertEquals("3.5 m", VqaText.normalise("3.5 m."));
    assertEquals("dont know", VqaText.normalise("Don't know!"));
    assertEquals(VqaText.normalise("dont"), VqaText.normalise("don\u2019t"));
    assertEquals("left right", VqaText.normalise("left/right"));
    assertEquals("", VqaText.normalise(" ?! the "));
    assertEquals("猫", VqaText.normalise("猫"));
  }

  @Test void smallLettersDoNotDependOnTheLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(new Locale("tr", "TR"));
      assertEquals("6 minis", VqaText.normalise("SIX MINIS"));
      assertEquals("yes_no", Metric.YES_NO.label());
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test void exactTakesAnyOfTheRightAnswers() {
    assertEquals(1, Metric.EXACT.score("A sofa.", List.of("couch", "sofa")));
    assertEquals(0, Metric.EXACT.score("sofa bed", List.of("couch", "sofa")));
  }

  @Test void consensusLeavesOneHumanOutAtATime() {
    List<String> ten = List.of("net", "net", "net", "net", "a net", "mesh", "mesh", "goal", "goal", "white");
    assertEquals(1, Metric.CONSENSUS.score("net", ten), 1e-12);
    assertEquals((2 * (1 / 3.0) + 8 * (2 / 3.0)) / 10, Metric.CONSENSUS.score("Mesh", ten), 1e-12);
    assertEquals((1 * 0.0 + 9 * (1 / 3.0)) / 10, Metric.CONSENSUS.score("white", ten), 1e-12);
    assertEquals(0, Metric.CONSENSUS.score("blue", ten), 0);
  }

  @Test void itemsCountTwiceWhereTheyOccurTwice() {
    List<String> right = List.of("a small ring, a small ring, a large star.");
    assertEquals(1, Metric.ITEMS.score("a large star, a small ring, a small ring", right), 1e-12);
    assertEquals(0.8, Metric.ITEMS.score("a small ring, a large star", right), 1e-12);
    assertEquals(2.0 / 3, Metric.ITEMS.score("a small ring, a small ring, a small ring", right), 1e-12);
    assertEquals(0, Metric.ITEMS.score("", right), 0);
  }

  @Test void wordsAreF1() { assertEquals(2 * 2 / 5.0, Metric.WORDS.score("red cat", List.of("a red fat cat")), 1e-12); }

  @Test void yesAndNoAreReadAsPopeDoes() {
    assertTrue(Metric.saysYes("Yes, there is."));
    assertFalse(Metric.saysYes("There is not."));
    assertFalse(Metric.saysYes("No"));
    assertTrue(Metric.saysYes("I see a nose. No other"));
    assertEquals(1, Metric.YES_NO.score("No, it is not.", List.of("no")));
  }

  @Test void aMetricIsChosenByFamilyAndAnswers() {
    assertEquals(Metric.YES_NO, Metric.suited("existence", List.of("no")));
    assertEquals(Metric.ITEMS, Metric.suited("caption", List.of("a, b")));
    assertEquals(Metric.WORDS, Metric.suited("caption", List.of("a cat")));
    assertEquals(Metric.EXACT, Metric.suited("count", List.of("six")));
    assertThrows(InvalidInputException.class, () -> Metric.of("bleu"));
  }
}
