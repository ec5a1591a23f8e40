/* Plain references: one loop nest each, the meaning of every kernel. */
#include "half.h"
#include "ttk_kernels.h"

#include <string.h>

#define REFERENCE_TILE(T, SUFFIX)                                                              \
  void ttkk_reference_tile_##SUFFIX(ptrdiff_t rows, ptrdiff_t k, const T *x, ptrdiff_t row_step,     \
                                    ptrdiff_t k_step, const T *panel, ptrdiff_t width, T *y,       \
                                    ptrdiff_t y_step, ptrdiff_t columns, const T *bias,            \
                                    int accumulate) {                                          \
    for (ptrdiff_t r = 0; r < rows; r++)                                                         \
      for (ptrdiff_t j = 0; j < columns; j++) {                                                  \
        double sum = accumulate ? y[r * y_step + j] : bias != NULL ? bias[j] : 0;              \
        for (ptrdiff_t i = 0; i < k; i++)                                                        \
          sum += (double)x[r * row_step + i * k_step] * panel[i * width + j];                  \
        y[r * y_step + j] = (T)sum;                                                            \
      }                                                                                        \
  }
REFERENCE_TILE(float, f32)
REFERENCE_TILE(double, f64)

void ttkk_decode_bf16(ptrdiff_t n, const uint16_t *in, float *out) {
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t bits = (uint32_t)in[i] << 16;
    memcpy(out + i, &bits, 4);
  }
}

void ttkk_encode_bf16(ptrdiff_t n, const float *in, uint16_t *out) {
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, in + i, 4);
    int nan = (bits & 0x7fffffff) > 0x7f800000u;
    out[i]  = (uint16_t)(nan ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
}

static int32_t code_at(const ttkk_codes *p, ptrdiff_t width, ptrdiff_t i, ptrdiff_t j) {
  if (p->own != NULL) {
    const uint8_t *bytes = (const uint8_t *)p->words + ttkk_own_place(width, j) * 16;
    return bytes[i / 32 * width * 16 + i % 16] >> (i % 32 / 16 * 4) & 15;
  }
  ptrdiff_t byte = i % 4 * 8, step = i / 4;
  if (p->bits == 3) {
    const uint32_t *unit = p->words + step / 8 * 3 * width + j;
    uint32_t        low = unit[step % 8 / 4 * width] >> (byte + step % 4 * 2);
    uint32_t        high = unit[2 * width] >> (byte + step % 8);
    return (int32_t)((low & 3) | (high & 1) << 2);
  }
  ptrdiff_t fields = 8 / p->bits;
  uint32_t  word = p->words[step / fields * width + j] >> (byte + step % fields * p->bits);
  return (int32_t)(word & ((1u << p->bits) - 1));
}

static int32_t zero_at(const ttkk_codes *p, ptrdiff_t width, ptrdiff_t g, ptrdiff_t j) {
  return p->zeros != NULL ? p->zeros[g * width + j] : p->zero;
}

static float scale_at(const ttkk_codes *p, ptrdiff_t at) {
  return p->halves != NULL ? ttkk_half_to_float(p->halves[at]) : p->scales[at];
}

static float own_value(const ttkk_codes *p, ptrdiff_t width, ptrdiff_t g, ptrdiff_t j, int32_t code) {
  uint32_t bits = 0;
  float    value;
  for (int b = 0; b < 4; b++)
    bits |= (uint32_t)p->own[g * width * 64 + ttkk_own_byte(width, ttkk_own_place(width, j), code, b)] << 8 * b;
  memcpy(&value, &bits, 4);
  return value;
}

void ttkk_reference_expand_codes(const ttkk_codes *p, ptrdiff_t width, ptrdiff_t first,
                                 ptrdiff_t count, float *out) {
  for (ptrdiff_t i = first; i < first + count; i++)
    for (ptrdiff_t j = 0; j < width; j++) {
      ptrdiff_t g = i / p->group;
      int32_t   code = code_at(p, width, i, j);
      out[(i - first) * width + j] =
          p->own != NULL ? own_value(p, width, g, j, code)
          : p->values != NULL ? p->values[p->by_row ? (4 * g + code) * width + j : code]
                            : (float)(code - zero_at(p, width, g, j)) * scale_at(p, g * width + j);
    }
}

void ttkk_reference_dot(ptrdiff_t rows, const ttkk_codes *p, ptrdiff_t width, ptrdiff_t first,
                        ptrdiff_t end, const int8_t *x, ptrdiff_t x_step, int64_t *sums) {
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t j = 0; j < width; j++) {
      int64_t sum = 0;
      for (ptrdiff_t i = first; i < end; i++) {
        int32_t code = code_at(p, width, i, j);
        if (p->own != NULL)
          code = p->own[(i / p->group * width + ttkk_own_place(width, j)) * 16 + code];
        if (p->levels != NULL)
          code = p->levels[p->by_row ? 4 * (i / p->group * width + j) + code : code];
        sum += (int64_t)(code - zero_at(p, width, i / p->group, j)) * x[r * x_step + i];
      }
      sums[r * width + j] = sum;
    }
}
