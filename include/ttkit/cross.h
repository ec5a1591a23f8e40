/* cross.h: tensor trains of functions, from few of their values; dominant rows of matrices.
 *
 * A function of d indices is sampled where it matters: index sets grow along the modes until the train
 * agrees with it on fresh random points. The train's ranks, not the size of the grid, set the cost.   */
#ifndef TTKIT_CROSS_H
#define TTKIT_CROSS_H

#include "base.h"
#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fills values[i] with f(indices[i*order ..]), 0-based, for i < count, in the dtype of the run. Runs on the
 * thread that called ttk_cross, one call at a time, never twice for the same index, and may call this
 * library. 0: go on; else the run stops, with what it has, or TTK_ERROR_CANCELLED if that is nothing.
 * Must return normally (no longjmp, no exception). */
typedef int32_t (*ttk_evaluate)(void *context, size_t count, const int64_t *indices, void *values);
/* Sets allowed[i] to 1 where a pivot may be, to 0 elsewhere; 0: go on, else the run stops. */
typedef int32_t (*ttk_pivot_condition)(void *context, size_t count, const int64_t *indices,
                                       uint8_t *allowed);

typedef int32_t ttk_cross_method;
enum {
  TTK_CROSS_TCI    = 1, /* tensor cross interpolation: pivots of partial LU over two modes; the default */
  TTK_CROSS_MAXVOL = 2, /* one-mode sweeps with rectangular maximum volume                              */
  TTK_CROSS_DMRG   = 3, /* two-mode sweeps with SVDs: all values of each two-mode matrix                */
  TTK_CROSS_AMEN   = 4  /* one-mode sweeps that add directions of the residual                          */
};

typedef int32_t ttk_pivot_search; /* of TTK_CROSS_TCI */
enum {
  TTK_SEARCH_ROOK = 1, /* alternating rows and columns; the default */
  TTK_SEARCH_FULL = 2  /* all elements of each two-mode matrix      */
};

typedef int32_t ttk_cross_reason;
enum {
  TTK_CROSS_CONVERGED = 1, /* validated error within the tolerance; a global search found nothing worse */
  TTK_CROSS_BUDGET    = 2, /* max_evaluations leaves no room for the next step                          */
  TTK_CROSS_RANK      = 3, /* bonds that need more pivots have reached max_rank                         */
  TTK_CROSS_SWEEPS    = 4, /* max_sweeps are over                                                       */
  TTK_CROSS_STOPPED   = 5, /* a callback stopped it                                                     */
  TTK_CROSS_PRECISION = 6  /* what is left is rounding noise of the dtype, above the tolerance          */
};

typedef struct ttk_cross_report {
  size_t  struct_size;      /* sizeof(ttk_cross_report), set by the caller                              */
  int64_t evaluations;      /* distinct indices asked; never above max_evaluations                      */
  int64_t sweeps;           /* passes over all bonds                                                    */
  double  estimated_error;  /* relative root-mean-square error on the points that steered the run       */
  double  validated_error;  /* the same on fresh random points that steered nothing; -1: there were none */
  int64_t validation_count; /* how many those were                                                      */
  int64_t max_rank;         /* largest rank                                                             */
  ttk_cross_reason reason;  /* why it ended; 0 while it runs                                            */
  int32_t reserved;         /* 0                                                                        */
} ttk_cross_report;

/* Called after every sweep. 0: go on; else the run stops with what it has. */
typedef int32_t (*ttk_cross_watch)(void *context, const ttk_cross_report *report);

/* Points where pivots were taken; never changes once made. */
typedef struct ttk_pivots ttk_pivots;

