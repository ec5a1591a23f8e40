/* Bytes as equations and shapes. Any text gives a plan or a polite refusal. A built equation of plain, windowed
 * and gathered axes over small integers gives what its definition says, in any layout, and so do its
 * gradients. */
#include <ttkit.h>

#include <stdio.h>
#include <stdlib.h>

#include "arrays.h"

enum { AXES = 4, MOST_OPERANDS = 4 + AXES, MOST_PLACES = 4, MOST_VECTORS = 12 };
enum { PLAIN, WINDOW, GATHERED };

typedef struct {
  int kind, axis[2], factor[2], offset, vector;
} place;

/* An array in memory of its own size, so that the sanitizer sees every step outside. */
typedef struct {
  place   at[MOST_PLACES];
  int     ndim;
  int64_t shape[MOST_PLACES], strides[MOST_PLACES], count, start;
  void   *memory;
} operand;

typedef struct {
  char      text[1024];
  int       operands, vectors, is_valid;
  int64_t   lengths[AXES], ids[MOST_VECTORS][4];
  int       result[AXES], results;
  operand   all[MOST_OPERANDS];
  int       vector_axis[MOST_VECTORS];
  int64_t   vector_limit[MOST_VECTORS];
  ttk_dtype dtype;
} problem;

static double get(const operand *a, ttk_dtype dtype, int64_t at) {
  at *= parts(dtype);
  return is_wide(dtype) ? ((double *)a->memory)[at] : ((float *)a->memory)[at];
}

static void set(operand *a, ttk_dtype dtype, int64_t at, double value) {
  at *= parts(dtype);
  for (int p = 0; p < parts(dtype); p++, value = 0) {
    if (is_wide(dtype)) ((double *)a->memory)[at + p] = value; else ((float *)a->memory)[at + p] = (float)value;
  }
}

/* Row-major, column-major, some axes backwards. */
static void lay_out(operand *a, input *in, ttk_dtype dtype) {
  int order = take_below(in, 2);
  a->count = 1, a->start = 0;
  for (int i = 0; i < a->ndim; i++) {
    int k = order ? i : a->ndim - 1 - i;
    a->strides[k] = a->count;
    a->count *= a->shape[k];
  }
  for (int k = 0; k < a->ndim && a->count > 0; k++)
    if (take_below(in, 4) == 0) {
      a->start += (a->shape[k] - 1) * a->strides[k];
      a->strides[k] = -a->strides[k];
    }
  size_t size = (size_t)a->count * width(dtype);
  a->memory = malloc(size + !size);
  for (int64_t i = 0; i < a->count; i++) set(a, dtype, i, take_below(in, 7) - 3);
}

static ttk_array view(const operand *a, ttk_dtype dtype) {
  int64_t bytes = a->start * (int64_t)width(dtype);
  return (ttk_array){a->count > 0 ? (char *)a->memory + bytes : NULL, a->shape, a->strides, a->ndim, dtype};
}

static void add_place(problem *p, operand *a, input *in, char **end) {
  place   *at = &a->at[a->ndim];
  int64_t  length;
  at->kind    = take_below(in, 3);
  at->axis[0] = take_below(in, AXES);
  at->axis[1] = (at->axis[0] + 1 + take_below(in, AXES - 1)) % AXES;
  const char first = (char)('a' + at->axis[0]), second = (char)('a' + at->axis[1]);
  if (at->kind == GATHERED && p->vectors == MOST_VECTORS) at->kind = PLAIN;
  if (at->kind == PLAIN) {
    length = p->lengths[at->axis[0]];
    *end += sprintf(*end, "%c", first);
  } else if (at->kind == GATHERED) {
    length     = 1 + take_below(in, 5);
    at->vector = p->vectors++;
    *end += sprintf(*end, "{v%d[%c]}", at->vector, first);
    p->vector_axis[at->vector]  = at->axis[0];
    p->vector_limit[at->vector] = length;
    for (int i = 0; i < 4; i++) p->ids[at->vector][i] = take_below(in, (int)length);
  } else {
    int64_t last = 0;
    for (int t = 0; t < 2; t++) {
      at->factor[t] = 1 + take_below(in, 3);
      last += at->factor[t] * (p->lengths[at->axis[t]] - 1);
      if (p->lengths[at->axis[t]] == 0) p->is_valid = 0;
    }
    at->offset = take_below(in, 5) - 2;
    length     = last + at->offset + 1 + (at->offset < 0 ? at->offset : 0);
    length     = (length < 1 ? 1 : length) + take_below(in, 3);
    *end += sprintf(*end, "{%d*%c+%d*%c%+d}", at->factor[0], first, at->factor[1], second, at->offset);
  }
  a->shape[a->ndim++] = length;
}

