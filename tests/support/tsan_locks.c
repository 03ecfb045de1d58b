/* SPDX-License-Identifier: MIT
 *
 * GLib's locks for ThreadSanitizer.  GLib makes them of futexes, of which the
 * sanitizer knows nothing, so that it would report as a race whatever they
 * protect; here each is told to it and passed on.
 */
#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

#define REAL(function) ((__typeof__ (&function)) dlsym (RTLD_NEXT, #function))

void
g_mutex_lock (GMutex *mutex)
{
  __typeof__ (&g_mutex_lock) real = REAL (g_mutex_lock);

  real (mutex);
  __tsan_acquire (mutex);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  __typeof__ (&g_mutex_trylock) real = REAL (g_mutex_trylock);

  if (!real (mutex))
    return FALSE;
  __tsan_acquire (mutex);
  return TRUE;
}

void
g_mutex_unlock (GMutex *mutex)
{
  __typeof__ (&g_mutex_unlock) real = REAL (g_mutex_unlock);

  __tsan_release (mutex);
  real (mutex);
}

void
g_rec_mutex_lock (GRecMutex *mutex)
{
  __typeof__ (&g_rec_mutex_lock) real = REAL (g_rec_mutex_lock);

  real (mutex);
  __tsan_acquire (mutex);
}

void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  __typeof__ (&g_rec_mutex_unlock) real = REAL (g_rec_mutex_unlock);

  __tsan_release (mutex);
  real (mutex);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  __typeof__ (&g_cond_wait) real = REAL (g_cond_wait);

  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  __typeof__ (&g_cond_wait_until) real = REAL (g_cond_wait_until);
  gboolean signalled;

  __tsan_release (mutex);
  signalled = real (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return signalled;
}
