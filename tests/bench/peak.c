/* SPDX-License-Identifier: MIT */
#include "peak.h"

#include <glib.h>
#include <string.h>

#include "kernel/patch.h"
#include "together.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define SLICE 0.004  /* seconds */
#define CHAINS 12    /* enough to hide an instruction's latency */
#define ROUNDS 10000 /* between two looks at the clock */
#define TILE_ROUNDS 500

/* The body of every variant but the tiles: CHAINS independent sums, kept in
 * registers; `step` adds x * y to sum[i]. */
#define SPIN(type, step)                                                       \
  do {                                                                         \
    type sum[CHAINS] = { { 0 } }, x = { 0 }, y = { 0 };                        \
                                                                               \
    for (unsigned round = 0; round < ROUNDS; round++) {                        \
      _Pragma ("GCC unroll 12") for (unsigned i = 0; i < CHAINS; i++) step;    \
    }                                                                          \
  } while (0)

#if defined(__x86_64__)
#define FUSED                                                                  \
  __asm__ volatile("vfmadd231ps %2, %1, %0" : "+v"(sum[i]) : "v"(x), "v"(y))
#define DOT_WORDS                                                              \
  __asm__ volatile("vpdpwssd %2, %1, %0" : "+v"(sum[i]) : "v"(x), "v"(y))
/* Two instructions and a register more. */
#define MADD_WORDS(type)                                                       \
  do {                                                                         \
    type product;                                                              \
                                                                               \
    __asm__ volatile("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"                \
                     : "+v"(sum[i]), "=&v"(product)                            \
                     : "v"(x), "v"(y));                                        \
  } while (0)

__attribute__ ((target ("avx2,fma"))) static void
spin_f32_avx2 (void)
{
  SPIN (__m256, FUSED);
}

__attribute__ ((target ("avx512f"))) static void
spin_f32_avx512 (void)
{
  SPIN (__m512, FUSED);
}

__attribute__ ((target ("avx2"))) static void
spin_int16_avx2 (void)
{
  SPIN (__m256i, MADD_WORDS (__m256i));
}

__attribute__ ((target ("avx512f,avx512bw"))) static void
spin_int16_avx512 (void)
{
  SPIN (__m512i, MADD_WORDS (__m512i));
}

__attribute__ ((target ("avx512f,avx512vnni"))) static void
spin_int16_vnni (void)
{
  SPIN (__m512i, DOT_WORDS);
}

#ifdef VIT_HAVE_AMX_PEAK
/* Four sums of 16 x 16, two tiles of samples, two of weights. */
__attribute__ ((target ("amx-tile,amx-int8"))) static void
spin_tiles (void)
{
  /* All eight whole: 16 rows of 64 bytes.  Constant memory: gcc believes that
   * the load reads eight bytes of it and drops stores to the rest. */
  static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } config = { .palette = 1,
    .bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
    .rows = { 16, 16, 16, 16, 16, 16, 16, 16 } };

  _tile_loadconfig (&config);
  for (unsigned round = 0; round < TILE_ROUNDS; round++) {
    _tile_dpbusd (0, 4, 6);
    _tile_dpbusd (1, 5, 6);
    _tile_dpbusd (2, 4, 7);
    _tile_dpbusd (3, 5, 7);
  }
  _tile_release ();
}
#endif
#elif defined(__aarch64__)
typedef float Float4 __attribute__ ((vector_size (16)));

static void
spin_f32_neon (void)
{
  SPIN (Float4, __asm__ volatile("fmla %0.4s, %1.4s, %2.4s"
                                 : "+w"(sum[i])
                                 : "w"(x), "w"(y)));
}

static void
spin_int16_neon (void)
{
  SPIN (Float4, __asm__ volatile("smlal %0.4s, %1.4h, %2.4h"
                                 : "+w"(sum[i])
                                 : "w"(x), "w"(y)));
}
#endif

typedef struct {
  PeakKind kind;
  unsigned cpu; /* bits of kernel.h that it needs */
  const char *instruction;
  double products; /* of one call */
  void (*spin) (void);
} Peak;

/* The best of a kind first. */
static const Peak peaks[] = {
#define LANES(n) ((double) (n) *CHAINS * ROUNDS)
#if defined(__x86_64__)
  { PEAK_F32, VIT_CPU_AVX512, "vfmadd231ps zmm", LANES (16), spin_f32_avx512 },
  { PEAK_F32, VIT_CPU_AVX2, "vfmadd231ps ymm", LANES (8), spin_f32_avx2 },
  { PEAK_INT16, VIT_CPU_AVX512_VNNI, "vpdpwssd zmm", LANES (32),
      spin_int16_vnni },
  { PEAK_INT16, VIT_CPU_AVX512, "vpmaddwd + vpaddd zmm", LANES (32),
      spin_int16_avx512 },
  { PEAK_INT16, VIT_CPU_AVX2, "vpmaddwd + vpaddd ymm", LANES (16),
      spin_int16_avx2 },
#ifdef VIT_HAVE_AMX_PEAK
  { PEAK_INT8, VIT_CPU_AMX, "tdpbusd", 4.0 * 16 * 16 * 64 * TILE_ROUNDS,
      spin_tiles },
#endif
#elif defined(__aarch64__)
  { PEAK_F32, VIT_CPU_NEON, "fmla v.4s", LANES (4), spin_f32_neon },
  { PEAK_INT16, VIT_CPU_NEON, "smlal v.4s", LANES (4), spin_int16_neon },
#endif
  { PEAK_N_KINDS, 0, NULL, 0, NULL },
};

static const Peak *
find (PeakKind kind, unsigned cpu_mask)
{
  for (const Peak *peak = peaks; peak->spin != NULL; peak++) {
    if (peak->kind == kind && !(peak->cpu & ~cpu_mask))
      return peak;
  }
  return NULL;
}

PeakKind
peak_find (const char *name)
{
  static const char *const names[PEAK_N_KINDS] = { "f32", "int16", "int8" };
  unsigned kind = 0;

  while (kind < PEAK_N_KINDS && strcmp (name, names[kind]) != 0)
    kind++;
  return (PeakKind) kind;
}

const char *
peak_instruction (PeakKind kind, unsigned cpu_mask)
{
  const Peak *peak = find (kind, cpu_mask);

  return peak != NULL ? peak->instruction : NULL;
}

typedef struct {
  const Peak *peak;
  double rate[TOGETHER_MAX_THREADS];
} Measurement;

static void
measure (void *data, unsigned thread)
{
  Measurement *measurement = data;
  gint64 start = g_get_monotonic_time (), now;
  double products = 0;

  do {
    measurement->peak->spin ();
    products += measurement->peak->products;
    now = g_get_monotonic_time ();
  } while ((double) (now - start) < SLICE * 1e6);
  measurement->rate[thread] = products * 1e6 / (double) (now - start);
}

double
peak_measure (PeakKind kind, unsigned cpu_mask, unsigned n_threads)
{
  Measurement measurement = { find (kind, cpu_mask), { 0 } };

  if (measurement.peak == NULL)
    return 0;
  together_run (n_threads, measure, &measurement);
  return measurement.rate[0] + measurement.rate[1];
}
