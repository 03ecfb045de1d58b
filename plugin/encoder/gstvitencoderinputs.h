/* SPDX-License-Identifier: MIT
 *
 * The tokens on a frame that an encoder takes: those of its model that enter the
 * first block, of the frame or of each region.
 */
#pragma once

#include "encoder/encoder_weights.h"
#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

/* What was found on a frame. */
typedef struct {
  GPtrArray *tokens;     /* of GstVitTokensMeta, in their order on the frame */
  const gchar *malformed; /* why one was passed over; NULL: none was */
  gboolean has_more;      /* than are taken of one frame */
  gboolean have_come;     /* this model's, on this frame or on one before; the
                             stream's owner forgets it where another begins */
} GstVitEncoderInputs;

/* Whether a frame has any tokens, of whatever kind. */
gboolean gst_vit_encoder_inputs_are_on (GstBuffer *frame);

/* Finds them; `model_id` is that of the weights.  Metas whose fields do not fit
 * together are passed over, and so are another model's and features.  Of more than
 * GST_VIT_REGIONS_MAX the first are taken.  None is no
 * error where the frame has no others either, or where some have come before.
 * Errors: SETTING where all are of another model or are features already, and none
 * came before; and for those of this model without its prefix tokens or of another
 * width. */
gboolean gst_vit_encoder_inputs_find (GstBuffer *frame,
    const VitEncoderWeights *weights, const gchar *model_id,
    GstVitEncoderInputs *inputs, GError **error);

G_END_DECLS
