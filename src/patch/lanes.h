/* SPDX-License-Identifier: MIT
 *
 * Eight 16-bit numbers at once, with what every machine of an architecture has
 * (SSE2, Advanced SIMD), or in C.  The compilers' own vectors add, shift and
 * compare; here is what they cannot be asked for.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define VIT_LANES 8

typedef int16_t VitLanes __attribute__ ((vector_size (2 * VIT_LANES)));
typedef uint16_t VitUnsignedLanes __attribute__ ((vector_size (2 * VIT_LANES)));
typedef uint32_t VitWideLanes __attribute__ ((vector_size (2 * VIT_LANES)));

static inline VitLanes
vit_lanes_all (int16_t value)
{
  return value - (VitLanes){ 0 };
}

static inline VitLanes
vit_lanes_load (const void *words)
{
  VitLanes lanes;

  memcpy (&lanes, words, sizeof lanes);
  return lanes;
}

static inline void
vit_lanes_store (int16_t *words, VitLanes lanes)
{
  memcpy (words, &lanes, sizeof lanes);
}

/* Each lane two times, one after the other. */
static inline void
vit_lanes_store_twice (int16_t *words, VitLanes lanes)
{
#if defined(__SSE2__)
  vit_lanes_store (
      words, (VitLanes) _mm_unpacklo_epi16 ((__m128i) lanes, (__m128i) lanes));
  vit_lanes_store (words + VIT_LANES,
      (VitLanes) _mm_unpackhi_epi16 ((__m128i) lanes, (__m128i) lanes));
#elif defined(__ARM_NEON)
  int16x8x2_t both = vzipq_s16 ((int16x8_t) lanes, (int16x8_t) lanes);

  vit_lanes_store (words, (VitLanes) both.val[0]);
  vit_lanes_store (words + VIT_LANES, (VitLanes) both.val[1]);
#else
  for (int i = 0; i < VIT_LANES; i++)
    words[2 * i] = words[2 * i + 1] = lanes[i];
#endif
}

/* Of eight bytes. */
static inline VitLanes
vit_lanes_widen (const uint8_t *bytes)
{
#if defined(__SSE2__)
  return (VitLanes) _mm_unpacklo_epi8 (
      _mm_loadl_epi64 ((const __m128i *) bytes), _mm_setzero_si128 ());
#elif defined(__ARM_NEON)
  return (VitLanes) vmovl_u8 (vld1_u8 (bytes));
#else
  VitLanes lanes;

  for (int i = 0; i < VIT_LANES; i++)
    lanes[i] = bytes[i];
  return lanes;
#endif
}

static inline VitLanes
vit_lanes_shift_right (VitLanes a, unsigned n_bits)
{
  return (VitLanes) ((VitUnsignedLanes) a >> (uint16_t) n_bits);
}

static inline VitLanes
vit_lanes_min (VitLanes a, VitLanes b)
{
#if defined(__SSE2__)
  return (VitLanes) _mm_min_epi16 ((__m128i) a, (__m128i) b);
#elif defined(__ARM_NEON)
  return (VitLanes) vminq_s16 ((int16x8_t) a, (int16x8_t) b);
#else
  VitLanes is_less = a < b;

  return (a & is_less) | (b & ~is_less);
#endif
}

static inline VitLanes
vit_lanes_max (VitLanes a, VitLanes b)
{
#if defined(__SSE2__)
  return (VitLanes) _mm_max_epi16 ((__m128i) a, (__m128i) b);
#elif defined(__ARM_NEON)
  return (VitLanes) vmaxq_s16 ((int16x8_t) a, (int16x8_t) b);
#else
  VitLanes is_more = a > b;

  return (a & is_more) | (b & ~is_more);
#endif
}

/* (a * b) >> 16, rounded down. */
static inline VitLanes
vit_lanes_high_half (VitLanes a, VitLanes b)
{
#if defined(__SSE2__)
  return (VitLanes) _mm_mulhi_epi16 ((__m128i) a, (__m128i) b);
#elif defined(__ARM_NEON)
  int32x4_t low
      = vmull_s16 (vget_low_s16 ((int16x8_t) a), vget_low_s16 ((int16x8_t) b));
  int32x4_t high = vmull_s16 (
      vget_high_s16 ((int16x8_t) a), vget_high_s16 ((int16x8_t) b));

  return (VitLanes) vcombine_s16 (
      vshrn_n_s32 (low, 16), vshrn_n_s32 (high, 16));
#else
  VitLanes lanes;

  for (int i = 0; i < VIT_LANES; i++)
    lanes[i] = (int16_t) ((a[i] * b[i]) >> 16);
  return lanes;
#endif
}

/* Lanes 0, 2, 4, ... of 16 numbers, none of them negative. */
static inline VitLanes
vit_lanes_even (VitLanes a, VitLanes b)
{
#if defined(__SSE2__)
  return (VitLanes) _mm_packs_epi32 ((__m128i) ((VitWideLanes) a & 0xffff),
      (__m128i) ((VitWideLanes) b & 0xffff));
#else
  VitLanes lanes;

  for (int i = 0; i < VIT_LANES; i++)
    lanes[i] = i < VIT_LANES / 2 ? a[2 * i] : b[2 * i - VIT_LANES];
  return lanes;
#endif
}

/* Lanes 1, 3, 5, ... likewise. */
static inline VitLanes
vit_lanes_odd (VitLanes a, VitLanes b)
{
  return vit_lanes_even (
      (VitLanes) ((VitWideLanes) a >> 16), (VitLanes) ((VitWideLanes) b >> 16));
}
