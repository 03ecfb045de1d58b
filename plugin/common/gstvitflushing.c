/* SPDX-License-Identifier: MIT */
#include "common/gstvitflushing.h"

gboolean
gst_vit_is_flushing (GstPad *srcpad)
{
  gboolean is_flushing;

  GST_OBJECT_LOCK (srcpad);
  is_flushing = GST_PAD_IS_FLUSHING (srcpad);
  GST_OBJECT_UNLOCK (srcpad);
  return is_flushing;
}

gboolean
gst_vit_is_stopped (gpointer srcpad)
{
  return gst_vit_is_flushing (srcpad);
}
