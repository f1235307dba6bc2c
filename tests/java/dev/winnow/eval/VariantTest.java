package dev.winnow.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InvalidInputException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VariantTest {
  @Test void valuesThatHoldBlanksStandInQuotes() {
    String label = "restore_anchors tokens=64 selector='cdpruner relevance=none'";
    for (String typed : List.of(label, "restore_anchors  tokens=64 selector=\"cdpruner relevance=none\" ",
        "restore_anchors tokens=64 'selector=cdpruner relevance=none'", "restore_anchors tokens='64' selector=cdpruner' 'relevance=none")) {
      Variant variant = Variant.parse(typed);
      assertEquals(Map.of("tokens", "64", "selector", "cdpruner relevance=none"), variant.settings(), typed);
      assertEquals(label, variant.label(), typed);
      assertEquals("restore_anchors selector='cdpruner relevance=none' tokens=64", variant.sortedLabel());
      assertEquals(variant, Variant.parse(variant.label()));
    }
    assertEquals("fastv keep='' layer=3", Variant.parse("fastv keep= layer=3").label());
  }

  @Test void saysWhatIsWrong() {
    String[][] wrong = {{"restore_anchors selector='cdpruner", "a quote (') is not closed"}, {" ", "names no method"},
        {"restore_anchors selector=cdpruner relevance=none", "has no parameter 'relevance'"}, {"fastw", "perhaps 'fastv'"},
        {"fastv 3", "'3' is no setting; write KEY=VALUE"}};
    for (String[] one : wrong) {
      String message = assertThrows(InvalidInputException.class, () -> Variant.parse(one[0])).getMessage();
      assertTrue(message.contains(one[1]), message);
    }
  }
}
