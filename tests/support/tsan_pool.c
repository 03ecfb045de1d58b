/* SPDX-License-Identifier: MIT
 *
 * GLib's thread pools for ThreadSanitizer, as tsan_locks.c does it for locks:
 * what was written before a task was pushed is seen by the thread that runs it, and
 * what it wrote by whoever waits for the pool's end.
 */
#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

#define REAL(function) ((__typeof__ (&function)) dlsym (RTLD_NEXT, #function))

/* Stands for every pool's end: too much is told to be ordered then, but by that
 * time all is done. */
static gint ends;

/* What a pool was made for.  Never freed, for a pool may end before its last
 * thread does. */
typedef struct {
  GFunc function;
  gpointer data;
} Purpose;

static void
run_pushed (gpointer task, gpointer data)
{
  Purpose *purpose = data;

  __tsan_acquire (purpose);
  __tsan_acquire (task);
  purpose->function (task, purpose->data);
  __tsan_release (&ends);
}

GThreadPool *
g_thread_pool_new_full (GFunc function, gpointer data, GDestroyNotify drop,
    gint max_threads, gboolean exclusive, GError **error)
{
  __typeof__ (&g_thread_pool_new_full) real = REAL (g_thread_pool_new_full);
  Purpose *purpose = g_new (Purpose, 1);

  *purpose = (Purpose) { function, data };
  __tsan_release (purpose);
  return real (run_pushed, purpose, drop, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer task, GError **error)
{
  __typeof__ (&g_thread_pool_push) real = REAL (g_thread_pool_push);

  __tsan_release (task);
  return real (pool, task, error);
}

void
g_thread_pool_free (GThreadPool *pool, gboolean immediate, gboolean wait)
{
  __typeof__ (&g_thread_pool_free) real = REAL (g_thread_pool_free);

  real (pool, immediate, wait);
  __tsan_acquire (&ends);
}
