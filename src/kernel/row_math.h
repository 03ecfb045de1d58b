/* SPDX-License-Identifier: MIT
 *
 * exp, sigmoid and erf of float32: one definition for all instruction sets,
 * without a branch or a table, for the compiler to vectorise.  What is contracted
 * is so by name, so every machine gives the same bits: one without fused
 * multiply-adds by a slow function.
 *
 * Errors against the exact value, over all float32 arguments (test_row_kernel.c):
 *
 *     vit_exp2      1 ulp   for x <= 0; 2^-100 below -100
 *     vit_exp       1 ulp   for x <= 0; 0 below -87.33654
 *     vit_erf       2 ulp
 *     vit_sigmoid   3 ulp   for x >= -80
 *
 * Polynomials: of exp that of Cephes (S. Moshier, expf.c), of 2^x one fitted here,
 * the error 2e-9, of erf the two of N. Juffa (stackoverflow.com/questions/35148198).
 */
#pragma once

#include <stdint.h>
#include <string.h>

static inline int32_t
vit_bits_of (float x)
{
  int32_t bits;

  memcpy (&bits, &x, sizeof bits);
  return bits;
}

static inline float
vit_float_of (int32_t bits)
{
  float x;

  memcpy (&x, &bits, sizeof x);
  return x;
}

#define FMA(a, b, c) __builtin_fmaf (a, b, c)

/* Added to a float of magnitude below 2^22 it leaves the nearest integer in the
 * lowest bits. */
#define VIT_ROUND 12582912.0f

/* p 2^n, which is normal, where `rounded` is VIT_ROUND + n: the exponent goes up
 * by n. */
static inline float
vit_scale (float p, float rounded)
{
  return vit_float_of ((int32_t) ((uint32_t) vit_bits_of (p)
                                  + ((uint32_t) vit_bits_of (rounded) << 23)));
}

/* 2^x, x <= 0, but no less than 2^-100: of a softmax that is nothing, and what is
 * less would make denormal products. */
static inline float
vit_exp2 (float x)
{
  float z = x > -100.0f ? x : -100.0f;
  float rounded = z + VIT_ROUND;
  float f = z - (rounded - VIT_ROUND);
  float p = 1.51966931e-4f;

  p = FMA (p, f, 1.33913045e-3f);
  p = FMA (p, f, 9.61900223e-3f);
  p = FMA (p, f, 5.55035882e-2f);
  p = FMA (p, f, 2.40226433e-1f);
  p = FMA (p, f, 6.93147182e-1f);
  return vit_scale (FMA (p, f, 1.0f), rounded);
}

/* e^x, x <= 0. */
static inline float
vit_exp (float x)
{
  float z = x > -87.33654f ? x : -87.33654f;
  float rounded = FMA (z, 1.44269502f, VIT_ROUND);
  float n = rounded - VIT_ROUND;
  float r = FMA (n, 2.12194440e-4f, FMA (n, -0.693359375f, z));
  float p = 1.9875691500e-4f, value;

  p = FMA (p, r, 1.3981999507e-3f);
  p = FMA (p, r, 8.3334519073e-3f);
  p = FMA (p, r, 4.1665795894e-2f);
  p = FMA (p, r, 1.6666665459e-1f);
  p = FMA (p, r, 5.0000001201e-1f);
  value = vit_scale (FMA (p, r * r, r) + 1.0f, rounded);
  return x < -87.33654f ? 0.0f : value;
}

/* 1 / (1 + e^-x): both tails to their last bits. */
static inline float
vit_sigmoid (float x)
{
  float e = vit_exp (x < 0.0f ? x : -x);

  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* log (1 - erf (t)) for t > 0.92. */
static inline float
vit_log_erfc (float t)
{
  float s = t * t;
  float r = FMA (-1.72853470e-5f, t, 3.83197126e-4f);
  float u = FMA (-3.88396438e-3f, t, 2.42546219e-2f);

  r = FMA (r, s, u);
  r = FMA (r, t, -1.06777877e-1f);
  r = FMA (r, t, -6.34846687e-1f);
  r = FMA (r, t, -1.28717512e-1f);
  return FMA (r, t, -t);
}

/* erf (x) for |x| < 0.93. */
static inline float
vit_erf_near (float x)
{
  float s = x * x, r = -5.96761703e-4f;

  r = FMA (r, s, 4.99119423e-3f);
  r = FMA (r, s, -2.67681349e-2f);
  r = FMA (r, s, 1.12819925e-1f);
  r = FMA (r, s, -3.76125336e-1f);
  r = FMA (r, s, 1.28379166e-1f);
  return FMA (r, x, x);
}

/* Above this the argument's function is 1 to the last bit. */
#define VIT_ERF_LIMIT 10.0f
#define VIT_ERF_NEAR 0.927734375f

static inline float
vit_erf (float x)
{
  float t = x < 0.0f ? -x : x;
  float far;

  t = t < VIT_ERF_LIMIT ? t : VIT_ERF_LIMIT;
  far = 1.0f - vit_exp (vit_log_erfc (t));
  far = x < 0.0f ? -far : far;
  return t > VIT_ERF_NEAR ? far : vit_erf_near (x);
}

/* x Phi (x), Phi the normal distribution's; the lower tail without the loss that
 * 1 + erf has. */
static inline float
vit_gelu (float x)
{
  float z = x * 0.707106769f;
  float t = z < 0.0f ? -z : z;
  float tail, phi;

  t = t < VIT_ERF_LIMIT ? t : VIT_ERF_LIMIT;
  tail = 0.5f * vit_exp (vit_log_erfc (t));
  phi = x < 0.0f ? tail : 1.0f - tail;
  return x * (t > VIT_ERF_NEAR ? phi : FMA (0.5f, vit_erf_near (z), 0.5f));
}

/* x (1 + tanh (u)) / 2 = x sigmoid (2 u). */
static inline float
vit_gelu_tanh (float x)
{
  return x * vit_sigmoid (1.59576912f * FMA (0.044715f, x * x * x, x));
}

static inline float
vit_quick_gelu (float x)
{
  return x * vit_sigmoid (1.702f * x);
}

static inline float
vit_silu (float x)
{
  return x * vit_sigmoid (x);
}

#undef FMA
