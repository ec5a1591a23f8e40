/* linear.h: linear layers y = x W^T + b whose weight is a network of cores in a storage.
 *
 * A layer is made from a spec string, prepared once for up to max_rows rows, executed often: preparing
 * allocates and packs, executing never allocates. A plan holds a form for each range of rows (1, 2 to 16,
 * 17 to 128, more), whichever is predicted to be fastest; all plans of a layer share their packs.
 *
 * Spec strings:   term (+ term)*        term:  format[(key=value, ...)][@storage[(key=value, ...)]]
 * formats:        dense   low_rank(rank=R)   train_matrix(rows=AxB.., columns=CxD.., rank=R)
 *                 train(rows=AxB.., columns=CxD.., rank=R)   monarch(blocks=B)
 *                 block_tensor_train(rows=AxB.., columns=CxD.., rank=R)
 *                 kronecker(rows=AxB.., columns=CxD..)   cp(rows=AxB.., columns=CxD.., rank=R)
 *                 tucker(rows=AxB.., columns=CxD.., rank=R)   rotation(transform=T, seed=S)
 *                 kashin(transform=T, seed=S, code=joint|split, method=alternating|greedy)
 *                 sparse(share=P) or sparse(count=N): of all entries, those that the other terms of a
 *                 sum serve worst, 0 < P <= 1; its core has the weight's shape, zeros elsewhere, and a
 *                 storage of floats
 * storages:       float64  float32  float16  bfloat16  int2..int8(group=G, symmetric=true|false)
 *                 kmeans1..kmeans8(group=G)   lloyd1..8, pairs1..8, quads1..8(group=row|tensor): a code
 *                 for 1, 2 or 4 numbers; none: the weight's own dtype. G: a size, row or tensor
 * T: dct, hadamard or orthogonal, as in quantize.h.
 * rank is one cap for all bonds or AxBx.. for each; rtol=T stops earlier where the error allows.    */
#ifndef TTKIT_LINEAR_H
#define TTKIT_LINEAR_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_linear      ttk_linear;
typedef struct ttk_linear_plan ttk_linear_plan;

typedef struct ttk_fit_options {
  size_t  struct_size;          /* sizeof(ttk_fit_options)                             */
  const ttk_executor *executor; /* NULL: the library's own threads                     */
  int32_t threads;              /* 0: all this process may use                         */
  int32_t reserved;             /* 0                                                   */
  const ttk_array *moment;      /* of the inputs x, NULL: none. float32 or float64, symmetric:
                                 * (in, in), the sum of x x^T; or (in + 1, in + 1) for inputs with
                                 * a 1 appended, so that the bias takes up the mean error, but
                                 * for rows of outliers that a grid clips                  */
} ttk_fit_options;

/* Precision of the activations. INT8 rounds each row of x to 255 levels of its own scale where it meets
 * weights stored as integers (groups of multiples of 16) or as codes of a codebook (kmeans1 to kmeans4, groups
 * of multiples of 32, or of 16 from 512 on with at most 2 bits), whose values it rounds to 255 levels too (kmeans1
 * and kmeans2: to 63); sums of up to 512 products are then exact. A codebook with NaN or infinity, read from a
 * file, makes the outputs NaN. ARGUMENT for layers without. */
typedef int32_t ttk_compute;
enum {
  TTK_COMPUTE_LAYER = 0, /* the layer's dtype */
  TTK_COMPUTE_INT8  = 1
};

typedef struct ttk_prepare_options {
  size_t  struct_size;  /* sizeof(ttk_prepare_options)                                          */
  int64_t max_rows;     /* most rows (for embeddings: ids) of one execute; 0: 1                 */
  int64_t memory_limit; /* bytes the prepared weights may take; 0: those of the dense matrix in
                         * the compute dtype, outputs rounded up to whole panels, and for linear
                         * layers an eighth more, so that few rows may have a form of their own.
                         * Linear layers keep to any limit: where nothing fits, cores are decoded
                         * in every execute. INT8 needs its integers: 0 is no limit, one below
                         * ARGUMENT                                                             */
  const ttk_executor *executor; /* kept by the plan: must outlive it; NULL: the library's own   */
  int32_t threads;      /* 0: all this process may use; 1: the calling thread alone             */
  ttk_compute compute;  /* TTK_COMPUTE_*; embeddings: 0                                         */
} ttk_prepare_options;

/* Fits weight (out_features, in_features), float16, bfloat16, float32 or float64, any strides, by the
 * spec. With a moment it minimises the squared error of the outputs; integers and codebooks are then
 * rounded with error compensation. bias: out_features elements of the same dtype, or NULL. NONFINITE for
 * NaN or infinity; ARGUMENT for a spec that does not parse (the message points at the character) or does
 * not fit. */
ttk_status ttk_linear_fit(const ttk_array *weight, const char *spec, const ttk_array *bias,
                          const ttk_fit_options *options, ttk_linear **out);
/* Makes a layer of given cores (trained elsewhere): count cores in the order of the spec's equation,
 * float32 or float64, encoded in the spec's storage. Ranks in the spec are read off the cores. */
