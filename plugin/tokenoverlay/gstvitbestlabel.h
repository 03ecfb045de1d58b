/* SPDX-License-Identifier: MIT
 *
 * What the legend says of a classifier's labels.
 */
#pragma once

#include "gst/vit/gstvitembeddingmeta.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): of all labels on `frame`, those of regions too, the
 * most probable: "tabby cat 0.87"; NULL where there are none. */
gchar *gst_vit_best_label_say (GstBuffer *frame);

G_END_DECLS
