/* train.h: tensor trains (matrix product states): decomposition, algebra, evaluation, files.
 *
 * A train of order d holds cores k = 0..d-1 of shape (ranks[k], shape[k], ranks[k+1]) with
 * ranks[0] = ranks[d] = 1; its element at (i_0, ..., i_{d-1}) is the product of the matrices
 * core_k[:, i_k, :]. Dtypes: float32, float64, complex64, complex128.                          */
#ifndef TTKIT_TRAIN_H
#define TTKIT_TRAIN_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_train ttk_train;

/* The way ttk_svd gets at the singular vectors of a large tensor. */
typedef int32_t ttk_svd_method;
enum {
  TTK_SVD_AUTO    = 0, /* samples, checked on all elements; QR where they do not suffice         */
  TTK_SVD_SAMPLED = 1, /* samples alone: CONVERGENCE where they do not reach the tolerance       */
  TTK_SVD_QR      = 2  /* Householder QR of every unfolding: the slow, sure way                  */
};

/* What a decomposition did. */
typedef struct ttk_svd_report {
  size_t  struct_size; /* sizeof(ttk_svd_report), set by the caller                              */
  double  error;       /* relative Frobenius error, as ttk_train_error                           */
  int64_t memory;      /* most bytes of tensor-sized memory held beside the input, result too    */
  int64_t passes;      /* times the whole tensor was read                                        */
  ttk_svd_method method; /* the way the first, largest unfolding went: SAMPLED or QR             */
  int32_t reserved;    /* 0                                                                      */
} ttk_svd_report;

typedef struct ttk_svd_options {
  size_t  struct_size; /* sizeof(ttk_svd_options)                                                */
  double  rtol;        /* relative Frobenius error allowed; 0: drop only what rounding made      */
  double  atol;        /* absolute one; the looser of the two applies                            */
  int64_t max_rank;    /* 0: unbounded; wins over rtol and atol                                  */
  const int64_t *max_ranks;     /* order - 1 caps, one a bond, or NULL                           */
  const ttk_executor *executor; /* NULL: the library's own threads                               */
  ttk_progress progress;        /* NULL: none                                                    */
  void   *progress_context;
  int32_t threads;     /* 0: all this process may use; 1: the calling thread alone, but for BLAS
                          and LAPACK inside, which follow the host's OPENBLAS_NUM_THREADS        */
  int32_t reserved;    /* 0                                                                      */
  /* The rest is for ttk_svd and ttk_svd_file alone. */
  uint64_t seed;       /* of the samples; same seed, same bits                                   */
  int64_t memory_limit;   /* bytes that may be held beside the input; 0: no limit. ARGUMENT, with the
                             number needed, when that is too little                              */
  ttk_svd_report *report; /* filled on success; NULL: none                                       */
  ttk_svd_method method;
  int32_t overwrite;   /* not 0 allows scratch use of the tensor; this version makes none        */
} ttk_svd_options;

/* The train that truncated SVDs find for a tensor of any strides: ||tensor - train|| <=
 * max(rtol ||tensor||, atol, 10 eps sqrt(order) ||tensor||) unless a rank cap binds; left-orthogonal cores.
 * With rtol = atol = 0, singular values of at most 4 eps sqrt(merged columns) ||tensor|| go, those of
 * rounding errors; small tolerances keep them, so ranks can be larger than with 0. ARGUMENT for ndim 0 or
 * a length 0, NONFINITE for NaN or infinity.
 * Source: I. V. Oseledets, Tensor-Train Decomposition, SIAM J. Sci. Comput. 33 (2011). */
ttk_status ttk_svd(const ttk_array *tensor, const ttk_svd_options *options, ttk_train **out);
/* The same for a compact row-major array of the host's byte order in a file, from byte offset on, read in
 * passes over blocks: the tensor may be larger than memory. IO when the system refuses, FORMAT when the file
 * is shorter than the shape. The file must not change meanwhile. */
ttk_status ttk_svd_file(const char *path, int64_t offset, ttk_dtype dtype, int32_t ndim,
                        const int64_t *shape, const ttk_svd_options *options, ttk_train **out);
/* Copies order cores of one dtype, each of three dimensions, whose neighbouring ranks agree. */
ttk_status ttk_train_from_cores(int32_t order, const ttk_array *cores, ttk_train **out);

/* Number of modes. */
int32_t   ttk_train_order(const ttk_train *train);
ttk_dtype ttk_train_dtype(const ttk_train *train);
/* Bytes the cores take. */
int64_t   ttk_train_nbytes(const ttk_train *train);
/* Relative Frobenius error of the truncation that made this train, achieved: exact, but for ttk_svd
 * an upper bound: what was dropped, usually 1.1 to 1.5 times the error, plus 5 eps sqrt(order) for rounding;
 * where ||x||^2 - ||y||^2 resolves the tolerance (1e-6 in float64), at least about 6 sqrt(eps), 8e-8 in
 * float64. 0: exact or not truncated. In single precision, from 2^20 elements and for rtol of 3e-5 to 2e-2,
 * three times what 12 random directions show: a bound but for about one input in 60 of the hardest kind. */
double    ttk_train_error(const ttk_train *train);
void      ttk_train_shape(const ttk_train *train, int64_t *shape); /* writes order lengths   */
void      ttk_train_ranks(const ttk_train *train, int64_t *ranks); /* writes order + 1 ranks */
/* Core k as a view (data, shape, strides) that lives as long as the train; do not write through it. */
ttk_status ttk_train_core(const ttk_train *train, int32_t k, ttk_array *core);