ttk_status ttk_linear_from_cores(const char *spec, int64_t out_features, int64_t in_features,
                                 int32_t count, const ttk_array *cores, const ttk_array *bias,
                                 ttk_linear **out);
/* Makes a layer of random cores to train from: Gaussian, the same for the same seed. Dense, trains, CP,
 * Tucker, Kronecker: such that the weight's entries have variance 2 / (in_features + out_features); low
 * rank, Monarch and block tensor trains: each dense block as a layer of its own. Sparse: the largest of a
 * dense draw, scaled up. Terms of a sum share the variance. dtype: float32 or float64, of the cores before storage. */
ttk_status ttk_linear_initialize(const char *spec, int64_t out_features, int64_t in_features,
                                 ttk_dtype dtype, uint64_t seed, const ttk_array *bias,
                                 ttk_linear **out);

int64_t     ttk_linear_in_features(const ttk_linear *layer);
int64_t     ttk_linear_out_features(const ttk_linear *layer);
/* dtype of x and y: float32, or float64 for layers of float64 cores. */
ttk_dtype   ttk_linear_dtype(const ttk_linear *layer);
/* Bytes of cores, scales and bias as stored. */
int64_t     ttk_linear_nbytes(const ttk_linear *layer);
/* ||W - W'|| / ||W||, computed after storage; NaN for a layer made from cores. */
double      ttk_linear_error(const ttk_linear *layer);
/* ||X (W - W')^T|| / ||X W^T|| for the inputs X of the moment, both without the means that the bias takes up:
 * all but those of clipped rows, where a few inputs lose much and the others nothing. NaN without a moment. */
double      ttk_linear_output_error(const ttk_linear *layer);
/* The spec with the ranks that were reached; lives as long as the layer. */
const char *ttk_linear_spec(const ttk_linear *layer);
int32_t     ttk_linear_core_count(const ttk_linear *layer);
/* Shape of core k: writes *ndim and up to TTK_MAX_NDIM lengths. */
ttk_status  ttk_linear_core_shape(const ttk_linear *layer, int32_t k, int32_t *ndim, int64_t *shape);
/* Values of core k as the layer computes with them (storage decoded), in the layer's dtype. */
ttk_status  ttk_linear_core_to_array(const ttk_linear *layer, int32_t k, ttk_array *core);
/* 1 when the layer has a bias. */
int32_t     ttk_linear_has_bias(const ttk_linear *layer);
ttk_status  ttk_linear_bias_to_array(const ttk_linear *layer, ttk_array *bias);
/* Multiply-adds times two of one execute with this many rows, on the path a plan takes. */
int64_t     ttk_linear_flops(const ttk_linear *layer, int64_t rows);
/* Writes the dense weight (out_features, in_features) in the layer's dtype, any strides. */
ttk_status  ttk_linear_to_array(const ttk_linear *layer, ttk_array *weight);

ttk_status ttk_linear_prepare(const ttk_linear *layer, const ttk_prepare_options *options,
                              ttk_linear_plan **out);
size_t     ttk_linear_plan_workspace_size(const ttk_linear_plan *plan); /* bytes */
/* Bytes of packed weights this plan uses, shared with the layer's other plans of the same compute. */
int64_t    ttk_linear_plan_resident_nbytes(const ttk_linear_plan *plan);
int64_t    ttk_linear_plan_max_rows(const ttk_linear_plan *plan);
/* The form chosen for each range of rows and the times predicted for it and for the dense matrix, as
 * text, one a line; lives as long as the plan. "" for NULL. */
const char *ttk_linear_plan_explain(const ttk_linear_plan *plan);
/* y (rows, out_features) = x (rows, in_features) W^T + b, both compact, in the layer's dtype.
 * 0 <= rows <= max_rows. workspace: 64-byte aligned or not, at least workspace_size(plan) bytes, one
 * call at a time; y overlaps neither x nor the workspace. Allocates nothing. */
ttk_status ttk_linear_execute(const ttk_linear_plan *plan, const void *x, int64_t rows, void *y,
                              void *workspace, size_t workspace_size);
void       ttk_linear_plan_destroy(ttk_linear_plan *plan);
/* The backward pass: gradients of <gradient, x W^T + b>. x (rows, in_features) and gradient
 * (rows, out_features) in the layer's dtype, any strides, any number of rows. grad_x has x's shape;
 * grad_cores are core_count arrays of the cores' shapes, with respect to the cores as decoded, 0 where a
 * sparse core keeps no entry;
 * grad_bias has out_features elements. NULL for what is not wanted. No output overlaps anything.
 * Plans and allocates its workspace: for training, not for serving. */
ttk_status ttk_linear_vjp(const ttk_linear *layer, const ttk_array *x, const ttk_array *gradient,
                          const ttk_fit_options *options, ttk_array *grad_x, ttk_array *grad_cores,
                          ttk_array *grad_bias);
void       ttk_linear_destroy(ttk_linear *layer);

#ifdef __cplusplus
}
#endif
#endif
