/* SPDX-License-Identifier: MIT
 *
 * Memory between pages that must not be touched, for GiB on either side: an
 * address that overflowed ends there as one a byte too far does.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  guint8 *all;   /* with the guards */
  guint8 *pages; /* that can be touched */
  gsize n_pages_bytes;
  guint8 *bytes; /* those that were asked for */
  gsize size;
} Guarded;

/* Zeros; memory is taken only where they are touched, so there may be many.
 * They end where a guard begins, or begin where one ends; what is between them
 * and the other guard, less than a page, may not be touched either. */
GstMemory *guarded_new (Guarded *guarded, gsize size, gboolean is_at_end);

/* The process ends if something was written beside them. */
void guarded_free (Guarded *guarded);

G_END_DECLS
