/* attention.h: block-term tensor attention, causal by definition.
 *
 * With q, k, v = x Wq^T, x Wk^T, x Wv^T (R numbers a token) and the mean g of diagonal cores, token i sees
 * T[i, j, l] = sum_r g[r] q[i, r] k[j, r] v[l, r] for j, l <= i, and y[i] = sum W[:, j, l] T[i, j, l] + b.
 * Changing a later token never changes an earlier output, bit for bit. n tokens cost O(n^2 R outputs).
 * Source: X. Ma et al., A Tensorized Transformer for Language Modeling, NeurIPS 2019.             */
#ifndef TTKIT_ATTENTION_H
#define TTKIT_ATTENTION_H

#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_attention ttk_attention;

/* query, key, value (rank, features); cores (blocks, rank), used as they are; output (outputs, length,
 * length); bias (outputs) or NULL: all float32 or all float64, finite, any strides. */
ttk_status ttk_attention_create(const ttk_array *query, const ttk_array *key, const ttk_array *value,
                                const ttk_array *cores, const ttk_array *output, const ttk_array *bias,
                                ttk_attention **out);
/* Sizes of x and y: features, rank, outputs, and the most tokens of a sequence. 0 for NULL. */
int64_t    ttk_attention_features(const ttk_attention *layer);
int64_t    ttk_attention_rank(const ttk_attention *layer);
int64_t    ttk_attention_outputs(const ttk_attention *layer);
int64_t    ttk_attention_length(const ttk_attention *layer);
ttk_dtype  ttk_attention_dtype(const ttk_attention *layer);
int64_t    ttk_attention_nbytes(const ttk_attention *layer);
/* y (sequences, n, outputs) for x (sequences, n, features), n <= length, in the layer's dtype, any strides;
 * y overlaps nothing. Allocates its workspace. */
ttk_status ttk_attention_apply(const ttk_attention *layer, const ttk_array *x,
                               const ttk_fit_options *options, ttk_array *y);
/* The backward pass: gradients of <gradient, y>. x as of apply, gradient (sequences, n, outputs) in the
 * layer's dtype, any strides. grad_x has x's shape; grad_parameters are five arrays, of the shapes of query,
 * key, value, cores, output; grad_bias has outputs elements. NULL for what is not wanted. No output overlaps
 * anything. The gradient of outputs up to t depends on no token after t, bit for bit. */
ttk_status ttk_attention_vjp(const ttk_attention *layer, const ttk_array *x, const ttk_array *gradient,
                             const ttk_fit_options *options, ttk_array *grad_x,
                             ttk_array *grad_parameters, ttk_array *grad_bias);
void       ttk_attention_destroy(ttk_attention *layer);

#ifdef __cplusplus
}
#endif
#endif
