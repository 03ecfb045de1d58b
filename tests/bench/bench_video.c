/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "bench_case.h"

#define PAN 6 /* pixels a frame; even, so that chroma moves along */

typedef struct {
  gint width;
  gint height;
  guint8 *samples; /* [height][width] */
} Plane;

static void
pan (const Plane *from, gint distance, guint8 *to)
{
  for (gint y = 0; y < from->height; y++) {
    const guint8 *row = from->samples + (gsize) y * from->width;
    gint start = distance % from->width;

    memcpy (to, row + start, (gsize) (from->width - start));
    memcpy (to + from->width - start, row, (gsize) start);
    to += from->width;
  }
}

/* As of a sensor: nearly normal, of deviation 1.1. */
static void
add_noise (guint8 *samples, gsize n, GRand *random)
{
  for (gsize i = 0; i < n; i++) {
    guint32 bits = g_rand_int (random);
    gint noise = (gint) (bits & 3) + (gint) (bits >> 2 & 3)
                 - (gint) (bits >> 4 & 3) - (gint) (bits >> 6 & 3);

    samples[i] = (guint8) CLAMP (samples[i] + noise / 2, 0, 255);
  }
}

/* An object of a tenth of the height that crosses the picture: what lies in
 * its middle, elsewhere. */
static void
draw_scene (const Plane *from, double progress, GRand *random, guint8 *to)
{
  gint size = from->height / 10;
  gint left = (gint) (progress * (from->width - size)) / 2 * 2;
  gint top = from->height * 6 / 10, middle = (from->height - size) / 2;

  memcpy (to, from->samples, (gsize) from->width * from->height);
  for (gint y = 0; y < size; y++)
    memcpy (to + (gsize) (top + y) * from->width + left,
        from->samples + (gsize) (middle + y) * from->width
            + (from->width - size) / 2,
        (gsize) size);
  add_noise (to, (gsize) from->width * from->height, random);
}

static void
write_frame (const Plane planes[3], const char *kind, guint frame,
    guint n_frames, GRand *random, FILE *file)
{
  for (guint p = 0; p < 3; p++) {
    const Plane *plane = &planes[p];
    gsize size = (gsize) plane->width * plane->height;
    guint8 *to = g_memdup2 (plane->samples, size);

    if (strcmp (kind, "pan") == 0) {
      pan (plane, (gint) frame * (p == 0 ? PAN : PAN / 2), to);
      add_noise (to, size, random);
    } else if (strcmp (kind, "scene") == 0)
      draw_scene (plane, (double) frame / n_frames, random, to);
    if (fwrite (to, 1, size, file) != size)
      g_error ("cannot write a frame");
    g_free (to);
  }
}

void
bench_make_video (
    const BenchFrame *from, const char *kind, guint n_frames, const char *to)
{
  gsize luma = (gsize) from->width * from->height, length;
  gint w = from->width / 2, h = from->height / 2;
  FILE *file = fopen (to, "wb");
  GRand *random = g_rand_new_with_seed (1);
  gchar *bytes;

  if (!g_file_get_contents (from->file, &bytes, &length, NULL)
      || length < luma * 3 / 2 || file == NULL)
    g_error ("%s or %s cannot be used", from->file, to);
  for (guint i = 0; i < n_frames; i++) {
    guint8 *samples = (guint8 *) bytes;
    const Plane planes[3] = { { from->width, from->height, samples },
      { w, h, samples + luma }, { w, h, samples + luma + luma / 4 } };

    write_frame (planes, kind, i, n_frames, random, file);
  }
  fclose (file);
  g_rand_free (random);
  g_free (bytes);
}
