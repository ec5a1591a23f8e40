/* Bytes as a small tensor: decomposed, saved, loaded and compared; the error is what was asked for, the
 * loaded train is the saved one bit for bit, and saving it again gives the same file. */
#include <ttkit.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "input.h"

enum { MOST = 512 };

static char paths[2][64];

static void remove_files(void) {
  unlink(paths[0]);
  unlink(paths[1]);
}

static size_t read_file(const char *path, char *bytes, size_t most) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) abort();
  size_t count = fread(bytes, 1, most, file);
  fclose(file);
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  if (paths[0][0] == 0) {
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* saving waits for disks */
    for (int i = 0; i < 2; i++)
      snprintf(paths[i], sizeof paths[i], "%s/fuzz_round_trip.%ld.%d", folder, (long)getpid(), i);
    atexit(remove_files);
  }
  input         in = {bytes, count};
  static double values[MOST], back[MOST], again[MOST];
  int64_t       shape[6], total = 1;
  int           ndim = 1 + take_below(&in, 6);
  for (int i = 0; i < ndim; i++) {
    shape[i] = 1 + take_below(&in, 5);
    if (total * shape[i] <= MOST) total *= shape[i]; else shape[i] = 1;
  }
  ttk_svd_options options = {0};
  options.struct_size     = sizeof options;
  options.rtol            = take_below(&in, 8) / 16.0;
  double most = 0;
  int    finite = 1;
  for (int i = 0; i < total; i++) {
    values[i] = take_real(&in);
    finite &= isfinite(values[i]) != 0;
    most = fmax(most, fabs(values[i]));
  }
  const ttk_array array = {values, shape, NULL, ndim, TTK_FLOAT64};
  ttk_train      *train = NULL, *loaded = NULL;
  ttk_status      status = ttk_svd(&array, &options, &train);
  if (!finite) {
    if (status != TTK_ERROR_NONFINITE || train != NULL) abort();
    return 0;
  }
  if (status != TTK_OK) abort();

  ttk_array out = {back, shape, NULL, ndim, TTK_FLOAT64}, out_again = out;
  out_again.data = again;
  if (ttk_train_to_array(train, &out) != TTK_OK) abort();
  double error = 0, norm = 0;
  for (int i = 0; i < total && most > 0; i++) {
    double x = values[i] / most, d = back[i] / most - x;
    norm += x * x;
    error += d * d;
  }
  if (sqrt(error) > (options.rtol + 1e-13) * sqrt(norm) * (1 + 1e-12)) abort();

  if (ttk_train_save(train, paths[0]) != TTK_OK) abort();
  if (ttk_train_load(paths[0], &loaded) != TTK_OK) abort();
  if (ttk_train_to_array(loaded, &out_again) != TTK_OK) abort();
  if (memcmp(back, again, (size_t)total * sizeof(double)) != 0) abort();
  if (ttk_train_save(loaded, paths[1]) != TTK_OK) abort();
  static char first[1 << 16], second[1 << 16];
  size_t size = read_file(paths[0], first, sizeof first);
  if (size != read_file(paths[1], second, sizeof second) || memcmp(first, second, size) != 0) abort();
  ttk_train_destroy(train);
  ttk_train_destroy(loaded);
  return 0;
}
