/* k-means of numbers: the exact optimum by dynamic programming over bins of sorted values.
 *
 * An optimal cluster of numbers is an interval. With up to EXACT values each distinct value is a bin and
 * the result is the optimum; beyond, a bin holds at most n / EXACT values, is at most range / EXACT wide
 * and stays within one binary exponent; then a few Lloyd steps over the values move the borders.
 * Source: H. Wang, M. Song, Ckmeans.1d.dp, The R Journal 3 (2011); rows of the table by divide and
 * conquer, since the best last border never moves left as values are added: O(k m log m) for m bins.
 * Plain arithmetic in a fixed order: files must not depend on the machine. */
#include <stdint.h>
#include <string.h>

#include "ttk_kernels.h"

#pragma STDC FP_CONTRACT OFF

enum { EXACT = 2048, MOST_BINS = 2 * EXACT + 2 * 256 + 2 };

typedef struct bins {
  ptrdiff_t count;
  double   *weight, *sum, *square; /* prefix sums, counted from the middle bin outwards */
} bins;

/* Squared error of bins i to j - 1 around their mean. */
static double error_of(const bins *b, ptrdiff_t i, ptrdiff_t j) {
  double weight = b->weight[j] - b->weight[i], sum = b->sum[j] - b->sum[i];
  double error = b->square[j] - b->square[i] - sum * sum / weight;
  return error > 0 ? error : 0;
}

static uint32_t exponent_of(float value) {
  uint32_t word;
  memcpy(&word, &value, 4);
  return word >> 23; /* with the sign */
}

/* Values relative to the middle one, and prefix sums that start there: an outlier spoils the sums of
 * its own side only from itself on, and a common offset spoils nothing. */
static void fill_bins(bins *b, ptrdiff_t n, const float *sorted) {
  double    centre = sorted[n / 2];
  float     start  = sorted[0];
  double    widest = ((double)sorted[n - 1] - sorted[0]) / EXACT;
  ptrdiff_t most = (n + EXACT - 1) / EXACT, held = 0, count = 0, middle = 0;
  b->weight[0] = b->sum[0] = b->square[0] = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    float  value = sorted[i];
    double x     = value - centre;
    int    opens = i == 0 || (value != sorted[i - 1] &&
                           (n <= EXACT || held >= most || (double)value - start > widest ||
                            exponent_of(value) != exponent_of(start)));
    if (opens) {
      count++;
      start = value;
      held  = 0;
      b->weight[count] = b->sum[count] = b->square[count] = 0;
    }
    if (i == n / 2) middle = count;
    held++;
    b->weight[count] += 1;
    b->sum[count] += x;
    b->square[count] += x * x;
  }
  b->count = count;
  /* Entry j so far holds bin j - 1. Right of the middle sums grow; left of it they fall. */
  for (ptrdiff_t pass = 0; pass < 3; pass++) {
    double *a = pass == 0 ? b->weight : pass == 1 ? b->sum : b->square;
    double  inner = 0;
    for (ptrdiff_t j = middle; j <= count; j++) a[j] = inner += a[j];
    double outer = 0;
    for (ptrdiff_t j = middle - 1; j >= 0; j--) {
      double here = a[j];
      a[j]        = outer;
      outer -= here;
    }
  }
}

/* One more cluster: now[j] = min over i of before[i] + error(i, j), for j in first..last. */
static void add_cluster(const bins *b, const double *before, double *now, uint16_t *border,
                        ptrdiff_t first, ptrdiff_t last, ptrdiff_t low, ptrdiff_t high) {
  if (first > last) return;
  ptrdiff_t j = first + (last - first) / 2, best = low, end = high < j - 1 ? high : j - 1;
  double    least = before[low] + error_of(b, low, j);
  for (ptrdiff_t i = low + 1; i <= end; i++) {
    double error = before[i] + error_of(b, i, j);
    if (error < least) {
      least = error;
      best  = i;
    }
  }
  now[j]    = least;
  border[j] = (uint16_t)best;
  add_cluster(b, before, now, border, first, j - 1, low, best);
  add_cluster(b, before, now, border, j + 1, last, best, high);
}

