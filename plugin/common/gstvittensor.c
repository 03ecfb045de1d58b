/* SPDX-License-Identifier: MIT
 *
 * GstTensorMeta and the caps that announce it, as GStreamer's own inference
 * elements make them.
 */
#include "common/gstvittensor.h"

#include <string.h>

GQuark
gst_vit_tensor_id_of (const GValue *text)
{
  const gchar *id = g_value_get_string (text);

  return id != NULL && *id != '\0' ? g_quark_from_string (id) : 0;
}

#ifdef HAVE_GST_ANALYTICS
#include <gst/analytics/analytics.h>

static GstTensorDataType
type_of (GstVitTokenFormat format)
{
  switch (format) {
    case GST_VIT_TOKEN_FORMAT_F32:
      return GST_TENSOR_DATA_TYPE_FLOAT32;
    case GST_VIT_TOKEN_FORMAT_F16:
      return GST_TENSOR_DATA_TYPE_FLOAT16;
    case GST_VIT_TOKEN_FORMAT_BF16:
      return GST_TENSOR_DATA_TYPE_BFLOAT16;
  }
  g_return_val_if_reached (GST_TENSOR_DATA_TYPE_FLOAT32);
}

static GstTensor *
tensor_of (const GstVitTokensMeta *tokens, GQuark id)
{
  gsize dims[] = { 1, tokens->n_tokens, tokens->embed_dim };

  return gst_tensor_new_simple (id, type_of (tokens->format),
      gst_buffer_ref (tokens->tokens), GST_TENSOR_DIM_ORDER_ROW_MAJOR,
      G_N_ELEMENTS (dims), dims);
}

/* Of float32 [n]: [1, n]. */
static GstTensor *
tensor_of_vector (GstBuffer *values, GQuark id)
{
  gsize dims[] = { 1, gst_buffer_get_size (values) / sizeof (gfloat) };

  return gst_tensor_new_simple (id, GST_TENSOR_DATA_TYPE_FLOAT32,
      gst_buffer_ref (values), GST_TENSOR_DIM_ORDER_ROW_MAJOR,
      G_N_ELEMENTS (dims), dims);
}

/* GStreamer 1.26 has one such meta a buffer, and adding another gives that one
 * with the tensors it holds. */
static void
add_tensors (GstBuffer *frame, GPtrArray *added /* of GstTensor */)
{
  GstTensorMeta *meta = gst_buffer_add_tensor_meta (frame);
  gsize n_held = meta->num_tensors;
  GstTensor **tensors = g_new (GstTensor *, n_held + added->len);

  for (gsize i = 0; i < n_held; i++)
    tensors[i] = gst_tensor_copy (meta->tensors[i]);
  memcpy (tensors + n_held, added->pdata, added->len * sizeof *tensors);
  /* Takes the array and frees the one before. */
  gst_tensor_meta_set (meta, n_held + added->len, tensors);
}

void
gst_vit_tensor_attach (GstBuffer *frame, guint n_before, GQuark id)
{
  GPtrArray *added = g_ptr_array_new ();
  GstVitTokensMeta *tokens;
  gpointer state = NULL;

  for (guint i = 0;
       (tokens = gst_buffer_iterate_vit_tokens_meta (frame, &state)); i++)
    if (i >= n_before && gst_vit_tokens_meta_is_valid (tokens, NULL))
      g_ptr_array_add (added, tensor_of (tokens, id));
  if (added->len > 0)
    add_tensors (frame, added);
  g_ptr_array_unref (added);
}

void
gst_vit_tensor_attach_embeddings (
    GstBuffer *frame, guint n_before, GstVitEmbeddingKind kind, GQuark id)
{
  GPtrArray *added = g_ptr_array_new ();
  GstVitEmbeddingMeta *meta;
  gpointer state = NULL;

  for (guint i = 0;
       (meta = gst_buffer_iterate_vit_embedding_meta (frame, &state)); i++) {
    if (i >= n_before && meta->kind == kind
        && gst_vit_embedding_meta_is_valid (meta, NULL))
      g_ptr_array_add (added, tensor_of_vector (meta->values, id));
  }
  if (added->len > 0)
    add_tensors (frame, added);
  g_ptr_array_unref (added);
}

