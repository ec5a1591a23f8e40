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

/* ---- scatter.c ----
 * target[base + offsets[i]] += source[i*step] for i < count, in order: offsets may repeat. */
void ttkk_scatter_add_f32(float *target, ptrdiff_t base, const ptrdiff_t *offsets, const float *source,
                          ptrdiff_t step, ptrdiff_t count);
void ttkk_scatter_add_f64(double *target, ptrdiff_t base, const ptrdiff_t *offsets, const double *source,
                          ptrdiff_t step, ptrdiff_t count);

/* ---- sparse.c ---- */
/* The k-th largest of n numbers, none negative or NaN, 1 <= k <= n; above: how many exceed it. */
float ttkk_kth_largest(ptrdiff_t n, const float *x, ptrdiff_t k, ptrdiff_t *above);

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

/* ---- project.inc: a tall matrix times a few vectors ----
 * Vectors per panel when `left` of them are still to be packed: a matrix (n, depth) lies in panels of
 * three, two or one vectors of `lanes` = width / 2 elements; the panel from row c on starts at c * depth
 * and holds row c + j at [i * vectors * lanes + j]; rows past n are zeros. */
static inline ptrdiff_t ttkk_panel_vectors(ptrdiff_t left) {
  return left == 4 ? 2 : left < 3 ? left : 3;
}

/* ---- lanes.inc: networks whose rows lie side by side in vector lanes ----
 * Element a of row z lies at offset(a) + z, z < width of the level; lanes past the last row are zeros.
 * One step: y[b, r, q, :] = sum_i left[b, r, i] * x[b, i, q, :] over lines of width lanes, at
 * x_batch[b] + x_inner[i] + x_columns[q] and y_batch[b] + r * y_step + y_columns[q]. left: entry b after
 * entry b, each in nearly equal tiles of at most height rows (the first have one more), element (i, r) of
 * a tile of h rows at i * h + r. y_rows: places of rows instead of r * y_step, or NULL. Offsets count
 * elements; scratch: 32 KiB. */
typedef struct ttkk_lane_step {
  ptrdiff_t batch, rows, inner, columns, height, y_step;
  const void *left;
  const ptrdiff_t *x_batch, *x_inner, *x_columns, *y_batch, *y_columns, *y_rows;
} ttkk_lane_step;

/* Rows of a sparse matrix: entries offsets[i] to offsets[i + 1] - 1 of row i. */
typedef struct ttkk_sparse {
  ptrdiff_t        rows;
  const ptrdiff_t *offsets;
  const uint32_t  *columns;
  const void      *values;
} ttkk_sparse;

typedef struct ttkk_lanes {
  void (*step)(const ttkk_lane_step *s, const void *x, void *y, void *scratch);
  /* sum[b, r, i] += sum over q and lanes of y[b, r, q, :] * x[b, i, q, :], sum compact: the gradient of the
   * left operand from that of y. y_columns[q] = q * width; y_rows NULL; left is not read */
  void (*gradient)(const ttkk_lane_step *s, const void *x, const void *y, void *sum, void *scratch);
  /* to[offsets[j] + z] = x[z * step + j], z < rows <= width, j < columns; other lanes 0. offsets NULL:
   * j * width */
  void (*load)(ptrdiff_t rows, ptrdiff_t columns, const void *x, ptrdiff_t step, const ptrdiff_t *offsets,
               void *to);
  /* y[z * step + j] = x[offsets[j] + z] + y if accumulate, else + bias[j] (NULL: nothing) */
  void (*store)(ptrdiff_t rows, ptrdiff_t columns, const void *x, const ptrdiff_t *offsets, void *y,
                ptrdiff_t step, const void *bias, int accumulate);
  /* y[i * width + z] = sum of values[e] * x[columns[e] * width + z] over the entries e of row i */
  void (*sparse)(const ttkk_sparse *s, const void *x, void *y);
  /* y[i] += sum of values[e] * x[columns[e]] */
  void (*sparse_row)(const ttkk_sparse *s, const void *x, void *y);
} ttkk_lanes;

