/* CRC-32C (Castagnoli, reflected 0x82f63b78) of bytes, eight at a time by tables or by SSE 4.2. */
#include <pthread.h>
#include <string.h>

#include "ttk_kernels.h"

static uint32_t       table[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int b = 0; b < 8; b++) c = c & 1 ? 0x82f63b78u ^ (c >> 1) : c >> 1;
    table[0][i] = c;
  }
  for (int t = 1; t < 8; t++)
    for (int i = 0; i < 256; i++)
      table[t][i] = table[0][table[t - 1][i] & 255] ^ (table[t - 1][i] >> 8);
}

static uint32_t by_table(uint32_t c, const unsigned char *p, size_t n) {
  pthread_once(&once, make_table);
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t v;
    memcpy(&v, p, 8); /* little-endian hosts only, as the file format */
    v ^= c;
    c = 0;
    for (int t = 0; t < 8; t++) c ^= table[7 - t][(v >> (8 * t)) & 255];
  }
  while (n-- > 0) c = table[0][(c ^ *p++) & 255] ^ (c >> 8);
  return c;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
__attribute__((target("sse4.2"))) static uint32_t by_sse(uint32_t c, const unsigned char *p,
                                                         size_t n) {
  uint64_t wide = c;
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t v;
    memcpy(&v, p, 8);
    wide = _mm_crc32_u64(wide, v);
  }
  c = (uint32_t)wide;
  while (n-- > 0) c = _mm_crc32_u8(c, *p++);
  return c;
}
#endif

uint32_t ttkk_crc32c(uint32_t crc, const void *bytes, size_t count) {
  uint32_t c = ~crc;
#if defined(__x86_64__)
  if (strcmp(ttkk_active()->name, "base") != 0) return ~by_sse(c, bytes, count);
#endif
  return ~by_table(c, bytes, count);
}

uint32_t ttkk_reference_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return ~by_table(~crc, bytes, count);
}
