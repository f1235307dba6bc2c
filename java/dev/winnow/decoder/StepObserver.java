package dev.winnow.decoder;

import org.bytedeco.pytorch.Tensor;

/** Watches a step from outside: conformance checks, calibration. Tensors belong to the step and must not be kept or changed. */
public interface StepObserver {
  /** @param hidden packed rows entering a layer, before any cut there, [rows, hidden] */
  default void entering(int layer, Tensor hidden) {}

  /** @param normed packed rows after the final norm, [rows, hidden] */
  default void finished(Tensor normed) {}

  /**
   * The cuts at a layer are done.
   *
   * @param nanos spent on scoring, selecting, moving rows, and rotating again what was kept
   */
  default void cut(int layer, long nanos) {}

  StepObserver NONE = new StepObserver() {};
}