gboolean
gst_vit_tensor_is_supported (void)
{
  return TRUE;
}

void
gst_vit_tensor_attach_probabilities (
    GstBuffer *frame, const GPtrArray *probabilities)
{
  GQuark id
      = g_quark_from_static_string ("classification-generic-softmaxed-out");
  GPtrArray *added = g_ptr_array_new ();

  for (guint i = 0; i < probabilities->len; i++)
    g_ptr_array_add (
        added, tensor_of_vector (g_ptr_array_index (probabilities, i), id));
  if (added->len > 0)
    add_tensors (frame, added);
  g_ptr_array_unref (added);
}

void
gst_vit_tensor_attach_attention (GstBuffer *frame, guint n_before, GQuark id)
{
  GPtrArray *added = g_ptr_array_new ();
  GstVitAttentionMeta *meta;
  gpointer state = NULL;

  for (guint i = 0;
       (meta = gst_buffer_iterate_vit_attention_meta (frame, &state)); i++) {
    gsize dims[] = { 1, meta->n_heads, meta->n_tokens };

    if (i >= n_before && gst_vit_attention_meta_is_valid (meta, NULL))
      g_ptr_array_add (added,
          gst_tensor_new_simple (id, GST_TENSOR_DATA_TYPE_FLOAT32,
              gst_buffer_ref (meta->values), GST_TENSOR_DIM_ORDER_ROW_MAJOR,
              G_N_ELEMENTS (dims), dims));
  }
  if (added->len > 0)
    add_tensors (frame, added);
  g_ptr_array_unref (added);
}
#else
void
gst_vit_tensor_attach (GstBuffer *frame G_GNUC_UNUSED,
    guint n_before G_GNUC_UNUSED, GQuark id G_GNUC_UNUSED)
{
}

void
gst_vit_tensor_attach_embeddings (GstBuffer *frame G_GNUC_UNUSED,
    guint n_before G_GNUC_UNUSED, GstVitEmbeddingKind kind G_GNUC_UNUSED,
    GQuark id G_GNUC_UNUSED)
{
}

gboolean
gst_vit_tensor_is_supported (void)
{
  return FALSE;
}

void
gst_vit_tensor_attach_probabilities (GstBuffer *frame G_GNUC_UNUSED,
    const GPtrArray *probabilities G_GNUC_UNUSED)
{
}

void
gst_vit_tensor_attach_attention (GstBuffer *frame G_GNUC_UNUSED,
    guint n_before G_GNUC_UNUSED, GQuark id G_GNUC_UNUSED)
{
}
#endif

#if defined HAVE_GST_ANALYTICS && GST_CHECK_VERSION(1, 28, 0)
#define GROUPS_FIELD "tensors"

void
gst_vit_tensor_relate (GstBuffer *frame, const GstVitTokensMeta *tokens,
    GQuark id, guint detection)
{
  GstAnalyticsRelationMeta *meta
      = gst_buffer_get_analytics_relation_meta (frame);
  gsize dims[] = { 1, tokens->n_tokens, tokens->embed_dim };
  GstAnalyticsTensorMtd tensor;

  if (meta == NULL
      || !gst_analytics_relation_meta_add_tensor_mtd (
          meta, G_N_ELEMENTS (dims), &tensor)
      || !gst_tensor_set_simple (gst_analytics_tensor_mtd_get_tensor (&tensor),
          id, type_of (tokens->format), gst_buffer_ref (tokens->tokens),
          GST_TENSOR_DIM_ORDER_ROW_MAJOR, G_N_ELEMENTS (dims), dims))
    return;
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, detection, tensor.id);
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, tensor.id, detection);
}

