/* SPDX-License-Identifier: MIT
 *
 * Tokens in NNStreamer's words.  Its types and dimensions:
 * https://github.com/nnstreamer/nnstreamer, "Tensor stream types".
 */
#include "tokenenc/gstvittensorshape.h"

GstVitTensorShape
gst_vit_tensor_shape_of (const GstVitTokensMeta *meta)
{
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

GstStructure *
gst_vit_tensor_shape_transform (const GstVitTensorShape *shape,
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
