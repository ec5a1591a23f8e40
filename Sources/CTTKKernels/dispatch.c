/* Chooses the kernel table once: the best level of this CPU, lowered by TTK_ISA. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ttk_kernels.h"

extern const ttkk_kernels ttkk_kernels_base;
#if defined(__x86_64__)
extern const ttkk_kernels ttkk_kernels_v3, ttkk_kernels_v4, ttkk_kernels_vnni;
#endif

const ttkk_kernels *ttkk_level(const char *name) {
  if (strcmp(name, "base") == 0) return &ttkk_kernels_base;
#if defined(__x86_64__)
  if (strcmp(name, "v3") == 0 && __builtin_cpu_supports("x86-64-v3")) return &ttkk_kernels_v3;
  if (strcmp(name, "v4") == 0 && __builtin_cpu_supports("x86-64-v4")) return &ttkk_kernels_v4;
  if (strcmp(name, "vnni") == 0 && __builtin_cpu_supports("x86-64-v4") &&
      __builtin_cpu_supports("avx512vnni"))
    return &ttkk_kernels_vnni;
#endif
  return NULL;
}

const ttkk_kernels *ttkk_active(void) {
  static const ttkk_kernels *_Atomic chosen;
  const ttkk_kernels *kernels = atomic_load_explicit(&chosen, memory_order_acquire);
  if (kernels != NULL) return kernels;
  static const char *const levels[] = {"vnni", "v4", "v3", "base"};
  const char *wanted = getenv("TTK_ISA"); /* an unknown name means: no wish */
  if (wanted != NULL) kernels = ttkk_level(wanted);
  for (int i = 0; kernels == NULL && i < 4; i++) kernels = ttkk_level(levels[i]);
  atomic_store_explicit(&chosen, kernels, memory_order_release);
  return kernels;
}
