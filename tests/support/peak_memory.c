/* SPDX-License-Identifier: MIT */
#include "support/peak_memory.h"

#include <malloc.h>
#include <string.h>

#include "support/sanitizer.h"

gsize
peak_memory (void)
{
  g_autofree gchar *text = NULL;
  const gchar *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &text, NULL, NULL));
  line = strstr (text, "VmHWM:");
  g_assert_nonnull (line);
  return (gsize) g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10) * 1024;
}

/* A threshold that is set stays; its default grows with the blocks freed.  A
 * sanitizer has an allocator of its own, which takes no such option. */
void
peak_memory_of_blocks_held (void)
{
#ifndef SANITIZER
  g_assert_cmpint (mallopt (M_MMAP_THRESHOLD, 128 * 1024), ==, 1);
#endif
}
