/* quantize.h: arrays in low-bit storages, and the quantiser of a training loop.
 *
 * Storages are those of linear.h: "int4(group=32)", "kmeans3(group=row)", ... A matrix has its rows; an
 * array of other than two axes is one row.                                                         */
#ifndef TTKIT_QUANTIZE_H
#define TTKIT_QUANTIZE_H

#include "base.h"
#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_quantized ttk_quantized;

/* Encodes array: float16, bfloat16, float32 or float64, any strides, no axis of length 0. NONFINITE for
 * NaN or infinity; ARGUMENT for a storage that does not parse. */
ttk_status  ttk_quantize(const ttk_array *array, const char *storage, ttk_quantized **out);
int32_t     ttk_quantized_ndim(const ttk_quantized *quantized);
void        ttk_quantized_shape(const ttk_quantized *quantized, int64_t *shape); /* ndim lengths */
/* dtype of the values: float64 where the storage is, else float32. */
ttk_dtype   ttk_quantized_dtype(const ttk_quantized *quantized);
/* Bytes of codes, scales, zero points and codebooks. */
int64_t     ttk_quantized_nbytes(const ttk_quantized *quantized);
/* ||a - a'|| / ||a||, computed. */
double      ttk_quantized_error(const ttk_quantized *quantized);
/* The storage with its defaults written out; lives as long as the handle. */
const char *ttk_quantized_storage(const ttk_quantized *quantized);
/* Writes the values in the dtype above, any strides. */
ttk_status  ttk_quantized_to_array(const ttk_quantized *quantized, ttk_array *array);
/* What the storage keeps, as docs/format.md has it: "codes", "scales", "zeros", "codebook", or "core" for
 * floats. name: NULL out of range; part: a borrowed view that lives as long as the handle. */
int32_t     ttk_quantized_part_count(const ttk_quantized *quantized);
const char *ttk_quantized_part_name(const ttk_quantized *quantized, int32_t k);
ttk_status  ttk_quantized_part(const ttk_quantized *quantized, int32_t k, ttk_array *part);
void        ttk_quantized_destroy(ttk_quantized *quantized);

/* Encodes on the grid of trained scales: the values are those of ttk_fake_quantize, bit for bit.
 * array: float32; storage: int2 .. int8, symmetric for signed levels, symmetric=false for levels 0 ..
 * 2^bits-1; scale: float32, one positive number for each group that the storage has, in their order. */
ttk_status ttk_quantize_with_scales(const ttk_array *array, const char *storage, const ttk_array *scale,
                                    ttk_quantized **out);
/* As ttk_linear_from_cores, of cores that are encoded already. Every term of spec names the storage its
 * cores have. */
ttk_status ttk_linear_from_quantized(const char *spec, int64_t out_features, int64_t in_features,
                                     int32_t count, const ttk_quantized *const *cores,
                                     const ttk_array *bias, ttk_linear **out);

/* What the gradient of a scale is divided by. */
typedef int32_t ttk_gradient_rule;
enum {
  TTK_GRADIENT_LSQ   = 0, /* square root of elements that share the scale times the largest level */
  TTK_GRADIENT_PLAIN = 1  /* nothing                                                              */
};

typedef struct ttk_fake_quantize_options {
  size_t  struct_size; /* sizeof(ttk_fake_quantize_options)                                       */
  int64_t group;       /* elements of a row that share a scale; 0: as the shape of scale says     */
  int32_t bits;        /* 2 to 8; 0: 8                                                            */
  int32_t is_unsigned; /* 0: levels -2^(bits-1) .. 2^(bits-1)-1; 1: 0 .. 2^bits-1                 */
  ttk_gradient_rule rule;
  int32_t reserved;    /* 0                                                                       */
} ttk_fake_quantize_options;

/* y = round(x / scale), within the levels, times scale: x rounded to a grid of few bits, still in floats.
 * x, scale and y of one dtype, float32 or float64. scale: one element for the whole array, or for a
 * matrix (rows), (rows, 1) or (rows, groups of a row); positive and finite, else ARGUMENT. NaN in x
 * stays NaN. */
ttk_status ttk_fake_quantize(const ttk_array *x, const ttk_array *scale,
                             const ttk_fake_quantize_options *options, ttk_array *y);
/* Gradients for grad, the gradient of y: grad_x is grad inside the range and 0 outside; grad_scale adds
 * up grad * (round(x/scale) - x/scale) inside and grad * bound outside, divided as the rule says. */
ttk_status ttk_fake_quantize_vjp(const ttk_array *x, const ttk_array *scale,
                                 const ttk_fake_quantize_options *options, const ttk_array *grad,
                                 ttk_array *grad_x, ttk_array *grad_scale);

#ifdef __cplusplus
}
#endif
#endif
