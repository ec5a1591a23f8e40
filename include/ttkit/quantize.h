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

/* Orthogonal matrices Q that spread any vector over all its entries; they follow from a seed. */
typedef int32_t ttk_transform;
enum {
  TTK_TRANSFORM_DCT        = 0, /* Q z = DCT^-1(signs . DCT z): symmetric, its own inverse; O(n log n)     */
  TTK_TRANSFORM_HADAMARD   = 1, /* Q z = G^T (signs . G z), G Hadamard, for odd parts x DCT; symmetric     */
  TTK_TRANSFORM_ORTHOGONAL = 2  /* random, Haar distributed: O(n^2) a vector, O(n^3) to make               */
};
/* What the vectors of an array are. */
typedef int32_t ttk_vectors;
enum {
  TTK_VECTORS_ROWS  = 0, /* rows of a matrix; an array of one axis is one                              */
  TTK_VECTORS_WHOLE = 1  /* the matrix X is one vector: Q X = Q1 X Q2^T, Q2 from seed, Q1 from ~seed    */
};

typedef struct ttk_transform_options {
  size_t   struct_size; /* sizeof(ttk_transform_options)   */
  uint64_t seed;
  ttk_transform transform;
  ttk_vectors   vectors;
  int32_t  is_adjoint;  /* 0: Q x; 1: Q^T x                */
  int32_t  threads;     /* 0: all this process may use     */
} ttk_transform_options;
/* y = Q x. float32 or float64, one or two axes of at least 1, any strides; y of x's shape and dtype. */
ttk_status ttk_transform_apply(const ttk_array *x, const ttk_transform_options *options, ttk_array *y);

typedef int32_t ttk_kashin_method;
enum {
  TTK_KASHIN_GREEDY      = 0, /* each step on the side with the larger sum of magnitudes */
  TTK_KASHIN_ALTERNATING = 1  /* two steps on one side, two on the other                 */
};
typedef struct ttk_kashin_options {
  size_t   struct_size; /* sizeof(ttk_kashin_options)                                    */
  uint64_t seed;
  double   tolerance;   /* of what is left of a vector, relative to its norm; 0: 1e-6    */
  int64_t  max_steps;   /* 0: 200                                                        */
  ttk_transform     transform;
  ttk_vectors       vectors;
  ttk_kashin_method method;
  int32_t  threads;     /* 0: all this process may use                                   */
} ttk_kashin_options;
typedef struct ttk_kashin_report {
  size_t  struct_size;  /* sizeof(ttk_kashin_report), set by the caller                  */
  int64_t steps;
  double  error;        /* largest ||x - u - Q v|| / ||x|| of a vector, computed         */
  double  max_norm;     /* largest entry of u and v, times sqrt(n) / ||x||               */
  int32_t converged;    /* 1: every vector was left with no more than the tolerance      */
  int32_t reserved;
} ttk_kashin_report;
/* Kashin's decomposition x = u + Q v with all entries of u and v small. x as ttk_transform_apply takes it,
 * finite; u and v of its shape and dtype. An unmet tolerance is no error: see the report, which may be
 * NULL. */
ttk_status ttk_kashin(const ttk_array *x, const ttk_kashin_options *options, ttk_array *u, ttk_array *v,
                      ttk_kashin_report *report);

#ifdef __cplusplus
}
#endif
#endif
