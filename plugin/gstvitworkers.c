/* SPDX-License-Identifier: MIT */
#include "gstvitworkers.h"

typedef struct {
  VitWork work;
  gpointer data;
  guint worker;
  gpointer id; /* of the pushed task, NULL when there is none to join */
} Task;

struct _GstVitWorkers {
  GstTaskPool *pool; /* NULL for a single worker */
  Task *tasks;       /* [n_workers] */
};

GstVitWorkers *
gst_vit_workers_new (guint n_workers)
{
  GstVitWorkers *workers = g_new0 (GstVitWorkers, 1);

  workers->tasks = g_new0 (Task, n_workers);
  if (n_workers > 1) {
    workers->pool = gst_shared_task_pool_new ();
    gst_shared_task_pool_set_max_threads (
        GST_SHARED_TASK_POOL (workers->pool), n_workers - 1);
    gst_task_pool_prepare (workers->pool, NULL);
  }
  return workers;
}

void
gst_vit_workers_free (GstVitWorkers *workers)
{
  if (workers == NULL)
    return;
  if (workers->pool != NULL) {
    gst_task_pool_cleanup (workers->pool);
    gst_object_unref (workers->pool);
  }
  g_free (workers->tasks);
  g_free (workers);
}

static void
run_task (void *user_data)
{
  Task *task = user_data;

  task->work (task->data, task->worker);
}

void
gst_vit_workers_run (
    gpointer user_data, guint n_workers, VitWork work, gpointer data)
{
  GstVitWorkers *workers = user_data;

  for (guint i = 1; i < n_workers; i++) {
    Task *task = &workers->tasks[i];

    *task = (Task) { work, data, i, NULL };
    task->id = gst_task_pool_push (workers->pool, run_task, task, NULL);
  }
  work (data, 0);
  for (guint i = 1; i < n_workers; i++) {
    if (workers->tasks[i].id != NULL)
      gst_task_pool_join (workers->pool, workers->tasks[i].id);
  }
}
