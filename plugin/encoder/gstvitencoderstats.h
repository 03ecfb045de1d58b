/* SPDX-License-Identifier: MIT
 *
 * What vitencoder has done since it was started, as its property `stats` tells it.
 *
 * Thread-safety: none; the caller holds a lock.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  guint64 n_frames;    /* with features */
  guint64 n_unchanged; /* of these: nothing was computed */
  guint64 n_late;      /* without, because late */
  guint64 n_tokens;
  GstClockTime total_time; /* of those that were computed */
  GstClockTime worst_time;
  guint tokens_per_frame;  /* of the last frame */
  guint n_regions;         /* likewise */
  GstStructure *labels;    /* likewise, (nullable): `labels`, `label-scores` */
} GstVitEncoderStats;

/* One frame; `n_computed` of its regions were. */
void gst_vit_encoder_stats_count (GstVitEncoderStats *stats, guint n_tokens,
    guint n_regions, guint n_computed, GstClockTime time);

/* Those of that frame. */
void gst_vit_encoder_stats_take_labels (GstVitEncoderStats *stats,
    GstStructure *labels /* (transfer full) */);

/* All is 0 again. */
void gst_vit_encoder_stats_clear (GstVitEncoderStats *stats);

/* (transfer full) */
GstStructure *gst_vit_encoder_stats_describe (const GstVitEncoderStats *stats);

G_END_DECLS