/* ---- words.inc, lowbit.inc, lowfloat.inc: products with weights of few bits that stay packed ----
 * A panel of `width` (= width_f32) outputs over k inputs, in words of 32 bits, one for each output beside each
 * other: [word * width + j]. With bits 2, 4 or 8, F = 8 / bits fields and 4F codes a word, the code of
 * output j and input i is byte i % 4, field i / 4 % F, counted from the least significant bits, of word
 * i / 4F. With 3 bits three words hold 32 inputs: the lower two bits of the first 16 and of the other 16 as
 * with bits 2, then the upper bits, input i at bit i / 4 of byte i % 4. k is padded with any codes to
 * a multiple of 16, with 3 bits of 32 inputs.
 *
 * Integers: weight = (code - zero) * scale, scale and zero of group i / group at [i / group * width + j].
 * group is a multiple of 16 (32 with 3 bits).
 * Codebooks, of at most 4 bits: weight = values[code] with one for all, values[(4g + code) * width + j] with
 * those of each output and group g (by_row, 2 bits, groups of at least TTKK_SPAN or whole rows). For rounded
 * activations the codebook is rounded too: weight = (level - zero) * scale, levels (of 2 bits at most 63) in tables
 * for look-ups of 16 bytes, 4 * width in all: with one codebook, level of code c at byte c of every 16; by_row, of
 * output j at [4 * (g * width + j) + c].
 * Codebooks of each output and group (own, 4 bits): words hold units of 32 inputs, k is padded to whole ones and
 * a group is some, 16 bytes for each output at its place: byte i is the code of input i and, above it, of input
 * 16 + i. For rounded activations own has 16 levels for each group and place; for floats it has 64 bytes of
 * values for each group and place, the least significant bytes of 16 values first, those of a vector's places
 * side by side: see ttkk_own_byte. */
typedef struct ttkk_codes {
  const uint32_t *words;
  const float    *scales; /* or */
  const uint16_t *halves; /* of float16, each 0 or normal and finite */
  const uint8_t  *zeros;  /* NULL: zero for all */
  const uint8_t  *levels; /* NULL: codes are integers */
  const float    *values; /* NULL: codes are integers */
  const uint8_t  *own;    /* NULL: none of these codebooks */
  ptrdiff_t         k, group;
  int32_t         bits, zero, by_row;
  int32_t         top; /* largest code, or level */
} ttkk_codes;

/* Inputs that k is padded to a multiple of. */
static inline ptrdiff_t ttkk_unit(const ttkk_codes *p) { return p->bits == 3 || p->own != NULL ? 32 : 16; }
/* Vectors of a unit by outputs: each has LANES / 4 outputs that lie 4 apart, so that transposing 4 x 4 words of
 * 4 vectors gives neighbours. The place of output j. */
static inline ptrdiff_t ttkk_own_place(ptrdiff_t width, ptrdiff_t j) {
  ptrdiff_t lanes = width / 2, quarter = lanes / 4;
  return (j / lanes * 4 + j % 4) * quarter + j % lanes / 4;
}
/* Byte b of value c of a codebook at this place: its offset in the group's. */
static inline ptrdiff_t ttkk_own_byte(ptrdiff_t width, ptrdiff_t place, ptrdiff_t c, ptrdiff_t b) {
  ptrdiff_t quarter = width / 8;
  return ((place / quarter * 4 + b) * quarter + place % quarter) * 16 + c;
}

/* ---- transform.inc: orthogonal transforms of rows ----
 * Cosines: the orthonormal cosine transform (DCT-II) of rows of n, its inverse, or around signs: the
 * transform, times signs, and back. twiddles, turns and signs are float or double, as the function;
 * scratch of 4 * n * TTKK_LANES, or of 2 * n where first.n > 0 (one row at a time); y may be x. */
