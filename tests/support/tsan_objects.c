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
