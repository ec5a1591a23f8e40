/* Packing by offset tables: any axes in any order become panels in one pass. */
#include <string.h>

#include "ttk_kernels.h"

static int is_run(const ptrdiff_t *offsets, ptrdiff_t count) {
  for (ptrdiff_t i = 1; i < count; i++)
    if (offsets[i] != offsets[0] + i) return 0;
  return 1;
}

/* Neighbours in k become four columns at a time; COPY: neighbours in a line, four at a time; else one by
 * one. What is left over in a line is 0. */
#define GATHER(T, SUFFIX)                                                                           \
  typedef T four_##SUFFIX __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias)); \
                                                                                                    \
  static void turn_##SUFFIX(T *target, ptrdiff_t width, const T *source, ptrdiff_t k, ptrdiff_t count, \
                            const ptrdiff_t *offsets) {                                             \
    ptrdiff_t j = 0;                                                                                \
    for (; j + 4 <= count; j += 4) {                                                                \
      const T *p = source + offsets[j], *q = source + offsets[j + 1], *r = source + offsets[j + 2], \
              *s = source + offsets[j + 3];                                                         \
      T *to = target + j;                                                                           \
      ptrdiff_t i = 0;                                                                              \
      for (; i + 4 <= k; i += 4, to += 4 * width) {                                                 \
        four_##SUFFIX a = *(const four_##SUFFIX *)(p + i), b = *(const four_##SUFFIX *)(q + i),     \
                      c = *(const four_##SUFFIX *)(r + i), d = *(const four_##SUFFIX *)(s + i);     \
        four_##SUFFIX ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);                               \
        four_##SUFFIX AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);                               \
        four_##SUFFIX cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);                               \
        four_##SUFFIX CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);                               \
        *(four_##SUFFIX *)to               = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);           \
        *(four_##SUFFIX *)(to + width)     = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);           \
        *(four_##SUFFIX *)(to + 2 * width) = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);           \
        *(four_##SUFFIX *)(to + 3 * width) = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);           \
      }                                                                                             \
      for (; i < k; i++, to += width) to[0] = p[i], to[1] = q[i], to[2] = r[i], to[3] = s[i];       \
    }                                                                                               \
    for (; j < count; j++)                                                                          \
      for (ptrdiff_t i = 0; i < k; i++) target[i * width + j] = source[offsets[j] + i];             \
    if (count < width)                                                                              \
      for (ptrdiff_t i = 0; i < k; i++)                                                             \
        for (j = count; j < width; j++) target[i * width + j] = 0;                                  \
  }                                                                                                 \
                                                                                                    \
  void ttkk_gather_##SUFFIX(T *target, ptrdiff_t width, const T *source, ptrdiff_t k,               \
                            const ptrdiff_t *k_offsets, ptrdiff_t count, const ptrdiff_t *offsets) { \
    if (width == 1 && count == 1) {                                                                 \
      const T *from = source + offsets[0];                                                          \
      for (ptrdiff_t i = 0; i < k; i++) target[i] = from[k_offsets[i]];                             \
      return;                                                                                       \
    }                                                                                               \
    int line = is_run(offsets, count), fours = !line;                                               \
    if (!line && k > 3 && is_run(k_offsets, k)) {                                                   \
      turn_##SUFFIX(target, width, source + k_offsets[0], k, count, offsets);                       \
      return;                                                                                       \
    }                                                                                               \
    for (ptrdiff_t j = 0; j + 4 <= count && fours; j += 4) fours = is_run(offsets + j, 4);          \
    for (ptrdiff_t i = 0; i < k; i++) {                                                             \
      const T *from = source + k_offsets[i];                                                        \
      T *to = target + i * width;                                                                   \
      ptrdiff_t j = 0;                                                                              \
      if (line) {                                                                                   \
        const T *all = from + offsets[0];                                                           \
        for (; j < count; j++) to[j] = all[j];                                                      \
      }                                                                                             \
      if (fours)                                                                                    \
        for (; j + 4 <= count; j += 4)                                                              \
          *(four_##SUFFIX *)(to + j) = *(const four_##SUFFIX *)(from + offsets[j]);                 \
      for (; j < count; j++) to[j] = from[offsets[j]];                                              \
      for (; j < width; j++) to[j] = 0;                                                             \
    }                                                                                               \
  }
GATHER(float, f32)
GATHER(double, f64)