/* The id names a field of a structure. */
gboolean
gst_vit_tensor_can_advertise (const GstVitTensorNotice *notice)
{
  const gchar *id = g_quark_to_string (notice->id);

  if (id == NULL || !g_ascii_isalpha (*id))
    return FALSE;
  for (; *id != '\0'; id++)
    if (!g_ascii_isalnum (*id) && !strchr ("/-_.:+", *id))
      return FALSE;
  return TRUE;
}

static void
append_int (GValue *array, gint number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, number);
  gst_value_array_append_and_take_value (array, &value);
}

/* Sets the notice's group: a set of one tensor's caps. */
static void
set_group (GstStructure *groups, const GstVitTensorNotice *notice)
{
  const gchar *id = g_quark_to_string (notice->id);
  GstCaps *tensor
      = gst_caps_new_simple ("tensor/strided", "tensor-id", G_TYPE_STRING, id,
          "dims-order", G_TYPE_STRING, "row-major", "type", G_TYPE_STRING,
          gst_tensor_data_type_get_name (type_of (notice->format)), NULL);
  GValue set = G_VALUE_INIT, caps = G_VALUE_INIT;

  if (notice->embed_dim > 0) {
    GValue dims = G_VALUE_INIT;

    /* 0: as many tokens as the frame has patches. */
    g_value_init (&dims, GST_TYPE_ARRAY);
    append_int (&dims, 1);
    append_int (&dims, 0);
    append_int (&dims, notice->embed_dim);
    gst_caps_set_value (tensor, "dims", &dims);
    g_value_unset (&dims);
  }
  g_value_init (&caps, GST_TYPE_CAPS);
  g_value_take_boxed (&caps, tensor);
  g_value_init (&set, GST_TYPE_UNIQUE_LIST);
  gst_value_unique_list_append_and_take_value (&set, &caps);
  gst_structure_take_value (groups, id, &set);
}

static void
set_notice (GstStructure *structure, const GstVitTensorNotice *notice,
    gboolean is_added)
{
  const gchar *id = g_quark_to_string (notice->id);
  const GValue *value = gst_structure_get_value (structure, GROUPS_FIELD);
  GstStructure *groups;

  if (value ? !GST_VALUE_HOLDS_STRUCTURE (value) : !is_added)
    return;
  groups = value ? gst_structure_copy (gst_value_get_structure (value))
                 : gst_structure_new_empty ("tensorgroups");
  if (!is_added)
    gst_structure_remove_field (groups, id);
  else if (!gst_structure_has_field (groups, id))
    set_group (groups, notice);

  if (gst_structure_n_fields (groups) > 0)
    gst_structure_set (
        structure, GROUPS_FIELD, GST_TYPE_STRUCTURE, groups, NULL);
  else
    gst_structure_remove_field (structure, GROUPS_FIELD);
  gst_structure_free (groups);
}

GstCaps *
gst_vit_tensor_transform_caps (
    const GstVitTensorNotice *notice, GstPadDirection direction, GstCaps *caps)
{
  if (gst_caps_is_any (caps) || !gst_vit_tensor_can_advertise (notice))
    return caps;

  caps = gst_caps_make_writable (caps);
  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    set_notice (
        gst_caps_get_structure (caps, i), notice, direction == GST_PAD_SINK);
  return caps;
}
#else
void
gst_vit_tensor_relate (GstBuffer *frame G_GNUC_UNUSED,
    const GstVitTokensMeta *tokens G_GNUC_UNUSED, GQuark id G_GNUC_UNUSED,
    guint detection G_GNUC_UNUSED)
{
}

gboolean
gst_vit_tensor_can_advertise (const GstVitTensorNotice *notice G_GNUC_UNUSED)
{
  return FALSE;
}

GstCaps *
gst_vit_tensor_transform_caps (const GstVitTensorNotice *notice G_GNUC_UNUSED,
    GstPadDirection direction G_GNUC_UNUSED, GstCaps *caps)
{
  return caps;
}
#endif
