/* The order in which rows of a table are looked up: each id once, those of one part together. */
#include "ttk_kernels.h"

static int64_t id_at(const void *ids, int wide, ptrdiff_t i) {
  return wide ? ((const int64_t *)ids)[i] : ((const int32_t *)ids)[i];
}

ptrdiff_t ttkk_order_ids(const void *ids, int wide, ptrdiff_t count, int64_t place, int64_t parts,
                         int32_t *order, int32_t *first, int32_t *table, int32_t *starts) {
  uint64_t slots = 64;
  while (slots < 2 * (uint64_t)count) slots *= 2;
  for (uint64_t i = 0; i < slots; i++) table[i] = -1;
  for (int64_t p = 0; p <= parts; p++) starts[p] = 0;
  ptrdiff_t unique = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    int64_t  id   = id_at(ids, wide, i);
    uint64_t slot = ((uint64_t)id * 0x9e3779b97f4a7c15u >> 32) & (slots - 1); /* at most half full */
    while (table[slot] >= 0 && id_at(ids, wide, table[slot]) != id) slot = (slot + 1) & (slots - 1);
    if (table[slot] < 0) {
      table[slot] = (int32_t)i;
      starts[(parts > 1 ? id / place % parts : 0) + 1]++;
      unique++;
    }
    first[i] = table[slot];
  }
  for (int64_t p = 0; p < parts; p++) starts[p + 1] += starts[p];
  for (ptrdiff_t i = 0; i < count; i++)
    if (first[i] == i) order[starts[parts > 1 ? id_at(ids, wide, i) / place % parts : 0]++] = (int32_t)i;
  return unique;
}
