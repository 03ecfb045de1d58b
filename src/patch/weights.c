/* SPDX-License-Identifier: MIT */
#include "patch/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"

static gboolean
init_samples (VitWeights *weights, const double *folded, guint8 *component,
    GError **error)
{
  const VitWeightsRequest *request = &weights->request;
  guint n_channels = request->model->embed_dim;
  VitSamples samples;
  double *folded_samples;
  gboolean done;

  if (!vit_samples_init (
          &samples, &request->format, request->model->patch_size))
    return TRUE;
  folded_samples
      = vit_try_aligned (n_channels * samples.n_terms, sizeof (double), error);
  if (folded_samples == NULL)
    return FALSE;
  vit_fold_samples (&samples, n_channels, folded, folded_samples);
  vit_samples_components (&samples, component);
  done = vit_projection_init (&weights->samples, request->precision,
      folded_samples, n_channels, samples.n_terms, component, 1.0, error);
  free (folded_samples);
  return done;
}

static gboolean
init_pixels (VitWeights *weights, const double *folded, guint8 *component,
    GError **error)
{
  const VitWeightsRequest *request = &weights->request;
  gsize area
      = (gsize) request->model->patch_size * request->model->patch_size;

  if (!request->needs_pixels)
    return TRUE;
  for (gsize k = 0; k < 3 * area; k++)
    component[k] = (guint8) (k / area);
  return vit_projection_init (&weights->pixels, request->precision, folded,
      request->model->embed_dim, 3 * area, component, 1.0 / 256.0, error);
}

static gboolean
init (VitWeights *weights, GError **error)
{
  const VitWeightsRequest *request = &weights->request;
  const VitModel *model = request->model;
  gsize n_terms = (gsize) 3 * model->patch_size * model->patch_size;
  double *folded
      = vit_try_aligned (model->embed_dim * n_terms, sizeof (double), error);
  guint8 *component = folded ? vit_try_aligned (n_terms, 1, error) : NULL;
  gboolean done = FALSE;

  if (component != NULL) {
    vit_fold_pixels (model, request->mean, request->std,
        vit_image_pixel_centre (&request->format), folded, weights->bias);
    done = init_pixels (weights, folded, component, error)
        && init_samples (weights, folded, component, error);
  }
  free (component);
  free (folded);
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
  weights->bias
      = vit_try_aligned (request->model->embed_dim, sizeof (double), error);
  if (weights->bias == NULL || !init (weights, error)) {
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
