/* recipe.h: which weight of a model becomes what.
 *
 * A recipe is a JSON object from weight-name patterns to specs; the first pattern that matches a
 * name wins, so order matters. In a pattern, * stands for any run of characters, ? for any one.
 *
 *   { "*word_embeddings.weight": "dense@int8(group=64)",
 *     "pooler.*":                null,
 *     "h.*.mlp.c_fc.weight":     { "spec": "low_rank(rank=64)", "transpose": true },
 *     "lm_head.weight":          { "tied": "wte.weight" },
 *     "*.weight":                "dense@int8(group=64)" }
 *
 * null leaves a weight as it is; "transpose": the checkpoint stores (in, out); "kind": "linear" or
 * "embedding" where the name does not tell; "tied": the same matrix as another weight, stored once.
 * Only two-dimensional floating-point tensors are ever compressed.                              */
#ifndef TTKIT_RECIPE_H
#define TTKIT_RECIPE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_recipe ttk_recipe;

/* From JSON text; ARGUMENT with line and column where it is malformed, every spec is checked. */
ttk_status ttk_recipe_parse(const char *json, ttk_recipe **out);
ttk_status ttk_recipe_load(const char *path, ttk_recipe **out);
/* A recipe that comes with the library: "default" (int8 in groups of 64, for any transformer); "encoder" (4
 * bits, for BERT-type sentence encoders; meant for use with calibration). */
ttk_status ttk_recipe_builtin(const char *name, ttk_recipe **out);
/* The recipe as JSON; lives as long as the recipe. */
const char *ttk_recipe_json(const ttk_recipe *recipe);
/* The spec a weight of this name gets, NULL when it stays as it is; lives as long as the recipe. */
const char *ttk_recipe_spec(const ttk_recipe *recipe, const char *weight_name);
void        ttk_recipe_destroy(ttk_recipe *recipe);

#ifdef __cplusplus
}
#endif
#endif
