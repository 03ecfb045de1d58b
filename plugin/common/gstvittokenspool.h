/* SPDX-License-Identifier: MIT
 *
 * The buffers that tokens are computed into: all of one size, used again when
 * nobody holds them any more.  GStreamer's own pool takes system memory from
 * an allocator that ends the process when there is none; this one fails.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_VIT_TOKENS_POOL (gst_vit_tokens_pool_get_type ())
G_DECLARE_FINAL_TYPE (GstVitTokensPool, gst_vit_tokens_pool, GST,
    VIT_TOKENS_POOL, GstBufferPool)

/* An active pool of buffers of exactly `n_bytes`, which start on a cache line.
 * As many are made as are held at once; acquiring one gives GST_FLOW_ERROR when
 * there is no memory for it.  (nullable): NULL where `n_bytes` is 0 or more
 * than a pool can count.  Deactivate before the last unref. */
GstBufferPool *gst_vit_tokens_pool_new (gsize n_bytes);

/* (nullable): such a buffer of no pool, NULL when there is no memory for it. */
GstBuffer *gst_vit_tokens_buffer_new (gsize n_bytes);

G_END_DECLS
