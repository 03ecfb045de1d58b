/* SPDX-License-Identifier: MIT
 *
 * The threads that help an element: a VitParallelFor over GstSharedTaskPool.
 */
#pragma once

#include <gst/gst.h>

#include "patch_embed.h"

G_BEGIN_DECLS

typedef struct _GstVitWorkers GstVitWorkers;

/* Room for `n_workers` at once, the calling thread included; at least 1. */
GstVitWorkers *gst_vit_workers_new (guint n_workers);
void gst_vit_workers_free (GstVitWorkers *workers);

/* A VitParallelFor; `user_data` is a GstVitWorkers, `n_workers` at most that
 * of gst_vit_workers_new().  Worker 0 runs on the calling thread. */
void gst_vit_workers_run (
    gpointer user_data, guint n_workers, VitWork work, gpointer data);

G_END_DECLS
