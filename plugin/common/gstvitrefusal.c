/* SPDX-License-Identifier: MIT */
#include "common/gstvitrefusal.h"

#include "common/gstvitcategory.h"

#define GST_CAT_DEFAULT (gst_vit_category_of (element))
#define RAW_VIDEO "video/x-raw"

/* The last that was said; under the pad's object lock. */
typedef struct {
  gchar *text; /* (nullable) */
  gboolean is_error;
} Refusal;

static void
free_refusal (gpointer data)
{
  Refusal *refusal = data;

  g_free (refusal->text);
  g_free (refusal);
}

/* (nullable): the feature that says where or how frames lie, as memory:DMABuf;
 * what is only attached to frames is named meta:. */
static const gchar *
find_memory (const GstCaps *caps)
{
  const GstCapsFeatures *features = gst_caps_get_features (caps, 0);

  for (guint i = 0; i < gst_caps_features_get_size (features); i++) {
    const gchar *name = gst_caps_features_get_nth (features, i);

    if (!g_str_has_prefix (name, "meta:")
        && !g_str_equal (name, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY))
      return name;
  }
  return NULL;
}

static gboolean
holds_format (const GValue *formats, const gchar *format)
{
  for (guint i = 0; i < gst_value_list_get_size (formats); i++) {
    if (g_strcmp0 (g_value_get_string (gst_value_list_get_value (formats, i)),
            format)
        == 0)
      return TRUE;
  }
  return FALSE;
}

/* (transfer full): some of the formats, those that everybody knows, and how many
 * there are beside. */
static gchar *
list_formats (const GstCaps *taken)
{
  static const gchar *const known[] = { "RGB", "RGBA", "GRAY8", "I420", "NV12",
    "YUY2" };
  const GValue *formats
      = gst_structure_get_value (gst_caps_get_structure (taken, 0), "format");
  GString *list = g_string_new (NULL);
  guint n_more = gst_value_list_get_size (formats);

  for (guint i = 0; i < G_N_ELEMENTS (known); i++) {
    if (!holds_format (formats, known[i]))
      continue;
    g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "", known[i]);
    n_more--;
  }
  g_string_append_printf (list, " and %u more", n_more);
  return g_string_free (list, FALSE);
}

gchar *
gst_vit_refusal_explain (const GstCaps *caps, const GstCaps *taken)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *format = gst_structure_get_string (structure, "format");
  const gchar *memory = find_memory (caps);
  gchar *formats = list_formats (taken), *text;

  if (!gst_structure_has_name (structure, RAW_VIDEO))
    text = g_strdup_printf (
        "%s is not taken, only raw video (%s) in system memory. Put a decoder "
        "and 'videoconvert' before this element.",
        gst_structure_get_name (structure), formats);
  else if (memory != NULL)
    text = g_strdup_printf (
        "Format %s with %s is not taken, only system memory (%s). Have what is "
        "before this element give plain video/x-raw, or put what brings such "
        "frames there before it ('gldownload', 'vapostproc' or the like), and "
        "'videoconvert', which alone does not.",
        format != NULL ? format : "(none)", memory, formats);
  else
    text = g_strdup_printf (
        "Format %s is not taken, only %s. Put 'videoconvert' before this "
        "element.",
        format != NULL ? format : "(none)", formats);
  g_free (formats);
  return text;
}

/* Whether this is to be posted; an error is, also where it was a warning. */
static gboolean
remember (GstPad *pad, Refusal *refusal, const gchar *text, gboolean is_error)
{
  gboolean is_new;

  GST_OBJECT_LOCK (pad);
  is_new = g_strcmp0 (refusal->text, text) != 0
           || (is_error && !refusal->is_error);
  if (is_new) {
    g_free (refusal->text);
    refusal->text = g_strdup (text);
    refusal->is_error = is_error;
  }
  GST_OBJECT_UNLOCK (pad);
  return is_new;
}

static void
forget (GstPad *pad, Refusal *refusal)
{
  GST_OBJECT_LOCK (pad);
  g_clear_pointer (&refusal->text, g_free);
  GST_OBJECT_UNLOCK (pad);
}

static void
report (GstPad *pad, Refusal *refusal, const GstCaps *caps,
    const GstCaps *taken, gboolean is_error)
{
  GstElement *element = gst_pad_get_parent_element (pad);
  gboolean is_new;
  gchar *text;

  if (element == NULL)
    return;
  text = gst_vit_refusal_explain (caps, taken);
  is_new = remember (pad, refusal, text, is_error);
  if (is_new && is_error)
    GST_ELEMENT_ERROR (
        element, STREAM, FORMAT, ("%s", text), ("%" GST_PTR_FORMAT, caps));
  else if (is_new)
    GST_ELEMENT_WARNING (element, STREAM, FORMAT,
        ("%s So far it was only asked for; upstream may have another.", text),
        ("%" GST_PTR_FORMAT, caps));
  g_free (text);
  gst_object_unref (element);
}

/* Who asks for several formats at once is choosing, and will not miss these. */
static gboolean
is_one_format (const GstCaps *caps)
{
  guint n = gst_caps_get_size (caps);

  for (guint i = 0; i < n; i++) {
    const GValue *format
        = gst_structure_get_value (gst_caps_get_structure (caps, i), "format");

    if (format == NULL || !G_VALUE_HOLDS_STRING (format))
      return FALSE;
  }
  return n > 0 && !gst_caps_is_any (caps);
}

static void
take_event (GstPad *pad, Refusal *refusal, GstEvent *event)
{
  GstCaps *caps, *taken;

  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    forget (pad, refusal);
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return;
  gst_event_parse_caps (event, &caps);
  taken = gst_pad_get_pad_template_caps (pad);
  if (gst_caps_can_intersect (caps, taken))
    forget (pad, refusal);
  else if (gst_caps_get_size (caps) > 0)
    report (pad, refusal, caps, taken, TRUE);
  gst_caps_unref (taken);
}

static void
take_query (GstPad *pad, Refusal *refusal, GstQuery *query)
{
  GstCaps *caps = NULL, *taken;

  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS)
    gst_query_parse_accept_caps (query, &caps);
  else if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS)
    gst_query_parse_caps (query, &caps);
  if (caps == NULL || !GST_PAD_IS_ACTIVE (pad) || !is_one_format (caps))
    return;
  taken = gst_pad_get_pad_template_caps (pad);
  if (!gst_caps_can_intersect (caps, taken))
    report (pad, refusal, caps, taken, FALSE);
  gst_caps_unref (taken);
}

static GstPadProbeReturn
take (GstPad *pad, GstPadProbeInfo *info, gpointer refusal)
{
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM)
    take_query (pad, refusal, GST_PAD_PROBE_INFO_QUERY (info));
  else
    take_event (pad, refusal, GST_PAD_PROBE_INFO_EVENT (info));
  return GST_PAD_PROBE_OK;
}

void
gst_vit_refusal_watch (GstPad *sinkpad)
{
  gst_pad_add_probe (sinkpad,
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_PUSH,
      take, g_new0 (Refusal, 1), free_refusal);
}