typedef struct ttk_cross_options {
  size_t  struct_size;      /* sizeof(ttk_cross_options)                                                */
  double  rtol;             /* root-mean-square error over the grid, relative to that of f;
                               0 with atol 0: 1e-8, single precision 1e-5                               */
  double  atol;             /* the same, absolute; not together with rtol                               */
  int64_t max_rank;         /* 0: unbounded                                                             */
  int64_t max_evaluations;  /* 0: unbounded; never exceeded, validation included                        */
  int64_t max_sweeps;       /* 0: 200                                                                   */
  uint64_t seed;            /* 0 is a seed like any other                                               */
  int64_t pivot_count;      /* points given                                                             */
  const int64_t *pivots;    /* pivot_count * order indices: where f matters, or an earlier run's pivots */
  ttk_pivot_condition condition; /* NULL: pivots may be anywhere. Errors are judged where it holds      */
  void   *condition_context;
  ttk_cross_watch watch;    /* NULL: none                                                               */
  void   *watch_context;
  ttk_pivots **pivots_found; /* NULL: not wanted; else receives a handle the caller destroys            */
  ttk_cross_method method;  /* 0: TTK_CROSS_TCI                                                         */
  ttk_pivot_search search;  /* 0: TTK_SEARCH_ROOK                                                       */
  const int64_t *max_ranks; /* order - 1 caps, one a bond, or NULL                                      */
} ttk_cross_options;

/* The train of a function on the grid of order modes, lengths 1 to 2^24. dtype: float32, float64, complex64 or
 * complex128. report may be NULL. With the reason TTK_CROSS_CONVERGED the relative root-mean-square error
 * on fresh random points was within the tolerance: an estimate for the whole grid, as a feature too narrow
 * for any sample to meet can be missed unless a pivot points at it. NONFINITE for NaN or infinity from f,
 * naming the index; CONVERGENCE when max_evaluations do not suffice for rank 1.
 * Sources: Y. Nunez Fernandez et al., SciPost Phys. 18 (2025); I. Oseledets, E. Tyrtyshnikov, Linear
 * Algebra Appl. 432 (2010); D. Savostyanov, I. Oseledets, nDS (2011); S. Dolgov, D. Savostyanov, SIAM J. Sci.
 * Comput. 36 (2014). */
ttk_status ttk_cross(int32_t order, const int64_t *shape, ttk_dtype dtype, ttk_evaluate evaluate,
                     void *context, const ttk_cross_options *options, ttk_train **out,
                     ttk_cross_report *report);

/* results[i] = f(values[0][i], ..., values[t-1][i]) for i < count: values of t trains at the same places, and
 * results, in their dtype. 0: go on; else the run stops. Rules as for ttk_evaluate. */
typedef int32_t (*ttk_train_function)(void *context, size_t count, const void *const *values,
                                      void *results);
/* The train of a function of train_count trains (1 to 1024) of one shape and dtype, element by element, by
 * cross approximation: options, report and failures as for ttk_cross. */
ttk_status ttk_apply(int32_t train_count, const ttk_train *const *trains, ttk_train_function function,
                     void *context, const ttk_cross_options *options, ttk_train **out,
                     ttk_cross_report *report);

int64_t ttk_pivots_count(const ttk_pivots *pivots);
int32_t ttk_pivots_order(const ttk_pivots *pivots);
/* count * order indices that live as long as the handle; NULL for a NULL handle. */
const int64_t *ttk_pivots_indices(const ttk_pivots *pivots);
void    ttk_pivots_destroy(ttk_pivots *pivots);

typedef struct ttk_maxvol_options {
  size_t  struct_size;   /* sizeof(ttk_maxvol_options)                                                  */
  double  tolerance;     /* bound on the coefficients of the first (columns) rows, >= 1; 0: 1.05        */
  double  row_tolerance; /* rows are added while a row of coefficients has a larger norm, >= 1; 0: 1.1  */
  int64_t min_extra;     /* rows beyond the number of columns, at least                                 */
  int64_t max_extra;     /* and at most; 0: none, the square method                                     */
} ttk_maxvol_options;

/* Distinct rows of a real or complex matrix (n, r), n >= r, such that matrix = coefficients * matrix[rows]
 * with small coefficients. rows takes up to r + max_extra indices, *count says how many there are;
 * coefficients: NULL, or shape (n, r + max_extra), whose columns from *count on become 0. ARGUMENT for a
 * matrix without full column rank, NONFINITE for NaN or infinity.
 * Sources: S. Goreinov et al., How to find a good submatrix (2010); A. Mikhalev, I. Oseledets, Linear Algebra
 * Appl. 538 (2018). */
ttk_status ttk_maxvol(const ttk_array *matrix, const ttk_maxvol_options *options, int64_t *rows,
                      int64_t *count, ttk_array *coefficients);

#ifdef __cplusplus
}
#endif
#endif
