/* SPDX-License-Identifier: MIT
 *
 * What the properties of vitpatchembed hold, and what that becomes for the
 * library.
 */
#pragma once

#include <gst/gst.h>

#include "patch/patch_embed.h"

G_BEGIN_DECLS

/* What tokens are computed of. */
typedef enum {
  GST_VIT_REGIONS_FRAME,
  GST_VIT_REGIONS_ROI, /* each GstVideoRegionOfInterestMeta, or detection */
} GstVitRegions;

/* Those that take effect on the next frame. */
typedef struct {
  gboolean reuse_tokens;
  guint reuse_tolerance; /* largest difference of a sample */
  guint interval;        /* frames, at least 1 */
  gboolean skip_late;
  GstVitRegions regions;
  guint max_tokens;      /* 0: no limit */
} GstVitLiveSettings;

typedef struct {
  GstVitLiveSettings live;
  gchar *model; /* path, or NULL for the built-in model */
  gchar *model_prefix; /* of the tower that is meant, or NULL */
  guint patch_size;
  guint embed_dim;
  VitPositionRule rule;
  VitPrecision precision;
  VitTokenType token_format;
  VitFit fit;
  gboolean prefix_tokens;
  guint64 max_memory; /* bytes, weights aside; 0: no limit */
  guint n_threads; /* 0: one per processor */
  GQuark tensor_id; /* 0: no tensor is attached */
  gboolean advertise_tensors;
  gboolean has_mean;
  gboolean has_std;
  double mean[3];
  double std[3];
  /* What was set last is no three numbers: nothing loads until it is. */
  gboolean mean_is_wrong;
  gboolean std_is_wrong;
} GstVitSettings;

/* As the properties are before anyone sets one. */
void gst_vit_settings_init (GstVitSettings *settings);
void gst_vit_settings_clear (GstVitSettings *settings);

/* (out must be cleared): a copy that no other thread writes to. */
void gst_vit_settings_copy (const GstVitSettings *from, GstVitSettings *out);

/* `id`: GST_VIT_SETTING_MODEL, ...; FALSE if it is none.  The caller holds the object lock. */
gboolean gst_vit_settings_set (
    GstVitSettings *settings, guint id, const GValue *value);
gboolean gst_vit_settings_get (
    const GstVitSettings *settings, guint id, GValue *value);

/* Threads to use: n_threads, or one per processor. */
guint gst_vit_settings_n_workers (const GstVitSettings *settings);

/* What vit_patch_embed_new() takes. */
VitPatchEmbedSettings gst_vit_settings_for_embed (
    const GstVitSettings *settings);

/* The model that the settings name, shared with all who use the same.  Errors:
 * SETTING, where mean or std was set to what is no three numbers; those of
 * vit_model_load() and vit_model_new_builtin(). */
VitModel *gst_vit_settings_load_model (
    const GstVitSettings *settings, GError **error);

G_END_DECLS
