/* SPDX-License-Identifier: MIT
 *
 * What stands before the values [n_tokens][embed_dim] in a file of one frame's
 * tokens.
 */
#pragma once

#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

/* `meta` is valid, gst_vit_tokens_meta_is_valid(). */

/* (transfer full): a multiple of 64 bytes; `pts` is not used. */
GstMemory *gst_vit_token_header_npy (
    const GstVitTokensMeta *meta, GstClockTime pts);

/* (transfer full) (nullable): a multiple of 8 bytes, with the fields of `meta`
 * and `pts`, if valid, as metadata.  It stays under the length that readers
 * take, for which `changed` is left out where there are too many tokens: any of
 * them may have changed then.  NULL when there is no memory for it. */
GstMemory *gst_vit_token_header_safetensors (
    const GstVitTokensMeta *meta, GstClockTime pts);

G_END_DECLS
