/* Transforms of level v3 and above. Without fused operations: the same bits at every level. */
#if defined(__x86_64__)
#include <float.h>
#include <math.h>
#include <string.h>

#include "ttk_kernels.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define LEVEL v3
#include "transforms.inc"
#pragma clang attribute pop
#endif
