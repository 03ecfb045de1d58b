/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderstats.h"

void
gst_vit_encoder_stats_count (GstVitEncoderStats *stats, guint n_tokens,
    guint n_regions, guint n_computed, GstClockTime time)
{
  stats->n_frames++;
  stats->n_tokens += n_tokens;
  stats->tokens_per_frame = n_tokens;
  stats->n_regions = n_regions;
  if (n_computed == 0) {
    stats->n_unchanged++;
    return;
  }
  stats->total_time += time;
  stats->worst_time = MAX (stats->worst_time, time);
}

GstStructure *
gst_vit_encoder_stats_describe (const GstVitEncoderStats *stats)
{
  guint64 n_computed = stats->n_frames - stats->n_unchanged;

  return gst_structure_new ("vit-encoder-stats",
      "frames", G_TYPE_UINT64, stats->n_frames,
      "unchanged", G_TYPE_UINT64, stats->n_unchanged,
      "late", G_TYPE_UINT64, stats->n_late,
      "tokens", G_TYPE_UINT64, stats->n_tokens,
      "mean-time", G_TYPE_UINT64,
      n_computed > 0 ? stats->total_time / n_computed : 0,
      "worst-time", G_TYPE_UINT64, stats->worst_time,
      "tokens-per-frame", G_TYPE_UINT, stats->tokens_per_frame,
      "regions", G_TYPE_UINT, stats->n_regions, NULL);
}
