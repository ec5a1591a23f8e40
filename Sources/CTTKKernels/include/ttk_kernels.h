/* Private interface of the C kernels: memory, copies, and the table of compute kernels.
 * Everything starts with ttkk_ and never leaves the shared library. */
#ifndef TTK_KERNELS_H
#define TTK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* ---- memory.c: 64-byte aligned memory that may run out; faults and counts in debug builds ---- */
void *ttkk_allocate(size_t bytes, int zeroed);
void  ttkk_free(void *memory);
/* Debug builds: the n-th allocation from now fails, once or from then on; n = 0 fails none. */
void    ttkk_fail_allocation(ptrdiff_t n, int forever);
/* Debug builds: blocks now alive, and all allocations ever made. 0 in release builds. */
ptrdiff_t ttkk_live_blocks(void);
ptrdiff_t ttkk_allocation_count(void);

/* ---- copy.c ---- */
/* Copies ndim axes of elements of size bytes; steps are in elements, may be negative. */
void ttkk_copy_strided(void *target, const ptrdiff_t *target_steps, const void *source,
                       const ptrdiff_t *source_steps, const ptrdiff_t *shape, int32_t ndim, size_t size);

/* ---- gather.c ----
 * target[i*width + j] = source[k_offsets[i] + offsets[j]] for i < k, j < count; 0 for count <= j < width. */
void ttkk_gather_f32(float *target, ptrdiff_t width, const float *source, ptrdiff_t k,
                     const ptrdiff_t *k_offsets, ptrdiff_t count, const ptrdiff_t *offsets);
void ttkk_gather_f64(double *target, ptrdiff_t width, const double *source, ptrdiff_t k,
                     const ptrdiff_t *k_offsets, ptrdiff_t count, const ptrdiff_t *offsets);

/* ---- ids.c ----
 * Positions of the ids (int64 if wide, else int32; aligned, none negative) without repeats, those of equal
 * id / place % parts together, to order; their number is returned. first[i]: where ids[i] stands first.
 * table: as many as the least power of two from 64 on that is not below 2 * count; starts: parts + 1. */
ptrdiff_t ttkk_order_ids(const void *ids, int wide, ptrdiff_t count, int64_t place, int64_t parts,
                         int32_t *order, int32_t *first, int32_t *table, int32_t *starts);

/* ---- cores.c ---- */
/* CPUs this process may run on. */
int32_t ttkk_usable_cores(void);

/* ---- message.c: the calling thread's latest error sentence, cut at 1023 bytes ---- */
void        ttkk_set_message(const char *text);
const char *ttkk_message(void);

/* ---- level_*.c, tile.inc: packed products ----
 * A matrix W (n, k) is packed in panels of `width` rows: panel p holds W[p*width + j][i] at
 * [i*width + j], rows past n as zeros. x has rows steps of x_step elements and unit or other k steps.
 *
 * One tile: y[r][j] (+)= sum_i x[r*row_step + i*k_step] * panel[i*width + j], r < rows <= height,
 * j < columns <= width; starts from bias (may be NULL: zeros) unless accumulate is set. */
typedef void (*ttkk_tile_f32)(ptrdiff_t rows, ptrdiff_t k, const float *x, ptrdiff_t row_step,
                              ptrdiff_t k_step, const float *panel, float *y, ptrdiff_t y_step,
                              ptrdiff_t columns, const float *bias, int accumulate);
typedef void (*ttkk_tile_f64)(ptrdiff_t rows, ptrdiff_t k, const double *x, ptrdiff_t row_step,
                              ptrdiff_t k_step, const double *panel, double *y, ptrdiff_t y_step,
                              ptrdiff_t columns, const double *bias, int accumulate);

/* ---- lowbit.inc: products with integer weights that stay packed ----
 * A panel of `width` (= width_f32) outputs over k inputs. Codes of bits 2, 4 or 8 in words: with F = 8 /
 * bits fields and 4F codes a word, the code of output j and input i is byte i % 4, field i / 4 % F of
 * words[i / 4F * width + j], fields counted from the least significant bits. k is padded to a multiple of
 * 16 with any codes. weight = (code - zero) * scale, scale and zero of group i / group, at
 * [i / group * width + j]; group is a multiple of 16, at most 65536. */
typedef struct ttkk_codes {
  const uint32_t *words;
  const float    *scales;
  const uint8_t  *zeros; /* NULL: zero for all */
  ptrdiff_t         k, group;
  int32_t         bits, zero;
} ttkk_codes;

