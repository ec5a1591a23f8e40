/* Level base: what every CPU of the architecture has. */
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "half.h"
#define LEVEL base
#define NAME_STRING "base"
#define VECTOR_BYTES 16
#define TILE_HEIGHT 6
#define TRANSFORM_LEVEL base
#include "level.inc"
