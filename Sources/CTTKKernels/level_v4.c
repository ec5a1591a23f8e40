/* Level v4: x86-64-v4, that is AVX-512 F, BW, CD, DQ, VL. */
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#include "half.h"
#define LEVEL v4
#define NAME_STRING "v4"
#define VECTOR_BYTES 64
#define TILE_HEIGHT 12
#include "level.inc"
#pragma clang attribute pop
#endif
