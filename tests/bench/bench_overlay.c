/* SPDX-License-Identifier: MIT
 *
 * What drawing tokens costs beside computing them: milliseconds of processor
 * time a frame of 1280 x 720, one thread, built-in model (embed_dim 768), of
 * vitpatchembed in float32 and in fixed point, and of vittokenoverlay in each
 * mode, blended into the frame and attached to it.  Every row's frames alternate
 * with all others', and its median is printed.
 *
 *     bench_overlay [FORMAT [FILE]]
 *
 * FORMAT is I420 or another; FILE, raw frames of it: else they are made up.
 */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gst/vit/gstvittokensmeta.h"

#define WIDTH 1280
#define HEIGHT 720
#define FRAMES 40

static const char *const modes[]
    = { "pca", "similarity", "norm", "changed", "grid" };

typedef struct {
  gchar *name;
  GstHarness *harness;
  gboolean takes_tokens;
  double times[FRAMES];
} Row;

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (double) time.tv_sec * 1e3 + (double) time.tv_nsec / 1e6;
}

static Row *
new_row (const char *launch, const char *format, gboolean takes_tokens,
    gboolean attach)
{
  Row *row = g_new0 (Row, 1);
  gchar *caps = g_strdup_printf (
      "video/x-raw,format=%s,width=%d,height=%d,framerate=25/1", format, WIDTH,
      HEIGHT);

  row->name = g_strdup_printf ("%s%s", launch,
      !takes_tokens ? "" : attach ? ", attached" : ", blended");
  row->takes_tokens = takes_tokens;
  row->harness = gst_harness_new_parse (launch);
  if (attach)
    gst_harness_add_propose_allocation_meta (
        row->harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (row->harness, caps);
  g_free (caps);
  return row;
}

/* A smooth picture of soft colours that moves, with noise; of a file, its n-th frame. */
static GstBuffer *
new_frame (const GstVideoInfo *info, guint n, const gchar *bytes, gsize length)
{
  gsize size = GST_VIDEO_INFO_SIZE (info);
  GstBuffer *frame = gst_buffer_new_allocate (NULL, size, NULL);
  guint32 noise = n + 1;
  GstMapInfo map;

  if (bytes != NULL) {
    gst_buffer_fill (frame, 0, bytes + n % (length / size) * size, size);
    return frame;
  }
  gst_buffer_map (frame, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < size; i++) {
    noise = noise * 1664525u + 1013904223u;
    map.data[i] = (guint8) (110 + ((i / 1280 + i % 1280 / 3 + 5 * n) % 32)
                            + (noise >> 29));
  }
  gst_buffer_unmap (frame, &map);
  return frame;
}

/* Processor time of one frame; what comes out is (out) (transfer full). */
static double
time_frame (Row *row, GstBuffer *frame /* (transfer full) */, GstBuffer **out)
{
  double start = now ();

  *out = gst_harness_push_and_pull (row->harness, frame);
  return now () - start;
}

static int
compare (const void *a, const void *b)
{
  double difference = *(const double *) a - *(const double *) b;

  return (difference > 0) - (difference < 0);
}

int
main (int argc, char **argv)
{
  const char *format = argc > 1 ? argv[1] : "I420";
  GPtrArray *rows = g_ptr_array_new ();
  gchar *bytes = NULL;
  gsize length = 0;
  GstVideoInfo info;

  gst_init (NULL, NULL);
  gst_video_info_set_format (
      &info, gst_video_format_from_string (format), WIDTH, HEIGHT);
  if (argc > 2
      && (!g_file_get_contents (argv[2], &bytes, &length, NULL)
          || length < GST_VIDEO_INFO_SIZE (&info)))
    g_error ("%s: not a frame", argv[2]);
  g_ptr_array_add (rows,
      new_row ("vitpatchembed n-threads=1 reuse-tokens=false precision=f32",
          format, FALSE, FALSE));
  g_ptr_array_add (rows,
      new_row ("vitpatchembed n-threads=1 reuse-tokens=false precision=int16",
          format, FALSE, FALSE));
  for (guint i = 0; i < 2 * G_N_ELEMENTS (modes); i++) {
    gchar *launch
        = g_strdup_printf ("vittokenoverlay mode=%s", modes[i / 2]);

    g_ptr_array_add (rows, new_row (launch, format, TRUE, i % 2));
    g_free (launch);
  }
  for (guint r = 0; r < 2; r++)
    gst_harness_push_upstream_event (
        ((Row *) g_ptr_array_index (rows, r))->harness,
        gst_vit_tokens_event_new_request_positions ());

  for (guint n = 0; n < FRAMES; n++) {
    GstBuffer *frame = new_frame (&info, n, bytes, length), *embedded = NULL;

    for (guint r = 0; r < rows->len; r++) {
      Row *row = g_ptr_array_index (rows, r);
      GstBuffer *in = row->takes_tokens ? embedded : frame, *out;

      in = gst_buffer_copy_deep (in);
      row->times[n] = time_frame (row, in, &out);
      if (row->takes_tokens) {
        gst_buffer_unref (out);
      } else {
        gst_clear_buffer (&embedded);
        embedded = out;
      }
    }
    gst_buffer_unref (embedded);
    gst_buffer_unref (frame);
  }
  printf ("%s %d x %d\n", format, WIDTH, HEIGHT);
  for (guint r = 0; r < rows->len; r++) {
    Row *row = g_ptr_array_index (rows, r);

    /* The first frames load, allocate and start anew. */
    qsort (row->times + 4, FRAMES - 4, sizeof (double), compare);
    printf ("%7.2f ms  %s (first frame %.1f)\n",
        row->times[4 + (FRAMES - 4) / 2], row->name, row->times[0]);
    gst_harness_teardown (row->harness);
    g_free (row->name);
    g_free (row);
  }
  g_ptr_array_unref (rows);
  g_free (bytes);
  return 0;
}
