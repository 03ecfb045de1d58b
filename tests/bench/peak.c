/* SPDX-License-Identifier: MIT */
#include "peak.h"

#include <glib.h>

#include "kernel.h"

#define CHAINS 12 /* enough to hide a fused multiply-add's latency */
#define ROUNDS 4000000

/* The body of every variant: CHAINS independent sums, kept in registers;
 * `multiply_add` adds x * y to sum[i]. */
#define SPIN(type, multiply_add)                                               \
  do {                                                                         \
    type sum[CHAINS] = { { 0 } }, x = { 1.0f }, y = { 1e-9f };                 \
                                                                               \
    for (guint round = 0; round < ROUNDS; round++) {                           \
      _Pragma ("GCC unroll 12") for (guint i = 0; i < CHAINS; i++)             \
        multiply_add;                                                          \
    }                                                                          \
  } while (0)

typedef float Vector4 __attribute__ ((vector_size (16)));

/* Holds a value in a vector register that the compiler knows nothing about. */
#ifdef __x86_64__
#define HOLD(vector) __asm__ volatile ("" : "+x"(vector))
#else
#define HOLD(vector) __asm__ volatile ("" : "+w"(vector))
#endif

static void
spin_4 (void)
{
  SPIN (Vector4, {
    sum[i] += x * y;
    HOLD (sum[i]);
    HOLD (x);
  });
}

#ifdef __x86_64__
typedef float Vector8 __attribute__ ((vector_size (32)));
typedef float Vector16 __attribute__ ((vector_size (64)));

#define FUSED                                                                  \
  __asm__ volatile ("vfmadd231ps %2, %1, %0" : "+x"(sum[i]) : "x"(x), "x"(y))

__attribute__ ((target ("avx2,fma"))) static void
spin_8 (void)
{
  SPIN (Vector8, FUSED);
}

__attribute__ ((target ("avx512f"))) static void
spin_16 (void)
{
  SPIN (Vector16, FUSED);
}
#endif

static gpointer
spin (gpointer body)
{
  ((void (*) (void)) body) ();
  return NULL;
}

double
peak_f32 (unsigned cpu_mask, unsigned n_threads)
{
  void (*body) (void) = spin_4;
  double lanes = 4;
  GThread *threads[64];
  gint64 start;

#ifdef __x86_64__
  if (cpu_mask & VIT_CPU_AVX2)
    body = spin_8, lanes = 8;
  if (cpu_mask & VIT_CPU_AVX512)
    body = spin_16, lanes = 16;
#endif
  n_threads = MIN (n_threads, G_N_ELEMENTS (threads));
  start = g_get_monotonic_time ();
  for (unsigned i = 0; i < n_threads; i++)
    threads[i] = g_thread_new ("peak", spin, (gpointer) body);
  for (unsigned i = 0; i < n_threads; i++)
    g_thread_join (threads[i]);
  return lanes * CHAINS * ROUNDS * n_threads * 1e6
      / (double) (g_get_monotonic_time () - start);
}
