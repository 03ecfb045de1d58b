/* SPDX-License-Identifier: MIT
 *
 * The properties of vittokenenc.
 */
#pragma once

#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

typedef struct {
  GstVitContent content;
  guint digits; /* of numbers in lines of JSON */
} GstVitTokenEncSettings;

void gst_vit_token_enc_settings_install (GObjectClass *klass);
void gst_vit_token_enc_settings_init (GstVitTokenEncSettings *settings);

/* FALSE if `id` is none of theirs.  The caller holds the object lock. */
gboolean gst_vit_token_enc_settings_set (
    GstVitTokenEncSettings *settings, guint id, const GValue *value);
gboolean gst_vit_token_enc_settings_get (
    const GstVitTokenEncSettings *settings, guint id, GValue *value);

G_END_DECLS
