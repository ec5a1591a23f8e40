/* network.h: dense tensors as small networks that are not trains.
 *
 * Three forms, each a list of cores of the tensor's dtype (float32, float64, complex64, complex128):
 *  canonical            weights (R), then a factor (shape[k], R) for each mode
 *  Tucker               a core (r_0, ..., r_d-1), then a factor (shape[k], r_k) for each mode
 *  hierarchical Tucker  a factor (shape[k], r_k) for each mode, then transfer cores (left, right, own),
 *                       the root (left, right) last
 * ttk_network_equation says how they contract; a network never changes once made.               */
#ifndef TTKIT_NETWORK_H
#define TTKIT_NETWORK_H

#include "base.h"
#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_network ttk_network;

typedef struct ttk_network_options {
  size_t  struct_size; /* sizeof(ttk_network_options)                                            */
  double  rtol;        /* relative Frobenius error allowed; not for ttk_canonical                */
  double  atol;        /* absolute one; the looser of the two applies                            */
  double  tolerance;   /* an iteration stops when a step changes the error (canonical) or the norm
                          (Tucker) by less, relatively; 0: 1e-8                                  */
  int64_t max_rank;    /* 0: unbounded; wins over rtol and atol; not for ttk_canonical           */
  const int64_t *max_ranks;     /* one cap a mode, for ttk_tucker; or NULL                       */
  int64_t max_steps;   /* of an iteration; 0: 200 (canonical), 20 (Tucker)                       */
  uint64_t seed;       /* of the random starts of ttk_canonical                                  */
  const ttk_executor *executor; /* NULL: the library's own threads                               */
  ttk_progress progress;        /* NULL: none                                                    */
  void   *progress_context;
  int32_t threads;     /* 0: all this process may use; 1: as in ttk_svd_options                  */
  int32_t reserved;    /* 0                                                                      */
} ttk_network_options;

/* Each takes a tensor of 1 to 64 modes and any strides. ARGUMENT for a length 0 or an option out of range,
 * NONFINITE for NaN or infinity. An iteration that ran out of steps is no failure. */

/* A sum of rank products of vectors: alternating least squares, then damped Gauss-Newton steps. A stationary
 * point: a best approximation need not exist. Weights descend, columns have norm 1.
 * Source: T. Kolda, B. Bader, SIAM Review 51 (2009); L. Sorber et al., SIAM J. Optim. 23 (2013). */
ttk_status ttk_canonical(const ttk_array *tensor, int64_t rank, const ttk_network_options *options,
                         ttk_network **out);
/* Sequentially truncated HOSVD within the tolerance; with ranks alone given, orthogonal iteration follows.
 * Within sqrt(d) of the best at its ranks; factors have orthonormal columns.
 * Source: N. Vannieuwenhoven et al., SIAM J. Sci. Comput. 34 (2012); L. De Lathauwer et al., SIAM J. Matrix
 * Anal. 21 (2000). */
ttk_status ttk_tucker(const ttk_array *tensor, const ttk_network_options *options, ttk_network **out);
/* A balanced binary tree of the modes, truncated from its leaves: within sqrt(2d-2) of the best at its
 * ranks; all cores but the root orthonormal. Source: L. Grasedyck, SIAM J. Matrix Anal. 31 (2010). */
ttk_status ttk_hierarchical_tucker(const ttk_array *tensor, const ttk_network_options *options,
                                   ttk_network **out);

/* Number of modes. */
int32_t   ttk_network_order(const ttk_network *network);
ttk_dtype ttk_network_dtype(const ttk_network *network);
/* Bytes the cores take. */
int64_t   ttk_network_nbytes(const ttk_network *network);
/* Relative Frobenius error of the decomposition, achieved. */
double    ttk_network_error(const ttk_network *network);
/* Steps of the iteration (0: none was needed), and 1 if it stood still before it ran out of them. */
int64_t   ttk_network_steps(const ttk_network *network);
int32_t   ttk_network_converged(const ttk_network *network);
void      ttk_network_shape(const ttk_network *network, int64_t *shape); /* writes order lengths */
int32_t   ttk_network_core_count(const ttk_network *network);
/* Core k as a view (data, shape, strides) that lives as long as the network; do not write through it. */
ttk_status ttk_network_core(const ttk_network *network, int32_t k, ttk_array *core);
/* The network as an equation of ttk_contraction_plan whose operands are the cores. Lives as long as the
 * network; never NULL but for a NULL network. */
const char *ttk_network_equation(const ttk_network *network);

/* Frobenius norm. */
ttk_status ttk_network_norm(const ttk_network *network, double *norm);
/* The same tensor as a train, truncated under the options (NULL: only what rounding made is dropped). */
ttk_status ttk_network_to_train(const ttk_network *network, const ttk_svd_options *options,
                                ttk_train **out);
/* Writes the whole tensor; the array's shape and dtype must be the network's, any strides. */
ttk_status ttk_network_to_array(const ttk_network *network, ttk_array *tensor);
void       ttk_network_destroy(ttk_network *network);

#ifdef __cplusplus
}
#endif
#endif
