/* Bytes as a sequence of calls on small trains: any order, any arguments, no crash, no leak; a train that
 * was made can always be written out, and its norm is that of the dense tensor. */
#include <ttkit.h>

#include <math.h>
#include <stdlib.h>

#include "arrays.h"

enum { SLOTS = 4, MOST = MOST_ELEMENTS };

/* Elements of the dense tensor, 0 when there are more than MOST. */
static int64_t elements(const ttk_train *train) {
  int64_t shape[TTK_MAX_ORDER], count = 1;
  ttk_train_shape(train, shape);
  for (int32_t k = 0; k < ttk_train_order(train); k++)
    if ((count *= shape[k]) > MOST) return 0;
  return count;
}

static void options(input *in, ttk_svd_options *given) {
  memset(given, 0, sizeof *given);
  given->struct_size = sizeof *given;
  given->rtol        = take_below(in, 4) ? take_below(in, 8) / 8.0 : take_real(in);
  given->atol        = take_below(in, 8) ? 0 : take_real(in);
  given->max_rank    = take_below(in, 4) ? take_below(in, 5) : take_int(in);
  given->threads     = take_below(in, 3);
}

static void replace(ttk_train **slot, ttk_train *made) {
  ttk_train_destroy(*slot);
  *slot = made;
}

static ttk_train *decompose(input *in) {
  static double values[2 * MOST];
  int64_t       shape[5], strides[5], count = 1;
  int           ndim = take_below(in, 6);
  for (int i = 0; i < ndim; i++) {
    shape[i] = take_below(in, 5);
    if (count * shape[i] <= MOST) count *= shape[i]; else shape[i] = 1;
  }
  for (int64_t i = 0, step = 1; i < ndim; i++) { /* Fortran order */
    strides[i] = step;
    step *= shape[i] > 0 ? shape[i] : 1;
  }
  ttk_dtype       dtype = number_dtypes[take_below(in, 4)];
  const ttk_array array = {values, shape, take_below(in, 2) ? strides : NULL, ndim, dtype};
  ttk_svd_options given;
  ttk_train      *train = NULL;
  fill_numbers(in, values, dtype, MOST);
  options(in, &given);
  if (ttk_svd(&array, take_below(in, 3) ? &given : NULL, &train) != TTK_OK && train != NULL) abort();
  return train;
}

static ttk_train *from_cores(input *in) {
  static double values[2 * MOST];
  int64_t       shapes[4][4];
  ttk_array     cores[4];
  int           order = take_below(in, 5), dtype = number_dtypes[take_below(in, 4)];
  int64_t       rank  = 1;
  for (int k = 0; k < 4; k++) {
    shapes[k][0] = rank;
    shapes[k][1] = take_below(in, 5);
    shapes[k][2] = rank = k + 1 < order ? take_below(in, 5) : 1;
    if (take_below(in, 16) == 0) shapes[k][take_below(in, 3)] = take_below(in, 5);
    cores[k] = (ttk_array){values, shapes[k], NULL, 3, dtype};
  }
  fill_numbers(in, values, dtype, MOST);
  ttk_train *train = NULL;
  if (ttk_train_from_cores(order, cores, &train) != TTK_OK && train != NULL) abort();
  return train;
}

static void describe(input *in, const ttk_train *train) {
  static double dense[2 * MOST], point[2];
  int32_t       order = ttk_train_order(train), k = (int32_t)take_int(in);
  int64_t       shape[TTK_MAX_ORDER], ranks[TTK_MAX_ORDER + 1], indices[TTK_MAX_ORDER];
  double        norm;
  ttk_array     core;
  if (train == NULL) return;
  ttk_train_shape(train, shape);
  ttk_train_ranks(train, ranks);
  ttk_train_core(train, k, &core);
  for (int32_t a = 0; a < order; a++) indices[a] = take_below(in, 5);
  ttk_train_evaluate(train, take_below(in, 2), indices, point);
  ttk_train_dot(train, train, point);
  ttk_array array = {dense, shape, NULL, order, ttk_train_dtype(train)};
  int64_t   count = elements(train);
  if (count > 0 && order <= TTK_MAX_NDIM && ttk_train_to_array(train, &array) == TTK_OK &&
      ttk_train_norm(train, &norm) == TTK_OK && array.dtype == TTK_FLOAT64 && isfinite(norm)) {
    double sum = 0, most = 0;
    for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(dense[i]));
    for (int64_t i = 0; i < count; i++) sum += most > 0 ? dense[i] / most * (dense[i] / most) : 0;
    /* Cancellation between cores may cost everything: compare only what is not tiny beside its cores. */
    double size = 1;
    for (int32_t a = 0; a < order; a++) {
      if (ttk_train_core(train, a, &core) != TTK_OK) abort();
      double largest = 0;
      for (int64_t i = 0; i < core.shape[0] * core.shape[1] * core.shape[2]; i++)
        largest = fmax(largest, fabs(((double *)core.data)[i]));
      size *= largest * (double)core.shape[2];
    }
    double dense_norm = most * sqrt(sum);
    if (isfinite(size) && isfinite(dense_norm) && size > 1e-290 &&
        fabs(norm - dense_norm) > 1e-9 * size * sqrt((double)count))
      abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  input      in           = {bytes, count};
  ttk_train *slots[SLOTS] = {0};
  for (int step = 0; step < 16 && in.left > 0; step++) {
    ttk_train **slot = &slots[take_below(&in, SLOTS)], *made = NULL;
    ttk_train  *a = slots[take_below(&in, SLOTS)], *b = slots[take_below(&in, SLOTS)];
    double      factor[2];
    int32_t     axes[6];
    ttk_svd_options given;
    for (int i = 0; i < 6; i++) axes[i] = (int32_t)take_below(&in, 6) - (take_below(&in, 32) == 0);
    switch (take_below(&in, 11)) {
      case 0: case 1: replace(slot, decompose(&in)); break;
      case 2: replace(slot, from_cores(&in)); break;
      case 3: ttk_train_add(a, b, &made); replace(slot, made); break;
      case 4: ttk_train_subtract(a, b, &made); replace(slot, made); break;
      case 5: ttk_train_hadamard(a, b, &made); replace(slot, made); break;
      case 6:
        options(&in, &given);
        ttk_train_round(a, &given, &made);
        replace(slot, made);
        break;
      case 7:
        factor[0] = take_real(&in), factor[1] = take_real(&in);
        ttk_train_scale(a, factor, &made);
        replace(slot, made);
        break;
      case 8:
        ttk_train_sum(a, take_below(&in, 6), axes, NULL, &made);
        replace(slot, made);
        break;
      case 9:
        ttk_train_orthogonalize(a, axes[0], axes[1], axes[2], &made);
        replace(slot, made);
        break;
      default:
        options(&in, &given);
        if (ttk_train_order(a) <= 6) ttk_train_transpose(a, axes, &given, &made);
        replace(slot, made);
        break;
    }
    /* Ranks multiply: what grew beyond interest goes. */
    if (ttk_train_nbytes(*slot) > 1 << 20) replace(slot, NULL);
    describe(&in, *slot);
  }
  for (int i = 0; i < SLOTS; i++) ttk_train_destroy(slots[i]);
  return 0;
}
