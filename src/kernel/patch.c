/* SPDX-License-Identifier: MIT */
#include "kernel/patch.h"

static const VitKernelF32 *const kernels_f32[] = {
#ifdef VIT_HAVE_AVX512
  &vit_kernel_f32_avx512,
#endif
#ifdef VIT_HAVE_AVX2
  &vit_kernel_f32_avx2,
#endif
#ifdef VIT_HAVE_NEON
  &vit_kernel_f32_neon,
#endif
  &vit_kernel_f32_c,
  NULL,
};

static const VitKernelFixed *const kernels_fixed[] = {
#ifdef VIT_HAVE_AMX
  &vit_kernel_fixed_amx,
#endif
#ifdef VIT_HAVE_VNNI
  &vit_kernel_fixed_vnni,
#endif
#ifdef VIT_HAVE_AVX2
  &vit_kernel_fixed_avx2,
#endif
#ifdef VIT_HAVE_NEON
  &vit_kernel_fixed_neon,
#endif
  &vit_kernel_fixed_c,
  NULL,
};

const VitKernelF32 *const *
vit_kernel_list_f32 (void)
{
  return kernels_f32;
}

const VitKernelFixed *const *
vit_kernel_list_fixed (void)
{
  return kernels_fixed;
}

const VitKernelF32 *
vit_kernel_choose_f32 (unsigned cpu_mask)
{
  const VitKernelF32 *const *kernel = kernels_f32;

  while ((*kernel)->cpu & ~cpu_mask)
    kernel++;
  return *kernel;
}

const VitKernelFixed *
vit_kernel_choose_fixed (unsigned cpu_mask)
{
  const VitKernelFixed *const *kernel = kernels_fixed;

  while ((*kernel)->cpu & ~cpu_mask)
    kernel++;
  return *kernel;
}
