/* Level v4: x86-64-v4, that is AVX-512 F, BW, CD, DQ, VL. Without no-prefer-256-bit the compiler
 * splits every 64-byte vector in two, and the accumulators no longer fit the registers. */
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,no-prefer-256-bit"))), apply_to = function)
#include "half.h"
#define LEVEL v4
#define NAME_STRING "v4"
#define VECTOR_BYTES 64
#define TILE_HEIGHT 12
#include "level.inc"
#pragma clang attribute pop
#endif
