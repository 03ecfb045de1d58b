/* SPDX-License-Identifier: MIT
 *
 * The values of one record as a buffer of their own: a header, where the format
 * has one, and the memory of the values, by reference.
 */
#pragma once

#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

/* (transfer full) (nullable): what stands before the values. */
typedef GstMemory *(*GstVitMakeHeader) (
    const GstVitRecord *record, GstClockTime pts);

/* (transfer full) (nullable): with the times of `frame`, the one that carries
 * the record.  make_header (nullable): the values alone.  NULL where they cannot
 * be mapped or there is no header. */
GstBuffer *gst_vit_token_buffer_new (const GstVitRecord *record,
    GstVitMakeHeader make_header, GstBuffer *frame);

G_END_DECLS
