package dev.winnow.checkpoint;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.winnow.InvalidInputException;
import dev.winnow.NativeCache;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Makes tokenizers by the library that defines the format of tokenizer.json. */
final class TokenizerLibrary {
  private TokenizerLibrary() {}

  /** A tokenizer.json. Throws InvalidInputException if it is not there. */
  static JsonFile definition(Path file) {
    if (Files.isRegularFile(file)) return JsonFile.read(file);
    throw new InvalidInputException(file + " is missing: save the tokenizer once with transformers "
        + "(AutoTokenizer.from_pretrained(...).save_pretrained(...)), which writes it");
  }

  /**
   * A tokenizer that neither cuts nor pads; the caller closes it.
   *
   * @param file to name in complaints
   */
  static HuggingFaceTokenizer open(Path file, SecretNames names) {
    prepare();
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(names.definition()),
          Map.of("truncation", "false", "padding", "false"));
    } catch (IOException | RuntimeException e) {
      throw new InvalidInputException(file + " is no usable tokenizer: " + JsonFile.firstLine(e.getMessage()), e);
    }
  }

  /** Left alone, the library would call home, probe for CUDA and download a native for it. */
  private static void prepare() {
    NativeCache.configure();
    LoggingFacade.quietUnlessBound();
    for (String[] setting : new String[][] {{"ai.djl.offline", "true"}, {"OPT_OUT_TRACKING", "true"}, {"RUST_FLAVOR", "cpu"}}) {
      if (System.getProperty(setting[0]) == null) System.setProperty(setting[0], setting[1]);
    }
  }

  /** The text itself. Throws InvalidInputException for half a surrogate pair, which is no Unicode. */
  static String checked(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw new InvalidInputException("the prompt is no valid Unicode: half a surrogate pair at character " + i);
      }
    }
    return text;
  }
}
