/* Bytes as arrays that are quantised, transformed, split by Kashin's decomposition, convolved and attended to:
 * no crash, no leak; what a storage gives back is finite. */
#include <ttkit.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arrays.h"

static const char *const storages[] = {
    "int2", "int3(group=5)", "int4(group=row)", "int8(group=tensor)", "int5(group=4, symmetric=false)",
    "kmeans1", "kmeans3(group=row)", "kmeans4(group=3)", "kmeans8", "float16", "bfloat16",
    "low_rank(rank=2)@int4", "pairs4", "quads2", "int4(group=0)", "",
};
static const char *const kernels[] = {
    "dense", "cp(rank=2)", "tucker2(ranks=2x2)", "train(rank=2)", "dense@int8", "tucker2(rank=1)", "cp(rank=0)",
};

static void quantize(input *in) {
  array_room     room, back;
  ttk_array      array = any_array(in, &room, 4), part;
  ttk_quantized *made  = NULL;
  const char    *storage = storages[take_below(in, sizeof storages / sizeof *storages)];
  if (ttk_quantize(&array, storage, &made) != TTK_OK) {
    if (made != NULL) abort();
    return;
  }
  int64_t shape[8];
  ttk_quantized_shape(made, shape);
  ttk_array dense = {back.values, shape, NULL, ttk_quantized_ndim(made), ttk_quantized_dtype(made)};
  if (ttk_quantized_to_array(made, &dense) != TTK_OK) {
    fprintf(stderr, "%s gave %s\n", storage, ttk_last_error());
    abort();
  }
  for (int64_t i = 0; i < element_count(&dense); i++) {
    double value = dense.dtype == TTK_FLOAT64 ? back.values[i] : ((float *)back.values)[i];
    /* Half precision may overflow, and is then refused; all else stays within range. */
    if (!isfinite(value)) {
      fprintf(stderr, "%s gave %g for element %d\n", storage, value, (int)i);
      abort();
    }
  }
  for (int32_t k = -1; k < 4; k++)
    if (ttk_quantized_part(made, k, &part) == TTK_OK && element_count(&part) > 8 * MOST_ELEMENTS) abort();
  ttk_quantized_destroy(made);
}

static void fake_quantize(input *in) {
  array_room rooms[5];
  ttk_array  x = any_array(in, &rooms[0], 3), scale = any_array(in, &rooms[1], 3);
  ttk_array  y = x, grad = x, grad_x = x, grad_scale = scale;
  y.data          = rooms[2].values;
  grad.data       = take_below(in, 8) ? rooms[2].values : x.data;
  grad_x.data     = rooms[3].values;
  grad_scale.data = rooms[4].values;
  ttk_fake_quantize_options options = {sizeof options, take_int(in), (int32_t)take_int(in), take_below(in, 2),
                                       take_below(in, 3), 0};
  memset(rooms[2].values, 0, sizeof rooms[2].values);
  ttk_fake_quantize(&x, &scale, take_below(in, 4) ? &options : NULL, &y);
  ttk_fake_quantize_vjp(&x, &scale, take_below(in, 4) ? &options : NULL, &grad, &grad_x, &grad_scale);
}

static void kashin(input *in) {
  array_room rooms[3];
  ttk_array  x = any_array(in, &rooms[0], 3), u = x, v = x;
  u.data = rooms[1].values;
  v.data = rooms[2].values;
  ttk_kashin_options options = {.struct_size = sizeof options, .seed = take_byte(in), .threads = 1};
  options.tolerance = take_below(in, 4) ? 1e-3 : take_real(in);
  options.max_steps = take_below(in, 4) ? 1 + take_below(in, 40) : take_int(in) % 1000;
  options.transform = take_below(in, 4);
  options.vectors   = take_below(in, 3);
  options.method    = take_below(in, 3);
  ttk_kashin_report report = {.struct_size = sizeof report};
  if (ttk_kashin(&x, &options, &u, &v, &report) == TTK_OK && !isfinite(report.error)) abort();
  ttk_transform_options transform = {sizeof transform, take_byte(in), take_below(in, 4), take_below(in, 3),
                                     take_below(in, 2), 1};
  ttk_transform_apply(&x, &transform, &u);
}

