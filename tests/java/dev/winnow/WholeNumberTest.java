package dev.winnow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class WholeNumberTest {
  @Test void readsWhatHasDigitsAlone() {
    assertEquals(64, WholeNumber.small("64", InvalidInputException::new));
    assertEquals(-3, WholeNumber.small("-3", InvalidInputException::new));
    assertEquals(7, WholeNumber.small(" +7 ", InvalidInputException::new));
    assertEquals(Integer.MAX_VALUE, WholeNumber.small("2147483647", InvalidInputException::new));
    assertEquals(99999999999L, WholeNumber.wide("99999999999", InvalidInputException::new));
  }

  @Test void saysWhatIsWrongWithTheRest() {
    String[][] wrong = {
        {"", "the value is empty; give a whole number"}, {"  ", "the value is empty; give a whole number"},
        {"1e3", "'1e3' is not a whole number; write digits alone"}, {"64.0", "'64.0' is not a whole number; write digits alone"},
        {"many", "'many' is not a whole number; write digits alone"}, {"-", "'-' is not a whole number; write digits alone"},
        {"2147483648", "'2147483648' is out of range; whole numbers go from -2147483648 to 2147483647 here"},
        {"-99999999999999999999", "'-99999999999999999999' is out of range; whole numbers go from -2147483648 to 2147483647 here"}};
    for (String[] one : wrong) {
      Exception e = assertThrows(InvalidInputException.class, () -> WholeNumber.small(one[0], InvalidInputException::new));
      assertEquals(one[1], e.getMessage());
    }
  }
}
