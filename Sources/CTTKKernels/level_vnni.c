/* Level vnni: level v4 on CPUs that also multiply bytes and add them up in 32 bits (AVX-512 VNNI). */
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4,avx512vnni,no-prefer-256-bit"))), apply_to = function)
#include "half.h"
#define LEVEL vnni
#define NAME_STRING "vnni"
#define VECTOR_BYTES 64
#define TILE_HEIGHT 12
#define DOT_VNNI
#include "level.inc"
#pragma clang attribute pop
#endif
