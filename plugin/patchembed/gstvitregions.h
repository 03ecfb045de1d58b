/* SPDX-License-Identifier: MIT
 *
 * The parts of a frame that tokens are wanted of, as its
 * GstVideoRegionOfInterestMeta say, and the GstAnalyticsODMtd that GStreamer's
 * detectors write (1.24; compiled in where gstreamer-analytics-1.0 is there).
 */
#pragma once

#include <gst/video/video.h>

#include "common/gstvitregionsmax.h"

G_BEGIN_DECLS

/* Pixels of the frame, none of them outside it; width and height at least 1. */
typedef struct {
  gint id;     /* no other's on this frame; -1: the whole frame */
  GQuark type; /* what is in it, as who marked it says; 0: nothing is said */
  guint x;
  guint y;
  guint width;
  guint height;
  guint detection; /* id of the GstAnalyticsODMtd, or GST_VIT_NO_DETECTION */
} GstVitRegion;

#define GST_VIT_NO_DETECTION G_MAXUINT

/* Fills `regions`, an array of GstVitRegion, in the order of the metas, regions
 * of interest first.  A detection of the same type and place as one of these is
 * the same.  A region that reaches out of the frame is clipped to it; one that lies outside
 * is left out.  FALSE: there were more than GST_VIT_REGIONS_MAX, and these are
 * the first.
 *
 * A region has the id that its meta, or detection, has, but where that is -1, or an earlier
 * region's too (all are 0 where nobody sets one), the lowest from 1 up that no
 * meta of the frame has, be it of a region that is left out. */
gboolean gst_vit_regions_find (
    GstBuffer *frame, guint frame_width, guint frame_height, GArray *regions);

G_END_DECLS
