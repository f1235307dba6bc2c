package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.winnow.conform.GoldenModel;
import dev.winnow.conform.TensorSpec;
import dev.winnow.decoder.Segment;
import dev.winnow.decoder.StepObserver;
import dev.winnow.kernels.Tensors;
import dev.winnow.kernels.Vectors;
import dev.winnow.prune.Methods;
import dev.winnow.prune.ModelShape;
import dev.winnow.prune.Plan;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;

/** Sequences of different lengths, methods and budgets, moved on together, must get what each gets alone. */
class RaggedBatchTest {
  private static final String MODEL = """
      {"arch": "llama", "hidden": 64, "heads": 4, "kv_heads": 2, "layers": 8, "ffn": 96, "vocab": 97, "rms_eps": 1e-6,
       "rope_theta": 10000.0, "weights": {"id_offset": 0, "scale": 1.0, "embed_scale": 2.0, "head_scale": 1.0}}""";

  private record Input(int pre, int vision, int text, String method, Map<String, String> settings) {}

  @Test void togetherAsAlone() throws Exception {
    List<Input> inputs = List.of(
        new Input(5, 33, 11, "pyramiddrop", Map.of("layers", "2,4,6")),
        new Input(0, 40, 1, "fastv", Map.of("ratio", "0.75")),
        new Input(12, 0, 3, "none", Map.of()),
        new Input(3, 20, 7, "vtw", Map.of("layer", "3", "positions", "renumber")),
        new Input(4, 17, 5, "random", Map.of("layer", "0", "seed", "9")));
    try (GoldenModel model = new GoldenModel(new ObjectMapper().readTree(MODEL))) {
      List<SequenceRun> together = new ArrayList<>();
      List<SequenceRun> alone = new ArrayList<>();
      for (Input input : inputs) {
        together.add(begin(model, input));
        alone.add(begin(model, input));
      }
      for (int step = 0; step < 4; step++) {
        float[][] batch = SequenceRun.advance(model.decoder(), together, StepObserver.NONE);
        for (int s = 0; s < inputs.size(); s++) {
          String what = inputs.get(s).method() + " step " + step;
          float[] single = SequenceRun.advance(model.decoder(), List.of(alone.get(s)), StepObserver.NONE)[0];
          assertArrayEquals(single, batch[s], 1e-4f, what);
          assertEquals(Vectors.argmax(single), Vectors.argmax(batch[s]), what);
          assertArrayEquals(alone.get(s).sequence().cache().lengths(), together.get(s).sequence().cache().lengths(), what);
          for (int c = 0; c < alone.get(s).cuts().size(); c++) {
            assertArrayEquals(alone.get(s).cuts().get(c).kept(), together.get(s).cuts().get(c).kept(), what);
          }
          together.get(s).token(Vectors.argmax(single));
          alone.get(s).token(Vectors.argmax(single));
        }
      }
      together.forEach(SequenceRun::close);
      alone.forEach(SequenceRun::close);
      assertEquals(0, model.decoder().pool().heldBytes());
      assertEquals(0, model.decoder().pool().slabBytes());
    }
  }

  private static SequenceRun begin(GoldenModel model, Input input) {
    int rows = input.pre() + input.vision() + input.text();
    float[] values = new float[rows * 64];
    for (int i = 0; i < values.length; i++) values[i] = TensorSpec.hash32(9000 + input.vision(), i, 2);
    List<Segment> segments = new ArrayList<>();
    if (input.pre() > 0) segments.add(new Segment(-1, 0, input.pre()));
    if (input.vision() > 0) segments.add(new Segment(0, input.pre(), input.vision()));
    segments.add(new Segment(-1, input.pre() + input.vision(), input.text()));
    Plan plan = Methods.named(input.method()).plan(new ModelShape(8, 0, true), input.settings(), OptionalInt.empty(), input.vision());
    SequenceRun run = new SequenceRun(model.decoder());
    try (PointerScope scope = new PointerScope()) {
      run.prompt(Tensors.floats(values, Tensors.CPU, rows, 64), segments, 0, plan, 8);
    }
    return run;
  }
}
