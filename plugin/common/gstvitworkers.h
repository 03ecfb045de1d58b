/* SPDX-License-Identifier: MIT
 *
 * The threads that help an element: a VitParallelFor over one pool that all
 * elements of the process share.
 *
 * Who asks for n workers is helped by n - 1 threads at most, and computes on
 * its own thread too.  The pool is as large as the most that any element in use
 * asks for, not their sum: sixteen elements of two workers each have one helper
 * between them.  An element whose turn does not come does its work alone.
 *
 * Thread-safety: each GstVitWorkers is used by one thread at a time; several
 * may be made, used and freed at once.
 */
#pragma once

#include <gst/gst.h>

#include "base/parallel.h"

G_BEGIN_DECLS

#define GST_VIT_MAX_WORKERS 256

typedef struct _GstVitWorkers GstVitWorkers;

/* Room for `n_workers` at once, the calling thread included; 1 to
 * GST_VIT_MAX_WORKERS. */
GstVitWorkers *gst_vit_workers_new (guint n_workers);
void gst_vit_workers_free (GstVitWorkers *workers);

/* A VitParallelFor; `user_data` is a GstVitWorkers, `n_workers` at most that
 * of gst_vit_workers_new().  Worker 0 runs on the calling thread. */
void gst_vit_workers_run (
    gpointer user_data, guint n_workers, VitWork work, gpointer data);

G_END_DECLS