static void build(problem *p, input *in) {
  char *end = p->text;
  p->dtype  = number_dtypes[take_below(in, 4)];
  for (int a = 0; a < AXES; a++) p->lengths[a] = take_below(in, 8) ? 1 + take_below(in, 3) : 0;
  p->is_valid = 1;
  p->operands = take_below(in, MOST_OPERANDS - AXES + 1) + AXES;
  for (int k = 0; k < p->operands; k++) {
    operand *a = &p->all[k];
    if (k > 0) *end++ = ',';
    if (k < AXES) { /* gives every axis its length */
      a->at[0]    = (place){PLAIN, {k, 0}, {0, 0}, 0, 0};
      a->shape[0] = p->lengths[k];
      a->ndim     = 1;
      *end++      = (char)('a' + k);
    } else {
      int count = take_below(in, MOST_PLACES);
      for (int i = 0; i < count; i++) add_place(p, a, in, &end);
    }
    lay_out(a, in, p->dtype);
  }
  end += sprintf(end, "->");
  int rest = take_byte(in), axis = take_below(in, AXES);
  for (int a = 0; a < AXES; a++, axis = (axis + 1) % AXES)
    if (rest >> a & 1) p->result[p->results++] = axis, *end++ = (char)('a' + axis);
  *end = 0;
}

/* The product of all operands at one index of the axes. */
static double term(const problem *p, const int64_t *index) {
  double product = 1;
  for (int k = 0; k < p->operands; k++) {
    const operand *a  = &p->all[k];
    int64_t        at = a->start;
    for (int i = 0; i < a->ndim; i++) {
      const place *place    = &a->at[i];
      int64_t      position = index[place->axis[0]];
      if (place->kind == GATHERED) position = p->ids[place->vector][position];
      if (place->kind == WINDOW)
        position = place->factor[0] * position + place->factor[1] * index[place->axis[1]] + place->offset;
      if (position < 0 || position >= a->shape[i]) return 0;
      at += position * a->strides[i];
    }
    product *= get(a, p->dtype, at);
  }
  return product;
}

static void check(problem *p, input *in) {
  ttk_array       arrays[MOST_OPERANDS + MOST_VECTORS], results[MOST_OPERANDS];
  int32_t         ndims[MOST_OPERANDS + MOST_VECTORS];
  const int64_t  *shapes[MOST_OPERANDS + MOST_VECTORS];
  int             count = p->operands + p->vectors;
  operand         out = {.ndim = p->results}, made[MOST_OPERANDS];
  for (int k = 0; k < count; k++) {
    if (k < p->operands) {
      arrays[k] = view(&p->all[k], p->dtype);
    } else {
      int v     = k - p->operands;
      arrays[k] = (ttk_array){p->ids[v], &p->lengths[p->vector_axis[v]], NULL, 1, TTK_INT64};
    }
    ndims[k] = arrays[k].ndim, shapes[k] = arrays[k].shape;
  }
  ttk_contraction_options given = {.struct_size = sizeof given, .threads = 1};
  given.optimize     = take_below(in, 3);
  given.memory_limit = take_below(in, 4) ? 0 : 1 + 64 * take_byte(in);
  ttk_contraction *plan = NULL;
  ttk_status       status = ttk_contraction_plan(p->text, count, ndims, shapes, p->dtype, &given, &plan);
  if (status != TTK_OK) {
    if (plan != NULL || (p->is_valid && given.memory_limit == 0)) abort();
    return;
  }
  for (int i = 0; i < p->results; i++) out.shape[i] = p->lengths[p->result[i]];
  lay_out(&out, in, p->dtype);
  ttk_array target = view(&out, p->dtype);
  size_t    size   = ttk_contraction_workspace_size(plan);
  void     *workspace = malloc(size + 1);
  int       wrong     = p->vectors > 0 && take_below(in, 8) == 0;
  if (wrong) p->ids[0][0] = take_below(in, 2) ? -1 : p->vector_limit[0];
  if (wrong && p->lengths[p->vector_axis[0]] > 0) {
    status = ttk_contraction_execute(plan, (size_t)count, arrays, &target, workspace, size);
    if (status != TTK_ERROR_ARGUMENT) abort();
  } else {
    if (ttk_contraction_execute(plan, (size_t)count, arrays, &target, workspace, size) != TTK_OK) abort();
    int64_t index[AXES];
    double  sums[81] = {0}, all = 0;
    for (index[0] = 0; index[0] < p->lengths[0]; index[0]++)
      for (index[1] = 0; index[1] < p->lengths[1]; index[1]++)
        for (index[2] = 0; index[2] < p->lengths[2]; index[2]++)
          for (index[3] = 0; index[3] < p->lengths[3]; index[3]++) {
            int64_t at = out.start;
            for (int i = 0; i < p->results; i++) at += index[p->result[i]] * out.strides[i];
            double value = term(p, index);
            sums[at] += value, all += value;
          }
    /* At most 81 products of eight numbers up to 3: below 2^24, so every order is exact. */
    for (int64_t i = 0; i < out.count; i++)
      if (get(&out, p->dtype, i) != sums[i]) abort();
    for (int64_t i = 0; i < out.count; i++) set(&out, p->dtype, i, 1);
    for (int k = 0; k < p->operands; k++) {
      made[k] = p->all[k];
      lay_out(&made[k], in, p->dtype);
      results[k] = view(&made[k], p->dtype);
    }
    if (ttk_contraction_gradients(plan, (size_t)count, arrays, &target, results) != TTK_OK) abort();
    for (int k = 0; k < p->operands; k++) {
      /* The sum is linear in each operand. */
      double sum = 0;
      int64_t at[MOST_PLACES] = {0};
      for (int64_t i = 0; i < made[k].count; i++) {
        int64_t a = p->all[k].start, b = made[k].start, rest = i;
        for (int j = 0; j < made[k].ndim; j++) {
          at[j] = rest % made[k].shape[j], rest /= made[k].shape[j];
          a += at[j] * p->all[k].strides[j], b += at[j] * made[k].strides[j];
        }
        sum += get(&p->all[k], p->dtype, a) * get(&made[k], p->dtype, b);
      }
      if (sum != all) abort();
      free(made[k].memory);
    }
  }
  free(workspace);
  free(out.memory);
  ttk_contraction_destroy(plan);
}

