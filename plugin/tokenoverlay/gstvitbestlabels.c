/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitbestlabels.h"

#define MOST_LABELS 3
#define MOST_CHARACTERS 40
/* What is less is 0.00 in the legend. */
#define LEAST_PROBABILITY 0.005f

/* (nullable): the labels whose first is the most probable of the frame. */
static const GstVitEmbeddingMeta *
find_best (GstBuffer *frame)
{
  const GstVitEmbeddingMeta *meta, *best = NULL;
  gfloat most = -1;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_embedding_meta (frame, &state))) {
    gfloat probability;

    if (!gst_vit_embedding_meta_get_label (meta, 0, NULL, NULL, &probability)
        || probability <= most)
      continue;
    best = meta;
    most = probability;
  }
  return best;
}

static void
append_label (GString *text, const gchar *name, gfloat probability)
{
  glong n_characters = g_utf8_strlen (name, -1);

  if (text->len > 0)
    g_string_append (text, ", ");
  if (n_characters > MOST_CHARACTERS) {
    g_string_append_len (text, name,
        g_utf8_offset_to_pointer (name, MOST_CHARACTERS - 1) - name);
    g_string_append (text, "\xe2\x80\xa6"); /* an ellipsis */
  } else {
    g_string_append (text, name);
  }
  g_string_append_printf (text, " %.2f", (gdouble) probability);
}

gchar *
gst_vit_best_labels_say (GstBuffer *frame)
{
  const GstVitEmbeddingMeta *best = find_best (frame);
  const gchar *name;
  gfloat probability;
  GString *text;

  if (!best)
    return NULL;
  text = g_string_new (NULL);
  for (guint i = 0; i < MOST_LABELS; i++) {
    if (!gst_vit_embedding_meta_get_label (best, i, NULL, &name, &probability)
        || (i > 0 && probability < LEAST_PROBABILITY))
      break;
    append_label (text, name, probability);
  }
  return g_string_free (text, FALSE);
}