/* Lloyd steps over sorted values: borders halfway between centres, centres at means. */
static void refine(ptrdiff_t n, const float *sorted, int32_t k, double *centres) {
  for (int step = 0; step < 4; step++) {
    ptrdiff_t i = 0;
    for (int32_t c = 0; c < k; c++) {
      double    border = c + 1 < k ? (centres[c] + centres[c + 1]) / 2 : 0, sum = 0, old = centres[c];
      ptrdiff_t start  = i;
      for (; i < n && (c + 1 == k || sorted[i] <= border); i++) sum += sorted[i] - old;
      if (i > start) centres[c] = old + sum / (double)(i - start);
    }
  }
}

size_t ttkk_cluster_scratch(int32_t k) {
  return (size_t)(MOST_BINS + 1) * (5 * sizeof(double) + (size_t)k * sizeof(uint16_t));
}

int32_t ttkk_cluster(ptrdiff_t n, const float *sorted, int32_t k, double *centres, void *scratch) {
  double *memory = scratch;
  bins    b      = {0, memory, memory + (MOST_BINS + 1), memory + 2 * (MOST_BINS + 1)};
  double *before = memory + 3 * (MOST_BINS + 1), *now = memory + 4 * (MOST_BINS + 1);
  uint16_t *border = (uint16_t *)(memory + 5 * (MOST_BINS + 1));
  fill_bins(&b, n, sorted);
  ptrdiff_t m = b.count;
  if (k > m) k = (int32_t)m;
  for (ptrdiff_t j = 1; j <= m; j++) before[j] = error_of(&b, 0, j);
  for (int32_t c = 1; c < k; c++) { /* c + 1 clusters need as many bins */
    add_cluster(&b, before, now, border + c * (MOST_BINS + 1), c + 1, m, c, m - 1);
    double *swap = before;
    before       = now;
    now          = swap;
  }
  ptrdiff_t end = m;
  for (int32_t c = k - 1; c >= 0; c--) {
    ptrdiff_t start = c > 0 ? border[c * (MOST_BINS + 1) + end] : 0;
    centres[c] = sorted[n / 2] + (b.sum[end] - b.sum[start]) / (b.weight[end] - b.weight[start]);
    /* A mean lies between its values: exact where they are equal, whatever the sums lost. */
    float least = sorted[(ptrdiff_t)(b.weight[start] - b.weight[0])];
    float most  = sorted[(ptrdiff_t)(b.weight[end] - b.weight[0]) - 1];
    centres[c]  = centres[c] < least ? least : centres[c] > most ? most : centres[c];
    end         = start;
  }
  if (n > EXACT) refine(n, sorted, k, centres);
  return k;
}

/* ---- sorting ---- */

static uint32_t key_of(float value) {
  uint32_t word;
  memcpy(&word, &value, 4);
  return word ^ ((word >> 31) ? 0xffffffffu : 0x80000000u);
}

/* By digits of 11, 11 and 10 bits; few values by insertion. No NaN. */
void ttkk_sort_f32(ptrdiff_t n, float *values, float *scratch) {
  if (n <= 128) {
    for (ptrdiff_t i = 1; i < n; i++) {
      float     value = values[i];
      ptrdiff_t j     = i;
      for (; j > 0 && values[j - 1] > value; j--) values[j] = values[j - 1];
      values[j] = value;
    }
    return;
  }
  float *from = values, *to = scratch;
  for (int shift = 0; shift < 33; shift += 11) {
    ptrdiff_t places[2048] = {0}, sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) places[(key_of(from[i]) >> shift) & 2047]++;
    for (int d = 0; d < 2048; d++) {
      ptrdiff_t count = places[d];
      places[d]     = sum;
      sum += count;
    }
    for (ptrdiff_t i = 0; i < n; i++) to[places[(key_of(from[i]) >> shift) & 2047]++] = from[i];
    float *swap = from;
    from        = to;
    to          = swap;
  }
  memcpy(values, scratch, (size_t)n * sizeof(float)); /* three passes end in scratch */
}

/* ---- codes of a codebook ---- */

/* borders: halfway between neighbours of a rising codebook of 2^bits values. */
void ttkk_encode_codebook(ptrdiff_t n, const float *x, int32_t bits, const float *borders,
                          uint8_t *codes) {
  for (ptrdiff_t i = 0; i < n; i++) {
    int32_t code = 0;
    for (int32_t step = 1 << (bits - 1); step > 0; step >>= 1)
      code += x[i] > borders[code + step - 1] ? step : 0;
    codes[i] = (uint8_t)code;
  }
}

void ttkk_decode_codebook(ptrdiff_t n, const uint8_t *codes, const float *codebook, float *out) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = codebook[codes[i]];
}
