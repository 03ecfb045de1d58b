/* SPDX-License-Identifier: MIT */
#include "common/gstvitworkers.h"

typedef enum {
  TASK_WAITING, /* for whoever comes first: a helper or the caller */
  TASK_TAKEN,
  TASK_DONE,
} TaskState;

/* The pool may come to a task late, where its threads are busy elsewhere, or
 * never, where none could be started.  So the caller takes back what nobody
 * took, and a thread that comes late finds either nothing or the task of a
 * later frame, which it may as well do.  A task lies in the pool's queue at
 * most once, so that the queue never grows over the number of tasks. */
typedef struct {
  GstVitWorkers *workers;
  VitWork work;
  gpointer data;
  guint worker;
  gint state;     /* a TaskState, atomic; DONE is set under the lock */
  gint is_queued; /* atomic */
} Task;

struct _GstVitWorkers {
  gint ref_count; /* atomic: the element's, and one for each task queued */
  guint n_workers;
  GThreadPool *helpers; /* NULL for a single worker, or where there are none */
  Task *tasks;          /* [n_workers] */
  GMutex lock;
  GCond done;
};

/* GstSharedTaskPool would do, could it grow: its size is fixed when it is
 * prepared.  Where nobody asks for helpers there is no pool. */
static struct {
  GMutex lock;
  GThreadPool *helpers;
  guint n_asking[GST_VIT_MAX_WORKERS]; /* [n]: elements that want n helpers */
} shared;

static void
workers_unref (GstVitWorkers *workers)
{
  if (!g_atomic_int_dec_and_test (&workers->ref_count))
    return;
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
run_task (gpointer data, gpointer user_data)
{
  Task *task = data;
  GstVitWorkers *workers = task->workers;

  /* First this, so that a task offered from here on is queued anew. */
  g_atomic_int_set (&task->is_queued, 0);
  if (try_task (task)) {
    g_mutex_lock (&workers->lock);
    g_atomic_int_set (&task->state, TASK_DONE);
    g_cond_signal (&workers->done);
    g_mutex_unlock (&workers->lock);
  }
  workers_unref (workers);
}

/* A task that no thread came to before the pool's end. */
static void
drop_task (gpointer data)
{
  workers_unref (((Task *) data)->workers);
}

static guint
most_helpers_asked_for (void)
{
  guint n = GST_VIT_MAX_WORKERS - 1;

  while (n > 0 && shared.n_asking[n] == 0)
    n--;
  return n;
}

/* The threads are the pool's own: those of a pool that shares them are started
 * by one thread of GLib, and where that could not be started once, the next
 * such pool waits for it for ever (GLib 2.84).  The first is started with the
 * pool and the others after it, since GLib frees a pool that lacks some of its
 * threads while the others use it.
 * Returns: (nullable): the helpers, NULL where no thread could be started */
static GThreadPool *
ask_for_helpers (guint n)
{
  GThreadPool *helpers;

  g_mutex_lock (&shared.lock);
  shared.n_asking[n]++;
  if (shared.helpers == NULL)
    shared.helpers
        = g_thread_pool_new_full (run_task, NULL, drop_task, 1, TRUE, NULL);
  if (shared.helpers != NULL)
    g_thread_pool_set_max_threads (
        shared.helpers, (gint) most_helpers_asked_for (), NULL);
  helpers = shared.helpers;
  g_mutex_unlock (&shared.lock);
  return helpers;
}

static void
leave_helpers (guint n)
{
  GThreadPool *unused = NULL;
  guint n_threads;

  g_mutex_lock (&shared.lock);
  shared.n_asking[n]--;
  n_threads = most_helpers_asked_for ();
  if (n_threads == 0)
    unused = g_steal_pointer (&shared.helpers);
  else if (shared.helpers != NULL)
    g_thread_pool_set_max_threads (shared.helpers, (gint) n_threads, NULL);
  g_mutex_unlock (&shared.lock);
  /* What is queued was done by others long ago.  A thread looks and is through
   * with it; where none could be started nobody would ever come.  (To end a
   * pool at once that has threads would lose the task that one is about to
   * look at.) */
  if (unused != NULL)
    g_thread_pool_free (
        unused, g_thread_pool_get_num_threads (unused) == 0, TRUE);
}

GstVitWorkers *
gst_vit_workers_new (guint n_workers)
{
  GstVitWorkers *workers = g_new0 (GstVitWorkers, 1);

  g_assert (n_workers >= 1 && n_workers <= GST_VIT_MAX_WORKERS);
  g_mutex_init (&workers->lock);
  g_cond_init (&workers->done);
  workers->ref_count = 1;
  workers->n_workers = n_workers;
  workers->tasks = g_new0 (Task, n_workers);
  for (guint i = 0; i < n_workers; i++) {
    workers->tasks[i].workers = workers;
    workers->tasks[i].worker = i;
    workers->tasks[i].state = TASK_DONE;
  }
  if (n_workers > 1)
    workers->helpers = ask_for_helpers (n_workers - 1);
  return workers;
}

void
gst_vit_workers_free (GstVitWorkers *workers)
{
  if (workers == NULL)
    return;
  if (workers->n_workers > 1)
    leave_helpers (workers->n_workers - 1);
  workers_unref (workers);
}

static void
offer_task (Task *task, VitWork work, gpointer data)
{
  GstVitWorkers *workers = task->workers;

  task->work = work;
  task->data = data;
  g_atomic_int_set (&task->state, TASK_WAITING);
  if (workers->helpers == NULL
      || !g_atomic_int_compare_and_exchange (&task->is_queued, 0, 1))
    return;
  g_atomic_int_inc (&workers->ref_count);
  /* It is queued even where no thread can be started for it. */
  g_thread_pool_push (workers->helpers, task, NULL);
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

  for (guint i = 1; i < n_workers; i++)
    offer_task (&workers->tasks[i], work, data);
  work (data, 0);
  for (guint i = 1; i < n_workers; i++)
    finish_task (&workers->tasks[i]);
}
