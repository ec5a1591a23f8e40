/* Rounding a matrix column by column: what error compensation asks of storages.
 *
 * Plain arithmetic in a fixed order: what goes into files must not depend on the machine. */
#include "ttk_kernels.h"

#pragma STDC FP_CONTRACT OFF

/* x / scale within low..high, to the nearest integer, ties to even (1.5 * 2^23 does the rounding). */
static inline float level_of(float x, float scale, float low, float high) {
  float level = x / scale;
  level       = level > high ? high : level < low ? low : level;
  return (level + 0x1.8p23f) - 0x1.8p23f;
}

void ttkk_fit_weighted(ptrdiff_t n, const float *x, const float *weights, float scale, int32_t low,
                       int32_t high, double *products, double *squares) {
  enum { WAYS = 8 };
  double xq[WAYS] = {0}, qq[WAYS] = {0};
  float  least = (float)low, most = (float)high;
  ptrdiff_t i = 0;
  if (scale != 0)
    for (; i + WAYS <= n; i += WAYS)
      for (int j = 0; j < WAYS; j++) {
        float q = level_of(x[i + j], scale, least, most), wq = weights[i + j] * q;
        xq[j] += (double)wq * (double)x[i + j];
        qq[j] += (double)wq * (double)q;
      }
  double product = 0, square = 0;
  for (int j = 0; j < WAYS; j++) {
    product += xq[j];
    square += qq[j];
  }
  for (; i < n && scale != 0; i++) {
    float q = level_of(x[i], scale, least, most), wq = weights[i] * q;
    product += (double)wq * (double)x[i];
    square += (double)wq * (double)q;
  }
  *products = product;
  *squares  = square;
}

void ttkk_round_column(ptrdiff_t n, const float *x, const float *scales, const uint8_t *zeros,
                       ptrdiff_t step, int32_t top, uint8_t *codes, float *out) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float scale = scales[i * step];
    int   zero  = zeros[i * step];
    float q     = scale == 0 ? 0 : level_of(x[i], scale, (float)-zero, (float)(top - zero));
    codes[i]    = (uint8_t)((int)q + zero);
    out[i]      = q * scale;
  }
}

static int32_t nearest(float x, int32_t bits, const float *book) {
  int32_t code = 0;
  for (int32_t step = 1 << (bits - 1); step > 0; step >>= 1) {
    double border = ((double)book[code + step - 1] + (double)book[code + step]) / 2;
    code += (double)x > border ? step : 0;
  }
  return code;
}

void ttkk_round_to_books(ptrdiff_t n, const float *x, int32_t bits, const float *books, ptrdiff_t step,
                         uint8_t *codes, float *out) {
  for (ptrdiff_t i = 0; i < n; i++) {
    const float *book = books + i * step;
    int32_t      code = nearest(x[i], bits, book);
    codes[i]          = (uint8_t)code;
    out[i]            = book[code];
  }
}

void ttkk_book_normal(ptrdiff_t n, int32_t size, const uint8_t *codes, ptrdiff_t step, const float *metric,
                      ptrdiff_t width, const float *slope, ptrdiff_t slope_step, float *scratch,
                      double *square, double *right) {
  for (ptrdiff_t i = 0; i < size * n; i++) scratch[i] = 0;
  for (ptrdiff_t j = 0; j < n; j++) {
    float       *sum = scratch + codes[j * step] * n;
    const float *row = metric + j * width;
    for (ptrdiff_t i = 0; i < n; i++) sum[i] += row[i];
    right[codes[j * step]] -= slope[j * slope_step];
  }
  for (int32_t c = 0; c < size; c++)
    for (ptrdiff_t j = 0; j < n; j++) square[c * size + codes[j * step]] += scratch[c * n + j];
}

/* out = v * factor, a row of d numbers; v itself without one. */
static void stretched(int32_t d, const float *v, const float *factor, float *out) {
  for (int32_t q = 0; q < d; q++) {
    float sum = factor == NULL ? v[q] : 0;
    for (int32_t p = 0; p < d && factor != NULL; p++) sum += v[p] * factor[p * d + q];
    out[q] = sum;
  }
}

void ttkk_round_to_vectors(ptrdiff_t n, int32_t d, const float *x, int32_t length, int32_t count,
                           const float *books, ptrdiff_t book_step, const float *scales,
                           const float *factor, uint8_t *codes, ptrdiff_t code_step, float *out) {
  float centres[4][256]; /* a coordinate of all centres in a row */
  for (ptrdiff_t i = 0; i < n; i++) {
    const float *book = books + i * book_step;
    float        v[4], wanted[4], far[256];
    for (int32_t c = 0; c < count && (i == 0 || book_step != 0); c++) {
      float moved[4];
      stretched(d, book + c * length, factor, moved);
      for (int32_t p = 0; p < d; p++) centres[p][c] = moved[p];
    }
    /* In units of the scale; a scale of 0 stands for 0 whatever the code. */
    for (int32_t p = 0; p < d; p++) v[p] = scales[i] == 0 ? 0 : x[p * n + i] / scales[i];
    stretched(d, v, factor, wanted);
    for (int32_t c = 0; c < count; c++) far[c] = 0;
    for (int32_t p = 0; p < d; p++)
      for (int32_t c = 0; c < count; c++) far[c] += (wanted[p] - centres[p][c]) * (wanted[p] - centres[p][c]);
    int32_t best = 0;
    for (int32_t c = 1; c < count; c++) best = far[c] < far[best] ? c : best;
    codes[i * code_step] = (uint8_t)best;
    for (int32_t p = 0; p < d; p++) out[p * n + i] = book[best * length + p] * scales[i];
  }
}
