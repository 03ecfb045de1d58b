/* SPDX-License-Identifier: MIT
 *
 * The properties of vittokenoverlay: what they are called and what they hold.
 */
#pragma once

#include "tokenoverlay/gstvitdrawing.h"

G_BEGIN_DECLS

void gst_vit_drawing_settings_install (GObjectClass *klass);
void gst_vit_drawing_settings_init (GstVitDrawingSettings *settings);

/* FALSE if `id` is none of theirs.  The caller holds the object lock. */
gboolean gst_vit_drawing_settings_set (
    GstVitDrawingSettings *settings, guint id, const GValue *value);
gboolean gst_vit_drawing_settings_get (
    const GstVitDrawingSettings *settings, guint id, GValue *value);

G_END_DECLS
