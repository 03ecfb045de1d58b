/* SPDX-License-Identifier: MIT
 *
 * Tokens in NNStreamer's words.  Its types and dimensions:
 * https://github.com/nnstreamer/nnstreamer, "Tensor stream types".
 */
#include "tokenenc/gstvittensorshape.h"

GstVitTensorShape
gst_vit_tensor_shape_of (const GstVitRecord *record)
{
  const GstVitTokensMeta *meta = record->tokens;

  if (!meta)
    return (GstVitTensorShape){ GST_VIT_TOKEN_FORMAT_F32, 1,
      record->embedding->dim };
  return (GstVitTensorShape){ meta->format, meta->n_tokens, meta->embed_dim };
}

gboolean
gst_vit_tensor_shape_equal (
    const GstVitTensorShape *a, const GstVitTensorShape *b)
{
  return a->format == b->format && a->n_tokens == b->n_tokens
         && a->embed_dim == b->embed_dim;
}

const gchar *
gst_vit_tensor_shape_type (const GstVitTensorShape *shape)
{
  switch (shape->format) {
    case GST_VIT_TOKEN_FORMAT_F32:
      return "float32";
    case GST_VIT_TOKEN_FORMAT_F16:
      return "float16";
    case GST_VIT_TOKEN_FORMAT_BF16:
      return NULL;
  }
  g_return_val_if_reached (NULL);
}

void
gst_vit_tensor_shape_set (const GstVitTensorShape *shape, GstStructure *tensors)
{
  /* The dimension that varies fastest comes first. */
  g_autofree gchar *dimensions
      = g_strdup_printf ("%u:%u:1:1", shape->embed_dim, shape->n_tokens);

  gst_structure_set (tensors, "types", G_TYPE_STRING,
      gst_vit_tensor_shape_type (shape), "dimensions", G_TYPE_STRING,
      dimensions, NULL);
}

/* (transfer full) (nullable): one structure of each side. */
static GstStructure *
transform_structure (const GstVitTensorShape *shape,
    const GstStructure *from, const GstStructure *to)
{
  const GValue *framerate = gst_structure_get_value (from, "framerate");
  gboolean has_shape = gst_structure_has_name (to, GST_VIT_TENSORS_NAME)
                       && shape->n_tokens > 0;
  GstStructure *result;

  if (has_shape && !gst_vit_tensor_shape_type (shape))
    return NULL;

  result = gst_structure_copy (to);
  if (framerate)
    gst_structure_set_value (result, "framerate", framerate);
  if (has_shape)
    gst_vit_tensor_shape_set (shape, result);
  return result;
}

GstCaps *
gst_vit_tensor_shape_transform (
    const GstVitTensorShape *shape, const GstCaps *from, GstCaps *all)
{
  GstCaps *result;

  if (gst_caps_is_any (from))
    return all;
  result = gst_caps_new_empty ();
  for (guint i = 0; i < gst_caps_get_size (all); i++) {
    for (guint j = 0; j < gst_caps_get_size (from); j++) {
      GstStructure *to = transform_structure (shape,
          gst_caps_get_structure (from, j), gst_caps_get_structure (all, i));

      if (to)
        result = gst_caps_merge_structure_full (result, to,
            gst_caps_features_copy (gst_caps_get_features (all, i)));
    }
  }
  gst_caps_unref (all);
  return result;
}
