/* SPDX-License-Identifier: MIT
 *
 * The buffers that the features, embedding, logits and attention of a frame, or of
 * one region of it, are computed into: a pool for each of the lengths that these
 * have.
 *
 * Thread-safety: one thread at a time; what was acquired may be held anywhere.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstVitEncoderPools GstVitEncoderPools;

GstVitEncoderPools *gst_vit_encoder_pools_new (void);

/* What somebody holds lives on. */
void gst_vit_encoder_pools_free (GstVitEncoderPools *pools);

/* (transfer full) (nullable): room for so many floats, on a cache line; NULL where
 * there is no memory for it. */
GstBuffer *gst_vit_encoder_pools_acquire (
    GstVitEncoderPools *pools, gsize n_values);

G_END_DECLS
