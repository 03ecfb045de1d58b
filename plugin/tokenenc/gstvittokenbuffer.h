/* SPDX-License-Identifier: MIT
 *
 * The tokens of one meta as a buffer of their own: a header, where the format
 * has one, and the token memory, by reference.
 */
#pragma once

#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): what stands before the values. */
typedef GstMemory *(*GstVitMakeHeader) (
    const GstVitTokensMeta *meta, GstClockTime pts);

/* `meta` is valid, gst_vit_tokens_meta_is_valid().
 *
 * (transfer full) (nullable): with the times of `frame`, the one that carries
 * `meta`.  make_header (nullable): the values alone.  NULL where the tokens
 * cannot be mapped or there is no header. */
GstBuffer *gst_vit_token_buffer_new (const GstVitTokensMeta *meta,
    GstVitMakeHeader make_header, GstBuffer *frame);

G_END_DECLS
