/* SPDX-License-Identifier: MIT
 *
 * GstVitEmbeddingMeta: attaching a vector to a frame, finding it there, and
 * whether its fields, which are anyone's to write, fit together.
 */
#include "gst/vit/gstvitembeddingmeta.h"

#include <string.h>

#include "gst/vit/gstvitembedding-private.h"
#include "gst/vit/gstvittokens-private.h"

GType
gst_vit_embedding_kind_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_VIT_EMBEDDING_KIND_EMBEDDING, "A vector that stands for the whole",
        "embedding" },
    { GST_VIT_EMBEDDING_KIND_LOGITS, "The scores of a classifier's classes",
        "logits" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitEmbeddingKind", values));

  return type;
}

/* Where `tokens` were taken, and by which model. */
static void
take_after (GstVitEmbeddingMeta *meta, const GstVitTokensMeta *tokens)
{
  meta->roi_id = tokens->roi_id;
  meta->roi_type = g_strdup (tokens->roi_type);
  meta->roi_x = tokens->roi_x;
  meta->roi_y = tokens->roi_y;
  meta->roi_width = tokens->roi_width;
  meta->roi_height = tokens->roi_height;
  meta->frame_width = tokens->frame_width;
  meta->frame_height = tokens->frame_height;
  meta->model_id = g_strdup (tokens->model_id);
}

/**
 * gst_buffer_add_vit_embedding_meta:
 * @buffer: a writable #GstBuffer, the frame
 * @kind: what the values are
 * @values: (transfer none): @dim float32 values; not written to from here on
 * @dim: how many values there are, at least 1
 * @normalized: whether the vector was divided by its length
 * @like: (nullable): a valid meta of the tokens, on any frame, that the vector
 *   was computed from: its region, frame size and model are those of the vector;
 *   %NULL: of the whole frame, and nothing else is known
 *
 * Attaches a vector to a frame.
 *
 * Returns: (transfer none) (nullable): the new meta, owned by @buffer; %NULL
 *   when @values has another size than @dim says
 *
 * Since: 0.1
 */
GstVitEmbeddingMeta *
gst_buffer_add_vit_embedding_meta (GstBuffer *buffer, GstVitEmbeddingKind kind,
    GstBuffer *values, guint dim, gboolean normalized,
    const GstVitTokensMeta *like)
{
  GstVitEmbeddingMeta *meta;
  gsize size = gst_vit_embedding_values_size (dim);

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);
  g_return_val_if_fail (GST_IS_BUFFER (values) && values != buffer, NULL);
  g_return_val_if_fail ((guint) kind <= GST_VIT_EMBEDDING_KIND_LOGITS, NULL);
  g_return_val_if_fail (size > 0, NULL);
  g_return_val_if_fail (gst_buffer_get_size (values) == size, NULL);
  g_return_val_if_fail (
      like == NULL || gst_vit_tokens_meta_is_valid (like, NULL), NULL);

  meta = (GstVitEmbeddingMeta *) gst_buffer_add_meta (
      buffer, GST_VIT_EMBEDDING_META_INFO, NULL);
  if (!meta)
    return NULL;

  meta->values = gst_buffer_ref (values);
  meta->kind = kind;
  meta->dim = dim;
  meta->normalized = normalized ? TRUE : FALSE;
  if (like)
    take_after (meta, like);
  return meta;
}

/**
 * gst_buffer_get_vit_embedding_meta:
 * @buffer: a #GstBuffer
 * @kind: the kind that is looked for
 *
 * Returns: (transfer none) (nullable): the first embedding meta of this kind on
 *   @buffer
 *
 * Since: 0.1
 */
GstVitEmbeddingMeta *
gst_buffer_get_vit_embedding_meta (GstBuffer *buffer, GstVitEmbeddingKind kind)
{
  GstVitEmbeddingMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_embedding_meta (buffer, &state)))
    if (meta->kind == kind)
      return meta;

  return NULL;
}

/**
 * gst_buffer_iterate_vit_embedding_meta:
 * @buffer: a #GstBuffer
 * @state: (inout) (transfer none): opaque; %NULL before the first call
 *
 * Gives the embedding metas on @buffer, of either kind, one after the other, in
 * the order in which they were added.
 *
 * Returns: (transfer none) (nullable): the next, or %NULL at the end
 *
 * Since: 0.1
 */
GstVitEmbeddingMeta *
gst_buffer_iterate_vit_embedding_meta (GstBuffer *buffer, gpointer *state)
{
  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);

  return (GstVitEmbeddingMeta *) gst_buffer_iterate_meta_filtered (
      buffer, state, GST_VIT_EMBEDDING_META_INFO->api);
}

GstVitEmbeddingFields
gst_vit_embedding_fields_of (const GstVitEmbeddingMeta *meta)
{
  GstVitEmbeddingFields fields = {
    .kind = meta->kind,
    .dim = meta->dim,
    .normalized = meta->normalized,
    .roi_id = meta->roi_id,
    .roi_type = meta->roi_type,
    .roi_x = meta->roi_x,
    .roi_y = meta->roi_y,
    .roi_width = meta->roi_width,
    .roi_height = meta->roi_height,
    .frame_width = meta->frame_width,
    .frame_height = meta->frame_height,
    .model_id = meta->model_id,
  };

  /* One that is too long costs no more than to see that it is. */
  if (meta->roi_type)
    fields.roi_type_size
        = strnlen (meta->roi_type, GST_VIT_TOKENS_META_MAX_ROI_TYPE_SIZE + 1);
  if (meta->model_id)
    fields.model_id_size
        = strnlen (meta->model_id, GST_VIT_TOKENS_META_MAX_MODEL_ID_SIZE + 1);
  if (meta->labels) {
    fields.labels = g_bytes_get_data (meta->labels, &fields.labels_size);
    /* Of no bytes there may be no address. */
    fields.labels = fields.labels ? fields.labels : (const guint8 *) "";
  }
  return fields;
}

