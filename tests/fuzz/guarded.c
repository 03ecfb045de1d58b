/* SPDX-License-Identifier: MIT */
#include "guarded.h"

#include <sanitizer/asan_interface.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((gsize) 4096)
#define GUARD ((gsize) 5 << 30) /* more than 32 bits reach */
#define UNTOUCHED 0x5a

GstMemory *
guarded_new (Guarded *guarded, gsize size, gboolean is_at_end)
{
  gsize n = (size + PAGE) / PAGE * PAGE;

  guarded->all = mmap (NULL, n + 2 * GUARD, PROT_NONE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  g_assert_true (guarded->all != MAP_FAILED);
  guarded->pages = guarded->all + GUARD;
  guarded->n_pages_bytes = n;
  guarded->size = size;
  g_assert_cmpint (
      mprotect (guarded->pages, n, PROT_READ | PROT_WRITE), ==, 0);
  guarded->bytes = guarded->pages + (is_at_end ? n - size : 0);
  if (is_at_end)
    memset (guarded->pages, UNTOUCHED, n - size);
  else
    memset (guarded->bytes + size, UNTOUCHED, n - size);
  ASAN_POISON_MEMORY_REGION (guarded->pages, guarded->bytes - guarded->pages);
  ASAN_POISON_MEMORY_REGION (guarded->bytes + size,
      (gsize) (guarded->pages + n - guarded->bytes) - size);
  return gst_memory_new_wrapped (
      (GstMemoryFlags) 0, guarded->bytes, size, 0, size, NULL, NULL);
}

static void
check_untouched (const guint8 *bytes, const guint8 *end)
{
  ASAN_UNPOISON_MEMORY_REGION (bytes, end - bytes);
  for (; bytes < end; bytes++)
    g_assert_cmpuint (*bytes, ==, UNTOUCHED);
}

void
guarded_free (Guarded *guarded)
{
  check_untouched (guarded->pages, guarded->bytes);
  check_untouched (guarded->bytes + guarded->size,
      guarded->pages + guarded->n_pages_bytes);
  munmap (guarded->all, guarded->n_pages_bytes + 2 * GUARD);
}
