/* Level v3: x86-64-v3, that is AVX2, FMA and F16C. */
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#include "half.h"
#define LEVEL v3
#define NAME_STRING "v3"
#define VECTOR_BYTES 32
#define TILE_HEIGHT 6
#include "level.inc"
#pragma clang attribute pop
#endif
