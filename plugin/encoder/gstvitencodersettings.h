/* SPDX-License-Identifier: MIT
 *
 * What the properties of vitencoder hold, and what that becomes for the library.
 */
#pragma once

#include <gst/gst.h>

#include "encoder/encoder.h"

G_BEGIN_DECLS

/* Those that take effect on the next frame. */
typedef struct {
  gboolean features;
  VitEmbeddingKind embedding;
  gboolean normalize;
  gboolean attention;
  gboolean skip_late;
  guint top;         /* labels; 0: none */
  gdouble threshold; /* [0,1] */
  GQuark classes;         /* path of a file of texts; 0: the model's own */
  guint n_times_classes;  /* that they were set: a file may be another by now */
} GstVitEncoderLiveSettings;

typedef struct {
  GstVitEncoderLiveSettings live;
  gchar *model;        /* path, or NULL for that of the tokens */
  gchar *model_prefix; /* of the tower that is meant, or NULL */
  VitPrecision precision;
  GArray *layers;      /* of guint, not changed once made; empty: the last block */
  VitFeatureNorm norm;
  VitEncoderOverrides overrides;
  guint n_threads;     /* 0: one per processor */
  guint64 max_memory;  /* bytes, weights aside; 0: no limit */
  GQuark tensor_id;    /* 0: no tensor is attached */
} GstVitEncoderSettings;

/* As the properties are before anyone sets one. */
void gst_vit_encoder_settings_init (GstVitEncoderSettings *settings);
void gst_vit_encoder_settings_clear (GstVitEncoderSettings *settings);

/* (out must be cleared): a copy that no other thread writes to. */
void gst_vit_encoder_settings_copy (
    const GstVitEncoderSettings *from, GstVitEncoderSettings *out);

/* `id`: GST_VIT_ENCODER_SETTING_MODEL, ...; FALSE if it is none.  The caller holds
 * the object lock. */
gboolean gst_vit_encoder_settings_set (
    GstVitEncoderSettings *settings, guint id, const GValue *value);
gboolean gst_vit_encoder_settings_get (
    const GstVitEncoderSettings *settings, guint id, GValue *value);

/* Threads to use: n_threads, or one per processor. */
guint gst_vit_encoder_settings_n_workers (
    const GstVitEncoderSettings *settings);

/* What vit_encoder_new() takes; it points into `settings`. */
VitEncoderSettings gst_vit_encoder_settings_for_library (
    const GstVitEncoderSettings *settings);

G_END_DECLS
