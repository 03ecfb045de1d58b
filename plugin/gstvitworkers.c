/* SPDX-License-Identifier: MIT */
#include "gstvitworkers.h"

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
  GstTaskPool *pool; /* NULL: the caller does everything */
  Task *tasks;       /* [n_workers] */
  GMutex lock;
  GCond done;
};

static gpointer
do_nothing (gpointer data)
{
  return data;
}

/* A pool says neither that it cannot start threads nor ends then: asked first. */
static gboolean
can_start_threads (void)
{
  GThread *thread = g_thread_try_new ("vit-probe", do_nothing, NULL, NULL);

  if (thread == NULL) {
    GST_WARNING ("no thread can be started; one thread does all the work");
    return FALSE;
  }
  g_thread_join (thread);
  return TRUE;
}

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
  if (n_workers > 1 && can_start_threads ()) {
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

  for (guint i = 1; i < n_workers && workers->pool != NULL; i++) {
    Task *task = &workers->tasks[i];
    gpointer id;

    task->work = work;
    task->data = data;
    task->worker = i;
    g_atomic_int_set (&task->state, TASK_WAITING);
    id = gst_task_pool_push (workers->pool, run_task, task, NULL);
    if (id != NULL)
      gst_task_pool_dispose_handle (workers->pool, id);
  }
  work (data, 0);
  for (guint i = 1; i < n_workers && workers->pool != NULL; i++)
    finish_task (&workers->tasks[i]);
}
