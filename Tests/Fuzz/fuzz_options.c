/* Bytes as options structs of any size and content, and as array descriptors over real memory. */
#include <ttkit.h>

#include <stdlib.h>

#include "input.h"

/* A block of struct_size bytes (at least 8, at most 256) whose pointers are all NULL. */
static void *options(input *in, const size_t *pointers, size_t pointer_count) {
  uint8_t *block = calloc(1, 256);
  take(in, block, 8 + take_below(in, 120));
  size_t size;
  memcpy(&size, block, sizeof size);
  if (size > 200 && take_byte(in) % 4 != 0) size %= 200; /* mostly sizes that can be */
  if (size > 256 && size <= 1 << 16) size = 256;         /* never more than there is */
  memcpy(block, &size, sizeof size);
  for (size_t i = 0; i < pointer_count; i++) memset(block + pointers[i], 0, sizeof(void *));
  return block;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  input in = {bytes, count};
  static float values[64] = {1, 2, 3, 4, 5, 6, 7, 8};
  int64_t shape[66] = {0}, strides[66] = {0};
  int     small = take_below(&in, 2);
  for (int i = 0; i < 3; i++) {
    shape[i]   = small ? take_below(&in, 3) : take_int(&in);
    strides[i] = small ? take_below(&in, 4) : take_int(&in);
  }
  /* Steps that a check lets through must stay inside values: only then may data be read. */
  int64_t reach = 0;
  int     ndim  = take_below(&in, 4);
  for (int i = 0; i < ndim; i++)
    if (small) reach += strides[i] * (shape[i] > 0 ? shape[i] - 1 : 0);
  ttk_array array = {small && reach < 32 ? values : NULL, shape, take_byte(&in) % 2 ? strides : NULL,
                     ndim, take_byte(&in) % 2 ? TTK_FLOAT32 : take_below(&in, 15) - 1};
  if (array.dtype == TTK_FLOAT64 || array.dtype == TTK_COMPLEX64 || array.dtype == TTK_COMPLEX128 ||
      array.dtype == TTK_INT64)
    array.data = NULL; /* wider than what there is */

  const size_t fit_pointers[]     = {offsetof(ttk_fit_options, executor),
                                     offsetof(ttk_fit_options, moment)};
  const size_t prepare_pointers[] = {offsetof(ttk_prepare_options, executor)};
  ttk_fit_options     *fit     = options(&in, fit_pointers, 2);
  ttk_prepare_options *prepare = options(&in, prepare_pointers, 1);
  if (fit->threads > 8) fit->threads = 8;
  if (fit->struct_size >= sizeof *fit && take_byte(&in) % 2) fit->moment = &array;
  if (prepare->max_rows > 1000) prepare->max_rows %= 1000; /* memory is another test's matter */
  ttk_linear      *layer = NULL;
  ttk_linear_plan *plan  = NULL;
  if (ttk_linear_fit(&array, "dense", NULL, fit, &layer) != TTK_OK && layer != NULL) abort();
  ttk_linear_destroy(layer);
  const int64_t   good_shape[] = {4, 4};
  const ttk_array good         = {values, good_shape, NULL, 2, TTK_FLOAT32};
  if (ttk_linear_fit(&good, "dense", NULL, NULL, &layer) != TTK_OK) abort();
  if (ttk_linear_prepare(layer, prepare, &plan) != TTK_OK && plan != NULL) abort();
  ttk_linear_plan_destroy(plan);
  ttk_linear_destroy(layer);
  free(fit);
  free(prepare);
  return 0;
}
