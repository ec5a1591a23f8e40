/* input.h: fuzz bytes as a stream of small numbers. Past the end everything is 0. */
#ifndef INPUT_H
#define INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
  const uint8_t *bytes;
  size_t         left;
} input;

static inline void take(input *in, void *to, size_t count) {
  size_t given = count < in->left ? count : in->left;
  memset(to, 0, count);
  if (given > 0) memcpy(to, in->bytes, given);
  in->bytes += given;
  in->left -= given;
}

static inline uint8_t take_byte(input *in) {
  uint8_t value;
  take(in, &value, 1);
  return value;
}

/* A number from 0 to count - 1. */
static inline int take_below(input *in, int count) { return take_byte(in) % count; }

/* Mostly small numbers, sometimes any 64 bits. */
static inline int64_t take_int(input *in) {
  uint8_t kind = take_byte(in);
  if (kind < 224) return kind % 9;
  if (kind < 232) return -(int64_t)(kind % 8);
  int64_t value;
  take(in, &value, sizeof value);
  return value;
}

/* Small multiples of 1/8, sometimes any bits, NaN and infinity among them. */
static inline double take_real(input *in) {
  uint8_t kind = take_byte(in);
  if (kind < 240) return (kind - 120) / 8.0;
  double value;
  take(in, &value, sizeof value);
  return value;
}

#endif
