/* convolution.h: two-dimensional convolutions with compressed kernels; images are (channels, height, width).
 *
 * A kernel (out, in, height, width) becomes a chain of smaller convolutions, given as one spec with an
 * optional storage after '@':
 *   dense                            the kernel itself
 *   cp_convolution(rank=R)           1 x 1, each channel on its own along height, along width, 1 x 1
 *   tucker_convolution(in=A, out=B)  1 x 1, a dense window between A and B channels, 1 x 1
 *   train_convolution(rank=R)        1 x 1, h x 1, 1 x w, 1 x 1                                    */
#ifndef TTKIT_CONVOLUTION_H
#define TTKIT_CONVOLUTION_H

#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ttk_convolution      ttk_convolution;
typedef struct ttk_convolution_plan ttk_convolution_plan;

/* Steps along height and width, as torch.nn.Conv2d has them. */
typedef struct ttk_convolution_steps {
  size_t  struct_size;     /* sizeof(ttk_convolution_steps)     */
  int64_t stride_height;   /* 0: 1                              */
  int64_t stride_width;    /* 0: 1                              */
  int64_t padding_height;  /* rows of zeros above and below     */
  int64_t padding_width;   /* columns of zeros on either side   */
  int64_t dilation_height; /* 0: 1                              */
  int64_t dilation_width;  /* 0: 1                              */
} ttk_convolution_steps;

/* Fits kernel (out, in, height, width), float16, bfloat16, float32 or float64, any strides. bias: out
 * elements of the same dtype, or NULL. steps: NULL for stride 1 without padding. */
ttk_status ttk_convolution_fit(const ttk_array *kernel, const char *spec, const ttk_array *bias,
                               const ttk_convolution_steps *steps, const ttk_fit_options *options,
                               ttk_convolution **out);
/* Makes a layer of given cores, all float32 or all float64, one for each convolution of the chain with
 * outputs first: (R, in), (R, height), (R, width), (out, R) for cp_convolution; (A, in), (B, A, height,
 * width), (out, B) for tucker_convolution; (R1, in), (R2, R1, height), (R3, R2, width), (out, R3) for
 * train_convolution. kernel_shape: out, in, height, width. Ranks are read off the cores. */
ttk_status ttk_convolution_from_cores(const char *spec, const int64_t *kernel_shape, int32_t count,
                                      const ttk_array *cores, const ttk_array *bias,
                                      const ttk_convolution_steps *steps, ttk_convolution **out);

/* Writes out, in, height, width. */
ttk_status  ttk_convolution_kernel_shape(const ttk_convolution *layer, int64_t *shape);
/* dtype of images: float32, or float64 for layers of float64 cores. */
ttk_dtype   ttk_convolution_dtype(const ttk_convolution *layer);
int64_t     ttk_convolution_nbytes(const ttk_convolution *layer);
double      ttk_convolution_error(const ttk_convolution *layer);
const char *ttk_convolution_spec(const ttk_convolution *layer);
int32_t     ttk_convolution_core_count(const ttk_convolution *layer);
ttk_status  ttk_convolution_core_shape(const ttk_convolution *layer, int32_t k, int32_t *ndim,
                                       int64_t *shape);
ttk_status  ttk_convolution_core_to_array(const ttk_convolution *layer, int32_t k, ttk_array *core);
/* Writes the dense kernel (out, in, height, width) in the layer's dtype, any strides. */
ttk_status  ttk_convolution_to_array(const ttk_convolution *layer, ttk_array *kernel);
/* Height and width of the output for an input of this size; ARGUMENT when the window does not fit. */
ttk_status  ttk_convolution_output_size(const ttk_convolution *layer, int64_t height, int64_t width,
                                        int64_t *out_height, int64_t *out_width);
/* Multiply-adds times two for one image; 0 when the window does not fit. */
int64_t     ttk_convolution_flops(const ttk_convolution *layer, int64_t height, int64_t width);

/* A plan for images of height x width, max_rows of them in one execute. memory_limit and compute: 0. */
ttk_status ttk_convolution_prepare(const ttk_convolution *layer, int64_t height, int64_t width,
                                   const ttk_prepare_options *options, ttk_convolution_plan **out);
size_t     ttk_convolution_plan_workspace_size(const ttk_convolution_plan *plan); /* bytes */
int64_t    ttk_convolution_plan_resident_nbytes(const ttk_convolution_plan *plan);
int64_t    ttk_convolution_plan_max_images(const ttk_convolution_plan *plan);
/* y (images, out, out_height, out_width) = the convolution of x (images, in, height, width), plus bias;
 * both compact, in the layer's dtype. workspace: at least workspace_size(plan) bytes, one call at a
 * time; y overlaps neither x nor the workspace. Allocates nothing. */
ttk_status ttk_convolution_execute(const ttk_convolution_plan *plan, const void *x, int64_t images,
                                   void *y, void *workspace, size_t workspace_size);
void       ttk_convolution_plan_destroy(ttk_convolution_plan *plan);
/* The backward pass: gradients of <gradient, y>. x (images, in, height, width) and gradient (images, out,
 * out_height, out_width) in the layer's dtype, any strides; results as ttk_linear_vjp has them. Makes
 * what lies between the convolutions again, image by image, and allocates its workspace. */
ttk_status ttk_convolution_vjp(const ttk_convolution *layer, const ttk_array *x,
                               const ttk_array *gradient, const ttk_fit_options *options,
                               ttk_array *grad_x, ttk_array *grad_cores, ttk_array *grad_bias);
void       ttk_convolution_destroy(ttk_convolution *layer);

#ifdef __cplusplus
}
#endif
#endif
