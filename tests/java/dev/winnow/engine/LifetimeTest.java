package dev.winnow.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.winnow.InsufficientMemoryException;
import dev.winnow.InvalidInputException;
import dev.winnow.StateException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.CountDownLatch;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Closing at every wrong moment, and memory that comes back. */
class LifetimeTest {
  @Test void closingTwiceDoesNothingAndUseAfterwardsIsRefused() {
    for (int round = 0; round < 100; round++) {
      Model model = Model.open(Asked.MODEL);
      Session session = model.newSession();
      assertThrows(StateException.class, model::close, "a session is open");
      session.close();
      session.close();
      assertThrows(StateException.class, () -> session.ask(Asked.base()));
      model.close();
      model.close();
      assertThrows(StateException.class, model::newSession);
    }
  }

  @Test void sessionsThatNeverAskAreFree() {
    try (Model model = Model.open(Asked.MODEL)) {
      long objects = Pointer.totalCount();
      for (int round = 0; round < 1000; round++) model.newSession().close();
      assertEquals(objects, Pointer.totalCount());
      assertEquals(0, model.kvBytesHeld());
    }
  }

  @Test void closingDuringAnAnswerIsRefusedAndHarmless() throws Exception {
    try (Model model = Model.open(Asked.MODEL)) {
      int[] wanted = Asked.ask(model, Asked.base().maxTokens(40)).ids();
      for (int round = 0; round < 20; round++) {
        Session session = model.newSession();
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch tried = new CountDownLatch(1);
        int[][] got = new int[1][];
        Thread asking = new Thread(() -> got[0] = session.ask(Asked.base().maxTokens(40).listener(text -> {
          begun.countDown();
          await(tried);
        })).ids());
        asking.start();
        begun.await();
        assertThrows(StateException.class, session::close);
        assertThrows(StateException.class, model::close);
        assertThrows(StateException.class, () -> session.ask(Asked.base()));
        tried.countDown();
        asking.join();
        assertArrayEquals(wanted, got[0]);
        session.close();
      }
    }
  }

  @Test void nativeMemoryComesBack() {
    try (Model model = Model.open(Asked.MODEL)) {
      for (int i = 0; i < 3; i++) Asked.ask(model, Asked.base().method("pyramiddrop"));
      long objects = Pointer.totalCount();
      for (int i = 0; i < 20; i++) {
        String method = i % 2 == 0 ? "pyramiddrop" : "fastv";
        try (Session session = model.newSession()) {
          session.ask(Asked.base().method(method));
          assertTrue(model.kvBytesHeld() > 0);
          session.ask(Asked.base().method(method).maxTokens(2));
        }
        assertEquals(0, model.kvBytesHeld());
      }
      assertEquals(objects, Pointer.totalCount(), "native objects left behind");
    }
  }

  @Test void aFullCacheIsAnErrorAndTheNextRequestWorks() {
    System.setProperty(Model.KV_BYTES_PROPERTY, "60000");
    try (Model model = Model.open(Asked.MODEL)) {
      int[] wanted = Asked.ask(model, Asked.base()).ids();
      InsufficientMemoryException e = assertThrows(InsufficientMemoryException.class,
          () -> Asked.ask(model, Question.of("USER: " + "word ".repeat(300) + " ASSISTANT:").raw()));
      assertTrue(e.getMessage().contains(Model.KV_BYTES_PROPERTY), e.getMessage());
      assertEquals(0, model.kvBytesHeld());
      assertArrayEquals(wanted, Asked.ask(model, Asked.base()).ids());
    } finally {
      System.clearProperty(Model.KV_BYTES_PROPERTY);
    }
  }

  @Test void aChangedWeightFileIsNoticed(@TempDir Path folder) throws Exception {
    try (var files = Files.list(Asked.MODEL)) {
      for (Path file : files.toList()) Files.copy(file, folder.resolve(file.getFileName().toString()));
    }
    try (Model model = Model.open(folder)) {
      Asked.ask(model, Asked.base());
      Path weights = folder.resolve("model.safetensors");
      Files.setLastModifiedTime(weights, FileTime.fromMillis(0));
      InvalidInputException e = assertThrows(InvalidInputException.class, () -> Asked.ask(model, Asked.base()));
      assertTrue(e.getMessage().contains("model.safetensors"), e.getMessage());
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