static void convolve(input *in) {
  array_room            rooms[2];
  int64_t               shape[8] = {1, 1, 1, 1, 1, 1, 1, 1}, height = take_below(in, 8) ? take_below(in, 9) : take_int(in), width = take_below(in, 9);
  ttk_convolution      *layer = NULL;
  ttk_convolution_plan *plan  = NULL;
  for (int i = 0; i < 4; i++) shape[i] = take_below(in, 16) ? 1 + take_below(in, 4) : take_below(in, 2);
  ttk_array kernel = shaped_array(in, &rooms[0], take_below(in, 16) ? 4 : take_below(in, 6), shape,
                                  take_below(in, 8) ? TTK_FLOAT32 : number_dtypes[take_below(in, 4)]);
  int64_t   out[]  = {kernel.ndim > 0 ? kernel.shape[0] : 1};
  ttk_array bias   = shaped_array(in, &rooms[1], 1, out, kernel.dtype);
  ttk_convolution_steps steps = {.struct_size = sizeof steps};
  steps.stride_height   = take_int(in);
  steps.stride_width    = take_below(in, 3);
  steps.padding_height  = take_int(in);
  steps.padding_width   = take_below(in, 3);
  steps.dilation_height = take_int(in);
  steps.dilation_width  = take_below(in, 3);
  const char *spec = kernels[take_below(in, sizeof kernels / sizeof *kernels)];
  if (ttk_convolution_fit(&kernel, spec, take_below(in, 2) ? &bias : NULL, take_below(in, 4) ? &steps : NULL,
                          NULL, &layer) != TTK_OK && layer != NULL)
    abort();
  int64_t out_height = 0, out_width = 0;
  ttk_convolution_flops(layer, height, width);
  if (ttk_convolution_output_size(layer, height, width, &out_height, &out_width) == TTK_OK &&
      height * width <= 4096 && out_height * out_width <= 4096) {
    ttk_prepare_options options = {.struct_size = sizeof options, .max_rows = take_below(in, 3), .threads = 1};
    ttk_convolution_prepare(layer, height, width, &options, &plan);
    int64_t images = ttk_convolution_plan_max_images(plan), full[4];
    size_t  size   = ttk_convolution_plan_workspace_size(plan);
    if (plan != NULL && ttk_convolution_kernel_shape(layer, full) == TTK_OK) {
      size_t  inputs  = (size_t)(images * full[1] * height * width), outputs = (size_t)(images * full[0] * out_height * out_width);
      double *x = calloc(inputs + 1, sizeof *x), *y = calloc(outputs + 1, sizeof *y);
      char   *workspace = malloc(size + 1);
      if (ttk_convolution_execute(plan, x, images, y, workspace, size) != TTK_OK) abort();
      if (size > 0 && ttk_convolution_execute(plan, x, images + 1, y, workspace, size / 2) == TTK_OK) abort();
      int64_t   in_shape[] = {images, full[1], height, width}, out_shape[] = {images, full[0], out_height, out_width};
      ttk_array xs = {x, in_shape, NULL, 4, ttk_convolution_dtype(layer)}, ys = {y, out_shape, NULL, 4, xs.dtype};
      double   *gradient = calloc(inputs + 1, sizeof *gradient);
      ttk_array grad_x   = {take_below(in, 8) ? gradient : x, in_shape, NULL, 4, xs.dtype};
      ttk_convolution_vjp(layer, &xs, &ys, NULL, &grad_x, NULL, NULL);
      free(gradient);
      free(workspace);
      free(y);
      free(x);
    }
  }
  ttk_convolution_plan_destroy(plan);
  ttk_convolution_destroy(layer);
}

static void attend(input *in) {
  array_room     rooms[8];
  int64_t        rank = 1 + take_below(in, 3), features = 1 + take_below(in, 3), length = 1 + take_below(in, 4);
  int64_t        outputs = 1 + take_below(in, 3), tokens = take_below(in, 6);
  ttk_dtype      dtype   = take_below(in, 8) ? TTK_FLOAT32 : number_dtypes[take_below(in, 4)];
  ttk_array      parts[5];
  ttk_attention *layer = NULL;
  int64_t        sides[5][3] = {{rank, features, 1}, {rank, features, 1}, {rank, features, 1},
                                {1 + take_below(in, 2), rank, 1}, {outputs, length, length}};
  for (int k = 0; k < 5; k++) {
    if (take_below(in, 32) == 0) sides[k][take_below(in, 3)] = take_below(in, 5);
    parts[k] = shaped_array(in, &rooms[k], k < 4 ? 2 : 3, sides[k], dtype);
  }
  if (ttk_attention_create(&parts[0], &parts[1], &parts[2], &parts[3], &parts[4], NULL, &layer) != TTK_OK &&
      layer != NULL)
    abort();
  int64_t   in_shape[] = {take_below(in, 3), tokens, features}, out_shape[] = {in_shape[0], tokens, outputs};
  ttk_array x = shaped_array(in, &rooms[5], 3, in_shape, dtype), y = shaped_array(in, &rooms[6], 3, out_shape, dtype);
  ttk_attention_apply(layer, &x, NULL, &y);
  ttk_attention_destroy(layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  input in = {bytes, count};
  for (int step = 0; step < 6 && in.left > 0; step++) {
    switch (take_below(&in, 5)) {
      case 0: quantize(&in); break;
      case 1: fake_quantize(&in); break;
      case 2: kashin(&in); break;
      case 3: convolve(&in); break;
      default: attend(&in); break;
    }
  }
  return 0;
}
