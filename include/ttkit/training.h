/* training.h: training a linear layer whose cores, inputs and outputs have few bits.
 *
 * y = Q(Q(x; input_scale) W(Q(core; core_scale) ...)^T + bias; output_scale), Q being ttk_fake_quantize of
 * signed levels: one call forward, one back. When training ends, ttk_quantize_with_scales holds the cores in
 * few bits, and ttk_linear_from_quantized makes the layer: its cores are those of the forward pass, bit for
 * bit.                                                                                              */
#ifndef TTKIT_TRAINING_H
#define TTKIT_TRAINING_H

#include "base.h"
#include "linear.h"
#include "quantize.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_training      ttk_training;
typedef struct ttk_training_pass ttk_training_pass;

typedef struct ttk_training_options {
  size_t  struct_size;     /* sizeof(ttk_training_options)                    */
  int32_t core_bits;       /* 2 to 8; 0: 8                                    */
  int32_t activation_bits; /* of inputs and outputs, 2 to 8; 0: 8             */
  ttk_gradient_rule rule;  /* of all scales                                   */
  int32_t threads;         /* 0: all this process may use                     */
} ttk_training_options;
/* Takes the format, the shapes and the dtype of a layer, float32 or float64; its cores and its bias are not
 * used, and it may be destroyed. ARGUMENT for formats that transform their inputs (rotation, kashin) and
 * for sparse terms. */
ttk_status ttk_training_create(const ttk_linear *layer, const ttk_training_options *options,
                               ttk_training **out);
void       ttk_training_destroy(ttk_training *training);

/* All arrays in the layer's dtype, any strides. */
typedef struct ttk_training_inputs {
  size_t           struct_size;  /* sizeof(ttk_training_inputs)                                        */
  const ttk_array *x;            /* (rows, in_features)                                                */
  const ttk_array *cores;        /* as many as the layer has, in its shapes                            */
  const ttk_array *core_scales;  /* one for each core, as ttk_fake_quantize takes them: one element, or */
                                 /* for a core of two axes (rows), (rows, 1), (rows, groups); positive */
  const ttk_array *input_scale;  /* one element; NULL: inputs are not rounded                          */
  const ttk_array *output_scale; /* one element; NULL: outputs are not rounded                         */
  const ttk_array *bias;         /* out_features elements, or NULL                                     */
} ttk_training_inputs;
/* y (rows, out_features). pass: what ttk_training_vjp needs, copies of all inputs included; NULL where there
 * is no way back. */
ttk_status ttk_training_forward(const ttk_training *training, const ttk_training_inputs *inputs,
                                ttk_array *y, ttk_training_pass **pass);
void       ttk_training_pass_destroy(ttk_training_pass *pass);

/* Each in the shape of its input; NULL for what is not wanted. */
typedef struct ttk_training_gradients {
  size_t     struct_size; /* sizeof(ttk_training_gradients) */
  ttk_array *x;
  ttk_array *cores;
  ttk_array *core_scales;
  ttk_array *input_scale;
  ttk_array *output_scale;
  ttk_array *bias;
} ttk_training_gradients;
/* Gradients for grad, that of y (rows, out_features). Values pass a rounding unchanged inside its range and
 * not at all outside; scales get what ttk_fake_quantize_vjp says. A pass may be used again, and outlives what
 * made it. ARGUMENT, and nothing written, where gradients overlap one another or grad. */
ttk_status ttk_training_vjp(const ttk_training_pass *pass, const ttk_array *grad,
                            const ttk_training_gradients *gradients);

#ifdef __cplusplus
}
#endif
#endif
