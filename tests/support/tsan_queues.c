/* SPDX-License-Identifier: MIT
 *
 * GLib's queues between threads for ThreadSanitizer, as tsan_locks.c does it for
 * locks: what was written before something was pushed is seen by whoever takes it.
 * GstHarness hands buffers over in one.
 */
#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

#define REAL(function) ((__typeof__ (&function)) dlsym (RTLD_NEXT, #function))

void
g_async_queue_push (GAsyncQueue *queue, gpointer data)
{
  __typeof__ (&g_async_queue_push) real = REAL (g_async_queue_push);

  __tsan_release (queue);
  real (queue, data);
}

gpointer
g_async_queue_pop (GAsyncQueue *queue)
{
  __typeof__ (&g_async_queue_pop) real = REAL (g_async_queue_pop);
  gpointer data = real (queue);

  __tsan_acquire (queue);
  return data;
}

gpointer
g_async_queue_try_pop (GAsyncQueue *queue)
{
  __typeof__ (&g_async_queue_try_pop) real = REAL (g_async_queue_try_pop);
  gpointer data = real (queue);

  __tsan_acquire (queue);
  return data;
}

gpointer
g_async_queue_timeout_pop (GAsyncQueue *queue, guint64 timeout)
{
  __typeof__ (&g_async_queue_timeout_pop) real
      = REAL (g_async_queue_timeout_pop);
  gpointer data = real (queue, timeout);

  __tsan_acquire (queue);
  return data;
}
