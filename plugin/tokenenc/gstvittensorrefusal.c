/* SPDX-License-Identifier: MIT */
#include "tokenenc/gstvittensorrefusal.h"

#include "tokenenc/gstvittensorshape.h"

/* The element's own. */
GST_DEBUG_CATEGORY_EXTERN (gst_vit_token_enc_debug);
#define GST_CAT_DEFAULT gst_vit_token_enc_debug

/* (transfer full): other/tensors of a shape that has a type. */
static GstCaps *
caps_of (const GstVitTensorShape *shape, const GValue *framerate)
{
  GstCaps *caps = gst_caps_new_simple (GST_VIT_TENSORS_NAME, "format",
      G_TYPE_STRING, "static", "num_tensors", G_TYPE_INT, 1, NULL);
  GstStructure *structure = gst_caps_get_structure (caps, 0);

  gst_vit_tensor_shape_set (shape, structure);
  if (framerate)
    gst_structure_set_value (structure, "framerate", framerate);
  return caps;
}

/* (transfer full): of all that is accepted, the tensors; if none is, all. */
static gchar *
describe_accepted (const GstCaps *accepted)
{
  g_autoptr (GstCaps) tensors
      = gst_caps_new_empty_simple (GST_VIT_TENSORS_NAME);
  g_autoptr (GstCaps) taken
      = gst_caps_intersect ((GstCaps *) accepted, tensors);

  if (gst_caps_is_empty (accepted))
    return g_strdup ("nothing");
  return gst_caps_to_string (gst_caps_is_empty (taken) ? accepted : taken);
}

/* (transfer full) (nullable): the properties of vitpatchembed with which tokens
 * would be accepted.  It has none for what is made of them. */
static gchar *
find_remedy (const GstVitRecord *record, const GValue *framerate,
    const GstCaps *accepted)
{
  static const struct {
    GstVitTokenFormat format;
    const gchar *property;
  } formats[] = { { GST_VIT_TOKEN_FORMAT_F32, "token-format=f32" },
    { GST_VIT_TOKEN_FORMAT_F16, "token-format=f16" } };
  const GstVitTokensMeta *meta = record->tokens;

  if (!meta || meta->n_blocks > 0)
    return NULL;
  for (guint without_prefix = 0; without_prefix < 2; without_prefix++) {
    for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
      gboolean is_other = formats[i].format != meta->format;
      GstVitTensorShape shape = gst_vit_tensor_shape_of (record);
      g_autoptr (GstCaps) caps = NULL;

      shape.format = formats[i].format;
      if (without_prefix)
        shape.n_tokens -= meta->n_prefix_tokens;
      caps = caps_of (&shape, framerate);
      if (gst_caps_can_intersect (accepted, caps))
        return g_strconcat (is_other ? formats[i].property : "",
            is_other && without_prefix ? " and " : "",
            without_prefix ? "prefix-tokens=false" : "", NULL);
    }
  }
  return NULL;
}

/* (transfer full).  framerate (nullable): of the frames; `accepted`: the caps
 * that downstream takes. */
static gchar *
describe (const GstVitRecord *record, const GValue *framerate,
    const GstCaps *accepted)
{
  GstVitTensorShape shape = gst_vit_tensor_shape_of (record);
  g_autofree gchar *taken = describe_accepted (accepted);
  g_autofree gchar *remedy = find_remedy (record, framerate, accepted);
  g_autofree gchar *offered = NULL;
  g_autoptr (GstCaps) caps = NULL;

  if (!gst_vit_tensor_shape_type (&shape) && record->tokens->n_blocks > 0)
    return g_strdup_printf ("other/tensors has no type for bf16 features (what "
                            "comes next takes %s)",
        taken);
  if (!gst_vit_tensor_shape_type (&shape))
    return g_strdup_printf ("other/tensors has no type for bf16 tokens; set "
                            "%s on vitpatchembed (what comes next takes %s)",
        remedy ? remedy : "token-format=f32 or f16", taken);
  caps = caps_of (&shape, framerate);
  offered = gst_caps_to_string (caps);
  return g_strdup_printf ("The %s are %s, and what comes next takes %s%s%s%s",
      record->tokens ? gst_vit_record_name (record) : "values", offered, taken,
      remedy ? "; with " : "", remedy ? remedy : "",
      remedy ? " on vitpatchembed they would fit" : "");
}

void
gst_vit_tensor_refusal_post (
    GstBaseTransform *element, const GstVitRecord *record)
{
  GstCaps *frames = gst_pad_get_current_caps (element->sinkpad);
  GstCaps *accepted = gst_pad_peer_query_caps (element->srcpad, NULL);
  g_autofree gchar *reason = describe (record,
      frames ? gst_structure_get_value (
          gst_caps_get_structure (frames, 0), "framerate")
             : NULL,
      accepted);

  GST_ELEMENT_ERROR (element, STREAM, FORMAT, ("%s", reason),
      ("%u of the %s stand for no patch; the frames are %" GST_PTR_FORMAT,
          record->tokens ? record->tokens->n_prefix_tokens : 0,
          gst_vit_record_name (record), frames));
  gst_caps_unref (accepted);
  gst_clear_caps (&frames);
}
