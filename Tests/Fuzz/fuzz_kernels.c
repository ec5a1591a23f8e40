/* Every level's kernels against the plain references, on shapes, steps and values from bytes. */
#include "ttk_kernels.h"

#include <math.h>
#include <stdlib.h>

#include "input.h"

static const char *const level_names[] = {"base", "v3", "v4", "vnni"};

/* Exact-size blocks, so that the address sanitizer sees every stray access. */
static float *floats(input *in, size_t count) {
  float *block = malloc(count * sizeof *block + 1);
  for (size_t i = 0; i < count; i++) {
    float value = (float)take_real(in);
    block[i]    = isfinite(value) && fabsf(value) < 1e15f ? value : 1;
  }
  return block;
}

static void tiles(input *in, const ttkk_kernels *level) {
  ptrdiff_t width = level->width_f32, rows = 1 + take_below(in, (int)level->height_f32);
  ptrdiff_t columns = 1 + take_below(in, (int)width), k = take_below(in, 40);
  int       packed = take_below(in, 2), accumulate = take_below(in, 2);
  ptrdiff_t row_step = packed ? 1 : k + take_below(in, 3), k_step = packed ? rows : 1;
  ptrdiff_t y_step = columns + take_below(in, 3);
  size_t    x_count = k > 0 ? (size_t)((rows - 1) * row_step + (k - 1) * k_step + 1) : 0;
  size_t    y_count = (size_t)((rows - 1) * y_step + columns);
  float    *x = floats(in, x_count), *panel = floats(in, (size_t)(k * width));
  float    *bias = take_below(in, 2) ? floats(in, (size_t)columns) : NULL;
  float    *y = floats(in, y_count), *expected = malloc(y_count * sizeof(float));
  memcpy(expected, y, y_count * sizeof(float));
  level->tile_f32(rows, k, x, row_step, k_step, panel, y, y_step, columns, bias, accumulate);
  double *bound = calloc(y_count, sizeof(double)); /* sum of |a b|, for the allowed error */
  for (ptrdiff_t r = 0; r < rows; r++)
    for (ptrdiff_t j = 0; j < columns; j++) {
      double sum = accumulate ? fabs(expected[r * y_step + j]) : bias != NULL ? fabs(bias[j]) : 0;
      for (ptrdiff_t i = 0; i < k; i++)
        sum += fabs((double)x[r * row_step + i * k_step] * panel[i * width + j]);
      bound[r * y_step + j] = sum;
    }
  ttkk_reference_tile_f32(rows, k, x, row_step, k_step, panel, width, expected, y_step, columns, bias,
                          accumulate);
  for (size_t i = 0; i < y_count; i++) {
    if (bound[i] > 1e30) continue; /* may overflow on the way */
    if (fabs((double)y[i] - expected[i]) > 2 * (double)(k + 1) * 0x1p-23 * bound[i] + 1e-40) abort();
  }
  free(x), free(panel), free(bias), free(y), free(expected), free(bound);
}

static void conversions(input *in, const ttkk_kernels *level, const ttkk_kernels *base) {
  ptrdiff_t n     = take_below(in, 80);
  float    *value = malloc((size_t)n * 4 + 1);
  take(in, value, (size_t)n * 4);
  uint16_t *a = malloc((size_t)n * 2 + 1), *b = malloc((size_t)n * 2 + 1);
  level->encode_f16(n, value, a);
  base->encode_f16(n, value, b);
  if (memcmp(a, b, (size_t)n * 2) != 0) abort();
  float *decoded = malloc((size_t)n * 4 + 1);
  level->decode_f16(n, a, decoded);
  level->encode_f16(n, decoded, b);
  if (memcmp(a, b, (size_t)n * 2) != 0) abort();
  float most = level->max_abs_f32(n, value), expected = base->max_abs_f32(n, value);
  if (isfinite(most) ? most != expected : isfinite(expected)) abort();
  if (ttkk_crc32c(0, value, (size_t)n * 4) != ttkk_reference_crc32c(0, value, (size_t)n * 4)) abort();
  free(value), free(a), free(b), free(decoded);
}

static void copies(input *in) {
  ptrdiff_t shape[6], steps[6], compact[6], count = 1, low = 0, high = 0, extent = 1;
  int       ndim = take_below(in, 7), size = 1 << take_below(in, 5);
  for (int i = ndim - 1; i >= 0; i--) {
    shape[i]   = take_below(in, 5);
    compact[i] = count;
    count *= shape[i] > 0 ? shape[i] : 1;
    steps[i] = extent + take_below(in, 3);
    extent += steps[i] * (shape[i] > 0 ? shape[i] - 1 : 0);
    if (take_below(in, 2)) steps[i] = -steps[i];
    *(steps[i] < 0 ? &low : &high) += steps[i] * (shape[i] > 0 ? shape[i] - 1 : 0);
  }
  char *source = malloc((size_t)((high - low + 1) * size)), *target = calloc((size_t)count, (size_t)size);
  char *back = calloc((size_t)(high - low + 1), (size_t)size);
  take(in, source, (size_t)((high - low + 1) * size));
  ttkk_copy_strided(target, compact, source - low * size, steps, shape, ndim, (size_t)size);
  ttkk_copy_strided(back - low * size, steps, target, compact, shape, ndim, (size_t)size);
  for (ptrdiff_t e = 0; e < count; e++) { /* every element came and went */
    ptrdiff_t rest = e, at = -low;
    int       empty = 0;
    for (int i = 0; i < ndim; i++) {
      if (shape[i] == 0) empty = 1;
      at += rest / compact[i] * steps[i];
      rest %= compact[i];
    }
    if (empty) break;
    if (memcmp(target + e * size, source + at * size, (size_t)size) != 0) abort();
    if (memcmp(back + at * size, source + at * size, (size_t)size) != 0) abort();
  }
  free(source), free(target), free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  input               in    = {bytes, count};
  const ttkk_kernels *base  = ttkk_level("base");
  const ttkk_kernels *level = ttkk_level(level_names[take_below(&in, 4)]);
  if (level == NULL) level = base;
  switch (take_below(&in, 4)) {
    case 0: tiles(&in, level); break;
    case 1: conversions(&in, level, base); break;
    default: copies(&in); break;
  }
  return 0;
}
