// The dot products of K1, attention scores: a few widened query rows against keys, sixteen keys at a time.
#pragma once

#include "dot.h"

namespace wn::WN_TIER {

/** Keys that R rows meet at once: as many dot products as the registers hold. */
constexpr int keys_at_once(int rows) {
  int keys = 1;
  while (2 * keys * rows <= dots_at_once) keys *= 2;
  return keys;
}

/** A place in rows of keys: which row of which head comes next, in the order in which they lie in memory. */
template <typename T>
struct KeyRows {
  const typename T::E* k;
  int64_t per_key, per_head;  // strides in elements
  int heads, dim;

  const typename T::E* row(int64_t key, int64_t head) const { return k + key * per_key + head * per_head; }
};

/** Widened queries: row r of head h at [h * per_head + r]; and where the logits of each go. */
struct QueryRows {
  const float* q;
  int64_t q_size;
  float* logits;
  int64_t logits_size;
  int per_head;

  QueryRows from(int64_t row, int64_t key) const { return {q + row * q_size, q_size, logits + row * logits_size + key, logits_size, per_head}; }
};

/** scale * q.k of R rows with 16 keys. Each key is widened once for all R rows. */
template <typename T, bool Exact, int R>
inline void dots_tile(const QueryRows& rows, const typename T::E* const* keys, int dim, F scale) {
  constexpr int together = keys_at_once(R);
  F total[R][16];
  const int whole = dim / T::step * T::step;
  for (int first = 0; first < 16; first += together) {
    F part[R][together];
#pragma GCC unroll 16
    for (int i = 0; i < R * together; ++i) part[i / together][i % together] = zero();
    const auto step = [&](const typename T::E* key, int c, int j) {
      F v[T::planes];
      T::widen(key, v);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
        for (int p = 0; p < T::planes; ++p) {
          const F q = load(rows.q + r * rows.q_size + c + 16 * p);
          part[r][j] = Exact ? T::accumulate(v[p], q, part[r][j]) : add(part[r][j], mul(v[p], q));
        }
      }
    };
    for (int c = 0; c < whole; c += T::step) {
#pragma GCC unroll 16
      for (int j = 0; j < together; ++j) step(keys[first + j] + c, c, j);
    }
    if (whole < dim) {
#pragma GCC unroll 16
      for (int j = 0; j < together; ++j) step(Tail<T>(keys[first + j], dim).element, whole, j);
    }
#pragma GCC unroll 16
    for (int i = 0; i < R * together; ++i) total[i / together][first + i % together] = part[i / together][i % together];
  }
  for (int r = 0; r < R; ++r) store(rows.logits + r * rows.logits_size, mul(sums(total[r]), scale));
}

/** The same for n rows. */
template <typename T, bool Exact>
inline void dots_block(const QueryRows& rows, int n, const typename T::E* const* keys, int dim, F scale) {
  int r = 0;
  if constexpr (tile_side >= 4) {
    for (; r + 4 <= n; r += 4) dots_tile<T, Exact, 4>(rows.from(r, 0), keys, dim, scale);
    if (r + 3 == n) dots_tile<T, Exact, 3>(rows.from(r, 0), keys, dim, scale), r += 3;
  }
  if constexpr (tile_side >= 2) {
    for (; r + 2 <= n; r += 2) dots_tile<T, Exact, 2>(rows.from(r, 0), keys, dim, scale);
  }
  for (; r < n; ++r) dots_tile<T, Exact, 1>(rows.from(r, 0), keys, dim, scale);
}