/* Any text with any shapes: planned and, where it is small, executed. */
static void any_text(input *in) {
  int32_t        ndims[4];
  int64_t        shapes[4][4];
  const int64_t *places[4];
  ttk_array      arrays[4];
  int            count = 1 + take_below(in, 4);
  static double  values[4096];
  int64_t        most = 1;
  for (int k = 0; k < count; k++) {
    int64_t elements = 1;
    ndims[k] = take_below(in, 4) + (take_below(in, 16) == 0);
    for (int i = 0; i < 4; i++) {
      shapes[k][i] = take_int(in);
      if (i < ndims[k] && (shapes[k][i] < 0 || shapes[k][i] > 16)) most = 0;
      if (i < ndims[k]) elements *= shapes[k][i] > 16 ? 16 : shapes[k][i];
    }
    if (elements > 4096) most = 0;
    places[k] = shapes[k];
    arrays[k] = (ttk_array){values, shapes[k], NULL, ndims[k], take_below(in, 8) ? TTK_FLOAT64 : TTK_INT64};
  }
  char text[256];
  size_t length = in->left < 255 ? in->left : 255;
  memcpy(text, in->bytes, length);
  text[length] = 0;
  ttk_contraction *plan = NULL;
  if (ttk_contraction_plan(text, count, ndims, places, TTK_FLOAT64, NULL, &plan) != TTK_OK) {
    if (plan != NULL || ttk_last_error()[0] == 0) abort();
    return;
  }
  size_t  size = ttk_contraction_workspace_size(plan);
  int64_t shape[TTK_MAX_NDIM], elements = 1;
  int32_t ndim;
  (void)ttk_contraction_explain(plan);
  if (most && size < 1 << 22 && ttk_contraction_flops(plan) < 1 << 22 &&
      ttk_contraction_result_shape(plan, &ndim, shape) == TTK_OK) {
    for (int i = 0; i < ndim; i++) elements *= shape[i];
    double   *result    = malloc((size_t)elements * 8 + 8);
    void     *workspace = malloc(size + 1);
    ttk_array out       = {result, shape, NULL, ndim, TTK_FLOAT64};
    ttk_contraction_execute(plan, (size_t)count, arrays, &out, workspace, size);
    free(result);
    free(workspace);
  }
  ttk_contraction_destroy(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  input in = {bytes, count};
  if (take_below(&in, 3) == 0) {
    any_text(&in);
    return 0;
  }
  problem *p = calloc(1, sizeof *p);
  build(p, &in);
  check(p, &in);
  for (int k = 0; k < p->operands; k++) free(p->all[k].memory);
  free(p);
  return 0;
}
