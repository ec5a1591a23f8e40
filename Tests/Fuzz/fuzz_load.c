/* Bytes as a model file: opened or refused, and when opened every weight can be asked for.
 * The first byte says whether checksums are skipped, so that damage reaches what lies behind them. */
#include <ttkit.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "input.h"

static char path[64];

static void remove_file(void) { unlink(path); }

static void write_file(const uint8_t *bytes, size_t count) {
  if (path[0] == 0) {
    snprintf(path, sizeof path, "/tmp/fuzz_load.%ld.safetensors", (long)getpid());
    atexit(remove_file);
  }
  FILE *file = fopen(path, "wb");
  if (file == NULL) abort();
  fwrite(bytes, 1, count, file);
  fclose(file);
}

/* Small layers are run, whatever their size they are described. */
static void use_linear(ttk_linear *layer) {
  int64_t rows = ttk_linear_out_features(layer), columns = ttk_linear_in_features(layer);
  ttk_linear_spec(layer);
  for (int32_t k = 0; k < ttk_linear_core_count(layer); k++) {
    int32_t ndim;
    int64_t shape[TTK_MAX_NDIM];
    if (ttk_linear_core_shape(layer, k, &ndim, shape) != TTK_OK) abort();
  }
  if (rows < 64 && columns < 64) {
    static double x[64], y[64];
    ttk_linear_plan *plan = NULL;
    if (ttk_linear_prepare(layer, NULL, &plan) == TTK_OK) {
      size_t size      = ttk_linear_plan_workspace_size(plan);
      void  *workspace = malloc(size + 1);
      if (ttk_linear_execute(plan, x, 1, y, workspace, size) != TTK_OK) abort();
      free(workspace);
    }
    ttk_linear_plan_destroy(plan);
  }
  ttk_linear_destroy(layer);
}

static void use_model(const ttk_model *model) {
  ttk_model_nbytes(model);
  for (int64_t i = 0; i < ttk_model_count(model); i++) {
    const char       *name   = ttk_model_name(model, i);
    ttk_weight_report report = {0};
    report.struct_size       = sizeof report;
    if (name == NULL) abort();
    ttk_model_report(model, i, &report);
    ttk_linear    *layer = NULL;
    ttk_embedding *table = NULL;
    ttk_array      tensor;
    if (ttk_model_linear(model, name, &layer) == TTK_OK) use_linear(layer);
    ttk_model_embedding(model, name, &table);
    ttk_embedding_destroy(table);
    if (ttk_model_tensor(model, name, &tensor) == TTK_OK && tensor.ndim > 0) {
      int64_t count = 1;
      for (int32_t a = 0; a < tensor.ndim; a++) count *= tensor.shape[a];
      if (count > 0) { /* both ends are there to be read */
        volatile char first = ((const char *)tensor.data)[0];
        volatile char last  = ((const char *)tensor.data)[(size_t)count * ttk_dtype_size(tensor.dtype) - 1];
        (void)first;
        (void)last;
      }
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  if (count == 0) return 0;
  write_file(bytes + 1, count - 1);
  ttk_model *model = NULL;
  if (ttk_model_open(path, bytes[0] % 2, &model) == TTK_OK) {
    use_model(model);
  } else if (model != NULL || ttk_last_error()[0] == 0) {
    abort();
  }
  ttk_model_destroy(model);
  return 0;
}
