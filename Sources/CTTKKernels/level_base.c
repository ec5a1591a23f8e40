/* Level base: what every CPU of the architecture has. */
#include "half.h"
#define LEVEL base
#define NAME_STRING "base"
#define VECTOR_BYTES 16
#define TILE_HEIGHT 6
#include "level.inc"
