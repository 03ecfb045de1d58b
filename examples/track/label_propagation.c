/* SPDX-License-Identifier: MIT */
#include "label_propagation.h"

#include <math.h>
#include <string.h>

/* Four numbers that are multiplied at once, which compilers do not make of a loop
 * at -O2.  Four of them, as no sum then waits for the one before. */
typedef gfloat Four __attribute__ ((vector_size (16), aligned (4), may_alias));
#define STEP 16

typedef struct {
  gfloat *features; /* [n_patches][padded_dim], each of length 1 */
  gfloat *labels;   /* [n_patches] */
} Frame;

typedef struct {
  guint left, top, right, bottom; /* the last two not in it */
} Rect;

struct _LabelPropagation {
  LabelPropagationSettings settings;
  guint grid_width, grid_height, n_patches, embed_dim;
  guint padded_dim; /* a multiple of STEP, the rest zeros */

  /* [n_last_frames + 2]: the first, the last ones, the one at work. */
  Frame *frames;
  Frame *work;  /* the last of these */
  guint n_kept; /* of the last ones */
  guint oldest; /* of these, which the next one replaces once there are all */

  gfloat *cosines; /* of one patch with its n_sources */
  gfloat *labels;  /* of the same sources */
  guint n_sources;
  gfloat *largest; /* [top] cosines, descending */
};

LabelPropagation *
label_propagation_new (const LabelPropagationSettings *settings,
    guint grid_width, guint grid_height, guint embed_dim)
{
  LabelPropagation *self = g_new0 (LabelPropagation, 1);
  guint n_frames = settings->n_last_frames + 2;
  gsize side = 2 * (gsize) settings->neighbourhood + 1;
  gsize n_sources
      = (n_frames - 1) * MIN (side, grid_width) * MIN (side, grid_height);

  self->settings = *settings;
  self->grid_width = grid_width;
  self->grid_height = grid_height;
  self->n_patches = grid_width * grid_height;
  self->embed_dim = embed_dim;
  self->padded_dim = (embed_dim + STEP - 1) / STEP * STEP;
  self->frames = g_new (Frame, n_frames);
  for (guint i = 0; i < n_frames; i++) {
    self->frames[i].features
        = g_new0 (gfloat, (gsize) self->n_patches * self->padded_dim);
    self->frames[i].labels = g_new0 (gfloat, self->n_patches);
  }
  self->work = &self->frames[n_frames - 1];
  self->cosines = g_new (gfloat, n_sources);
  self->labels = g_new (gfloat, n_sources);
  self->largest = g_new (gfloat, settings->top);
  return self;
}

void
label_propagation_free (LabelPropagation *self)
{
  for (guint i = 0; i < self->settings.n_last_frames + 2; i++) {
    g_free (self->frames[i].features);
    g_free (self->frames[i].labels);
  }
  g_free (self->frames);
  g_free (self->cosines);
  g_free (self->labels);
  g_free (self->largest);
  g_free (self);
}

/* Each divided by its length; one of no length stays. */
static void
normalize_features (
    LabelPropagation *self, const gfloat *features, gfloat *normalized)
{
  for (guint i = 0; i < self->n_patches; i++) {
    const gfloat *feature = features + (gsize) i * self->embed_dim;
    gfloat *unit = normalized + (gsize) i * self->padded_dim;
    gdouble sum = 0;

    for (guint d = 0; d < self->embed_dim; d++)
      sum += (gdouble) feature[d] * feature[d];
    for (guint d = 0; d < self->embed_dim; d++)
      unit[d] = sum > 0 ? feature[d] / sqrt (sum) : 0;
  }
}

void
label_propagation_start (
    LabelPropagation *self, const gfloat *features, const gfloat *labels)
{
  normalize_features (self, features, self->frames[0].features);
  memcpy (self->frames[0].labels, labels, self->n_patches * sizeof (gfloat));
  self->n_kept = 0;
  self->oldest = 0;
}

