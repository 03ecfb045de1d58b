/* SPDX-License-Identifier: MIT
 *
 * Which model an encoder is of: the one that is set, or that of the tokens.
 */
#pragma once

#include "common/gstvitmodelevent.h"
#include "encoder/gstvitencodersettings.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): what to load, with a path, from what was set and what
 * the stream says of its tokens, which is NULL where it says nothing.  Errors:
 * SETTING where neither names a model with blocks, or both name the tower of one
 * and not the same. */
GstVitModelSource *gst_vit_encoder_choose_source (
    const GstVitEncoderSettings *settings, const GstVitModelSource *tokens,
    GError **error);

G_END_DECLS
