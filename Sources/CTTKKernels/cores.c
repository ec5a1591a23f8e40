/* How many CPUs this process may use: its affinity mask, not the machine's count. */
#define _GNU_SOURCE
#include <sched.h>

#include "ttk_kernels.h"

int32_t ttkk_usable_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? count : 1;
}
