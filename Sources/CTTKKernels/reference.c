/* Plain references: one loop nest each, the meaning of every kernel. */
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