/** Lane i: dot product of the widened row q[i] and keys[i]. */
template <typename T, bool Exact>
inline F dots_of_pairs(const float* const* q, const typename T::E* const* keys, int dim) {
  F total[16];
  const int whole = dim / T::step * T::step;
  for (int first = 0; first < 16; first += dots_at_once) {
    F part[dots_at_once];
#pragma GCC unroll 16
    for (int i = 0; i < dots_at_once; ++i) part[i] = zero();
    const auto step = [&](const typename T::E* key, int c, int i) {
      F lanes[T::planes];
      for (int p = 0; p < T::planes; ++p) lanes[p] = load(q[first + i] + c + 16 * p);
      part[i] = add_step<T, Exact>(key, lanes, part[i]);
    };
    for (int c = 0; c < whole; c += T::step) {
#pragma GCC unroll 16
      for (int i = 0; i < dots_at_once; ++i) step(keys[first + i] + c, c, i);
    }
    if (whole < dim) {
#pragma GCC unroll 16
      for (int i = 0; i < dots_at_once; ++i) step(Tail<T>(keys[first + i], dim).element, whole, i);
    }
#pragma GCC unroll 16
    for (int i = 0; i < dots_at_once; ++i) total[first + i] = part[i];
  }
  return sums(total);
}

template <typename E>
inline void prefetch_row(const E* row, int dim) {
  for (int64_t i = 0; i < dim * static_cast<int64_t>(sizeof(E)); i += 64) __builtin_prefetch(reinterpret_cast<const char*>(row) + i);
}

/** Logits of n rows of one head for keys from..to, at logits[row][key - from], in groups of 16. */
template <typename T, bool Exact>
inline void dots_of_head(const KeyRows<T>& keys, int head, const QueryRows& rows, int n, int from, int to, F scale) {
  constexpr int ahead = 32;
  const typename T::E* group[16];
  for (int j = from; j < to; j += 16) {
    for (int i = 0; i < 16; ++i) {
      group[i] = keys.row(j + i < to ? j + i : to - 1, head);
      if (j + ahead + i < to) prefetch_row(keys.row(j + ahead + i, head), keys.dim);
    }
    dots_block<T, Exact>(rows.from(0, j - from), n, group, keys.dim, scale);
  }
}

/**
 * Logits of all heads for keys begin..end, at logits[row][key - from], where the keys of all heads lie side by side in one row per token:
 * tokens outermost, so that memory is read nearly in its own order and every page once. Sixteen keys at a time, of Heads heads, while
 * those that come a few groups later are asked for. Keys exist up to to.
 */
template <typename T, bool Exact, int Heads>
inline void dots_by_token(const KeyRows<T>& keys, const QueryRows& rows, int from, int begin, int end, int to, F scale) {
  constexpr int tokens = 16 / Heads;
  constexpr int ahead = 2;
  struct Place {
    int key, head;
    void advance(int heads) {
      head += Heads;
      if (head >= heads) head = 0, key += tokens;
    }
  };
  const auto row = [&](const Place& p, int token, int head) {
    return keys.row(p.key + token < to ? p.key + token : to - 1, p.head + head < keys.heads ? p.head + head : keys.heads - 1);
  };
  Place next = {begin, 0};
  for (int i = 0; i < ahead; ++i) next.advance(keys.heads);
  for (Place at = {begin, 0}; at.key < end; at.advance(keys.heads), next.advance(keys.heads)) {
    const typename T::E* group[16];
    for (int i = 0; i < 16; ++i) {
      group[i] = row(at, i % tokens, i / tokens);
      if (next.key < to) prefetch_row(row(next, i / Heads, i % Heads), keys.dim);
    }
    if constexpr (Heads == 1) {
      dots_block<T, Exact>(rows.from(static_cast<int64_t>(at.head) * rows.per_head, at.key - from), rows.per_head, group, keys.dim, scale);
    } else {
      const float* q[16];
      for (int i = 0; i < 16; ++i) q[i] = rows.q + (at.head + i / tokens < keys.heads ? at.head + i / tokens : at.head) * rows.q_size;
      alignas(64) float lanes[16];
      store(lanes, mul(dots_of_pairs<T, Exact>(q, group, keys.dim), scale));
      for (int h = 0; h < Heads && at.head + h < keys.heads; ++h) {
        std::memcpy(rows.from(at.head + h, at.key - from).logits, lanes + h * tokens, tokens * sizeof(float));
      }
    }
  }
}

}  // namespace wn::WN_TIER