/* The kernels of one instruction level. Each level starts from the complete base table. */
typedef struct ttkk_kernels {
  const char   *name;   /* "base", "v3", "v4", "vnni" */
  ptrdiff_t       height_f32, width_f32; /* tile of tile_f32: rows of x, rows of W */
  ptrdiff_t       height_f64, width_f64;
  ttkk_tile_f32 tile_f32;
  ttkk_tile_f64 tile_f64;
  /* c (m, n) = a (m, k) b (k, n), compact: one sum over k in order for each element */
  void (*small_f32)(ptrdiff_t m, ptrdiff_t k, ptrdiff_t n, const float *a, const float *b, float *c);
  void (*small_f64)(ptrdiff_t m, ptrdiff_t k, ptrdiff_t n, const double *a, const double *b, double *c);
  /* out[r * out_step + i] = sum_t weights[t] * in[r * in_step + i * step + t * tap_step], r < rows, i < n,
   * t < taps: a channel of a depthwise convolution along one axis */
  void (*taps_f32)(ptrdiff_t rows, ptrdiff_t in_step, ptrdiff_t out_step, ptrdiff_t n, ptrdiff_t step,
                   ptrdiff_t taps, ptrdiff_t tap_step, const float *weights, const float *in,
                   float *out);
  void (*taps_f64)(ptrdiff_t rows, ptrdiff_t in_step, ptrdiff_t out_step, ptrdiff_t n, ptrdiff_t step,
                   ptrdiff_t taps, ptrdiff_t tap_step, const double *weights, const double *in,
                   double *out);
  /* The r largest singular values s of a (m, n), m <= n, their left vectors u (r, m), and v (r, n) = u a;
   * work of n * m + 2 * m * m + (r + 4) * (2 * (m + n) + 1) floats. 0 when it did not converge: r near m, or
   * values that vanish. The energy is within 1e-5 of what is left out. */
  int (*leading)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t r, const float *a, float *u, float *v, float *s,
                 float *work);
  /* panel[i * width + j] = source[offsets[i] + places[j]], i < depth, j < count; 0 up to the width of the
   * element type's tiles: windows of a convolution as columns of a panel */
  void (*panel_f32)(float *panel, const float *source, ptrdiff_t depth, const ptrdiff_t *offsets,
                    ptrdiff_t count, const ptrdiff_t *places);
  void (*panel_f64)(double *panel, const double *source, ptrdiff_t depth, const ptrdiff_t *offsets,
                    ptrdiff_t count, const ptrdiff_t *places);
  /* A row of n codes of so many bits as it is packed (see codes.c; 0 bits: signed bytes without a zero):
   * out[i] = (code - zero) * scale, scales and zeros (NULL: zero for all) one for each group of
   * elements. scratch: n bytes */
  void (*decode_row)(ptrdiff_t n, int32_t bits, const uint8_t *packed, ptrdiff_t group,
                     const float *scales, const uint8_t *zeros, int32_t zero, uint8_t *scratch,
                     float *out);
  /* codes[i] = round(x[i] / scale) within -127..127, 0 where scale is 0; out[i] = codes[i] * scale;
   * and conversions between 16-bit floats and float32 */
  void (*encode_i8)(ptrdiff_t n, const float *x, float scale, int8_t *codes);
  void (*decode_i8)(ptrdiff_t n, const int8_t *codes, float scale, float *out);
  /* With q[i] = round(x[i] / scale) within low..high: the sums of x[i] * q[i] and of q[i] * q[i], the
   * same bits at every level; 0 and 0 where scale is 0 */
  void (*fit_codes)(ptrdiff_t n, const float *x, float scale, int32_t low, int32_t high,
                    double *products, double *squares);
  /* codes[i] = q[i] + zero with q[i] within -zero..top-zero; zero where scale is 0; and back */
  void (*encode_codes)(ptrdiff_t n, const float *x, float scale, int32_t zero, int32_t top,
                       uint8_t *codes);
  void (*decode_codes)(ptrdiff_t n, const uint8_t *codes, float scale, int32_t zero, float *out);
  void (*decode_f16)(ptrdiff_t n, const uint16_t *in, float *out);
  void (*encode_f16)(ptrdiff_t n, const float *in, uint16_t *out);
  /* largest |x|; NaN or infinity anywhere gives a result that is not finite */
  float  (*max_abs_f32)(ptrdiff_t n, const float *x);
  double (*max_abs_f64)(ptrdiff_t n, const double *x);
  /* sum of squares in float64; x is multiplied by scale first */
  double (*sum_squares_f32)(ptrdiff_t n, const float *x);
  double (*sum_squares_f64)(ptrdiff_t n, const double *x, double scale);
  /* y[i] = round(x[i] / scale) within low..high, times scale: the same bits at every level; and the
   * gradients for grad, that of y: grad_x[i], and the sum for scale is returned */
  void (*fake_quantize_f32)(ptrdiff_t n, const float *x, float scale, float low, float high, float *y);
  void (*fake_quantize_f64)(ptrdiff_t n, const double *x, double scale, double low, double high,
                            double *y);
  double (*fake_quantize_vjp_f32)(ptrdiff_t n, const float *x, float scale, float low, float high,
                                  const float *grad, float *grad_x);
  double (*fake_quantize_vjp_f64)(ptrdiff_t n, const double *x, double scale, double low, double high,
                                  const double *grad, double *grad_x);
  /* y[r][j] = x_scales[r] * sum over groups of scale * (sum of code * x - zero * sum of x) + bias[j],
   * added to y if accumulate; integer sums are exact. x: rows of padded k; x_sums[r][g]: sums of x. */
  void (*dot_codes)(ptrdiff_t rows, const ttkk_codes *panel, const int8_t *x, ptrdiff_t x_step,
                    const float *x_scales, const int32_t *x_sums, ptrdiff_t sums_step, float *y,
                    ptrdiff_t y_step, ptrdiff_t columns, const float *bias, int accumulate);
  /* codes = round(x / scale) within -127..127 with scale = largest |x| / 127, which is returned, zeros
   * up to padded, and sums of each group; NaN and zeros for a row with NaN or infinity */
  float (*quantize_row)(ptrdiff_t k, ptrdiff_t padded, ptrdiff_t group, const float *x, int8_t *codes,
                        int32_t *sums);
  /* Inputs first to first + count - 1 of a panel as floats, [i * width + j]: first is a multiple of 16,
   * and count is written rounded up to one. */
  void (*expand_codes)(const ttkk_codes *panel, ptrdiff_t first, ptrdiff_t count, float *out);
  /* Tiles first to last - 1 of `tiles` nearly equal ones of the rows of x (the first rows % tiles have one
   * more), element i of row r of a tile of h rows from row s on at [s * k + i * h + r]: y as tile_f32. */
  void (*multiply_codes)(const ttkk_codes *panel, ptrdiff_t rows, ptrdiff_t tiles, ptrdiff_t first,
                         ptrdiff_t last, const float *x, float *y, ptrdiff_t y_step, ptrdiff_t columns,
                         const float *bias, int accumulate);
} ttkk_kernels;

