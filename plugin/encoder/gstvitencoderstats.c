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

void
gst_vit_encoder_stats_take_labels (
    GstVitEncoderStats *stats, GstStructure *labels)
{
  g_clear_pointer (&stats->labels, gst_structure_free);
  stats->labels = labels;
}

void
gst_vit_encoder_stats_clear (GstVitEncoderStats *stats)
{
  gst_vit_encoder_stats_take_labels (stats, NULL);
  *stats = (GstVitEncoderStats) { 0 };
}

static void
copy_field (GstStructure *to, const GstStructure *from, const gchar *field)
{
  gst_structure_set_value (to, field, gst_structure_get_value (from, field));
}

GstStructure *
gst_vit_encoder_stats_describe (const GstVitEncoderStats *stats)
{
  guint64 n_computed = stats->n_frames - stats->n_unchanged;
  GstStructure *description = gst_structure_new ("vit-encoder-stats",
      "frames", G_TYPE_UINT64, stats->n_frames,
      "unchanged", G_TYPE_UINT64, stats->n_unchanged,
      "late", G_TYPE_UINT64, stats->n_late,
      "tokens", G_TYPE_UINT64, stats->n_tokens,
      "mean-time", G_TYPE_UINT64,
      n_computed > 0 ? stats->total_time / n_computed : 0,
      "worst-time", G_TYPE_UINT64, stats->worst_time,
      "tokens-per-frame", G_TYPE_UINT, stats->tokens_per_frame,
      "regions", G_TYPE_UINT, stats->n_regions, NULL);

  if (stats->labels != NULL) {
    copy_field (description, stats->labels, "labels");
    copy_field (description, stats->labels, "label-scores");
  }
  return description;
}
