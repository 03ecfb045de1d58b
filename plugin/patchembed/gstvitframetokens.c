/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitframetokens.h"

#include <string.h>

/* The element's own. */
GST_DEBUG_CATEGORY_EXTERN (gst_vit_patch_embed_debug);
#define GST_CAT_DEFAULT gst_vit_patch_embed_debug

/* Takes `error`; NULL for tokens without memory. */
static void
leave_out (GstElement *element, const GstVitRegion *region, GError *error)
{
  if (g_error_matches (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE))
    GST_DEBUG_OBJECT (element, "no tokens for region %d, %ux%u at (%u,%u): %s",
        region->id, region->width, region->height, region->x, region->y,
        error->message);
  else
    GST_ELEMENT_WARNING (element, RESOURCE, NO_SPACE_LEFT,
        ("No memory for the tokens of this frame; it passes without them"),
        ("%s", error != NULL ? error->message : "no buffer for them"));
  g_clear_error (&error);
}

void
gst_vit_frame_tokens_attach (GstVitTokenizers *tokenizers,
    GstElement *element, const GstVitTokenizerTask *task,
    const GArray *regions, const VitImage *image, const VitImageFormat *format,
    GstBuffer *frame, GstVitFrameResult *result)
{
  memset (result, 0, sizeof *result);
  for (guint i = 0; i < regions->len; i++) {
    GstVitRegion region = g_array_index (regions, GstVitRegion, i);
    VitImage part = *image;
    VitFrameCounts counts;
    GError *error = NULL;
    GstVitTokenizer *tokenizer = gst_vit_tokenizers_find (
        tokenizers, task->serial, &region, &part, &error);

    if (tokenizer == NULL
        || !gst_vit_tokenizer_run (tokenizer, task, &part, &region, frame,
            format->width, format->height, &counts)) {
      leave_out (element, &region, error);
      continue;
    }
    result->counts.n_kept += counts.n_kept;
    result->counts.n_short += counts.n_short;
    result->counts.n_full += counts.n_full;
    result->n_tokens += tokenizer->shape.n_tokens;
    result->shape = tokenizer->shape;
  }
}
