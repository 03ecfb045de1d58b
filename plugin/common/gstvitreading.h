/* SPDX-License-Identifier: MIT
 *
 * The bytes of a buffer that many may read at a time.  GStreamer counts who has a
 * memory mapped in eight bits: more than 255, such as regions that share their
 * positions, or frames of a still picture that carry the same tokens and wait in
 * a queue, would let the count overflow.  So a memory is mapped once in a process
 * however many readings of it there are.
 *
 * Thread-safety: any.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Counts its references; keeps the buffer. */
typedef struct {
  const guint8 *data;
  gsize size;
} GstVitReading;

/* (transfer full) (nullable): NULL where the buffer cannot be mapped.  Nobody
 * writes to it until the last reading is gone. */
GstVitReading *gst_vit_reading_new (GstBuffer *buffer);
void gst_vit_reading_unref (GstVitReading *reading);

G_END_DECLS
