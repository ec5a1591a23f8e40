/* Copies between layouts of n-dimensional arrays, long runs first. */
#include <string.h>

#include "ttk_kernels.h"

enum { MAX_AXES = 64 };

typedef struct {
  ptrdiff_t length, to, from; /* steps in bytes */
} axis;

/* Copies one line of n elements of a fixed size: the compiler turns each memcpy into a move. */
#define LINE(SIZE)                                                          \
  case SIZE:                                                                \
    for (ptrdiff_t i = 0; i < n; i++) memcpy(to + i * ts, from + i * fs, SIZE); \
    break;

static void copy_line(char *to, ptrdiff_t ts, const char *from, ptrdiff_t fs, ptrdiff_t n, size_t size) {
  if (ts == (ptrdiff_t)size && fs == (ptrdiff_t)size) {
    memcpy(to, from, (size_t)n * size);
    return;
  }
  switch (size) {
    LINE(1) LINE(2) LINE(4) LINE(8) LINE(16)
    default:
      for (ptrdiff_t i = 0; i < n; i++) memcpy(to + i * ts, from + i * fs, size);
  }
}

/* Two axes at once in 16 x 16 tiles, so that neither side walks far from its cache lines. */
static void copy_plane(char *to, const char *from, axis outer, axis inner, size_t size) {
  enum { TILE = 16 };
  int compact = inner.to == (ptrdiff_t)size && inner.from == (ptrdiff_t)size;
  if (compact || inner.length < TILE || outer.length < TILE) {
    for (ptrdiff_t i = 0; i < outer.length; i++)
      copy_line(to + i * outer.to, inner.to, from + i * outer.from, inner.from, inner.length, size);
    return;
  }
  for (ptrdiff_t i = 0; i < outer.length; i += TILE)
    for (ptrdiff_t j = 0; j < inner.length; j += TILE) {
      ptrdiff_t ni = outer.length - i < TILE ? outer.length - i : TILE;
      ptrdiff_t nj = inner.length - j < TILE ? inner.length - j : TILE;
      for (ptrdiff_t a = 0; a < ni; a++)
        copy_line(to + (i + a) * outer.to + j * inner.to, inner.to,
                  from + (i + a) * outer.from + j * inner.from, inner.from, nj, size);
    }
}

static ptrdiff_t magnitude(ptrdiff_t step) { return step < 0 ? -step : step; }

/* Axes longer than one, largest step at the target first: writing then runs forward in memory. */
static int sorted_axes(axis *axes, const ptrdiff_t *target_steps, const ptrdiff_t *source_steps,
                       const ptrdiff_t *shape, int32_t ndim, size_t size) {
  int count = 0;
  for (int32_t i = 0; i < ndim; i++) {
    if (shape[i] == 1) continue;
    axis a = {shape[i], target_steps[i] * (ptrdiff_t)size, source_steps[i] * (ptrdiff_t)size};
    int  j = count++;
    for (; j > 0 && magnitude(axes[j - 1].to) < magnitude(a.to); j--) axes[j] = axes[j - 1];
    axes[j] = a;
  }
  return count;
}

/* Joins neighbouring axes that are one run on both sides. */
static int merged_axes(axis *axes, int count) {
  int last = 0;
  for (int i = 1; i < count; i++) {
    axis a = axes[i];
    if (axes[last].to == a.length * a.to && axes[last].from == a.length * a.from) {
      a.length *= axes[last].length;
      axes[last] = a;
    } else {
      axes[++last] = a;
    }
  }
  return count == 0 ? 0 : last + 1;
}

void ttkk_copy_strided(void *target, const ptrdiff_t *target_steps, const void *source,
                       const ptrdiff_t *source_steps, const ptrdiff_t *shape, int32_t ndim, size_t size) {
  for (int32_t i = 0; i < ndim; i++)
    if (shape[i] == 0) return;
  axis axes[MAX_AXES + 2];
  int  count = sorted_axes(axes, target_steps, source_steps, shape, ndim, size);
  count = merged_axes(axes, count);
  while (count < 2) { /* always a plane inside */
    for (int i = count; i > 0; i--) axes[i] = axes[i - 1];
    axes[0] = (axis){1, 0, 0};
    if (count == 0) axes[0] = (axis){1, (ptrdiff_t)size, (ptrdiff_t)size};
    count++;
  }
  /* Put the axis that is unit-step at the source, if any, beside the last: tiles serve both. */
  for (int i = 0; i + 2 < count; i++)
    if (axes[i].from == (ptrdiff_t)size) {
      axis unit = axes[i];
      for (int j = i; j + 2 < count; j++) axes[j] = axes[j + 1];
      axes[count - 2] = unit;
    }

  ptrdiff_t index[MAX_AXES + 2] = {0};
  char       *to   = target;
  const char *from = source;
  for (;;) {
    copy_plane(to, from, axes[count - 2], axes[count - 1], size);
    int k = count - 3;
    for (; k >= 0; k--) {
      to += axes[k].to;
      from += axes[k].from;
      if (++index[k] < axes[k].length) break;
      to -= axes[k].to * axes[k].length;
      from -= axes[k].from * axes[k].length;
      index[k] = 0;
    }
    if (k < 0) return;
  }
}