/* The table of this process: the best level the CPU has, lowered by TTK_ISA=base|v3|v4|vnni. */
const ttkk_kernels *ttkk_active(void);
/* The table of a level by name, NULL when the CPU lacks it: for differential tests. */
const ttkk_kernels *ttkk_level(const char *name);

/* Plain references, as simple as can be: what every level must agree with. */
void ttkk_reference_tile_f32(ptrdiff_t rows, ptrdiff_t k, const float *x, ptrdiff_t row_step,
                             ptrdiff_t k_step, const float *panel, ptrdiff_t width, float *y,
                             ptrdiff_t y_step, ptrdiff_t columns, const float *bias, int accumulate);
void ttkk_reference_tile_f64(ptrdiff_t rows, ptrdiff_t k, const double *x, ptrdiff_t row_step,
                             ptrdiff_t k_step, const double *panel, ptrdiff_t width, double *y,
                             ptrdiff_t y_step, ptrdiff_t columns, const double *bias, int accumulate);

void ttkk_reference_expand_codes(const ttkk_codes *panel, ptrdiff_t width, ptrdiff_t first,
                                 ptrdiff_t count, float *out);
/* The integers of dot_codes alone: sums[r * width + j] for group g. */
void ttkk_reference_dot_group(ptrdiff_t rows, const ttkk_codes *panel, ptrdiff_t width, ptrdiff_t g,
                              const int8_t *x, ptrdiff_t x_step, int64_t *sums);

/* bfloat16: upper half of a float32, rounded to nearest even; NaN stays NaN. */
void ttkk_decode_bf16(ptrdiff_t n, const uint16_t *in, float *out);
void ttkk_encode_bf16(ptrdiff_t n, const float *in, uint16_t *out);

/* ---- codes.c: rows of codes of 1 to 8 bits, least significant bit first, padded to whole bytes ---- */
void ttkk_pack_codes(ptrdiff_t n, int32_t bits, const uint8_t *codes, uint8_t *packed);
/* Codes first to first + n - 1 of a row. */
void ttkk_unpack_codes(ptrdiff_t n, int32_t bits, const uint8_t *packed, ptrdiff_t first,
                       uint8_t *codes);

/* Packs rows of k codes, `live` of a panel's `width`, into its words (see ttkk_codes); the rest is 0. */
void ttkk_pack_panel(ptrdiff_t width, ptrdiff_t live, ptrdiff_t k, int32_t bits, const uint8_t *codes,
                     uint32_t *words);

/* ---- clusters.c: k-means of numbers ---- */
/* Writes at most k rising centres of n sorted values (n >= 1, no NaN) and returns how many; scratch of
 * ttkk_cluster_scratch(k) bytes. The optimum for up to 2048 values, and close to it for more. */
int32_t ttkk_cluster(ptrdiff_t n, const float *sorted, int32_t k, double *centres, void *scratch);
size_t  ttkk_cluster_scratch(int32_t k);
/* Sorts n values, scratch of n more; no NaN. */
void ttkk_sort_f32(ptrdiff_t n, float *values, float *scratch);
/* Codes of the nearest of 2^bits rising values, given the 2^bits - 1 borders between them; and back. */
void ttkk_encode_codebook(ptrdiff_t n, const float *x, int32_t bits, const float *borders,
                          uint8_t *codes);
void ttkk_decode_codebook(ptrdiff_t n, const uint8_t *codes, const float *codebook, float *out);

/* ---- checksum.c: CRC-32C of bytes, continued from crc (0 to start) ---- */
uint32_t ttkk_crc32c(uint32_t crc, const void *bytes, size_t count);
/* The same by tables, on any CPU: what the instructions must agree with. */
uint32_t ttkk_reference_crc32c(uint32_t crc, const void *bytes, size_t count);

#endif