enum { TTKK_FORWARD = 0, TTKK_INVERSE = 1, TTKK_AROUND_SIGNS = 2, TTKK_LANES = 8 };
typedef struct ttkk_fourier {
  ptrdiff_t      n;
  const int32_t *factors;  /* of n */
  const void    *twiddles; /* a pass: exp(-2 pi i r k / n) for r < n / p, 0 < k < p; p-th roots of one */
  ptrdiff_t      count;    /* of factors */
} ttkk_fourier;
typedef struct ttkk_cosines {
  ptrdiff_t    n;
  const void  *signs; /* n of +-1 */
  /* Pairs of rows: */
  ttkk_fourier whole;
  const void  *turns; /* k <= n / 2: cos and sin of pi k / 2n, times sqrt(2 / n) / 2; k = 0 differs */
  /* Or, unless first.n is 0, a row at a time: n / 2 = first.n * second.n, both multiples of 8. */
  ttkk_fourier first, second;
  const void  *cross; /* exp(-2 pi i k t / (n / 2)) at [k * second.n + t]: n / 2 real parts, then imaginary */
  const void  *bends; /* 0 < k <= n / 4: cos u, sin u, cos 5u, sin 5u for u = pi k / 2n, times sqrt(2 / n) / 2, one
                       * after the other; then sqrt(1 / n) */
} ttkk_cosines;

/* What transforms.inc has, by level: every function but nearest for float and for double. */
#define TTKK_TRANSFORMS(LEVEL)                                                                              \
  void ttkk_cosines_f32_##LEVEL(const ttkk_cosines *, int32_t, ptrdiff_t, const float *, ptrdiff_t,        \
                                float *, ptrdiff_t, float *);                                               \
  void ttkk_cosines_f64_##LEVEL(const ttkk_cosines *, int32_t, ptrdiff_t, const double *, ptrdiff_t,       \
                                double *, ptrdiff_t, double *);                                             \
  void ttkk_hadamard_f32_##LEVEL(ptrdiff_t, ptrdiff_t, float, float *);                                     \
  void ttkk_hadamard_f64_##LEVEL(ptrdiff_t, ptrdiff_t, double, double *);                                   \
  double ttkk_sign_step_f32_##LEVEL(ptrdiff_t, float, float *, float *);                                    \
  double ttkk_sign_step_f64_##LEVEL(ptrdiff_t, double, double *, double *);                                 \
  double ttkk_sum_abs_f32_##LEVEL(ptrdiff_t, const float *);                                                \
  double ttkk_sum_abs_f64_##LEVEL(ptrdiff_t, const double *);                                               \
  void ttkk_nearest_f32_##LEVEL(ptrdiff_t, int32_t, const float *, ptrdiff_t, int32_t, const float *,      \
                                uint8_t *);
TTKK_TRANSFORMS(base)
#if defined(__x86_64__)
TTKK_TRANSFORMS(v3)
#endif

/* ---- elements.inc: a train as plain memory ---- */
typedef struct ttkk_cores {
  ptrdiff_t          order, width; /* width: the largest rank */
  const void *const *cores;        /* order cores, row-major (ranks[k], modes[k], ranks[k+1]) */
  const ptrdiff_t   *ranks, *modes;
  /* Products of the first `left` and the last `right` slices are tabulated, 0 to order/2 of them; no step of
   * that makes more than `table` scalars. */
  ptrdiff_t left, right, table;
} ttkk_cores;
/* values[i] = element at indices[i*order ...], valid ones; scratch holds 4 * (width + table) scalars. */
typedef void (*ttkk_elements)(const ttkk_cores *train, ptrdiff_t count, const int64_t *indices,
                              void *values, void *scratch);

/* Rounded activations add up exactly within a piece: a group, or each 512 inputs of a longer one. */
enum { TTKK_SPAN = 512, TTKK_ROWS = 128 };
static inline ptrdiff_t ttkk_pieces(const ttkk_codes *p) {
  return (p->k + p->group - 1) / p->group * ((p->group + TTKK_SPAN - 1) / TTKK_SPAN);
}

/* Rows are cut into nearly equal tiles, the first rows % tiles of one row more: the first row of tile t. */
static inline ptrdiff_t ttkk_tile_row(ptrdiff_t rows, ptrdiff_t tiles, ptrdiff_t t) {
  return t * (rows / tiles) + (t < rows % tiles ? t : rows % tiles);
}

