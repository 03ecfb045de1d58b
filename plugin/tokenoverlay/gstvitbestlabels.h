/* SPDX-License-Identifier: MIT
 *
 * What the legend says of a classifier's labels.
 */
#pragma once

#include "gst/vit/gstvitembeddingmeta.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): the first three labels of the frame or region whose
 * first is the most probable of all on `frame`: "tabby cat 0.87, lynx 0.05"; after
 * the first none that is less than 0.005, and of each name at most 40 characters.
 * NULL where there are none. */
gchar *gst_vit_best_labels_say (GstBuffer *frame);

G_END_DECLS
