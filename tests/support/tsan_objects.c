/* SPDX-License-Identifier: MIT
 *
 * GStreamer's reference counts for ThreadSanitizer, as tsan_locks.c does it for
 * locks: whoever frees a buffer comes after all who let go of it.
 */
#include <dlfcn.h>
#include <gst/gst.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

#define REAL(function) ((__typeof__ (&function)) dlsym (RTLD_NEXT, #function))

void
gst_mini_object_unref (GstMiniObject *object)
{
  __typeof__ (&gst_mini_object_unref) real = REAL (gst_mini_object_unref);

  __tsan_release (object);
  __tsan_acquire (object);
  real (object);
}

/* GStreamer's own lets go of the object by a call that is not seen here. */
GstMiniObject *
gst_mini_object_make_writable (GstMiniObject *object)
{
  GstMiniObject *copy;

  if (gst_mini_object_is_writable (object))
    return object;
  copy = gst_mini_object_copy (object);
  gst_mini_object_unref (object);
  return copy;
}

gboolean
gst_mini_object_replace (GstMiniObject **object, GstMiniObject *other)
{
  __typeof__ (&gst_mini_object_replace) real = REAL (gst_mini_object_replace);

  if (*object != NULL) {
    __tsan_release (*object);
    __tsan_acquire (*object);
  }
  return real (object, other);
}
