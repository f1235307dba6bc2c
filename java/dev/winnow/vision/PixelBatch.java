package dev.winnow.vision;

/**
 * One picture or frame as the tower takes it.
 *
 * @param pixels float32 {@code [tiles, 3, height, width]} in C order, normalised; not copied
 * @param tiles 1, or with tiling 1 (the whole picture, scaled down) + rows x columns of the grid, row by row
 * @param height rows of a tile, pixels
 * @param width columns of a tile, pixels
 * @param imageWidth columns of the decoded picture, pixels
 * @param imageHeight rows of the decoded picture, pixels
 * @param grid how the picture was cut, null where it was not tiled
 */
public record PixelBatch(float[] pixels, int tiles, int height, int width, int imageWidth, int imageHeight, TileGrid grid) {}
