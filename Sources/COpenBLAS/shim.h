/* OpenBLAS: products through CBLAS; LAPACK by its Fortran names, since Debian builds it without LAPACKE.
 * Complex arrays are void pointers to interleaved real and imaginary parts. Column-major, as in LAPACK. */
#ifndef TTK_COPENBLAS_SHIM_H
#define TTK_COPENBLAS_SHIM_H
#include <cblas.h>

void sgeqrf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work,
             const int *lwork, int *info);
void sgelqf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work,
             const int *lwork, int *info);
void sorgqr_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau,
             float *work, const int *lwork, int *info);
void sorglq_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau,
             float *work, const int *lwork, int *info);
void sgesdd_(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u,
             const int *ldu, float *vt, const int *ldvt, float *work, const int *lwork, int *iwork,
             int *info);
void sgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, float *a, const int *lda,
             float *s, float *u, const int *ldu, float *vt, const int *ldvt, float *work, const int *lwork,
             int *info);

void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
             const int *lwork, int *info);
void dgelqf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
             const int *lwork, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau,
             double *work, const int *lwork, int *info);
void dorglq_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau,
             double *work, const int *lwork, int *info);
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
             const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork,
             int *info);
void dgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, double *a, const int *lda,
             double *s, double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork,
             int *info);

void cgeqrf_(const int *m, const int *n, void *a, const int *lda, void *tau, void *work,
             const int *lwork, int *info);
void cgelqf_(const int *m, const int *n, void *a, const int *lda, void *tau, void *work,
             const int *lwork, int *info);
void cungqr_(const int *m, const int *n, const int *k, void *a, const int *lda, const void *tau,
             void *work, const int *lwork, int *info);
void cunglq_(const int *m, const int *n, const int *k, void *a, const int *lda, const void *tau,
             void *work, const int *lwork, int *info);
void cgesdd_(const char *jobz, const int *m, const int *n, void *a, const int *lda, float *s, void *u,
             const int *ldu, void *vt, const int *ldvt, void *work, const int *lwork, float *rwork,
             int *iwork, int *info);
void cgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, void *a, const int *lda,
             float *s, void *u, const int *ldu, void *vt, const int *ldvt, void *work, const int *lwork,
             float *rwork, int *info);

void zgeqrf_(const int *m, const int *n, void *a, const int *lda, void *tau, void *work,
             const int *lwork, int *info);
void zgelqf_(const int *m, const int *n, void *a, const int *lda, void *tau, void *work,
             const int *lwork, int *info);
void zungqr_(const int *m, const int *n, const int *k, void *a, const int *lda, const void *tau,
             void *work, const int *lwork, int *info);
void zunglq_(const int *m, const int *n, const int *k, void *a, const int *lda, const void *tau,
             void *work, const int *lwork, int *info);
void zgesdd_(const char *jobz, const int *m, const int *n, void *a, const int *lda, double *s, void *u,
             const int *ldu, void *vt, const int *ldvt, void *work, const int *lwork, double *rwork,
             int *iwork, int *info);
void zgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, void *a, const int *lda,
             double *s, void *u, const int *ldu, void *vt, const int *ldvt, void *work, const int *lwork,
             double *rwork, int *info);

/* Cholesky factorisation of semidefinite matrices with complete pivoting. */
void spstrf_(const char *uplo, const int *n, float *a, const int *lda, int *piv, int *rank, const float *tol,
             float *work, int *info);
void dpstrf_(const char *uplo, const int *n, double *a, const int *lda, int *piv, int *rank,
             const double *tol, double *work, int *info);
void cpstrf_(const char *uplo, const int *n, void *a, const int *lda, int *piv, int *rank, const float *tol,
             float *work, int *info);
void zpstrf_(const char *uplo, const int *n, void *a, const int *lda, int *piv, int *rank,
             const double *tol, double *work, int *info);

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda, int *info);
void sgetrf_(const int *m, const int *n, float *a, const int *lda, int *pivots, int *info);
void sgetrs_(const char *trans, const int *n, const int *count, const float *a, const int *lda,
             const int *pivots, float *b, const int *ldb, int *info);
void ssyevd_(const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w,
             float *work, const int *lwork, int *iwork, const int *liwork, int *info);
void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivots, int *info);
void dgetrs_(const char *trans, const int *n, const int *count, const double *a, const int *lda,
             const int *pivots, double *b, const int *ldb, int *info);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info);
void cgetrf_(const int *m, const int *n, void *a, const int *lda, int *pivots, int *info);
void cgetrs_(const char *trans, const int *n, const int *count, const void *a, const int *lda,
             const int *pivots, void *b, const int *ldb, int *info);
void cheevd_(const char *jobz, const char *uplo, const int *n, void *a, const int *lda, float *w,
             void *work, const int *lwork, float *rwork, const int *lrwork, int *iwork,
             const int *liwork, int *info);
void zgetrf_(const int *m, const int *n, void *a, const int *lda, int *pivots, int *info);
void zgetrs_(const char *trans, const int *n, const int *count, const void *a, const int *lda,
             const int *pivots, void *b, const int *ldb, int *info);
void zheevd_(const char *jobz, const char *uplo, const int *n, void *a, const int *lda, double *w,
             void *work, const int *lwork, double *rwork, const int *lrwork, int *iwork,
             const int *liwork, int *info);
void dgeev_(const char *jobvl, const char *jobvr, const int *n, double *a, const int *lda, double *wr,
            double *wi, double *vl, const int *ldvl, double *vr, const int *ldvr, double *work,
            const int *lwork, int *info);
void zgeev_(const char *jobvl, const char *jobvr, const int *n, void *a, const int *lda, void *w, void *vl,
            const int *ldvl, void *vr, const int *ldvr, void *work, const int *lwork, double *rwork,
            int *info);

#endif
