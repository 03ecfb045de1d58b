/* SPDX-License-Identifier: MIT */
#include "kernel/cpu.h"

#include <stdlib.h>

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__x86_64__)
#if defined(__linux__)
/* The compilers' builtins do not know AMX yet: CPUID leaf 7 says AMX-TILE and
 * AMX-INT8, and the kernel must be asked for the tiles' state, once for all
 * threads of the process (Documentation/arch/x86/xstate.rst). */
static int
may_use_amx (void)
{
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
  unsigned leaf = 7, subleaf = 0, b, d;

  __asm__ ("cpuid" : "+a"(leaf), "=b"(b), "+c"(subleaf), "=d"(d));
  return (d >> 24 & 1) && (d >> 25 & 1)
      && syscall (SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0;
}
#else
static int
may_use_amx (void)
{
  return 0;
}
#endif
#endif

/* The compiler's builtins ask the operating system too: an instruction set
 * whose registers it does not save counts as missing. */
static unsigned
detect_cpu (unsigned wanted)
{
  unsigned mask = 0;

#if defined(__x86_64__)
  __builtin_cpu_init ();
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    mask |= VIT_CPU_AVX2;
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    mask |= VIT_CPU_AVX512;
  if ((mask & VIT_CPU_AVX512) && __builtin_cpu_supports ("avx512vnni"))
    mask |= VIT_CPU_AVX512_VNNI;
  /* Asked for only where it will be used: it cannot be given back. */
  if ((wanted & VIT_CPU_AMX) && (mask & VIT_CPU_AVX512) && may_use_amx ())
    mask |= VIT_CPU_AMX;
#elif defined(__aarch64__)
  mask |= VIT_CPU_NEON;
#endif
  return mask & wanted;
}

/* A program that runs with more rights than its user has takes no word of his. */
unsigned
vit_cpu_mask (void)
{
#ifdef VIT_HAVE_SECURE_GETENV
  const char *limit = secure_getenv ("VIT_CPU_MASK");
#else
  const char *limit = getenv ("VIT_CPU_MASK");
#endif

  return detect_cpu (limit ? (unsigned) strtoul (limit, NULL, 0) : ~0u);
}
