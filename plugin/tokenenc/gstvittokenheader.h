/* SPDX-License-Identifier: MIT
 *
 * What stands before the values in a file of one record: [n_tokens][embed_dim]
 * of tokens and features, [dim] of an embedding or of scores.
 */
#pragma once

#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

/* (transfer full): a multiple of 64 bytes; `pts` is not used. */
GstMemory *gst_vit_token_header_npy (
    const GstVitRecord *record, GstClockTime pts);

/* (transfer full) (nullable): a multiple of 8 bytes, with the fields of the
 * meta and `pts`, if valid, as metadata.  It stays under the length that readers
 * take, for which `changed` is left out where there are too many tokens: any of
 * them may have changed then.  NULL when there is no memory for it. */
GstMemory *gst_vit_token_header_safetensors (
    const GstVitRecord *record, GstClockTime pts);

G_END_DECLS
