/* SPDX-License-Identifier: MIT */
#include "tokenenc/gstvitbareframes.h"

#define FRAMES_BEFORE_WARNING 250

/* Once a start at most. */
static void
warn (GstVitBareFrames *bare, GstElement *element)
{
  const gchar *name = gst_vit_content_name (bare->content);
  GstPad *pad;
  GstCaps *caps;

  if (bare->is_explained)
    return;
  bare->is_explained = TRUE;
  pad = gst_element_get_static_pad (element, "sink");
  caps = gst_pad_get_current_caps (pad);
  GST_ELEMENT_WARNING (element, STREAM, WRONG_TYPE,
      ("None of %u frames carried %s, so nothing was written. Is there a %s "
       "before this element, and does nothing between the two crop, flip or "
       "add "
       "borders to the frames, which drops the %s?",
          bare->n_frames, name, gst_vit_content_maker (bare->content), name),
      ("frames of %" GST_PTR_FORMAT, caps));
  gst_clear_caps (&caps);
  gst_object_unref (pad);
}

void
gst_vit_bare_frames_count (
    GstVitBareFrames *bare, GstVitContent content, GstElement *element)
{
  bare->content = content;
  if (++bare->n_frames == FRAMES_BEFORE_WARNING)
    warn (bare, element);
}

void
gst_vit_bare_frames_end (GstVitBareFrames *bare, GstElement *element)
{
  if (bare->n_frames > 0)
    warn (bare, element);
}
