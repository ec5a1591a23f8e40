/* embedding.h: embedding tables (count rows of width features) as networks of cores in a storage.
 * Specs, fitting and accessors are those of linear.h; the table is the matrix, a row an embedding. */
#ifndef TTKIT_EMBEDDING_H
#define TTKIT_EMBEDDING_H

#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_embedding      ttk_embedding;
typedef struct ttk_embedding_plan ttk_embedding_plan;

/* Fits table (rows, features), float16, bfloat16, float32 or float64, any strides. Factors of rows may
 * multiply to more than rows (the table is padded); padding rows can never be asked for. */
ttk_status ttk_embedding_fit(const ttk_array *table, const char *spec,
                             const ttk_fit_options *options, ttk_embedding **out);
ttk_status ttk_embedding_from_cores(const char *spec, int64_t rows, int64_t features, int32_t count,
                                    const ttk_array *cores, ttk_embedding **out);

int64_t     ttk_embedding_rows(const ttk_embedding *layer);
int64_t     ttk_embedding_features(const ttk_embedding *layer);
ttk_dtype   ttk_embedding_dtype(const ttk_embedding *layer);
int64_t     ttk_embedding_nbytes(const ttk_embedding *layer);
double      ttk_embedding_error(const ttk_embedding *layer);
const char *ttk_embedding_spec(const ttk_embedding *layer);
int32_t     ttk_embedding_core_count(const ttk_embedding *layer);
ttk_status  ttk_embedding_core_shape(const ttk_embedding *layer, int32_t k, int32_t *ndim,
                                     int64_t *shape);
ttk_status  ttk_embedding_core_to_array(const ttk_embedding *layer, int32_t k, ttk_array *core);
/* Writes the dense table (rows, features) in the layer's dtype, any strides. */
ttk_status  ttk_embedding_to_array(const ttk_embedding *layer, ttk_array *table);

ttk_status ttk_embedding_prepare(const ttk_embedding *layer, const ttk_prepare_options *options,
                                 ttk_embedding_plan **out);
size_t     ttk_embedding_plan_workspace_size(const ttk_embedding_plan *plan); /* bytes */
int64_t    ttk_embedding_plan_resident_nbytes(const ttk_embedding_plan *plan);
int64_t    ttk_embedding_plan_max_rows(const ttk_embedding_plan *plan);
/* y (count, features) = table[ids], compact; ids are int32 or int64 as ids_dtype says, 0-based.
 * ARGUMENT, naming the position, when an id is out of range; nothing is written then. */
ttk_status ttk_embedding_execute(const ttk_embedding_plan *plan, const void *ids, ttk_dtype ids_dtype,
                                 int64_t count, void *y, void *workspace, size_t workspace_size);
void       ttk_embedding_plan_destroy(ttk_embedding_plan *plan);
void       ttk_embedding_destroy(ttk_embedding *layer);

#ifdef __cplusplus
}
#endif
#endif
