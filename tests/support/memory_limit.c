/* SPDX-License-Identifier: MIT */
#include "support/memory_limit.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

void
memory_limit_set (gsize n_bytes)
{
  FILE *file = fopen ("/proc/self/statm", "r");
  struct rlimit limit;
  gulong n_pages = 0;

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%lu", &n_pages), ==, 1);
  fclose (file);
  g_assert_cmpint (getrlimit (RLIMIT_AS, &limit), ==, 0);
  limit.rlim_cur = n_pages * (gsize) sysconf (_SC_PAGESIZE) + n_bytes;
  g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
}

void
memory_limit_lift (void)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_AS, &limit), ==, 0);
  limit.rlim_cur = limit.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
}
