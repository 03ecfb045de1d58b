/* SPDX-License-Identifier: MIT */
#include "support/file_change.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Before which call, counted down from it, 0 for none, and what is done. */
static guint countdown;
static void (*to_do) (void);

ssize_t pread64 (int fd, void *out, size_t length, off_t offset);

ssize_t
pread64 (int fd, void *out, size_t length, off_t offset)
{
  ssize_t (*real_pread) (int, void *, size_t, off_t)
      = (ssize_t (*) (int, void *, size_t, off_t)) dlsym (
          RTLD_NEXT, "pread64");

  if (countdown > 0 && --countdown == 0)
    to_do ();
  return real_pread (fd, out, length, offset);
}

void
file_change_set (guint n, void (*change) (void))
{
  countdown = n;
  to_do = change;
}

gboolean
file_change_is_done (void)
{
  gboolean is_done = countdown == 0;

  countdown = 0;
  return is_done;
}

static void
write_later (const char *path, const char *text, gsize length)
{
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };
  struct stat status;
  int fd;

  g_assert_cmpint (stat (path, &status), ==, 0);
  times[1].tv_sec = status.st_mtim.tv_sec + 10;
  fd = open (path, O_WRONLY);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pwrite (fd, text, length, 0), ==, (gssize) length);
  g_assert_cmpint (ftruncate (fd, (off_t) length), ==, 0);
  g_assert_cmpint (futimens (fd, times), ==, 0);
  close (fd);
}

void
file_overwrite (const char *path, const char *other)
{
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (other, &text, &length, NULL));
  write_later (path, text, length);
}

void
file_cut (const char *path, gsize length)
{
  g_autofree char *text = NULL;
  gsize before;

  g_assert_true (g_file_get_contents (path, &text, &before, NULL));
  g_assert_cmpuint (length, <=, before);
  write_later (path, text, length);
}
