package dev.winnow.prune;

import java.util.Arrays;

/**
 * The order in which CPython iterates over a set of small whole numbers that were put in one by one: DART's code keeps its pivots in a set,
 * so this order decides which pivot takes tokens first. Open addressing as in CPython 3.7 and later: up to 9 neighbours of the slot {@code
 * value mod size}, then {@code 5 slot + 1 + perturbation}; from three fifths full the table grows to more than four times its entries.
 */
final class HashOrder {
  private static final int EMPTY = -1;
  private static final int NEIGHBOURS = 9;
  private int[] table = new int[8];
  private int used;

  private HashOrder() { Arrays.fill(table, EMPTY); }

  /** @param values different numbers, 0 or more */
  static int[] of(int[] values) {
    HashOrder set = new HashOrder();
    for (int value : values) set.add(value);
    return Arrays.stream(set.table).filter(value -> value != EMPTY).toArray();
  }

  private void add(int value) {
    insert(value);
    used++;
    if (used * 5 < (table.length - 1) * 3) return;
    int[] before = table;
    int size = 8;
    while (size <= used * 4) size *= 2;
    table = new int[size];
    Arrays.fill(table, EMPTY);
    for (int entry : before) if (entry != EMPTY) insert(entry);
  }

  private void insert(int value) {
    int mask = table.length - 1;
    int perturbation = value;
    int slot = value & mask;
    while (true) {
      int last = slot + NEIGHBOURS <= mask ? slot + NEIGHBOURS : slot;
      for (int at = slot; at <= last; at++) {
        if (table[at] != EMPTY) continue;
        table[at] = value;
        return;
      }
      perturbation >>>= 5;
      slot = slot * 5 + 1 + perturbation & mask;
    }
  }
}
