/* Transforms of level base. Without fused operations: the same bits at every level. */
#include <float.h>

#include "ttk_kernels.h"

#pragma STDC FP_CONTRACT OFF
#define LEVEL base
#include "transforms.inc"
