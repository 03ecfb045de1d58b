/* SPDX-License-Identifier: MIT */
#include "common/gstvitbareframes.h"

#include "common/gstvitcategory.h"

#define GST_CAT_DEFAULT (gst_vit_category_of (element))
#define FRAMES_BEFORE_WARNING 250

/* Once a start at most. */
static void
warn (GstVitBareFrames *bare, GstElement *element)
{
  const gchar *name = bare->words.name;
  GstPad *pad;
  GstCaps *caps;

  if (bare->is_explained)
    return;
  bare->is_explained = TRUE;
  pad = gst_element_get_static_pad (element, "sink");
  caps = gst_pad_get_current_caps (pad);
  GST_ELEMENT_WARNING (element, STREAM, WRONG_TYPE,
      ("None of %u frames carried %s, so %s. Is there a %s before this "
       "element, and does nothing between the two crop, flip or add borders "
       "to the frames, which drops the %s?",
          bare->n_frames, name, bare->words.outcome, bare->words.maker, name),
      ("frames of %" GST_PTR_FORMAT, caps));
  gst_clear_caps (&caps);
  gst_object_unref (pad);
}

void
gst_vit_bare_frames_count (
    GstVitBareFrames *bare, const GstVitBareWords *words, GstElement *element)
{
  bare->words = *words;
  if (++bare->n_frames == FRAMES_BEFORE_WARNING)
    warn (bare, element);
}

void
gst_vit_bare_frames_end (GstVitBareFrames *bare, GstElement *element)
{
  if (bare->n_frames > 0)
    warn (bare, element);
}
