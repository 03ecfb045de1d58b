/* SPDX-License-Identifier: MIT */
#include "patch/predict.h"

#include <math.h>
#include <stdlib.h>

#include "base/aligned.h"
#include "patch/fold.h"
#include "patch/projection.h"
#include "patch/quantise.h"

#define NATURAL 0.95
#define CALM 0.99

/* x becomes C x along one axis, C[i][j] = correlation^|i - j|: itself, what
 * lies before and what lies after, each by one multiplication a step. */
static void
correlate (double *x, guint n, gsize stride, double correlation,
    double *line /* [n] */)
{
  double before = 0.0, after = 0.0;

  for (guint i = 0; i < n; i++) {
    line[i] = x[i * stride];
    x[i * stride] += before;
    before = correlation * (before + line[i]);
  }
  for (guint i = n; i-- > 0;) {
    x[i * stride] += after;
    after = correlation * (after + line[i]);
  }
}

/* w C w */
static double
correlated_power (const double *plane /* [P][P] */, guint size,
    double correlation, double *scratch /* [P P + P] */)
{
  double *spread = scratch, *line = scratch + (gsize) size * size;
  double power = 0.0;

  for (guint i = 0; i < size * size; i++)
    spread[i] = plane[i];
  for (guint y = 0; y < size; y++)
    correlate (spread + y * size, size, 1, correlation, line);
  for (guint x = 0; x < size; x++)
    correlate (spread + x, size, size, correlation, line);
  for (guint i = 0; i < size * size; i++)
    power += plane[i] * spread[i];
  return power;
}

/* Of a component's samples: their mean square where R, G and B are independent
 * and of unit variance, and what they take of a gray pixel. */
static void
describe_component (const VitImageFormat *format, guint c, double *variance,
    double *gray)
{
  double kr = format->kr, kb = format->kb, kg = 1.0 - kr - kb;
  double matrix[3][4];

  *variance = *gray = 1.0;
  if (format->pixel->family != VIT_COLOUR_YCBCR)
    return;
  vit_image_sample_to_pixel (format, matrix);
  switch (c) {
    case 0:
      *gray = 1.0 / matrix[0][0];
      *variance = (kr * kr + kg * kg + kb * kb) * *gray * *gray;
      return;
    case 1: /* (B - Y) / matrix */
      *gray = 0.0;
      *variance = (kr * kr + kg * kg + (1.0 - kb) * (1.0 - kb))
          / (matrix[2][1] * matrix[2][1]);
      return;
    default:
      *gray = 0.0;
      *variance = ((1.0 - kr) * (1.0 - kr) + kg * kg + kb * kb)
          / (matrix[0][2] * matrix[0][2]);
  }
}

void
vit_predict_power (const VitSamples *samples, const double *weight,
    guint n_channels, double *scratch, double power[VIT_N_PICTURES])
{
  const VitPixelFormat *pixel = samples->format.pixel;
  guint n_components = pixel->family == VIT_COLOUR_GRAY ? 1 : 3;
  guint size = samples->patch_size, area = size * size;
  double *plane = scratch;

  for (guint p = 0; p < VIT_N_PICTURES; p++)
    power[p] = 0.0;
  for (guint d = 0; d < n_channels; d++, weight += samples->n_terms) {
    for (guint i = 0; i < area; i++)
      plane[i] = 0.0;
    for (guint c = 0; c < n_components; c++) {
      guint width = size >> pixel->component[c].shift_x;
      guint height = size >> pixel->component[c].shift_y;
      double variance, gray, square = 0.0;

      describe_component (&samples->format, c, &variance, &gray);
      for (guint y = 0; y < height; y++) {
        gsize first, step;

        vit_samples_terms (samples, c, y, &first, &step);
        for (guint x = 0; x < width; x++) {
          double value = weight[first + x * step];

          square += value * value;
          /* Components that take of gray have a sample for every pixel. */
          if (gray != 0.0)
            plane[y * width + x] += gray * value;
        }
      }
      power[VIT_PICTURE_NOISE] += variance * square;
    }
    power[VIT_PICTURE_NATURAL]
        += correlated_power (plane, size, NATURAL, scratch + area);
    power[VIT_PICTURE_CALM]
        += correlated_power (plane, size, CALM, scratch + area);
  }
}

/* Memory for a block of channels of one format at a time. */
typedef struct {
  VitPixelWeights pixel_weights;
  gconstpointer user_data;
  guint n_channels;
  double *pixels;    /* [VIT_PREDICT_CHANNELS][3 P P] */
  double *weight;    /* likewise */
  gint16 *q;         /* likewise */
  guint8 *component; /* [3 P P] */
  double *scratch;   /* [2 P P + P] */
} Work;

