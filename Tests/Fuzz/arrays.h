/* arrays.h: small arrays of any dtype, shape and layout from fuzz bytes. */
#ifndef ARRAYS_H
#define ARRAYS_H

#include <ttkit.h>

#include "input.h"

enum { MOST_ELEMENTS = 256 };

static const ttk_dtype number_dtypes[] = {TTK_FLOAT32, TTK_FLOAT64, TTK_COMPLEX64, TTK_COMPLEX128};

typedef struct {
  double  values[2 * MOST_ELEMENTS];
  int64_t shape[8], strides[8];
} array_room;

static inline int64_t element_count(const ttk_array *array) {
  int64_t count = 1;
  for (int i = 0; i < array->ndim; i++) count *= array->shape[i];
  return count;
}

static inline int is_wide(ttk_dtype dtype) { return dtype == TTK_FLOAT64 || dtype == TTK_COMPLEX128; }

/* Real numbers an element has. */
static inline int parts(ttk_dtype dtype) { return dtype == TTK_COMPLEX64 || dtype == TTK_COMPLEX128 ? 2 : 1; }

static inline size_t width(ttk_dtype dtype) { return (size_t)parts(dtype) * (is_wide(dtype) ? 8 : 4); }

/* Random bytes as numbers of one of the four dtypes; now and then any bit pattern. */
static inline void fill_numbers(input *in, void *values, ttk_dtype dtype, int64_t count) {
  for (int64_t i = 0; i < parts(dtype) * count; i++) {
    double value = take_real(in);
    if (is_wide(dtype)) ((double *)values)[i] = value; else ((float *)values)[i] = (float)value;
  }
}

/* An array over `room` of this shape, lengths cut so that it fits; C or Fortran order. */
static inline ttk_array shaped_array(input *in, array_room *room, int ndim, const int64_t *shape,
                                     ttk_dtype dtype) {
  int64_t count = 1;
  for (int i = 0; i < ndim; i++) {
    room->strides[i] = count;
    room->shape[i]   = count * shape[i] <= MOST_ELEMENTS ? shape[i] : 1;
    if (room->shape[i] > 0) count *= room->shape[i];
  }
  fill_numbers(in, room->values, dtype, count);
  return (ttk_array){room->values, room->shape, take_below(in, 2) ? room->strides : NULL, ndim, dtype};
}

/* An array of up to `most` axes of up to 5. */
static inline ttk_array any_array(input *in, array_room *room, int most) {
  int64_t shape[8];
  int     ndim = take_below(in, most + 1);
  for (int i = 0; i < ndim; i++) shape[i] = take_below(in, 6);
  return shaped_array(in, room, ndim, shape, number_dtypes[take_below(in, 4)]);
}

#endif
