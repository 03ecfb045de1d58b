/* SPDX-License-Identifier: MIT
 *
 * Functions of their arguments alone, so that they can be tested with any
 * numbers and on every release of GStreamer.
 */
#include "gst/vit/gstvitembeddingfields.h"

#include "gst/vit/gstvitlabelbytes.h"
#include "gst/vit/gstvittokensfields.h"

gsize
gst_vit_embedding_values_size (guint dim)
{
  gsize size;

  return g_size_checked_mul (&size, dim, sizeof (gfloat)) ? size : 0;
}

/* By the rules of tokens.  In a frame that is not known there is no region. */
static const gchar *
find_source_fault (const GstVitEmbeddingFields *fields)
{
  GstVitTokensFields tokens = {
    .frame_width = fields->frame_width,
    .frame_height = fields->frame_height,
    .model_id = fields->model_id,
    .model_id_size = fields->model_id_size,
    .roi_type = fields->roi_type,
    .roi_type_size = fields->roi_type_size,
    .roi_x = fields->roi_x,
    .roi_y = fields->roi_y,
    .roi_width = fields->roi_width,
    .roi_height = fields->roi_height,
  };

  return gst_vit_tokens_fields_find_label_fault (&tokens);
}

const gchar *
gst_vit_embedding_fields_find_fault (const GstVitEmbeddingFields *fields)
{
  const gchar *fault;

  /* As an enum may be signed. */
  if ((guint) fields->kind > GST_VIT_EMBEDDING_KIND_LOGITS)
    return "kind is not known";
  if (gst_vit_embedding_values_size (fields->dim) == 0)
    return "dim is 0 or too large";
  if (fields->frame_width > G_MAXINT || fields->frame_height > G_MAXINT)
    return "frame_width or frame_height is too large";
  if ((fields->frame_width == 0) != (fields->frame_height == 0))
    return "one of frame_width and frame_height is 0";
  fault = find_source_fault (fields);
  if (fault)
    return fault;
  if (fields->labels && fields->kind != GST_VIT_EMBEDDING_KIND_LOGITS)
    return "there are labels, and no logits";
  return gst_vit_label_bytes_find_fault (
      fields->labels, fields->labels_size, fields->dim);
}