static gboolean
work_init (Work *work, guint patch_size, GError **error)
{
  gsize area = (gsize) patch_size * patch_size, n_terms = 3 * area;

  work->pixels = vit_try_aligned (VIT_PREDICT_CHANNELS * n_terms, sizeof (double), error);
  if (work->pixels)
    work->weight = vit_try_aligned (VIT_PREDICT_CHANNELS * n_terms, sizeof (double), error);
  if (work->weight)
    work->q = vit_try_aligned (VIT_PREDICT_CHANNELS * n_terms, sizeof (gint16), error);
  if (work->q)
    work->component = vit_try_aligned (n_terms, 1, error);
  if (work->component)
    work->scratch
        = vit_try_aligned (2 * area + patch_size, sizeof (double), error);
  return work->scratch != NULL;
}

static void
work_clear (Work *work)
{
  free (work->pixels);
  free (work->weight);
  free (work->q);
  free (work->component);
  free (work->scratch);
}

/* Weights of samples, of the channels from `first` on; how many. */
static guint
fold (Work *work, const VitSamples *samples, guint first)
{
  guint n = MIN (VIT_PREDICT_CHANNELS, work->n_channels - first);

  work->pixel_weights (work->user_data, first, n, work->pixels);
  vit_fold_samples (samples, n, work->pixels, work->weight);
  return n;
}

static double
find_largest (Work *work, const VitSamples *samples)
{
  double largest = 0.0;

  for (guint d = 0; d < work->n_channels; d += VIT_PREDICT_CHANNELS) {
    guint n = fold (work, samples, d);

    largest = MAX (
        largest, vit_quantise_largest (work->weight, n * samples->n_terms));
  }
  return largest;
}

/* Adds the answers of n channels and those of their rounding errors. */
static gboolean
add_block (Work *work, const VitSamples *samples, guint n, double largest,
    double answer[VIT_N_PICTURES], double noise[VIT_N_PICTURES])
{
  gsize n_terms = samples->n_terms;
  double power[VIT_N_PICTURES];
  float scale[VIT_PREDICT_CHANNELS];
  gint32 sum[VIT_PREDICT_CHANNELS];

  if (!vit_quantise (work->weight, n, n_terms, largest, work->component,
          work->q, n_terms, scale, sum))
    return FALSE;
  vit_predict_power (samples, work->weight, n, work->scratch, power);
  for (guint p = 0; p < VIT_N_PICTURES; p++)
    answer[p] += power[p];
  for (guint d = 0; d < n; d++) {
    for (gsize k = d * n_terms; k < (d + 1) * n_terms; k++)
      work->weight[k] -= (double) scale[d] * work->q[k];
  }
  vit_predict_power (samples, work->weight, n, work->scratch, power);
  for (guint p = 0; p < VIT_N_PICTURES; p++)
    noise[p] += power[p];
  return TRUE;
}

/* The square of the relative error. */
static double
predict_format (Work *work, const VitSamples *samples)
{
  double answer[VIT_N_PICTURES] = { 0.0 }, noise[VIT_N_PICTURES] = { 0.0 };
  double largest = find_largest (work, samples), worst = 0.0;

  vit_samples_components (samples, work->component);
  for (guint d = 0; d < work->n_channels; d += VIT_PREDICT_CHANNELS) {
    guint n = fold (work, samples, d);

    if (!add_block (work, samples, n, largest, answer, noise))
      return INFINITY;
  }
  for (guint p = 0; p < VIT_N_PICTURES; p++) {
    if (noise[p] > 0.0)
      worst = MAX (worst, noise[p] / MAX (answer[p], 0.0));
  }
  return worst;
}

gboolean
vit_predict_error (VitPixelWeights pixel_weights, gconstpointer user_data,
    guint n_channels, guint patch_size, double *predicted, GError **error)
{
  /* One of each way of subsampling.  The matrices and ranges differ by a few
   * percent of the chroma's weights, and more bits are a mere factor. */
  static const char *const formats[]
      = { "RGB", "GRAY8", "Y444", "Y42B", "I420" };
  Work work = { .pixel_weights = pixel_weights, .user_data = user_data,
    .n_channels = n_channels };
  gboolean done = work_init (&work, patch_size, error);
  double worst = 0.0;

  for (guint i = 0; i < G_N_ELEMENTS (formats) && done; i++) {
    VitImageFormat format = { .pixel = vit_pixel_format_find (formats[i]),
      .width = patch_size, .height = patch_size, .kr = 0.2126, .kb = 0.0722 };
    VitSamples samples;

    if (vit_samples_init (&samples, &format, patch_size))
      worst = MAX (worst, predict_format (&work, &samples));
  }
  work_clear (&work);
  *predicted = sqrt (worst);
  return done;
}
