/* Bytes as a spec string: any text gives a layer or a polite refusal, and a layer's own spec, given
 * again, gives a layer of the same spec. */
#include <ttkit.h>

#include <stdlib.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  char *spec = malloc(count + 1);
  memcpy(spec, bytes, count);
  spec[count] = 0;
  float weight[8 * 12];
  for (int i = 0; i < 96; i++) weight[i] = (float)((i * 37) % 29) - 14;
  const int64_t   shape[] = {8, 12};
  const ttk_array view    = {weight, shape, NULL, 2, TTK_FLOAT32};
  ttk_linear     *layer = NULL, *again = NULL;
  if (ttk_linear_fit(&view, spec, NULL, NULL, &layer) == TTK_OK) {
    const char *own = ttk_linear_spec(layer);
    if (ttk_linear_fit(&view, own, NULL, NULL, &again) != TTK_OK) abort();
    if (strcmp(own, ttk_linear_spec(again)) != 0) abort();
    if (!(ttk_linear_error(layer) >= 0)) abort();
  } else if (layer != NULL || ttk_last_error()[0] == 0) {
    abort();
  }
  ttk_linear_destroy(layer);
  ttk_linear_destroy(again);
  ttk_embedding *table = NULL;
  if (ttk_embedding_fit(&view, spec, NULL, &table) != TTK_OK && table != NULL) abort();
  ttk_embedding_destroy(table);
  free(spec);
  return 0;
}
