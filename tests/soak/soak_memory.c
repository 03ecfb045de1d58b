/* SPDX-License-Identifier: MIT */
#include "soak/soak_memory.h"

#include <stdio.h>
#include <unistd.h>

/* Of 100000 frames; more are as well, but take memory of their own. */
#define N_SAMPLES (1 << 17)

void
memory_init (Memory *memory)
{
  /* Written to at once: samples are not to be what grows. */
  memory->samples = g_array_new (FALSE, TRUE, sizeof (glong));
  g_array_set_size (memory->samples, N_SAMPLES);
  g_array_set_size (memory->samples, 0);
  memory->n_unsettled = 0;
}

void
memory_sample (Memory *memory)
{
  FILE *file = fopen ("/proc/self/statm", "r");
  glong size, pages;

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%ld %ld", &size, &pages), ==, 2);
  fclose (file);
  pages *= sysconf (_SC_PAGESIZE) / 1024;
  g_array_append_val (memory->samples, pages);
}

static gdouble
mean_of (const Memory *memory, gsize first, gsize n)
{
  gdouble sum = 0;

  for (gsize i = first; i < first + n; i++)
    sum += (gdouble) g_array_index (memory->samples, glong, i);
  return sum / (gdouble) n;
}

void
memory_report (Memory *memory, const gchar *what, guint n)
{
  gsize n_samples = memory->samples->len;
  gsize quarter = (n_samples - memory->n_unsettled) / 4;
  gdouble before, after;

  g_assert_cmpuint (quarter, >, 0);
  before = mean_of (memory, memory->n_unsettled, quarter);
  after = mean_of (memory, n_samples - quarter, quarter);
  g_print ("%-10s %8u  %7.0f KiB, at the end %7.0f KiB: %+.2f %%\n", what, n,
      before, after, 100.0 * (after - before) / before);
  if (g_getenv ("GST_TRACERS") == NULL)
    g_assert_cmpfloat (after, <=, 1.01 * before);
  g_array_unref (memory->samples);
}
