/* SPDX-License-Identifier: MIT */
#include "gstvitworkers.h"

/* Milliseconds that a thread is given to start. */
#define THREAD_START_TRIES 500

typedef enum {
  TASK_WAITING, /* for whoever comes first: a thread of the pool or the caller */
  TASK_TAKEN,
  TASK_DONE,
} TaskState;

/* The pool may never come to a task: where no thread could be started it waits
 * in the pool's queue for ever.  So the caller takes back what nobody took, and
 * a thread that comes late finds either nothing or the task of a later frame,
 * which it may as well do. */
typedef struct {
  GstVitWorkers *workers;
  VitWork work;
  gpointer data;
  guint worker;
  gint state; /* a TaskState, atomic; DONE is set under the lock */
} Task;

struct _GstVitWorkers {
  GstTaskPool *pool; /* NULL for a single worker */
  gint was_pushed;   /* atomic: some task was given to the pool */
  gint has_begun;    /* atomic: a thread of the pool has come to one */
  Task *tasks;       /* [n_workers] */
  GMutex lock;
  GCond done;
};

GstVitWorkers *
gst_vit_workers_new (guint n_workers)
{
  GstVitWorkers *workers = g_new0 (GstVitWorkers, 1);

  g_mutex_init (&workers->lock);
  g_cond_init (&workers->done);
  workers->tasks = g_new0 (Task, n_workers);
  for (guint i = 0; i < n_workers; i++) {
    workers->tasks[i].workers = workers;
    workers->tasks[i].state = TASK_DONE;
  }
  if (n_workers > 1) {
    workers->pool = gst_shared_task_pool_new ();
    gst_shared_task_pool_set_max_threads (
        GST_SHARED_TASK_POOL (workers->pool), n_workers - 1);
    gst_task_pool_prepare (workers->pool, NULL);
  }
  return workers;
}

/* Whether the pool has a thread.  It may be about to start its first. */
static gboolean
pool_is_alive (GstVitWorkers *workers)
{
  for (guint i = 0; i < THREAD_START_TRIES; i++) {
    if (!g_atomic_int_get (&workers->was_pushed)
        || g_atomic_int_get (&workers->has_begun))
      return TRUE;
    g_usleep (1000);
  }
  return FALSE;
}

void
gst_vit_workers_free (GstVitWorkers *workers)
{
  if (workers == NULL)
    return;
  if (workers->pool != NULL && !pool_is_alive (workers)) {
    /* To end such a pool is to wait for ever; its queue points to the tasks. */
    GST_WARNING ("no thread could be started; leaving the pool behind");
    return;
  }
  if (workers->pool != NULL) {
    gst_task_pool_cleanup (workers->pool);
    gst_object_unref (workers->pool);
  }
  g_mutex_clear (&workers->lock);
  g_cond_clear (&workers->done);
  g_free (workers->tasks);
  g_free (workers);
}

static gboolean
try_task (Task *task)
{
  if (!g_atomic_int_compare_and_exchange (
          &task->state, TASK_WAITING, TASK_TAKEN))
    return FALSE;
  task->work (task->data, task->worker);
  return TRUE;
}

static void
run_task (void *user_data)
{
  Task *task = user_data;

  g_atomic_int_set (&task->workers->has_begun, 1);
  if (!try_task (task))
    return;
  g_mutex_lock (&task->workers->lock);
  g_atomic_int_set (&task->state, TASK_DONE);
  g_cond_signal (&task->workers->done);
  g_mutex_unlock (&task->workers->lock);
}

/* Does the task itself if no thread has come to it. */
static void
finish_task (Task *task)
{
  GstVitWorkers *workers = task->workers;

  if (try_task (task)) {
    g_atomic_int_set (&task->state, TASK_DONE);
    return;
  }
  g_mutex_lock (&workers->lock);
  while (g_atomic_int_get (&task->state) != TASK_DONE)
    g_cond_wait (&workers->done, &workers->lock);
  g_mutex_unlock (&workers->lock);
}

void
gst_vit_workers_run (
    gpointer user_data, guint n_workers, VitWork work, gpointer data)
{
  GstVitWorkers *workers = user_data;

  for (guint i = 1; i < n_workers; i++) {
    Task *task = &workers->tasks[i];
    gpointer id;

    task->work = work;
    task->data = data;
    task->worker = i;
    g_atomic_int_set (&task->state, TASK_WAITING);
    g_atomic_int_set (&workers->was_pushed, 1);
    id = gst_task_pool_push (workers->pool, run_task, task, NULL);
    if (id != NULL)
      gst_task_pool_dispose_handle (workers->pool, id);
  }
  work (data, 0);
  for (guint i = 1; i < n_workers; i++)
    finish_task (&workers->tasks[i]);
}
