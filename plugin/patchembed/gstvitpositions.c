/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitpositions.h"

#include <stdlib.h>

/* The element's own. */
GST_DEBUG_CATEGORY_EXTERN (gst_vit_patch_embed_debug);
#define GST_CAT_DEFAULT gst_vit_patch_embed_debug

GstBuffer *
gst_vit_positions_new (const VitPatchEmbed *embed)
{
  VitTokensShape shape = vit_patch_embed_shape (embed);
  gsize size = (gsize) (shape.n_tokens - shape.n_prefix_tokens)
               * shape.embed_dim * sizeof (float);
  GError *error = NULL;
  float *values;

  if (!vit_patch_embed_positions (embed, &values, &error)) {
    if (error != NULL)
      GST_WARNING ("no positions: %s", error->message);
    g_clear_error (&error);
    return NULL;
  }
  if (values == NULL)
    return gst_buffer_new ();
  return gst_buffer_new_wrapped_full (
      GST_MEMORY_FLAG_READONLY, values, size, 0, size, values, free);
}
