/* train_matrix.h: matrices in tensor-train form (matrix product operators).
 *
 * Core k has shape (ranks[k], rows[k], columns[k], ranks[k+1]); the matrix has prod(rows) rows and
 * prod(columns) columns, both indices in mixed radix with the last digit fastest.               */
#ifndef TTKIT_TRAIN_MATRIX_H
#define TTKIT_TRAIN_MATRIX_H

#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_train_matrix ttk_train_matrix;

/* From a two-dimensional array of prod(rows) x prod(columns); truncation as in ttk_svd. */
ttk_status ttk_train_matrix_from_array(const ttk_array *matrix, int32_t order, const int64_t *rows,
                                       const int64_t *columns, const ttk_svd_options *options,
                                       ttk_train_matrix **out);
/* Copies order cores of one dtype, each of four dimensions, whose neighbouring ranks agree. */
ttk_status ttk_train_matrix_from_cores(int32_t order, const ttk_array *cores,
                                       ttk_train_matrix **out);

int32_t   ttk_train_matrix_order(const ttk_train_matrix *matrix);
ttk_dtype ttk_train_matrix_dtype(const ttk_train_matrix *matrix);
int64_t   ttk_train_matrix_nbytes(const ttk_train_matrix *matrix);
double    ttk_train_matrix_error(const ttk_train_matrix *matrix);
void      ttk_train_matrix_rows(const ttk_train_matrix *matrix, int64_t *rows);
void      ttk_train_matrix_columns(const ttk_train_matrix *matrix, int64_t *columns);
void      ttk_train_matrix_ranks(const ttk_train_matrix *matrix, int64_t *ranks);
/* Core k as a view that lives as long as the matrix. */
ttk_status ttk_train_matrix_core(const ttk_train_matrix *matrix, int32_t k, ttk_array *core);

/* The transpose (not conjugated) and the complex conjugate; exact. */
ttk_status ttk_train_matrix_transpose(const ttk_train_matrix *matrix, ttk_train_matrix **out);
ttk_status ttk_train_matrix_conjugate(const ttk_train_matrix *matrix, ttk_train_matrix **out);
/* The trace over count distinct digits, each with as many rows as columns; exact. The other digits stay; a
 * 1 x 1 matrix when none is left. */
ttk_status ttk_train_matrix_trace(const ttk_train_matrix *matrix, int32_t count, const int32_t *axes,
                                  ttk_train_matrix **out);
/* Smaller ranks by truncation; options as for ttk_svd. */
ttk_status ttk_train_matrix_round(const ttk_train_matrix *matrix, const ttk_svd_options *options,
                                  ttk_train_matrix **out);
/* result (prod(rows), n) = matrix times x (prod(columns), n), both two-dimensional, compact. */
ttk_status ttk_train_matrix_multiply_array(const ttk_train_matrix *matrix, const ttk_array *x,
                                           ttk_array *result);
/* Matrix times a train whose shape is columns, exact: ranks multiply. */
ttk_status ttk_train_matrix_multiply_train(const ttk_train_matrix *matrix, const ttk_train *train,
                                           ttk_train **out);
/* Matrix times matrix, b's rows being a's columns, exact: ranks multiply. */
ttk_status ttk_train_matrix_product(const ttk_train_matrix *a, const ttk_train_matrix *b,
                                    ttk_train_matrix **out);
/* Matrix times train and matrix times matrix, truncated on the way; see ttk_train_multiply. */
ttk_status ttk_train_matrix_apply(const ttk_train_matrix *matrix, const ttk_train *train,
                                  ttk_product_method method, const ttk_svd_options *options,
                                  ttk_train **out);
ttk_status ttk_train_matrix_multiply(const ttk_train_matrix *a, const ttk_train_matrix *b,
                                     ttk_product_method method, const ttk_svd_options *options,
                                     ttk_train_matrix **out);
/* Writes the dense matrix, two-dimensional, any strides. */
ttk_status ttk_train_matrix_to_array(const ttk_train_matrix *matrix, ttk_array *dense);

ttk_status ttk_train_matrix_save(const ttk_train_matrix *matrix, const char *path);
ttk_status ttk_train_matrix_load(const char *path, ttk_train_matrix **out);
void       ttk_train_matrix_destroy(ttk_train_matrix *matrix);

#ifdef __cplusplus
}
#endif
#endif
