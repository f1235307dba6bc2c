package example;

import dev.winnow.engine.Answer;
import dev.winnow.engine.Model;
import dev.winnow.engine.Question;
import dev.winnow.engine.Session;
import java.nio.file.Path;
import java.util.Arrays;

/** Asks one question and prints the ids of the answer: arguments are a model folder and a picture. */
public class Ask {
  public static void main(String[] args) {
    try (Model model = Model.open(Path.of(args[0])); Session session = model.newSession()) {
      Answer answer = session.ask(Question.of("USER: <image>\nWhat is this? ASSISTANT:").raw().image(Path.of(args[1])).maxTokens(8));
      System.out.println(Arrays.toString(answer.ids()));
      boolean demo = Ask.class.getResource("/dev/winnow/demo/shapes-llava/config.json") != null;
      System.out.println(demo ? "demo resources found" : "no demo resources");
    }
  }
}
