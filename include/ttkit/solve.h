/* solve.h: linear systems and eigenproblems whose matrix and vectors are trains.
 *
 * Solutions are improved a core or two at a time; their ranks grow as the residual needs. All four dtypes
 * of trains; matrix and vectors of one dtype. Matrices are square in every core: rows[k] = columns[k]. */
#ifndef TTKIT_SOLVE_H
#define TTKIT_SOLVE_H

#include "base.h"
#include "train.h"
#include "train_matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t ttk_solve_method;
enum {
  TTK_SOLVE_AMEN = 1, /* one core at a time, ranks grown by directions of the residual; the default */
  TTK_SOLVE_ALS  = 2, /* one core at a time, ranks fixed: max_rank, or those of x0 or b             */
  TTK_SOLVE_MALS = 3  /* two cores at a time, split by truncated SVDs                               */
};

typedef int32_t ttk_solve_projection;
enum {
  TTK_SOLVE_GALERKIN      = 1, /* residual orthogonal to the solution's cores; the default         */
  TTK_SOLVE_LEAST_SQUARES = 2  /* to their images (Petrov-Galerkin, by normal equations): for any
                                  matrix, at the price of the squared condition number             */
};

typedef int32_t ttk_solve_preconditioner; /* of local problems too large for a factorisation */
enum {
  TTK_SOLVE_PLAIN        = 0, /* none                                                             */
  TTK_SOLVE_LEFT_BLOCKS  = 1, /* inverted blocks that couple the modes with the left rank         */
  TTK_SOLVE_RIGHT_BLOCKS = 2  /* with the right rank                                              */
};

typedef int32_t ttk_solve_reason;
enum {
  TTK_SOLVE_CONVERGED = 1, /* the residual, computed, is within the tolerance          */
  TTK_SOLVE_STALLED   = 2, /* passes no longer make it smaller                         */
  TTK_SOLVE_SWEEPS    = 3, /* max_sweeps are over                                      */
  TTK_SOLVE_STOPPED   = 4, /* the callback stopped it                                  */
  TTK_SOLVE_RANK      = 5  /* it needs larger ranks than max_rank or max_ranks allow   */
};

typedef struct ttk_solve_report {
  size_t  struct_size; /* sizeof(ttk_solve_report), set by the caller                               */
  double  residual;    /* at the end ||A x - b|| / ||b||, or the largest ||A x - lambda x|| of unit
                          vectors relative to the size of A, computed; in the callback the largest
                          that a local problem saw                                                  */
  int64_t sweeps;      /* passes over all cores                                                     */
  int64_t max_rank;    /* largest rank                                                              */
  ttk_solve_reason reason; /* why it ended; 0 while it runs                                         */
  int32_t reserved;    /* 0                                                                         */
} ttk_solve_report;

/* Called after every pass but the last. 0: go on; else the run stops with what it has. */
typedef int32_t (*ttk_solve_watch)(void *context, const ttk_solve_report *report);

typedef struct ttk_solve_options {
  size_t  struct_size;      /* sizeof(ttk_solve_options)                                            */
  double  rtol;             /* residual allowed; 0: 1e-8, single precision 1e-4                     */
  int64_t max_rank;         /* 0: unbounded                                                         */
  const int64_t *max_ranks; /* order - 1 caps, one a bond, or NULL                                  */
  int64_t max_sweeps;       /* 0: 50                                                                */
  uint64_t seed;            /* 0 is a seed like any other                                           */
  const ttk_train *x0;      /* where to start; NULL: from the right side. Not for eigenproblems     */
  ttk_solve_watch watch;    /* NULL: none                                                           */
  void   *watch_context;
  ttk_solve_method method;  /* 0: TTK_SOLVE_AMEN. Not for eigenproblems, nor are the next two       */
  ttk_solve_projection projection;         /* 0: TTK_SOLVE_GALERKIN                                 */
  ttk_solve_preconditioner preconditioner; /* 0: none                                               */
  int32_t reserved;         /* 0                                                                    */
} ttk_solve_options;

/* The train x with ||matrix x - b|| <= rtol ||b||; report may be NULL. TTK_OK whenever there is a train:
 * read the report's reason and residual. A singular matrix gives the best that was found.
 * Sources: S. Holtz, T. Rohwedder, R. Schneider, SIAM J. Sci. Comput. 34 (2012); S. Dolgov,
 * D. Savostyanov, SIAM J. Sci. Comput. 36 (2014). */
ttk_status ttk_solve(const ttk_train_matrix *matrix, const ttk_train *b,
                     const ttk_solve_options *options, ttk_train **out, ttk_solve_report *report);

/* The count smallest eigenvalues of a Hermitian matrix, ascending, or the largest, descending, when largest
 * is not 0: values takes count numbers, vectors count handles of trains of norm 1, residuals, which may be
 * NULL, count numbers ||A x - lambda x|| relative to the size of A. All vectors are found together; options
 * as above. ARGUMENT for a matrix that is not Hermitian to half the digits of its dtype. After a failure all
 * vectors are NULL. Sources: S. White, Phys. Rev. Lett. 69 (1992); S. Dolgov et al., Comput. Phys. Commun.
 * 185 (2014). */
ttk_status ttk_eigenpairs(const ttk_train_matrix *matrix, int64_t count, int32_t largest,
                          const ttk_solve_options *options, double *values, ttk_train **vectors,
                          double *residuals, ttk_solve_report *report);

#ifdef __cplusplus
}
#endif
#endif
