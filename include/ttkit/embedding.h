/* embedding.h: embedding tables (count rows of width features) as networks of cores in a storage.
 * Specs, fitting and accessors are those of linear.h; the table is the matrix, a row an embedding.
 * Without a memory limit a plan may multiply neighbouring cores beforehand, up to 16 MiB. */
#ifndef TTKIT_EMBEDDING_H
#define TTKIT_EMBEDDING_H

#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_embedding      ttk_embedding;
typedef struct ttk_embedding_plan ttk_embedding_plan;

typedef int32_t ttk_bag_mode;
enum {
  TTK_BAG_SUM  = 0,
  TTK_BAG_MEAN = 1
};

/* Fits table (rows, features), float16, bfloat16, float32 or float64, any strides. Factors of rows may
 * multiply to more than rows (the table is padded); padding rows can never be asked for. */
ttk_status ttk_embedding_fit(const ttk_array *table, const char *spec,
                             const ttk_fit_options *options, ttk_embedding **out);
ttk_status ttk_embedding_from_cores(const char *spec, int64_t rows, int64_t features, int32_t count,
                                    const ttk_array *cores, ttk_embedding **out);
/* Makes a table of random cores to train from; see ttk_linear_initialize. */
ttk_status ttk_embedding_initialize(const char *spec, int64_t rows, int64_t features, ttk_dtype dtype,
                                    uint64_t seed, ttk_embedding **out);

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
/* Bags: row b of y (bags, features) is the sum or the mean of the rows of ids[offsets[b]] up to
 * ids[offsets[b+1] - 1]; the last bag reaches to the end of the ids, an empty one is 0. offsets: as many
 * as bags, of the ids' dtype, the first 0, none below the one before. count: ids, at most max_rows. */
ttk_status ttk_embedding_execute_bags(const ttk_embedding_plan *plan, const void *ids,
                                      ttk_dtype ids_dtype, int64_t count, const void *offsets,
                                      int64_t bags, ttk_bag_mode mode, void *y, void *workspace,
                                      size_t workspace_size);
void       ttk_embedding_plan_destroy(ttk_embedding_plan *plan);
/* The backward pass: gradients of <gradient, table[ids]> with respect to the cores as decoded.
 * gradient (count, features) in the layer's dtype, any strides; grad_cores: core_count arrays of the
 * cores' shapes, which overlap nothing. Repeated ids add up in the order of the ids, whatever the
 * number of threads. Allocates its workspace: for training, not for serving. */
ttk_status ttk_embedding_vjp(const ttk_embedding *layer, const void *ids, ttk_dtype ids_dtype,
                             int64_t count, const ttk_array *gradient,
                             const ttk_fit_options *options, ttk_array *grad_cores);
void       ttk_embedding_destroy(ttk_embedding *layer);

#ifdef __cplusplus
}
#endif
#endif
