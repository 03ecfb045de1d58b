/* SPDX-License-Identifier: MIT
 *
 * In which category of GST_DEBUG code that several elements share speaks: in that of
 * the element it speaks of.
 *
 *     #define GST_CAT_DEFAULT (gst_vit_category_of (element))
 *
 * Thread-safety: any thread.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* By the name of its factory; GStreamer's own where there is none.  It is looked for
 * each time: not for what is said of every frame. */
GstDebugCategory *gst_vit_category_of (GstElement *element);

G_END_DECLS
