/* Transforms of level base. Without fused operations: the same bits at every level. Where better levels
 * exist this one is made small: few CPUs still need it. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ttk_kernels.h"

#pragma STDC FP_CONTRACT OFF
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#endif
#define LEVEL base
#include "transforms.inc"
#if defined(__x86_64__)
#pragma clang attribute pop
#endif
