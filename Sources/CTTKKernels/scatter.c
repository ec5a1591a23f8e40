/* Sums of numbers that go to places of a table: places may repeat, the order is that of the numbers. */
#include "ttk_kernels.h"

#define SCATTER(T, SUFFIX)                                                                             \
  void ttkk_scatter_add_##SUFFIX(T *target, ptrdiff_t base, const ptrdiff_t *offsets, const T *source, \
                                 ptrdiff_t step, ptrdiff_t count) {                                    \
    for (ptrdiff_t i = 0; i < count; i++) target[base + offsets[i]] += source[i * step];               \
  }
SCATTER(float, f32)
SCATTER(double, f64)
