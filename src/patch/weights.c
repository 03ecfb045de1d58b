/* SPDX-License-Identifier: MIT */
#include "patch/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "patch/quantise.h"

/* Channels in the making: whole panels of every kernel, few enough for the
 * processor's cache. */
#define BLOCK (2 * VIT_KERNEL_CHANNEL_ALIGN)

typedef struct {
  VitSamples layout;   /* n_terms is 0 where no patch is multiplied so */
  gsize n_pixel_terms; /* 3 P P; 0 likewise */
  guint first;
  guint n_channels;    /* at most BLOCK */
  double *pixels;      /* [n_channels][3 P P] */
  double *samples;     /* [n_channels][layout.n_terms] */
  guint8 *pixel_component;  /* [3 P P] */
  guint8 *sample_component; /* [layout.n_terms] */
  double largest_pixel;  /* of all channels so far */
  double largest_sample; /* likewise */
} Folding;

static gboolean
folding_init (Folding *folding, const VitWeightsRequest *request,
    GError **error)
{
  guint size = request->model->patch_size;
  gsize area = (gsize) size * size;

  memset (folding, 0, sizeof *folding);
  if (!vit_samples_init (&folding->layout, &request->format, size))
    folding->layout.n_terms = 0;
  folding->n_pixel_terms = request->needs_pixels ? 3 * area : 0;
  folding->pixels = vit_try_aligned (BLOCK * 3 * area, sizeof (double), error);
  if (folding->pixels != NULL)
    folding->samples = vit_try_aligned (
        BLOCK * folding->layout.n_terms, sizeof (double), error);
  if (folding->samples != NULL)
    folding->pixel_component = vit_try_aligned (3 * area, 1, error);
  if (folding->pixel_component != NULL)
    folding->sample_component
        = vit_try_aligned (folding->layout.n_terms, 1, error);
  if (folding->sample_component == NULL)
    return FALSE;
  for (gsize k = 0; k < 3 * area; k++)
    folding->pixel_component[k] = (guint8) (k / area);
  if (folding->layout.n_terms > 0)
    vit_samples_components (&folding->layout, folding->sample_component);
  return TRUE;
}

static void
folding_clear (Folding *folding)
{
  free (folding->pixels);
  free (folding->samples);
  free (folding->pixel_component);
  free (folding->sample_component);
}

/* Folds the channels from `first` on. */
static void
fold (Folding *folding, const VitWeights *weights, guint first)
{
  const VitWeightsRequest *request = &weights->request;

  folding->first = first;
  folding->n_channels = MIN (BLOCK, request->model->embed_dim - first);
  vit_fold_pixels (request->model, request->mean, request->std,
      vit_image_pixel_centre (&request->format), first, folding->n_channels,
      folding->pixels, weights->bias + first);
  if (folding->layout.n_terms > 0)
    vit_fold_samples (&folding->layout, folding->n_channels, folding->pixels,
        folding->samples);
}

/* Fixed point must know them before the first channel is rounded. */
static void
find_largest (Folding *folding, const VitWeights *weights)
{
  for (guint d = 0; d < weights->request.model->embed_dim; d += BLOCK) {
    fold (folding, weights, d);
    folding->largest_pixel = MAX (folding->largest_pixel,
        vit_quantise_largest (
            folding->pixels, folding->n_channels * folding->n_pixel_terms));
    folding->largest_sample = MAX (folding->largest_sample,
        vit_quantise_largest (
            folding->samples, folding->n_channels * folding->layout.n_terms));
  }
}

static gboolean
fill (VitWeights *weights, const Folding *folding, GError **error)
{
  VitProjectionPart pixels = { folding->first, folding->n_channels,
    folding->pixels, folding->largest_pixel, folding->pixel_component,
    1.0 / 256.0 };
  VitProjectionPart samples = { folding->first, folding->n_channels,
    folding->samples, folding->largest_sample, folding->sample_component, 1.0 };

  return (folding->n_pixel_terms == 0
             || vit_projection_fill (&weights->pixels, &pixels, error))
      && (folding->layout.n_terms == 0
          || vit_projection_fill (&weights->samples, &samples, error));
}

static gboolean
make_room (VitWeights *weights, const Folding *folding, GError **error)
{
  const VitWeightsRequest *request = &weights->request;
  guint n_channels = request->model->embed_dim;

  weights->bias = vit_try_aligned (n_channels, sizeof (double), error);
  return weights->bias != NULL
      && (folding->n_pixel_terms == 0
          || vit_projection_init (&weights->pixels, request->precision,
              n_channels, folding->n_pixel_terms, error))
      && (folding->layout.n_terms == 0
          || vit_projection_init (&weights->samples, request->precision,
              n_channels, folding->layout.n_terms, error));
}

static gboolean
init (VitWeights *weights, GError **error)
{
  Folding folding;
  gboolean done = folding_init (&folding, &weights->request, error)
      && make_room (weights, &folding, error);

  if (done && weights->request.precision == VIT_PRECISION_INT16)
    find_largest (&folding, weights);
  for (guint d = 0; d < weights->request.model->embed_dim && done; d += BLOCK) {
    fold (&folding, weights, d);
    done = fill (weights, &folding, error);
  }
  folding_clear (&folding);
  return done;
}

VitWeights *
vit_weights_new (const VitWeightsRequest *request, GError **error)
{
  VitWeights *weights = g_new0 (VitWeights, 1);

  weights->ref_count = 1;
  weights->request = *request;
  /* A picture that starts elsewhere may take them over. */
  weights->request.format.phase_x = 0;
  weights->request.format.phase_y = 0;
  if (!init (weights, error)) {
    vit_weights_unref (weights);
    return NULL;
  }
  return weights;
}

VitWeights *
vit_weights_ref (VitWeights *weights)
{
  g_atomic_int_inc (&weights->ref_count);
  return weights;
}

void
vit_weights_unref (VitWeights *weights)
{
  if (weights == NULL || !g_atomic_int_dec_and_test (&weights->ref_count))
    return;
  vit_projection_clear (&weights->samples);
  vit_projection_clear (&weights->pixels);
  free (weights->bias);
  g_free (weights);
}

gboolean
vit_weights_serve (const VitWeights *weights, const VitWeightsRequest *request)
{
  const VitImageFormat *a, *b = &request->format;

  if (weights == NULL)
    return FALSE;
  a = &weights->request.format;
  return a->pixel == b->pixel && a->kr == b->kr && a->kb == b->kb
      && a->full_range == b->full_range
      && weights->request.model == request->model
      && weights->request.precision == request->precision
      && memcmp (weights->request.mean, request->mean, sizeof request->mean)
          == 0
      && memcmp (weights->request.std, request->std, sizeof request->std) == 0
      && (weights->request.needs_pixels || !request->needs_pixels);
}
