/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitbestlabel.h"

gchar *
gst_vit_best_label_say (GstBuffer *frame)
{
  const GstVitEmbeddingMeta *meta;
  const gchar *best = NULL;
  gfloat most = -1;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_embedding_meta (frame, &state))) {
    const gchar *name;
    gfloat probability;

    if (!gst_vit_embedding_meta_get_label (meta, 0, NULL, &name, &probability)
        || probability <= most)
      continue;
    best = name;
    most = probability;
  }
  return best ? g_strdup_printf ("%s %.2f", best, (gdouble) most) : NULL;
}