static gfloat
dot (const gfloat *a, const gfloat *b, guint padded_dim)
{
  Four sums[4] = { { 0 } }, sum;

  for (guint d = 0; d < padded_dim; d += STEP) {
    const Four *x = (const Four *) (a + d), *y = (const Four *) (b + d);

    sums[0] += x[0] * y[0];
    sums[1] += x[1] * y[1];
    sums[2] += x[2] * y[2];
    sums[3] += x[3] * y[3];
  }
  sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* What lies within the neighbourhood of any patch in `rect`. */
static Rect
grow (const LabelPropagation *self, Rect rect)
{
  guint n = self->settings.neighbourhood;

  return (Rect){
    rect.left - MIN (rect.left, n),
    rect.top - MIN (rect.top, n),
    rect.right + MIN (self->grid_width - rect.right, n),
    rect.bottom + MIN (self->grid_height - rect.bottom, n),
  };
}

/* Where any source has a label; from others no patch can take one. */
static Rect
find_labelled (const LabelPropagation *self)
{
  Rect rect = { self->grid_width, self->grid_height, 0, 0 };

  for (guint frame = 0; frame <= self->n_kept; frame++) {
    for (guint i = 0; i < self->n_patches; i++) {
      guint column = i % self->grid_width, row = i / self->grid_width;

      if (self->frames[frame].labels[i] > 0) {
        rect.left = MIN (rect.left, column);
        rect.top = MIN (rect.top, row);
        rect.right = MAX (rect.right, column + 1);
        rect.bottom = MAX (rect.bottom, row + 1);
      }
    }
  }
  return rect;
}

static void
look_at_sources (LabelPropagation *self, guint column, guint row)
{
  Rect rect = grow (self, (Rect){ column, row, column + 1, row + 1 });
  const gfloat *feature
      = self->work->features
        + ((gsize) row * self->grid_width + column) * self->padded_dim;

  self->n_sources = 0;
  for (guint frame = 0; frame <= self->n_kept; frame++) {
    const Frame *source = &self->frames[frame];

    for (guint y = rect.top; y < rect.bottom; y++) {
      for (guint x = rect.left; x < rect.right; x++) {
        gsize i = (gsize) y * self->grid_width + x;

        self->cosines[self->n_sources] = dot (
            feature, source->features + i * self->padded_dim, self->padded_dim);
        self->labels[self->n_sources++] = source->labels[i];
      }
    }
  }
}

/* Puts the largest cosines in order; returns how many there are. */
static guint
find_largest (LabelPropagation *self)
{
  guint n = 0;

  for (guint i = 0; i < self->n_sources; i++) {
    gfloat cosine = self->cosines[i];
    guint place;

    if (n == self->settings.top && cosine <= self->largest[n - 1])
      continue;
    if (n < self->settings.top)
      n++;
    for (place = n - 1; place > 0 && self->largest[place - 1] < cosine; place--)
      self->largest[place] = self->largest[place - 1];
    self->largest[place] = cosine;
  }
  return n;
}

/* Of the sources that were looked at. */
static gdouble
mean_label (LabelPropagation *self)
{
  gfloat least = self->largest[find_largest (self) - 1];
  gdouble sum = 0, sum_of_weights = 0;

  for (guint i = 0; i < self->n_sources; i++) {
    if (self->cosines[i] >= least) {
      /* Less the largest, so that no exponential overflows. */
      gdouble weight = exp (
          (self->cosines[i] - self->largest[0]) / self->settings.temperature);

      sum += weight * self->labels[i];
      sum_of_weights += weight;
    }
  }
  return sum / sum_of_weights;
}

gdouble
label_propagation_run (
    LabelPropagation *self, const gfloat *features, gfloat *labels)
{
  Rect labelled = find_labelled (self), reached;
  gdouble sum = 0, sum_of_labels = 0;

  normalize_features (self, features, self->work->features);
  memset (labels, 0, self->n_patches * sizeof (gfloat));
  reached = labelled.right > 0 ? grow (self, labelled) : labelled;
  for (guint row = reached.top; row < reached.bottom; row++) {
    for (guint column = reached.left; column < reached.right; column++) {
      gdouble label;

      look_at_sources (self, column, row);
      label = mean_label (self);
      labels[row * self->grid_width + column] = label;
      sum += label * self->largest[0];
      sum_of_labels += label;
    }
  }
  memcpy (self->work->labels, labels, self->n_patches * sizeof (gfloat));
  return sum_of_labels > 0 ? sum / sum_of_labels : 0;
}

void
label_propagation_keep (LabelPropagation *self)
{
  guint n = self->settings.n_last_frames;
  Frame *oldest, swapped;

  if (n == 0)
    return;
  oldest = &self->frames[1 + self->oldest];
  swapped = *oldest;
  *oldest = *self->work;
  *self->work = swapped;
  self->n_kept = MIN (self->n_kept + 1, n);
  self->oldest = (self->oldest + 1) % n;
}
