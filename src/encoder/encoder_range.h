/* SPDX-License-Identifier: MIT
 *
 * How large the numbers of an encoder can become, whatever the frame: a bound
 * from its weights, so that none leaves float32 while it runs.  A normed row has
 * a known length, and no map makes a row longer than its weights' length times
 * that; so each block adds to a token at most what its own weights allow.
 *
 * Thread-safety: pure.
 */
#pragma once

#include "encoder/encoder_weights.h"

G_BEGIN_DECLS

/* Of a token between blocks: its square still is a float32. */
#define VIT_ENCODER_MAX_LENGTH 1e16

/* Errors: VALUE, which names the block; the message has no file. */
gboolean vit_encoder_check_range (
    const VitEncoderWeights *weights, GError **error);

G_END_DECLS
