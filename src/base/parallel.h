/* SPDX-License-Identifier: MIT
 *
 * How the library is lent threads: work that is spread over workers, and the
 * function of the caller's that runs it on all of them; and how it is told to stop.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a worker does; `worker` tells it from the others. */
typedef void (*VitWork) (gpointer data, guint worker);

/* The caller's threads: calls work (data, i) at most once for each i <
 * n_workers, at least for 0, in any order, on any threads, and returns when all
 * have returned.  The work is all done when one has; a worker that starts late
 * or never costs time, nothing else. */
typedef void (*VitParallelFor) (
    gpointer user_data, guint n_workers, VitWork work, gpointer data);

/* Whether nobody wants what is being computed any more; asked before every task, on
 * any of the threads. */
typedef gboolean (*VitIsStopped) (gpointer stop_data);

G_END_DECLS