static const gchar *
find_fault (const GstVitEmbeddingMeta *meta)
{
  GstVitEmbeddingFields fields;
  const gchar *fault;

  if (!meta->values)
    return "there are no values";
  fields = gst_vit_embedding_fields_of (meta);
  fault = gst_vit_embedding_fields_find_fault (&fields);
  if (fault)
    return fault;
  if (gst_buffer_get_size (meta->values)
      != gst_vit_embedding_values_size (meta->dim))
    return "values is not dim values long";
  return NULL;
}

/**
 * gst_vit_embedding_meta_is_valid:
 * @meta: a #GstVitEmbeddingMeta
 * @reason: (out) (optional) (nullable) (transfer none): what does not hold, in
 *   a few English words; %NULL if the meta is valid
 *
 * Whether the fields fit together, so that what they say may be relied on:
 *
 * - @values holds exactly dim float32 values, and dim is at least 1;
 * - kind is one of #GstVitEmbeddingKind;
 * - frame_width and frame_height are both 0, or both from 1 to %G_MAXINT;
 * - roi_x, roi_y, roi_width and roi_height are all 0, or a rectangle of at least
 *   a pixel, no part of which is outside of frame_width x frame_height;
 * - roi_type is %NULL, or UTF-8 of at most 256 bytes;
 * - model_id is %NULL, or UTF-8 of at most 1024 bytes;
 * - labels is %NULL, or of logits and from 1 to 100 labels: each of a class less
 *   than dim, its name UTF-8 of at most 256 bytes, its probability from 0 to 1 and
 *   not above that of the label before.
 *
 * It says nothing of the values themselves: they may be NaN.  For who calls it,
 * see gst_vit_tokens_meta_is_valid().
 *
 * Returns: whether the meta is valid
 *
 * Since: 0.1
 */
gboolean
gst_vit_embedding_meta_is_valid (
    const GstVitEmbeddingMeta *meta, const gchar **reason)
{
  const gchar *fault;

  if (reason)
    *reason = NULL;
  g_return_val_if_fail (meta != NULL, FALSE);

  fault = find_fault (meta);
  if (reason)
    *reason = fault;
  return fault == NULL;
}

/**
 * gst_vit_embedding_meta_get_values:
 * @meta: a #GstVitEmbeddingMeta
 *
 * Returns: (transfer none) (nullable): the values, float32 `[dim]`; %NULL if the
 *   meta is not valid, see gst_vit_embedding_meta_is_valid()
 *
 * Since: 0.1
 */
GstBuffer *
gst_vit_embedding_meta_get_values (const GstVitEmbeddingMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_embedding_meta_is_valid (meta, NULL) ? meta->values : NULL;
}

/**
 * gst_vit_embedding_meta_get_model_id:
 * @meta: a #GstVitEmbeddingMeta
 *
 * Returns: (transfer none) (nullable): a short name of the model; %NULL also if
 *   the meta is not valid
 *
 * Since: 0.1
 */
const gchar *
gst_vit_embedding_meta_get_model_id (const GstVitEmbeddingMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_embedding_meta_is_valid (meta, NULL) ? meta->model_id : NULL;
}

/**
 * gst_vit_embedding_meta_get_roi_rect:
 * @meta: a #GstVitEmbeddingMeta
 * @x: (out): the left edge of the region
 * @y: (out): its upper edge
 * @width: (out): its width
 * @height: (out): its height
 *
 * The region that was looked at, in pixels of the frame of frame_width x
 * frame_height; no part of it is outside of that frame.  Where there is no
 * region, it is the whole frame.
 *
 * Returns: whether it is known; else all four are 0, as they are if the meta is
 *   not valid
 *
 * Since: 0.1
 */
gboolean
gst_vit_embedding_meta_get_roi_rect (const GstVitEmbeddingMeta *meta, guint *x,
    guint *y, guint *width, guint *height)
{
  *x = *y = *width = *height = 0;
  g_return_val_if_fail (meta != NULL, FALSE);

  if (!gst_vit_embedding_meta_is_valid (meta, NULL) || meta->frame_width == 0
      || (meta->roi_width == 0 && meta->roi_id != -1))
    return FALSE;
  *x = meta->roi_x;
  *y = meta->roi_y;
  *width = meta->roi_width > 0 ? meta->roi_width : meta->frame_width;
  *height = meta->roi_width > 0 ? meta->roi_height : meta->frame_height;
  return TRUE;
}

/**
 * gst_vit_embedding_meta_get_roi_type:
 * @meta: a #GstVitEmbeddingMeta
 *
 * Returns: (transfer none) (nullable): what the region holds, as whoever found
 *   it says; %NULL also if the meta is not valid
 *
 * Since: 0.1
 */
const gchar *
gst_vit_embedding_meta_get_roi_type (const GstVitEmbeddingMeta *meta)
{
  g_return_val_if_fail (meta != NULL, NULL);

  return gst_vit_embedding_meta_is_valid (meta, NULL) ? meta->roi_type : NULL;
}
