/* Aligned memory that may run out, with fault injection and counters in debug builds. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "ttk_kernels.h"

#ifdef TTK_FAULTS
static _Atomic ptrdiff_t countdown; /* 0: no fault planned */
static _Atomic int     fail_forever;
static _Atomic ptrdiff_t live;
static _Atomic ptrdiff_t made;

static int must_fail(void) {
  if (atomic_load(&countdown) == 0) return 0;
  ptrdiff_t left = atomic_fetch_sub(&countdown, 1) - 1;
  if (left > 0) return 0;
  if (atomic_load(&fail_forever)) {
    atomic_store(&countdown, 1);
    return 1;
  }
  return left == 0;
}
#endif

void ttkk_fail_allocation(ptrdiff_t n, int forever) {
#ifdef TTK_FAULTS
  atomic_store(&fail_forever, forever);
  atomic_store(&countdown, n);
#else
  (void)n;
  (void)forever;
#endif
}

ptrdiff_t ttkk_live_blocks(void) {
#ifdef TTK_FAULTS
  return atomic_load(&live);
#else
  return 0;
#endif
}

ptrdiff_t ttkk_allocation_count(void) {
#ifdef TTK_FAULTS
  return atomic_load(&made);
#else
  return 0;
#endif
}

/* From here on memory asks for huge pages: fewer address lookups, a sixth faster where it is streamed. */
#define LARGE ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

#ifdef TTK_FAULTS
/* With TTK_GUARD_PAGES set every block ends at a page nobody may touch: reading past the end is found even in
   code that no sanitizer has seen, such as BLAS. The mapping's start and length stand before the block. */
typedef struct {
  void  *start;
  size_t length;
} mapping_t;

static int guarded(void) {
  static _Atomic int answer; /* 0: not asked yet */
  int known = atomic_load(&answer);
  if (known == 0) atomic_store(&answer, known = getenv("TTK_GUARD_PAGES") != NULL ? 1 : -1);
  return known > 0;
}

static void *reserve_guarded(size_t bytes) {
  const size_t page = 4096;
  size_t body = (bytes + 64 + page - 1) / page * page;
  char *start = mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return NULL;
  if (mprotect(start + body, page, PROT_NONE) != 0) {
    munmap(start, body + page);
    return NULL;
  }
  char *memory = start + body - bytes;
  *(mapping_t *)(memory - 64) = (mapping_t){start, body + page};
  return memory;
}
#endif

static void *reserve(size_t bytes) {
  void *memory = NULL;
#ifdef TTK_FAULTS
  if (guarded()) return reserve_guarded(bytes);
#endif
  if (bytes < LARGE) return posix_memalign(&memory, 64, bytes) == 0 ? memory : NULL;
  if (posix_memalign(&memory, HUGE_PAGE, bytes) != 0) return NULL;
#ifdef MADV_HUGEPAGE
  /* A wish: what the system answers does not matter. Whole pages only, so that no more memory is used. */
  (void)madvise(memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
  return memory;
}

void *ttkk_allocate(size_t bytes, int zeroed) {
#ifdef TTK_FAULTS
  if (must_fail()) return NULL;
#endif
  if (bytes > PTRDIFF_MAX - 64) return NULL;
  size_t rounded = bytes == 0 ? 64 : (bytes + 63) / 64 * 64;
  void *memory = reserve(rounded);
  if (memory == NULL) return NULL;
  if (zeroed) memset(memory, 0, rounded);
#ifdef TTK_FAULTS
  atomic_fetch_add(&live, 1);
  atomic_fetch_add(&made, 1);
#endif
  return memory;
}

void ttkk_free(void *memory) {
#ifdef TTK_FAULTS
  if (memory != NULL) atomic_fetch_sub(&live, 1);
  if (memory != NULL && guarded()) {
    mapping_t mapping = *(mapping_t *)((char *)memory - 64);
    munmap(mapping.start, mapping.length);
    return;
  }
#endif
  free(memory);
}
