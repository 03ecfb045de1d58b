/* SPDX-License-Identifier: MIT
 *
 * The labels of logits as GStreamer's own metadata: GstAnalyticsClsMtd in the
 * frame's GstAnalyticsRelationMeta (1.24).  Compiled in where
 * gstreamer-analytics-1.0 is there; elsewhere this does nothing.
 */
#pragma once

#include "gst/vit/gstvitembeddingmeta.h"

G_BEGIN_DECLS

/* Adds one for each valid embedding meta with labels but those among the first
 * `n_before` of either kind.  Of a region that a GstAnalyticsODMtd marks, the two
 * are related (GST_ANALYTICS_REL_TYPE_RELATE_TO, both ways). */
void gst_vit_classification_attach (GstBuffer *frame, guint n_before);

G_END_DECLS
