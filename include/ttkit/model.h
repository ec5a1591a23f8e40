/* model.h: whole models: compress a safetensors file by a recipe, open the result, run its layers.
 *
 * Files are described in docs/format.md: safetensors, readable by any safetensors reader, with our
 * metadata under the key "ttkit".                                                               */
#ifndef TTKIT_MODEL_H
#define TTKIT_MODEL_H

#include "embedding.h"
#include "linear.h"
#include "recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_model ttk_model;

typedef int32_t ttk_weight_kind;
enum {
  TTK_WEIGHT_TENSOR    = 0, /* untouched */
  TTK_WEIGHT_LINEAR    = 1,
  TTK_WEIGHT_EMBEDDING = 2
};

/* What became of one weight. Strings live during the callback, or as long as the model. */
typedef struct ttk_weight_report {
  size_t      struct_size;  /* sizeof(ttk_weight_report)                                */
  const char *name;
  const char *spec;         /* with the ranks that were reached; NULL: untouched        */
  const int64_t *shape;     /* ndim lengths                                             */
  int64_t     nbytes_before;
  int64_t     nbytes;       /* cores, codes and scales as stored                        */
  double      error;        /* relative Frobenius error, computed; 0: untouched         */
  double      seconds;      /* spent fitting; 0 when read from a file                   */
  int32_t     ndim;
  ttk_weight_kind kind;
} ttk_weight_report;

/* Called after each weight, in the file's order, on the thread that called ttk_model_compress.
 * 0: go on; anything else stops: TTK_ERROR_CANCELLED, and no output is left. */
typedef int32_t (*ttk_weight_done)(void *context, const ttk_weight_report *report, int64_t done,
                                   int64_t total);

typedef struct ttk_compress_options {
  size_t  struct_size;          /* sizeof(ttk_compress_options)                                   */
  ttk_weight_done weight_done;  /* NULL: none                                                     */
  void   *weight_done_context;
  const ttk_executor *executor; /* NULL: the library's own threads                                */
  int64_t max_shard_nbytes;     /* split the output into files of at most this; 0: one file       */
  int64_t memory_limit;         /* bytes of weights in work at one time; 0: 1 GiB                 */
  int32_t part;                 /* with parts > 1: do only weights i with i mod parts = part,     */
  int32_t parts;                /* writing shard part of parts; see ttk_model_join. 0: all        */
  int32_t threads;              /* 0: all this process may use                                    */
  int32_t reserved;             /* 0                                                              */
  const char *calibration;      /* file of the inputs' moments, see docs/format.md; linear weights
                                 * in it are fitted to their inputs, and their biases take up the
                                 * mean error. NULL: none                                         */
} ttk_compress_options;

/* Compresses source (a safetensors file, a folder of them, or an index.json of shards) by the recipe
 * into folder out, made if missing: model.safetensors, or shards and an index. Every matched linear
 * and embedding is fitted, layers in parallel, memory bounded; the rest is copied bit for bit. Output
 * is written beside its final name and renamed last: after a failure nothing of ours is left. */
ttk_status ttk_model_compress(const char *source, const ttk_recipe *recipe, const char *out,
                              const ttk_compress_options *options);
/* Writes the index over the shards that parts calls of ttk_model_compress left in folder. */
ttk_status ttk_model_join(const char *folder, int32_t parts);

/* Opens a file, a folder or an index, compressed or plain; checksums are verified unless
 * skip_checksums is not 0. Weights are read on first use. */
ttk_status ttk_model_open(const char *path, int32_t skip_checksums, ttk_model **out);
/* Number of weights and tensors, in name order. */
int64_t     ttk_model_count(const ttk_model *model);
/* Name of weight i, NULL when out of range; lives as long as the model. */
const char *ttk_model_name(const ttk_model *model, int64_t i);
/* Everything known of weight i; report.struct_size must be set. */
ttk_status  ttk_model_report(const ttk_model *model, int64_t i, ttk_weight_report *report);
/* Bytes of all weights as stored. */
int64_t     ttk_model_nbytes(const ttk_model *model);
/* The layer of a compressed weight, with the bias beside it; also works on a plain tensor of two
 * dimensions, as dense. ARGUMENT, naming the nearest name, when there is none. */
ttk_status ttk_model_linear(const ttk_model *model, const char *name, ttk_linear **out);
ttk_status ttk_model_embedding(const ttk_model *model, const char *name, ttk_embedding **out);
/* An untouched tensor as a view that lives as long as the model. */
ttk_status ttk_model_tensor(const ttk_model *model, const char *name, ttk_array *tensor);
void       ttk_model_destroy(ttk_model *model);

#ifdef __cplusplus
}
#endif
#endif
