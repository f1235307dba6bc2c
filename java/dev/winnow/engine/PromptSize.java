package dev.winnow.engine;

/**
 * Rows that a question brings into a conversation when nothing is removed.
 *
 * @param text rows of text, the unseen last token of the answer before included
 * @param images rows of each picture, then of each video
 * @param tiles of all pictures and frames of all videos together
 * @param cached rows that each layer holds already
 * @param newTokens tokens that the answer may have
 */
public record PromptSize(int text, int[] images, int tiles, int[] cached, int newTokens) {}
