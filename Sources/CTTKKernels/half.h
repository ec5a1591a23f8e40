/* float16 <-> float32 without instructions for it: exact one way, round to nearest even the other. */
#ifndef TTK_HALF_H
#define TTK_HALF_H

#include <stdint.h>
#include <string.h>

static inline float ttkk_bits_to_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static inline uint32_t ttkk_float_to_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

/* The exponent moves by 112. A subnormal m * 2^-24 is (1 + m/1024) * 2^-14 less 2^-14: exact, and right
 * also in a process that flushes subnormal floats to zero, as some libraries make their host do. */
static inline float ttkk_half_to_float(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = (uint32_t)(h & 0x7fff) << 13;
  float    subnormal = ttkk_bits_to_float(rest + 0x38800000u) - 0x1p-14f;
  uint32_t bits = rest >= 0x0f800000u  ? rest | 0x7f800000u /* infinity, NaN */
                  : rest >= 0x00800000u ? rest + 0x38000000u
                                        : ttkk_float_to_bits(subnormal);
  return ttkk_bits_to_float(bits | sign);
}

static inline uint16_t ttkk_float_to_half(float value) {
  uint32_t bits = ttkk_float_to_bits(value), sign = (bits >> 16) & 0x8000, rest = bits & 0x7fffffff;
  uint32_t half;
  if (rest > 0x7f800000u) { /* NaN, made quiet */
    half = 0x7e00u | ((rest >> 13) & 0x3ff);
  } else if (rest >= 0x477ff000u) { /* at or above 65520: rounds to infinity */
    half = 0x7c00;
  } else if (rest < 0x38800000u) { /* subnormal half: let the adder round at 2^-24 */
    half = ttkk_float_to_bits(ttkk_bits_to_float(rest) + 0.5f) - 0x3f000000u;
  } else {
    half = (rest - 0x38000000u + 0xfffu + ((rest >> 13) & 1)) >> 13;
  }
  return (uint16_t)(half | sign);
}

#endif
