/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench_case.h"
#include "encoder/encoder.h"
#include "together.h"

typedef struct {
  BenchCase base;
  VitEncoderWeights *weights;
  VitEncoder *encoder;
  float *tokens;   /* [n_tokens][embed_dim] */
  float *features; /* likewise; NULL: the class token alone */
  float *embedding; /* [embed_dim] */
} EncoderCase;

typedef struct {
  VitWork work;
  gpointer data;
} Spread;

static void
do_work (void *data, unsigned thread)
{
  Spread *spread = data;

  spread->work (spread->data, thread);
}

static void
spread_work (gpointer user_data, guint n_workers, VitWork work, gpointer data)
{
  Spread spread = { work, data };

  together_run (n_workers, do_work, &spread);
}

static void
run (BenchCase *base)
{
  EncoderCase *self = (EncoderCase *) base;
  const float *tokens = self->tokens;
  VitEncoderFrame frame = { .tokens = &tokens,
    .features = self->features ? &self->features : NULL,
    .embedding = &self->embedding };

  vit_encoder_run (self->encoder, &frame, spread_work, NULL);
}

static void
encoder_free (BenchCase *base)
{
  EncoderCase *self = (EncoderCase *) base;

  vit_encoder_free (self->encoder);
  vit_encoder_weights_unref (self->weights);
  g_free (self->tokens);
  g_free (self->features);
  g_free (self->embedding);
  g_free (base->kernel);
  g_free (self);
}

BenchCase *
bench_encoder_new (const char *model, const char *tokens, VitEncoderGrid grid,
    guint n_threads, const char *features)
{
  const VitEncoderSettings settings = { .norm = VIT_FEATURE_NORM_NONE,
    .embedding = features ? VIT_EMBEDDING_NONE : VIT_EMBEDDING_CLASS,
    .precision = VIT_PRECISION_F32,
    .n_workers = n_threads };
  EncoderCase *self = g_new0 (EncoderCase, 1);
  g_autoptr (GError) error = NULL;
  gsize n_bytes;

  self->weights = vit_encoder_weights_share (model, NULL, NULL, &error);
  if (self->weights)
    self->encoder = vit_encoder_new (self->weights, &settings, &error);
  if (!self->encoder
      || !vit_encoder_configure (self->encoder, &grid, 1, 1, &error)
      || !g_file_get_contents (
          tokens, (char **) &self->tokens, &n_bytes, &error))
    g_error ("%s", error->message);
  g_assert_cmpuint (n_bytes, ==,
      ((gsize) grid.rows * grid.cols + 1) * self->weights->embed_dim
          * sizeof (float));
  self->features = features ? g_malloc (n_bytes) : NULL;
  self->embedding = g_new (float, self->weights->embed_dim);
  self->base.run = run;
  self->base.free = encoder_free;
  self->base.kind = PEAK_F32;
  self->base.n_threads = n_threads;
  self->base.kernel = g_strdup (vit_encoder_kernel (self->encoder));
  run (&self->base);
  if (features
      && !g_file_set_contents (
          features, (char *) self->features, (gssize) n_bytes, &error))
    g_error ("%s", error->message);
  return &self->base;
}
