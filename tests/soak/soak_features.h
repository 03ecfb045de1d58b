/* SPDX-License-Identifier: MIT
 *
 * The part of the soak that encodes: frames of changing formats, with regions and
 * without, after changing layers, which are drawn on and written.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SMALL_MODEL TEST_DATA_DIR "/features/hf-vit-classifier"
#define ENCODER \
  "vitpatchembed model=\"" SMALL_MODEL "\" name=embed ! vitencoder name=encode "

void soak_features (guint n_frames);

G_END_DECLS
