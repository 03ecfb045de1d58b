/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitlasttokens.h"

#include <gst/video/video.h>

#include "gst/vit/vit.h"

#define MOST_METAS 4096
#define OVERDUE (60 * GST_SECOND)
#define OVERDUE_TIMES 10

void
gst_vit_last_tokens_clear (GstVitLastTokens *self)
{
  gst_clear_buffer (&self->metas);
  self->time = self->since_before = GST_CLOCK_TIME_NONE;
}

/* NONE: not known.  Either may be the later: a stream may run backwards. */
static GstClockTime
get_age (const GstVitLastTokens *self, GstBuffer *frame)
{
  GstClockTime then = self->time, now = GST_BUFFER_PTS (frame);

  if (!GST_CLOCK_TIME_IS_VALID (then) || !GST_CLOCK_TIME_IS_VALID (now))
    return GST_CLOCK_TIME_NONE;
  return now > then ? now - then : then - now;
}

/* Those of logits, for their labels. */
static void
take_labels (GstVitLastTokens *self, GstBuffer *frame)
{
  GstMetaTransformCopy whole = { FALSE, 0, (gsize) -1 };
  GstVitEmbeddingMeta *meta;
  gpointer state = NULL;

  if (gst_buffer_get_n_meta (frame, GST_VIT_EMBEDDING_META_API_TYPE)
      > MOST_METAS)
    return;
  while ((meta = gst_buffer_iterate_vit_embedding_meta (frame, &state)))
    if (gst_vit_embedding_meta_get_n_labels (meta) > 0)
      GST_VIT_EMBEDDING_META_INFO->transform_func (self->metas,
          (GstMeta *) meta, frame, _gst_meta_transform_copy, &whole);
}

static void
keep (GstVitLastTokens *self, GstMeta *meta, GstBuffer *frame, gint roi_id)
{
  GstMetaTransformCopy whole = { FALSE, 0, (gsize) -1 };

  self->is_of_regions = self->is_of_regions && roi_id != -1;
  meta->info->transform_func (
      self->metas, meta, frame, _gst_meta_transform_copy, &whole);
}

static guint
count_metas (GstBuffer *frame)
{
  return gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE)
         + gst_buffer_get_n_meta (frame, GST_VIT_ATTENTION_META_API_TYPE);
}

void
gst_vit_last_tokens_take (GstVitLastTokens *self, GstBuffer *frame)
{
  GstVitTokensMeta *tokens;
  GstVitAttentionMeta *attention;
  gpointer state = NULL;

  gst_clear_buffer (&self->metas);
  self->since_before = get_age (self, frame);
  self->time = GST_BUFFER_PTS (frame);
  if (count_metas (frame) > MOST_METAS)
    return;
  self->metas = gst_buffer_new ();
  self->is_of_regions = TRUE;
  while ((tokens = gst_buffer_iterate_vit_tokens_meta (frame, &state)))
    if (gst_vit_tokens_meta_is_valid (tokens, NULL))
      keep (self, &tokens->meta, frame, tokens->roi_id);
  state = NULL;
  while ((attention = gst_buffer_iterate_vit_attention_meta (frame, &state)))
    if (gst_vit_attention_meta_is_valid (attention, NULL))
      keep (self, &attention->meta, frame, attention->roi_id);
  take_labels (self, frame);
}

void
gst_vit_last_tokens_end (GstVitLastTokens *self)
{
  gst_clear_buffer (&self->metas);
}

/* Objects that GStreamer's detectors found are regions too, from 1.24 on. */
static gboolean
has_regions (GstBuffer *frame)
{
  const GstMetaInfo *objects = gst_meta_get_info ("GstAnalyticsRelationMeta");

  return gst_buffer_get_n_meta (
             frame, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)
             > 0
         || (objects && gst_buffer_get_meta (frame, objects->api));
}

static gboolean
is_overdue (const GstVitLastTokens *self, GstBuffer *frame)
{
  GstClockTime age = get_age (self, frame);
  GstClockTime most = OVERDUE;

  if (GST_CLOCK_TIME_IS_VALID (self->since_before))
    most = MAX (most, OVERDUE_TIMES * self->since_before);
  return GST_CLOCK_TIME_IS_VALID (age) && age > most;
}

gboolean
gst_vit_last_tokens_stand_for (GstVitLastTokens *self, GstBuffer *frame)
{
  if (!self->metas)
    return FALSE;
  if (!GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_GAP)
      && (!self->is_of_regions || has_regions (frame))
      && !is_overdue (self, frame))
    return TRUE;
  gst_vit_last_tokens_end (self);
  return FALSE;
}

gchar *
gst_vit_last_tokens_say_age (const GstVitLastTokens *self, GstBuffer *frame)
{
  GstClockTime age = get_age (self, frame);

  if (!GST_CLOCK_TIME_IS_VALID (age))
    return g_strdup ("of an earlier frame");
  if (age <= GST_SECOND)
    return NULL;
  if (age < 120 * GST_SECOND)
    return g_strdup_printf ("%u s old", (guint) (age / GST_SECOND));
  return g_strdup_printf (
      "%" G_GUINT64_FORMAT " min old", age / (60 * GST_SECOND));
}