/* The closest train of smaller ranks that truncation finds; options as for ttk_svd. */
ttk_status ttk_train_round(const ttk_train *train, const ttk_svd_options *options, ttk_train **out);
/* a + b and a - b, exact: ranks add. Shapes and dtypes must agree. */
ttk_status ttk_train_add(const ttk_train *a, const ttk_train *b, ttk_train **out);
ttk_status ttk_train_subtract(const ttk_train *a, const ttk_train *b, ttk_train **out);
/* factor * train; factor points at one scalar of the train's dtype. */
ttk_status ttk_train_scale(const ttk_train *train, const void *factor, ttk_train **out);
/* Element by element product, exact: ranks multiply. */
ttk_status ttk_train_hadamard(const ttk_train *a, const ttk_train *b, ttk_train **out);
/* sum(conj(a) * b), written as one scalar of the trains' dtype. */
ttk_status ttk_train_dot(const ttk_train *a, const ttk_train *b, void *result);
/* Frobenius norm, by orthogonalisation: accurate to rounding, safe near overflow and underflow. */
ttk_status ttk_train_norm(const ttk_train *train, double *norm);
/* Sums over count distinct axes; weights: NULL, or count one-dimensional arrays of the train's dtype
 * and of the axis' length (data NULL: ones), which turn the sum into an integral. The other modes stay;
 * when none is left the result has the single mode 1. */
ttk_status ttk_train_sum(const ttk_train *train, int32_t count, const int32_t *axes,
                         const ttk_array *weights, ttk_train **out);
/* The same tensor with cores first..center-1 left-orthogonal and center+1..last right-orthogonal;
 * cores outside first..last keep their bits. 0 <= first <= center <= last < order. */
ttk_status ttk_train_orthogonalize(const ttk_train *train, int32_t first, int32_t center,
                                   int32_t last, ttk_train **out);
/* Modes in a new order: mode k of the result is mode axes[k] of the train. Neighbours are exchanged by
 * SVDs under the options; reversing all modes is exact and free. */
ttk_status ttk_train_transpose(const ttk_train *train, const int32_t *axes,
                               const ttk_svd_options *options, ttk_train **out);
/* The same elements in row-major order under another shape of order lengths: neighbouring modes are merged,
 * long ones split, after which the train is rounded under the options. Merging alone is exact. ARGUMENT
 * when the number of elements differs. */
ttk_status ttk_train_reshape(const ttk_train *train, int32_t order, const int64_t *shape,
                             const ttk_svd_options *options, ttk_train **out);
/* count trains one after the other along mode axis, exact: ranks add. Other modes and dtypes must agree. */
ttk_status ttk_train_concatenate(int32_t count, const ttk_train *const *trains, int32_t axis,
                                 ttk_train **out);
/* A part of the tensor, exact. Of mode k the indices first[k] + i * steps[k] for i < counts[k] stay; with
 * counts[k] = 0 the mode is fixed at first[k] and goes. Fixed everywhere: the single mode 1. steps may be
 * negative or NULL (all 1). */
ttk_status ttk_train_slice(const ttk_train *train, const int64_t *first, const int64_t *counts,
                           const int64_t *steps, ttk_train **out);
/* The complex conjugate; a real train as it is. */
ttk_status ttk_train_conjugate(const ttk_train *train, ttk_train **out);

/* How a product is truncated; error of all but EXACT is estimated with random trains, not computed. */
typedef int32_t ttk_product_method;
enum {
  TTK_PRODUCT_EXACT       = 1, /* the exact product, then rounding: O(r^6) for two trains of rank r      */
  TTK_PRODUCT_SKETCHED    = 2, /* bases from random trains, their size doubled until it suffices; default */
  TTK_PRODUCT_ZIP_UP      = 3, /* one sweep of SVDs over orthogonalised operands                          */
  TTK_PRODUCT_VARIATIONAL = 4  /* the zip-up's result improved by alternating least squares               */
};
/* Element by element product, truncated on the way under the options; method 0: the default.
 * Sources: E. M. Stoudenmire, S. R. White, New J. Phys. 12 (2010), for zip-up; H. Al Daas et al.,
 * Randomized algorithms for rounding in the tensor-train format, SIAM J. Sci. Comput. 45 (2023). */
ttk_status ttk_train_multiply(const ttk_train *a, const ttk_train *b, ttk_product_method method,
                              const ttk_svd_options *options, ttk_train **out);
/* values[j] = train at indices[j*order .. j*order+order-1], 0-based, for j < count; ARGUMENT for an
 * index out of range. values hold the train's dtype. */
ttk_status ttk_train_evaluate(const ttk_train *train, int64_t count, const int64_t *indices,
                              void *values);
/* Writes the whole tensor; the array's shape and dtype must be the train's, any strides. */
ttk_status ttk_train_to_array(const ttk_train *train, ttk_array *tensor);

/* Safetensors files; see docs/format.md. Nothing is left behind when saving fails. */
ttk_status ttk_train_save(const ttk_train *train, const char *path);
ttk_status ttk_train_load(const char *path, ttk_train **out);
void       ttk_train_destroy(ttk_train *train);

#ifdef __cplusplus
}
#endif
#endif
