/* SPDX-License-Identifier: MIT
 *
 * GStreamer's task pools for ThreadSanitizer, as tsan_locks.c does it for locks:
 * what was written before a task was pushed is seen by the thread that runs it, and
 * what it wrote by whoever waits for the pool's end.
 */
#include <dlfcn.h>
#include <gst/gst.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

#define REAL(function) ((__typeof__ (&function)) dlsym (RTLD_NEXT, #function))

typedef struct {
  GstTaskPool *pool;
  GstTaskPoolFunction function;
  gpointer data;
} Pushed;

static void
run_pushed (gpointer data)
{
  Pushed *pushed = data;
  Pushed task;

  __tsan_acquire (pushed);
  task = *pushed;
  g_free (pushed);
  task.function (task.data);
  __tsan_release (task.pool);
}

gpointer
gst_task_pool_push (GstTaskPool *pool, GstTaskPoolFunction function,
    gpointer data, GError **error)
{
  __typeof__ (&gst_task_pool_push) real = REAL (gst_task_pool_push);
  Pushed *pushed = g_new (Pushed, 1);

  *pushed = (Pushed) { pool, function, data };
  __tsan_release (pushed);
  return real (pool, run_pushed, pushed, error);
}

void
gst_task_pool_cleanup (GstTaskPool *pool)
{
  __typeof__ (&gst_task_pool_cleanup) real = REAL (gst_task_pool_cleanup);

  real (pool);
  __tsan_acquire (pool);
}
