/* Choosing the entries of a sparse matrix. */
#include <string.h>

#include "ttk_kernels.h"

/* The bits of floats that are not negative rise as they do: three digits of them, from the top. */
float ttkk_kth_largest(ptrdiff_t n, const float *x, ptrdiff_t k, ptrdiff_t *above) {
  enum { DIGIT = 11, VALUES = 1 << DIGIT };
  static const int shifts[] = {21, 10, 0};
  uint32_t         found = 0, known = 0;
  ptrdiff_t        larger = 0;
  for (int pass = 0; pass < 3; pass++) {
    uint32_t  mask = (pass < 2 ? VALUES : 1 << 10) - 1;
    ptrdiff_t counts[VALUES] = {0};
    for (ptrdiff_t i = 0; i < n; i++) {
      uint32_t bits;
      memcpy(&bits, x + i, sizeof bits);
      if ((bits & known) == found) counts[bits >> shifts[pass] & mask]++;
    }
    uint32_t digit = mask;
    while (digit > 0 && larger + counts[digit] < k) larger += counts[digit--];
    found |= digit << shifts[pass];
    known |= mask << shifts[pass];
  }
  *above = larger;
  float value;
  memcpy(&value, &found, sizeof value);
  return value;
}
