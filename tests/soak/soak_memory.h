/* SPDX-License-Identifier: MIT
 *
 * The soak's memory: samples of what is resident, and whether it grew.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is resident moves up and down with the frames in flight and with the
 * threads that come and go, so that means are compared: of the first and of the
 * last quarter of all samples since memory had settled. */
typedef struct {
  GArray *samples; /* of glong, KiB */
  gsize n_unsettled;
} Memory;

void memory_init (Memory *memory);
void memory_sample (Memory *memory);

/* Prints what there was, after `n` of `what`.  Growth of 1 % fails, but not under a
 * tracer, which keeps books of its own. */
void memory_report (Memory *memory, const gchar *what, guint n);

G_END_DECLS
