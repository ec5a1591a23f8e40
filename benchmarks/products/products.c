/* Products of activations and a packed weight, made of our tiles, beside OpenBLAS in the same run.
 *
 * One thread. y (n, out) = x (n, in) W^T: W packed once, as a layer is; x packed within the time. Runs of
 * both alternate; medians and quartiles in Gflop/s. usage: products [level] [--json] */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ttk_kernels.h"

void openblas_set_num_threads(int);

enum { RUNS = 21, DEPTH = 384 };

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

#define PRODUCT(T, S, GEMM)                                                                       \
  static void ours_##S(const ttkk_kernels *level, int n, int out, int in, const T *x,             \
                       const T *panels, T *y, T *packed) {                                        \
    int height = (int)level->height_##S, width = (int)level->width_##S;                           \
    for (int k = 0; k < in; k += DEPTH) {                                                         \
      int depth = in - k < DEPTH ? in - k : DEPTH;                                                \
      for (int r = 0; r < n; r += height) {                                                       \
        int rows = n - r < height ? n - r : height;                                               \
        for (int i = 0; i < depth; i++)                                                           \
          for (int q = 0; q < rows; q++)                                                          \
            packed[(size_t)r * depth + i * rows + q] = x[(size_t)(r + q) * in + k + i];           \
      }                                                                                           \
      for (int p = 0; p < out; p += width)                                                        \
        for (int r = 0; r < n; r += height) {                                                     \
          int rows = n - r < height ? n - r : height;                                             \
          level->tile_##S(rows, depth, packed + (size_t)r * depth, 1, rows,                       \
                          panels + (size_t)p * in + (size_t)k * width, y + (size_t)r * out + p,   \
                          out, out - p < width ? out - p : width, NULL, k > 0);                   \
        }                                                                                         \
    }                                                                                             \
  }                                                                                               \
                                                                                                  \
  static void measure_##S(const ttkk_kernels *level, int n, int out, int in, int json) {          \
    int    width  = (int)level->width_##S;                                                        \
    size_t padded = (size_t)(out + width - 1) / (size_t)width * (size_t)width;                    \
    T *w = malloc(sizeof(T) * (size_t)out * in), *panels = ttkk_allocate(sizeof(T) * padded * in, 1); \
    T *x = malloc(sizeof(T) * (size_t)n * in), *packed = malloc(sizeof(T) * (size_t)n * in);      \
    T *y = malloc(sizeof(T) * (size_t)n * out), *z = malloc(sizeof(T) * (size_t)n * out);         \
    for (size_t i = 0; i < (size_t)out * in; i++) w[i] = (T)(rand() % 1000) / 1000 - (T)0.5;      \
    for (size_t i = 0; i < (size_t)n * in; i++) x[i] = (T)(rand() % 1000) / 1000 - (T)0.5;        \
    for (int o = 0; o < out; o++)                                                                 \
      for (int i = 0; i < in; i++)                                                                \
        panels[(size_t)(o / width * width) * in + (size_t)i * width + o % width] =                \
            w[(size_t)o * in + i];                                                                \
    double flops = 2.0 * n * out * in, blas[RUNS], own[RUNS], error = 0;                          \
    int    inner = flops < 2e7 ? (int)(2e7 / flops) + 1 : 1;                                      \
    for (int run = 0; run < RUNS; run++) {                                                        \
      double start = seconds();                                                                   \
      for (int q = 0; q < inner; q++)                                                             \
        GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, n, out, in, 1, x, in, w, in, 0, z, out);    \
      blas[run] = (seconds() - start) / inner;                                                    \
      start     = seconds();                                                                      \
      for (int q = 0; q < inner; q++) ours_##S(level, n, out, in, x, panels, y, packed);          \
      own[run] = (seconds() - start) / inner;                                                     \
    }                                                                                             \
    for (size_t i = 0; i < (size_t)n * out; i++) error = fmax(error, fabs((double)(y[i] - z[i]))); \
    qsort(blas, RUNS, sizeof *blas, ascending);                                                   \
    qsort(own, RUNS, sizeof *own, ascending);                                                     \
    double unit = flops * 1e-9;                                                                   \
    printf(json ? "{\"dtype\": \"" #S "\", \"level\": \"%s\", \"out\": %d, \"in\": %d, \"rows\": %d, " \
                  "\"ours\": %.1f, \"ours_quartiles\": [%.1f, %.1f], \"openblas\": %.1f, "        \
                  "\"openblas_quartiles\": [%.1f, %.1f], \"ratio\": %.3f, \"difference\": %.1e}\n" \
                : #S " %-4s %4d x %4d, %3d rows: ours %6.1f (%6.1f to %6.1f), OpenBLAS %6.1f "    \
                  "(%6.1f to %6.1f) Gflop/s, ratio %.2f, difference %.1e\n",                      \
           level->name, out, in, n, unit / own[RUNS / 2], unit / own[3 * RUNS / 4],               \
           unit / own[RUNS / 4], unit / blas[RUNS / 2], unit / blas[3 * RUNS / 4],                \
           unit / blas[RUNS / 4], blas[RUNS / 2] / own[RUNS / 2], error);                         \
    free(w), ttkk_free(panels), free(x), free(packed), free(y), free(z);                          \
  }
PRODUCT(float, f32, cblas_sgemm)
PRODUCT(double, f64, cblas_dgemm)

int main(int count, char **arguments) {
  static const int rows[]      = {1, 2, 4, 8, 12, 16, 64, 512};
  static const int shapes[][2] = {{384, 1536}, {1536, 384}, {4096, 4096}};
  const ttkk_kernels *level = ttkk_active();
  int                 json  = 0;
  for (int i = 1; i < count; i++) {
    if (strcmp(arguments[i], "--json") == 0) json = 1;
    else if ((level = ttkk_level(arguments[i])) == NULL) return fputs("no such level here\n", stderr), 2;
  }
  openblas_set_num_threads(1);
  for (int s = 0; s < 3; s++)
    for (int i = 0; i < 8; i++) {
      measure_f32(level, rows[i], shapes[s][0], shapes[s][1], json);
      if (s < 2) measure_f64(level, rows[i], shapes[s][0], shapes[s][1], json);
    }
  return 0;
}
