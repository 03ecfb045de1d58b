/* SPDX-License-Identifier: MIT
 *
 * What a user of vitpatchembed is told when it starts and may not know: that
 * the model is the built-in one, that numbers were assumed because no file
 * gives them, that a setting has no effect.
 */
#pragma once

#include "patchembed/gstvitsettings.h"

G_BEGIN_DECLS

/* Posts an INFO message for each.  The caller holds no lock. */
void gst_vit_notes_post (
    GstElement *element, const GstVitSettings *settings, const VitModel *model);

G_END_DECLS
