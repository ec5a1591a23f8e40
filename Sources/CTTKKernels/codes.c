/* Rows of codes as streams of bits, least significant first: code i is bits i*b to i*b + b-1. */
#include <string.h>

#include "ttk_kernels.h"

void ttkk_pack_codes(ptrdiff_t n, int32_t bits, const uint8_t *codes, uint8_t *packed) {
  uint64_t waiting = 0;
  int32_t  count   = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    waiting |= (uint64_t)codes[i] << count;
    for (count += bits; count >= 8; count -= 8, waiting >>= 8) *packed++ = (uint8_t)waiting;
  }
  if (count > 0) *packed = (uint8_t)waiting;
}

/* One code at any place; reads the next byte only where the code reaches into it. */
static uint8_t code_at(const uint8_t *packed, ptrdiff_t i, int32_t bits) {
  ptrdiff_t first = i * bits;
  uint32_t  shift = (uint32_t)(first & 7), word = packed[first >> 3];
  if (shift + (uint32_t)bits > 8) word |= (uint32_t)packed[(first >> 3) + 1] << 8;
  return (uint8_t)((word >> shift) & ((1u << bits) - 1));
}

/* Eight codes fill `bits` whole bytes. */
#define EIGHTS(B)                                                             \
  case B:                                                                     \
    for (; i + 8 <= n; i += 8, packed += B) {                                 \
      uint64_t word = 0;                                                      \
      memcpy(&word, packed, B);                                               \
      for (int j = 0; j < 8; j++)                                             \
        codes[i + j] = (uint8_t)((word >> (j * B)) & ((1u << B) - 1));        \
    }                                                                         \
    break;

void ttkk_unpack_codes(ptrdiff_t n, int32_t bits, const uint8_t *packed, ptrdiff_t first,
                       uint8_t *codes) {
  if (bits == 8) {
    memcpy(codes, packed + first, (size_t)n);
    return;
  }
  ptrdiff_t i = 0;
  while (i < n && (first + i) % 8 != 0) {
    codes[i] = code_at(packed, first + i, bits);
    i++;
  }
  const uint8_t *row = packed;
  packed += (first + i) / 8 * bits;
  switch (bits) {
    EIGHTS(1)
    EIGHTS(2)
    EIGHTS(3)
    EIGHTS(4)
    EIGHTS(5)
    EIGHTS(6)
    EIGHTS(7)
  default:
    break;
  }
  for (; i < n; i++) codes[i] = code_at(row, first + i, bits);
}

void ttkk_pack_panel(ptrdiff_t width, ptrdiff_t live, ptrdiff_t k, int32_t bits, const uint8_t *codes,
                     uint32_t *words) {
  ptrdiff_t unit = bits == 3 ? 32 : 16, fields = 8 / bits;
  memset(words, 0, (size_t)((k + unit - 1) / unit * unit * bits / 32 * width) * sizeof *words);
  for (ptrdiff_t j = 0; j < live; j++)
    for (ptrdiff_t i = 0; i < k; i++) {
      uint32_t  code = codes[j * k + i];
      ptrdiff_t byte = i % 4 * 8, step = i / 4;
      if (bits == 3) {
        uint32_t *three = words + step / 8 * 3 * width + j;
        three[step % 8 / 4 * width] |= (code & 3) << (byte + step % 4 * 2);
        three[2 * width] |= (code >> 2) << (byte + step % 8);
      } else {
        words[step / fields * width + j] |= code << (byte + step % fields * bits);
      }
    }
}

void ttkk_pack_own(ptrdiff_t width, ptrdiff_t live, ptrdiff_t k, const uint8_t *codes, uint32_t *words) {
  uint8_t *bytes = (uint8_t *)words;
  memset(bytes, 0, (size_t)((k + 31) / 32 * width * 16));
  for (ptrdiff_t j = 0; j < live; j++) {
    uint8_t *own = bytes + ttkk_own_place(width, j) * 16;
    for (ptrdiff_t i = 0; i < k; i++)
      own[i / 32 * width * 16 + i % 16] |= (uint8_t)(codes[j * k + i] << (i % 32 / 16 * 4));
  }
}
