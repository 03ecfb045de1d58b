/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitstats.h"

void
gst_vit_stats_count (GstVitStats *stats, const VitFrameCounts *counts,
    guint n_tokens, GstClockTime time)
{
  stats->n_frames++;
  stats->n_tokens += n_tokens;
  stats->n_computed += counts->n_short + counts->n_full;
  stats->n_reused += counts->n_kept;
  stats->n_short += counts->n_short;
  stats->total_time += time;
  stats->worst_time = MAX (stats->worst_time, time);
}

GstStructure *
gst_vit_stats_describe (const GstVitStats *stats, const VitImageFormat *format,
    const VitTokensShape *shape)
{
  GstClockTime mean
      = stats->n_frames > 0 ? stats->total_time / stats->n_frames : 0;

  return gst_structure_new ("vit-stats",
      "frames", G_TYPE_UINT64, stats->n_frames,
      "late", G_TYPE_UINT64, stats->n_late,
      "tokens", G_TYPE_UINT64, stats->n_tokens,
      "computed", G_TYPE_UINT64, stats->n_computed,
      "reused", G_TYPE_UINT64, stats->n_reused,
      "short-products", G_TYPE_UINT64, stats->n_short,
      "mean-time", G_TYPE_UINT64, mean,
      "worst-time", G_TYPE_UINT64, stats->worst_time,
      "frame-width", G_TYPE_UINT, format->width,
      "frame-height", G_TYPE_UINT, format->height,
      "grid-width", G_TYPE_UINT, shape->grid_width,
      "grid-height", G_TYPE_UINT, shape->grid_height,
      "tokens-per-frame", G_TYPE_UINT, shape->n_tokens,
      "embed-dim", G_TYPE_UINT, shape->embed_dim, NULL);
}
