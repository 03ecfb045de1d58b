/* SPDX-License-Identifier: MIT
 *
 * What vitpatchembed has done since it was started, as its property `stats`
 * tells it.
 *
 * Thread-safety: none; the caller holds a lock.
 */
#pragma once

#include <gst/gst.h>

#include "patch/patch_embed.h"

G_BEGIN_DECLS

typedef struct {
  guint64 n_frames;   /* that tokens were computed of */
  guint64 n_late;     /* that passed without tokens, because late */
  guint64 n_tokens;
  guint64 n_computed; /* patches */
  guint64 n_reused;   /* patches */
  guint64 n_short;    /* of those computed: products over stored samples */
  GstClockTime total_time;
  GstClockTime worst_time;
} GstVitStats;

/* One frame: its patches and tokens, those of all its regions. */
void gst_vit_stats_count (GstVitStats *stats, const VitFrameCounts *counts,
    guint n_tokens, GstClockTime time);

/* (transfer full): the counts, with the format and shape of the last frame. */
GstStructure *gst_vit_stats_describe (const GstVitStats *stats,
    const VitImageFormat *format, const VitTokensShape *shape);

G_END_DECLS
