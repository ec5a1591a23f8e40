/* Private interface of the C kernels, continued: making codes of few bits, one source for all levels. */
#ifndef TTK_CODES_H
#define TTK_CODES_H

#include <stddef.h>
#include <stdint.h>

/* ---- codes.c: rows of codes of 1 to 8 bits, least significant bit first, padded to whole bytes ---- */
void ttkk_pack_codes(ptrdiff_t n, int32_t bits, const uint8_t *codes, uint8_t *packed);
/* Codes first to first + n - 1 of a row. */
void ttkk_unpack_codes(ptrdiff_t n, int32_t bits, const uint8_t *packed, ptrdiff_t first,
                       uint8_t *codes);

/* Packs rows of k codes, `live` of a panel's `width`, into its words (see ttkk_codes); the rest is 0. */
void ttkk_pack_panel(ptrdiff_t width, ptrdiff_t live, ptrdiff_t k, int32_t bits, const uint8_t *codes,
                     uint32_t *words);

/* The same for codes with codebooks of their own (see ttkk_codes). */
void ttkk_pack_own(ptrdiff_t width, ptrdiff_t live, ptrdiff_t k, const uint8_t *codes, uint32_t *words);

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

/* ---- columns.c: rounding column by column ---- */
/* fit_codes with a weight for each element: sums of w * x * q and of w * q * q. */
void ttkk_fit_weighted(ptrdiff_t n, const float *x, const float *weights, float scale, int32_t low,
                       int32_t high, double *products, double *squares);
/* Element i to the grid scales[i * step], zeros[i * step]: codes 0..top and what they stand for. */
void ttkk_round_column(ptrdiff_t n, const float *x, const float *scales, const uint8_t *zeros,
                       ptrdiff_t step, int32_t top, uint8_t *codes, float *out);
/* Element i to the nearest of the 2^bits rising values at books + i * step. */
void ttkk_round_to_books(ptrdiff_t n, const float *x, int32_t bits, const float *books, ptrdiff_t step,
                         uint8_t *codes, float *out);
/* Vector i, of d <= 4 numbers x[p * n + i], to scales[i] times the nearest of count <= 256 centres of whose
 * `length` numbers it has the first d, at books + i * book_step: codes[i * code_step], and what they stand for.
 * factor (d, d): an error e is as large as e * factor; NULL: as e. */
void ttkk_round_to_vectors(ptrdiff_t n, int32_t d, const float *x, int32_t length, int32_t count,
                           const float *books, ptrdiff_t book_step, const float *scales,
                           const float *factor, uint8_t *codes, ptrdiff_t code_step, float *out);
/* The normal equations of a codebook of `size` values over n columns with these codes, at [j * step]: adds
 * to square (size, size) the sums of metric over pairs of codes, to right minus the sums of slope at
 * [j * slope_step]. metric has rows of `width`; scratch holds size * n numbers. */
void ttkk_book_normal(ptrdiff_t n, int32_t size, const uint8_t *codes, ptrdiff_t step, const float *metric,
                      ptrdiff_t width, const float *slope, ptrdiff_t slope_step, float *scratch,
                      double *square, double *right);

#endif
