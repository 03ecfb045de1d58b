/* SPDX-License-Identifier: MIT */
#include "support/failing_memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "base/error.h"

static gint n_calls, failing; /* atomic */

void
failing_memory_set (guint n)
{
  g_atomic_int_set (&n_calls, 0);
  g_atomic_int_set (&failing, (gint) n);
}

guint
failing_memory_count (void)
{
  return (guint) g_atomic_int_get (&n_calls);
}

static gboolean
fails (void)
{
  return g_atomic_int_add (&n_calls, 1) + 1 == g_atomic_int_get (&failing);
}

/* Whether the project's code is at this address: this program or its plugin. */
static gboolean
is_ours (gconstpointer caller)
{
  Dl_info there, here;

  return dladdr (caller, &there) != 0 && dladdr ((gconstpointer) is_ours, &here)
         && (there.dli_fbase == here.dli_fbase
             || strstr (there.dli_fname, "libgstvit") != NULL);
}

/* Of nothing there is always NULL.  All of them end in malloc() or calloc(), as
 * g_free() does in free(). */
static gpointer
try_product (gconstpointer caller, gsize n, gsize size, gboolean clear)
{
  gsize n_bytes;

  if (!g_size_checked_mul (&n_bytes, n, size) || n_bytes == 0
      || (is_ours (caller) && fails ()))
    return NULL;
  return clear ? calloc (1, n_bytes) : malloc (n_bytes);
}

#define CALLER __builtin_return_address (0)

gpointer (g_try_malloc) (gsize n_bytes)
{
  return try_product (CALLER, n_bytes, 1, FALSE);
}

gpointer (g_try_malloc0) (gsize n_bytes)
{
  return try_product (CALLER, n_bytes, 1, TRUE);
}

gpointer (g_try_malloc_n) (gsize n, gsize size)
{
  return try_product (CALLER, n, size, FALSE);
}

gpointer (g_try_malloc0_n) (gsize n, gsize size)
{
  return try_product (CALLER, n, size, TRUE);
}

int
posix_memalign (void **memory, size_t alignment, size_t n_bytes)
{
  int (*real) (void **, size_t, size_t)
      = (int (*) (void **, size_t, size_t)) dlsym (RTLD_NEXT, "posix_memalign");

  if (alignment == VIT_ALIGNMENT && is_ours (CALLER) && fails ())
    return ENOMEM;
  return real (memory, alignment, n_bytes);
}

static void *
allocate_for_jansson (size_t n_bytes)
{
  return fails () ? NULL : malloc (n_bytes);
}

void
failing_memory_watch_jansson (void)
{
  json_set_alloc_funcs (allocate_for_jansson, free);
}

guint
failing_memory_each (FailingMemoryTry try, gpointer data)
{
  for (guint n = 1;; n++) {
    g_autoptr (GError) error = NULL;
    gboolean is_done, has_failed;

    failing_memory_set (n);
    is_done = try (data, &error);
    has_failed = failing_memory_count () >= n;
    failing_memory_set (0);
    if (!has_failed) {
      g_assert_no_error (error);
      g_assert_true (is_done);
      return n - 1;
    }
    if (is_done || error == NULL)
      g_error ("no error where call %u of memory fails", n);
    if (!g_error_matches (error, VIT_ERROR, VIT_ERROR_NO_MEMORY))
      g_error ("call %u of memory fails: %s", n, error->message);
    g_assert_true (*error->message != '\0');
    g_assert_null (strchr (error->message, '\n'));
  }
}