/* Rows of 8-bit activations, h rows of a tile interleaved. For a tile of h rows from row s on, `padded`
 * inputs: the code of row s + r and input i at codes[s * padded + i / 4 * 4 * h + 4 * r + i % 4];
 * sums[s * pieces + piece * h + r] is minus the sum of codes, times zero where there are no zeros
 * (some levels take 128 off codes beyond 127, and off zero then): for dot_codes of the same level. */
typedef struct ttkk_rounded {
  int8_t  *codes;
  int32_t *sums;
  float   *scales; /* of each row */
} ttkk_rounded;

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
  /* The way back: for grad, the gradient of out, sums[t] += its products with the input, and grad_in, where the
   * input's elements are, += weights times it; NULL: not wanted */
  void (*taps_back_f32)(ptrdiff_t rows, ptrdiff_t in_step, ptrdiff_t out_step, ptrdiff_t n,
                        ptrdiff_t step, ptrdiff_t taps, ptrdiff_t tap_step, const float *weights,
                        const float *in, const float *grad, float *sums, float *grad_in);
  void (*taps_back_f64)(ptrdiff_t rows, ptrdiff_t in_step, ptrdiff_t out_step, ptrdiff_t n,
                        ptrdiff_t step, ptrdiff_t taps, ptrdiff_t tap_step, const double *weights,
                        const double *in, const double *grad, double *sums, double *grad_in);
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
  /* y (rows, r) = x (rows, k) V, all compact, with V^T (r, k) in panels; `next`, or NULL: as many rows to
   * bring into cache meanwhile */
  void (*project_f32)(ptrdiff_t rows, ptrdiff_t k, const float *x, ptrdiff_t r, const float *panels,
                      float *y, const float *next);
  void (*project_f64)(ptrdiff_t rows, ptrdiff_t k, const double *x, ptrdiff_t r, const double *panels,
                      double *y, const double *next);
  /* sum of squares of x - y V^T, with V (k, r) in panels */
  double (*remain_f32)(ptrdiff_t rows, ptrdiff_t k, const float *x, ptrdiff_t r, const float *y,
                       const float *panels);
  double (*remain_f64)(ptrdiff_t rows, ptrdiff_t k, const double *x, ptrdiff_t r, const double *y,
                       const double *panels);
  ttkk_lanes    lanes_f32, lanes_f64;
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
  /* elements of trains whose products stay within the dtype's range */
  ttkk_elements elements_f32, elements_f64, elements_c64, elements_c128;
  /* y[i] = round(x[i] / scale) within low..high, times scale: the same bits at every level; and the
   * gradients for grad, that of y: grad_x[i], and the sum for scale is returned */
  void (*fake_quantize_f32)(ptrdiff_t n, const float *x, float scale, float low, float high, float *y);
  void (*fake_quantize_f64)(ptrdiff_t n, const double *x, double scale, double low, double high,
                            double *y);
  double (*fake_quantize_vjp_f32)(ptrdiff_t n, const float *x, float scale, float low, float high,
                                  const float *grad, float *grad_x);
  double (*fake_quantize_vjp_f64)(ptrdiff_t n, const double *x, double scale, double low, double high,
                                  const double *grad, double *grad_x);
  ptrdiff_t       height_codes; /* rows of a tile of dot_codes */
  /* y[r][j] = scale of x's row * sum over groups of scale * sum of (code - zero) * x + bias[j], added to y if
   * accumulate; integer sums are exact within a piece. Tiles first to last - 1 of `tiles`, at most TTKK_ROWS rows,
   * and at least two in each tile unless there is but one row. */
  void (*dot_codes)(const ttkk_codes *panel, ptrdiff_t rows, ptrdiff_t tiles, ptrdiff_t first,
                    ptrdiff_t last, const ttkk_rounded *x, float *y, ptrdiff_t y_step, ptrdiff_t columns,
                    const float *bias, int accumulate);
  /* One tile of rows: codes = round(x / scale) within -127..127 with scale = largest |x| of the row / 127,
   * zeros up to padded, and sums; NaN and zeros for a row with NaN or infinity. */
  void (*round_rows)(ptrdiff_t rows, const ttkk_codes *panel, const float *x, ptrdiff_t x_step,
                     ttkk_rounded *out);
  /* Inputs first to first + count - 1 of a panel as floats, [i * width + j]: first is a multiple
   * of 16 (32 with 3 bits), and count is written rounded up to one. */
  void (*expand_codes)(const ttkk_codes *panel, ptrdiff_t first, ptrdiff_t count, float *out);
  /* Tiles first to last - 1 of `tiles` of the rows of x, element i of row r of a tile of h rows from row s on
   * at [s * k + i * h + r]: y as tile_f32, to the bit. */
  void (*multiply_codes)(const ttkk_codes *panel, ptrdiff_t rows, ptrdiff_t tiles, ptrdiff_t first,
                         ptrdiff_t last, const float *x, float *y, ptrdiff_t y_step, ptrdiff_t columns,
                         const float *bias, int accumulate);
  /* out[i * h + r] = x[i * h + r] * scales[i], i < k, r < h: activations take up scales of inputs */
  void (*fold_scales)(ptrdiff_t k, ptrdiff_t h, const float *x, const float *scales, float *out);
  /* mode: TTKK_FORWARD, _INVERSE or _AROUND_SIGNS; the same bits at every level, as all below */
  void (*cosines_f32)(const ttkk_cosines *plan, int32_t mode, ptrdiff_t rows, const float *x,
                      ptrdiff_t x_step, float *y, ptrdiff_t y_step, float *scratch);
  void (*cosines_f64)(const ttkk_cosines *plan, int32_t mode, ptrdiff_t rows, const double *x,
                      ptrdiff_t x_step, double *y, ptrdiff_t y_step, double *scratch);
  /* x (count, width) times the Hadamard matrix of count, a power of two, times scale; in place */
  void (*hadamard_f32)(ptrdiff_t count, ptrdiff_t width, float scale, float *x);
  void (*hadamard_f64)(ptrdiff_t count, ptrdiff_t width, double scale, double *x);
  /* u += w and r -= w for w = c sign(r), sign(0) = 1; the sum of squares left in r */
  double (*sign_step_f32)(ptrdiff_t n, float c, float *r, float *u);
  double (*sign_step_f64)(ptrdiff_t n, double c, double *r, double *u);
  double (*sum_abs_f32)(ptrdiff_t n, const float *x);
  double (*sum_abs_f64)(ptrdiff_t n, const double *x);
  /* Codes of the nearest of count <= 256 centres of d <= 4 numbers, the first of those as near, for n
   * vectors whose coordinate p is x[p * plane + i] */
  void (*nearest)(ptrdiff_t n, int32_t d, const float *x, ptrdiff_t plane, int32_t count,
                  const float *centres, uint8_t *codes);
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
/* The integers of dot_codes alone: sums of (code - zero) * x, [r * width + j], for inputs first to end - 1
 * of one group; x in rows of x_step. */
void ttkk_reference_dot(ptrdiff_t rows, const ttkk_codes *panel, ptrdiff_t width, ptrdiff_t first,
                        ptrdiff_t end, const int8_t *x, ptrdiff_t x_step, int64_t *sums);

/* bfloat16: upper half of a float32, rounded to nearest even; NaN stays NaN. */
void ttkk_decode_bf16(ptrdiff_t n, const uint16_t *in, float *out);
void ttkk_encode_bf16(ptrdiff_t n, const float *in, uint16_t *out);

/* ---- checksum.c: CRC-32C of bytes, continued from crc (0 to start) ---- */
uint32_t ttkk_crc32c(uint32_t crc, const void *bytes, size_t count);
/* The same by tables, on any CPU: what the instructions must agree with. */
uint32_t ttkk_reference_crc32c(uint32_t crc, const void *bytes, size_t count);

#include "ttk_codes.h"

#endif
