/* SPDX-License-Identifier: MIT
 *
 * What a GstVitAttentionMeta says, as the fields of tokens: [n_heads][n_tokens]
 * float32 values stand where tokens have [n_tokens][embed_dim], with n_heads for
 * embed_dim and the block for n_blocks.  So rules and bytes are those of tokens.
 * Private to the library.
 */
#pragma once

#include "gst/vit/gstvittokensfields.h"

G_BEGIN_DECLS

/* Version 1 is version 2 of the bytes of tokens, gstvittokensbytes.h, without
 * kinds of prefix tokens and changes. */
#define GST_VIT_ATTENTION_BYTES_VERSION 1

/* Bytes of so much attention; 0 if there is none or too much. */
G_GNUC_INTERNAL
gsize gst_vit_attention_values_size (const GstVitTokensFields *fields);

/* (nullable), static: the rule that is broken; see
 * gst_vit_attention_meta_is_valid().  The values are not looked at. */
G_GNUC_INTERNAL
const gchar *gst_vit_attention_fields_find_fault (
    const GstVitTokensFields *fields);

/* FALSE for bytes that are not exactly one meta of this version, or a version
 * that is not known.  The fields point into them. */
G_GNUC_INTERNAL
gboolean gst_vit_attention_bytes_read (const guint8 *bytes, gsize size,
    guint version, GstVitTokensFields *fields);

G_END_DECLS
