/* SPDX-License-Identifier: MIT */
#include "tracker.h"

#include "label_box.h"

#include <gst/video/video.h>
#include <gst/vit/vit.h>
#include <math.h>
#include <string.h>

struct _Tracker {
  LabelPropagationSettings settings;
  gdouble least_cosine;

  GMutex lock;
  TrackerBox wanted; /* under the lock */
  gboolean is_wanted;

  /* NULL until there is an object. */
  LabelPropagation *propagation;
  guint grid_width, grid_height, embed_dim;
  LabelBox box;     /* where it was last */
  gfloat *features; /* [grid_height * grid_width][embed_dim] */
  gfloat *labels;   /* [grid_height * grid_width] */
};

Tracker *
tracker_new (const LabelPropagationSettings *settings, gdouble least_cosine)
{
  Tracker *self = g_new0 (Tracker, 1);

  self->settings = *settings;
  self->least_cosine = least_cosine;
  g_mutex_init (&self->lock);
  return self;
}

static void
forget_frames (Tracker *self)
{
  g_clear_pointer (&self->propagation, label_propagation_free);
  g_clear_pointer (&self->features, g_free);
  g_clear_pointer (&self->labels, g_free);
}

void
tracker_free (Tracker *self)
{
  forget_frames (self);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
tracker_start (Tracker *self, const TrackerBox *box)
{
  g_mutex_lock (&self->lock);
  self->wanted = *box;
  self->is_wanted = TRUE;
  g_mutex_unlock (&self->lock);
}

static gboolean
take_wanted (Tracker *self, TrackerBox *wanted)
{
  gboolean is_wanted;

  g_mutex_lock (&self->lock);
  is_wanted = self->is_wanted;
  *wanted = self->wanted;
  self->is_wanted = FALSE;
  g_mutex_unlock (&self->lock);
  return is_wanted;
}

/* Less their positions, or where a patch lies would count; in features they cannot
 * be told apart. */
static gboolean
read_features (Tracker *self, const GstVitTokensMeta *meta)
{
  gsize n = (gsize) self->grid_width * self->grid_height * self->embed_dim;
  GstMapInfo tokens, positions;

  if (!gst_buffer_map (meta->tokens, &tokens, GST_MAP_READ))
    return FALSE;
  memcpy (self->features,
      (const gfloat *) tokens.data
          + (gsize) meta->n_prefix_tokens * meta->embed_dim,
      n * sizeof (gfloat));
  gst_buffer_unmap (meta->tokens, &tokens);
  if (meta->positions != NULL && gst_buffer_get_size (meta->positions) > 0
      && gst_buffer_map (meta->positions, &positions, GST_MAP_READ)) {
    for (gsize i = 0; i < n; i++)
      self->features[i] -= ((const gfloat *) positions.data)[i];
    gst_buffer_unmap (meta->positions, &positions);
  }
  return TRUE;
}

/* From pixels to patches; no frame is turned here. */
static gboolean
find_label_box (
    const GstVitTokensMeta *meta, const TrackerBox *pixels, LabelBox *box)
{
  guint column, row;

  if (pixels->width > 0 && pixels->height > 0) {
    box->left = (pixels->x - meta->map[2]) / meta->map[0];
    box->top = (pixels->y - meta->map[5]) / meta->map[4];
    box->right = box->left + pixels->width / meta->map[0];
    box->bottom = box->top + pixels->height / meta->map[4];
    return TRUE;
  }
  if (!gst_vit_tokens_meta_find_patch (
          meta, pixels->x, pixels->y, &column, &row))
    return FALSE;
  *box = (LabelBox){ column - 1.0, row - 1.0, column + 2.0, row + 2.0 };
  return TRUE;
}

static void
prepare_frames (Tracker *self, const GstVitTokensMeta *meta)
{
  gsize n_patches = (gsize) meta->grid_width * meta->grid_height;

  forget_frames (self);
  self->grid_width = meta->grid_width;
  self->grid_height = meta->grid_height;
  self->embed_dim = meta->embed_dim;
  self->propagation = label_propagation_new (
      &self->settings, self->grid_width, self->grid_height, self->embed_dim);
  self->features = g_new (gfloat, n_patches * self->embed_dim);
  self->labels = g_new (gfloat, n_patches);
}

/* Begins with self->box in this frame. */
static TrackerState
start (Tracker *self, const GstVitTokensMeta *meta)
{
  LabelBox *box = &self->box;

  prepare_frames (self, meta);
  box->left = MAX (box->left, 0);
  box->top = MAX (box->top, 0);
  box->right = MIN (box->right, self->grid_width);
  box->bottom = MIN (box->bottom, self->grid_height);
  if (!label_box_fill (
          box, self->grid_width, self->grid_height, self->labels)) {
    forget_frames (self);
    return TRACKER_NOWHERE;
  }
  if (!read_features (self, meta)) {
    forget_frames (self);
    return TRACKER_IDLE;
  }
  label_propagation_start (self->propagation, self->features, self->labels);
  return TRACKER_FOUND;
}

/* On frames of another size, from where it was last. */
static TrackerState
start_again (Tracker *self, const GstVitTokensMeta *meta)
{
  gdouble columns = (gdouble) meta->grid_width / self->grid_width;
  gdouble rows = (gdouble) meta->grid_height / self->grid_height;

  self->box.left *= columns;
  self->box.right *= columns;
  self->box.top *= rows;
  self->box.bottom *= rows;
  return start (self, meta);
}

static TrackerState
follow (Tracker *self, const GstVitTokensMeta *meta, gdouble *cosine)
{
  if (!read_features (self, meta))
    return TRACKER_IDLE;
  *cosine
      = label_propagation_run (self->propagation, self->features, self->labels);
  if (*cosine < self->least_cosine
      || !label_box_find (
          self->labels, self->grid_width, self->grid_height, &self->box))
    return TRACKER_LOST;
  label_propagation_keep (self->propagation);
  return TRACKER_FOUND;
}

/* Whole pixels, and none more for an error of rounding. */
static void
mark (GstBuffer *frame, const TrackerBox *box, gdouble cosine)
{
  guint left = MAX (floor (box->x + 1e-6), 0);
  guint top = MAX (floor (box->y + 1e-6), 0);
  guint right = ceil (box->x + box->width - 1e-6);
  guint bottom = ceil (box->y + box->height - 1e-6);
  GstVideoRegionOfInterestMeta *region
      = gst_buffer_add_video_region_of_interest_meta (
          frame, "tracked", left, top, right - left, bottom - top);

  gst_video_region_of_interest_meta_add_param (region,
      gst_structure_new ("tracked", "cosine", G_TYPE_DOUBLE, cosine, NULL));
}

TrackerState
tracker_take (Tracker *self, GstBuffer *frame, TrackerBox *box, gdouble *cosine)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta_deepest (frame);
  TrackerBox wanted;
  TrackerState state;

  *cosine = 1;
  if (meta == NULL || meta->format != GST_VIT_TOKEN_FORMAT_F32)
    return TRACKER_IDLE;
  if (take_wanted (self, &wanted))
    state = find_label_box (meta, &wanted, &self->box) ? start (self, meta)
                                                       : TRACKER_NOWHERE;
  else if (self->propagation == NULL)
    return TRACKER_IDLE;
  else if (meta->grid_width != self->grid_width
           || meta->grid_height != self->grid_height
           || meta->embed_dim != self->embed_dim)
    state = start_again (self, meta);
  else
    state = follow (self, meta, cosine);
  if (state == TRACKER_FOUND) {
    box->x = meta->map[0] * self->box.left + meta->map[2];
    box->y = meta->map[4] * self->box.top + meta->map[5];
    box->width = meta->map[0] * (self->box.right - self->box.left);
    box->height = meta->map[4] * (self->box.bottom - self->box.top);
    mark (frame, box, *cosine);
  }
  return state;
}
