/* Packing by offset tables: any axes in any order become panels in one pass. */
#include <string.h>

#include "ttk_kernels.h"

static int is_run(const ptrdiff_t *offsets, ptrdiff_t count) {
  for (ptrdiff_t i = 1; i < count; i++)
    if (offsets[i] != offsets[0] + i) return 0;
  return 1;
}

#define GATHER(T, SUFFIX)                                                                         \
  void ttkk_gather_##SUFFIX(T *target, ptrdiff_t width, const T *source, ptrdiff_t k,                     \
                            const ptrdiff_t *k_offsets, ptrdiff_t count, const ptrdiff_t *offsets) {  \
    if (is_run(offsets, count)) {                                                                     \
      for (ptrdiff_t i = 0; i < k; i++) {                                                             \
        const T *from = source + k_offsets[i] + offsets[0];                                         \
        T *to = target + i * width;                                                                 \
        for (ptrdiff_t j = 0; j < count; j++) to[j] = from[j];                                        \
        for (ptrdiff_t j = count; j < width; j++) to[j] = 0;                                          \
      }                                                                                             \
      return;                                                                                       \
    }                                                                                               \
    for (ptrdiff_t i = 0; i < k; i++) {                                                             \
      const T *from = source + k_offsets[i];                                                        \
      T *to = target + i * width;                                                                   \
      for (ptrdiff_t j = 0; j < count; j++) to[j] = from[offsets[j]];                                 \
      for (ptrdiff_t j = count; j < width; j++) to[j] = 0;                                            \
    }                                                                                               \
  }
GATHER(float, f32)
GATHER(double, f64)
