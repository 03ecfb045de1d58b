/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "bench_case.h"
#include "patch/projection.h"
#include "patch/quantise.h"
#include "together.h"

#define BLOCK_F32 126 /* as frame.c takes them */
#define BLOCK_FIXED 96

typedef struct {
  BenchCase base;
  VitProjection weights;
  guint n_patches;
  guint n_channels;
  float *terms;  /* [BLOCK_F32][stride]: a block is packed while in cache */
  guint8 *bytes; /* [n_patches + 32][stride]: a frame is packed beforehand */
  float *add;    /* [n_patches][n_channels] */
  float *out;    /* likewise */
  gint next;     /* block */
} KernelCase;

static void *
aligned (gsize n_bytes)
{
  void *memory = vit_try_aligned (n_bytes, 1, NULL);

  g_assert_nonnull (memory);
  memset (memory, 0, n_bytes);
  return memory;
}

static void
run_block (KernelCase *self, guint first, guint n)
{
  const float *add[BLOCK_F32];
  float *out[BLOCK_F32];
  VitProduct product = { n, self->n_channels, add, out };

  for (guint i = 0; i < n; i++) {
    add[i] = self->add + (gsize) (first + i) * self->n_channels;
    out[i] = self->out + (gsize) (first + i) * self->n_channels;
  }
  if (self->weights.precision == VIT_PRECISION_F32) {
    self->weights.f32->product (&product, self->weights.n_terms, self->terms,
        self->weights.stride, self->weights.f32_panels);
  } else {
    VitFixedSamples samples = { self->bytes + first * self->weights.stride,
      NULL, self->weights.stride, 128 };

    self->weights.fixed->product (&product, &samples, &self->weights.weights);
  }
}

static void
run_blocks (void *data, unsigned thread)
{
  KernelCase *self = data;
  guint block
      = self->weights.precision == VIT_PRECISION_F32 ? BLOCK_F32 : BLOCK_FIXED;

  for (;;) {
    guint first = (guint) g_atomic_int_add (&self->next, 1) * block;

    if (first >= self->n_patches)
      return;
    run_block (self, first, MIN (block, self->n_patches - first));
  }
}

static void
run (BenchCase *base)
{
  KernelCase *self = (KernelCase *) base;

  self->next = 0;
  together_run (base->n_threads, run_blocks, self);
}

static void
kernel_free (BenchCase *base)
{
  KernelCase *self = (KernelCase *) base;

  vit_projection_clear (&self->weights);
  free (self->terms);
  free (self->bytes);
  free (self->add);
  free (self->out);
  g_free (base->kernel);
  g_free (self);
}

static void
fill (KernelCase *self, GRand *random)
{
  gsize n_values = (gsize) self->n_patches * self->n_channels;
  gsize stride = self->weights.stride;

  self->add = aligned (n_values * sizeof (float));
  self->out = aligned (n_values * sizeof (float));
  if (self->weights.precision == VIT_PRECISION_F32) {
    self->terms = aligned ((BLOCK_F32 + 31) * stride * sizeof (float));
    for (gsize i = 0; i < BLOCK_F32 * stride; i++)
      self->terms[i] = (float) g_rand_int_range (random, -128, 128);
  } else {
    self->bytes = aligned ((self->n_patches + 32) * stride);
    for (gsize i = 0; i < self->n_patches * stride; i++)
      self->bytes[i] = (guint8) g_rand_int_range (random, 0, 256);
  }
}

BenchCase *
bench_kernel_new (const char *precision, gsize n_terms, guint n_patches,
    guint n_channels, guint n_threads)
{
  KernelCase *self = g_new0 (KernelCase, 1);
  gboolean is_f32 = strcmp (precision, "f32") == 0;
  double *weight = g_new (double, n_channels *n_terms);
  VitProjectionPart part
      = { .n_channels = n_channels, .weight = weight, .unit = 1.0 };
  GRand *random = g_rand_new_with_seed (1);

  for (gsize i = 0; i < n_channels * n_terms; i++)
    weight[i] = g_rand_double_range (random, -0.05, 0.05);
  part.largest = vit_quantise_largest (weight, n_channels * n_terms);
  if (!vit_projection_init (&self->weights,
          is_f32 ? VIT_PRECISION_F32 : VIT_PRECISION_INT16, n_channels, n_terms,
          NULL)
      || !vit_projection_fill (&self->weights, &part, NULL))
    g_error ("no memory for weights");
  self->n_patches = n_patches;
  self->n_channels = n_channels;
  fill (self, random);
  self->base.run = run;
  self->base.free = kernel_free;
  self->base.n_threads = n_threads;
  self->base.kernel
      = g_strdup (is_f32 ? self->weights.f32->name : self->weights.fixed->name);
  self->base.kind = is_f32                                   ? PEAK_F32
                    : strcmp (self->base.kernel, "amx") == 0 ? PEAK_INT8
                                                             : PEAK_INT16;
  g_rand_free (random);
  g_free (weight);
  return &self->base;
}
