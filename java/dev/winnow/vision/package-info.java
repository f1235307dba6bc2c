/**
 * From a picture file to features: {@link dev.winnow.vision.ImageReader} decodes, {@link dev.winnow.vision.Preprocessor} scales, crops,
 * pads or tiles and normalises, {@link dev.winnow.vision.VisionTower} runs the blocks that are needed under the eyes of a
 * {@link dev.winnow.vision.VisionObserver}, {@link dev.winnow.vision.Projector} carries the features into the language model's space, and
 * {@link dev.winnow.vision.AnyresPacking} lays those of a tiled picture out as visual tokens. Bytes are those that Pillow and transformers'
 * Pillow-based processors give.
 */
package dev.winnow.vision;
