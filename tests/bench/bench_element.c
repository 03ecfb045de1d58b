/* SPDX-License-Identifier: MIT
 *
 * How fast the element is, as a share of what the machine can do: frames of
 * noise through vitpatchembed, alternating with a measurement of the machine's
 * own multiply-add rate; medians of several rounds.
 *
 *     bench_element [ELEMENT_PROPERTIES]
 */
#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>

#include "frames.h"
#include "kernel.h"
#include "peak.h"

#define ROUNDS 7
#define FRAMES 10

static int
compare (const void *a, const void *b)
{
  double difference = *(const double *) a - *(const double *) b;

  return (difference > 0) - (difference < 0);
}

static double
median (double values[ROUNDS])
{
  qsort (values, ROUNDS, sizeof (double), compare);
  return values[ROUNDS / 2];
}

/* Nanoseconds a frame spent on tokens, as the element itself counts. */
static double
time_frames (GstHarness *harness, GstElement *element, GstBuffer *frame)
{
  guint64 frames_before, frames_after, mean_before, mean_after;
  GstStructure *stats;

  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get (stats, "frames", G_TYPE_UINT64, &frames_before,
      "mean-time", G_TYPE_UINT64, &mean_before, NULL);
  gst_structure_free (stats);
  for (guint i = 0; i < FRAMES; i++)
    gst_buffer_unref (
        gst_harness_push_and_pull (harness, gst_buffer_copy (frame)));
  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get (stats, "frames", G_TYPE_UINT64, &frames_after,
      "mean-time", G_TYPE_UINT64, &mean_after, NULL);
  gst_structure_free (stats);
  return (double) (mean_after * frames_after - mean_before * frames_before)
      / (double) (frames_after - frames_before);
}

static void
bench (const gchar *properties, const gchar *format, gint width, gint height,
    guint n_threads)
{
  gchar *launch = g_strdup_printf (
      "vitpatchembed n-threads=%u reuse-tokens=false %s", n_threads, properties);
  GstHarness *harness = gst_harness_new_parse (launch);
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstCaps *caps = frames_caps (format, width, height, NULL);
  double time[ROUNDS], share[ROUNDS], products;
  guint patch_size, embed_dim;
  GstStructure *info;
  GstVideoInfo video;
  GstBuffer *frame;

  g_assert_true (gst_video_info_from_caps (&video, caps));
  frame = frames_random (&video, 1, FALSE);
  gst_harness_set_caps (harness, gst_caps_ref (caps), caps);
  g_object_get (element, "model-info", &info, NULL);
  gst_structure_get (info, "patch-size", G_TYPE_UINT, &patch_size, "embed-dim",
      G_TYPE_UINT, &embed_dim, NULL);
  products = (double) (width / (gint) patch_size)
      * (double) (height / (gint) patch_size) * 3 * patch_size * patch_size
      * embed_dim;

  time_frames (harness, element, frame);
  for (guint i = 0; i < ROUNDS; i++) {
    double peak = peak_f32 (vit_cpu_mask (), n_threads);

    time[i] = time_frames (harness, element, frame);
    share[i] = products / (time[i] / 1e9) / peak;
  }
  printf ("%-10s %4dx%-4d %u thread%s %8.2f ms a frame  %5.2f of the peak\n",
      format, width, height, n_threads, n_threads > 1 ? "s" : " ",
      median (time) / 1e6, median (share));
  gst_structure_free (info);
  gst_buffer_unref (frame);
  gst_object_unref (element);
  gst_harness_teardown (harness);
  g_free (launch);
}

int
main (int argc, char **argv)
{
  static const gint sizes[][2] = { { 640, 480 }, { 1920, 1080 } };
  const gchar *properties;

  gst_init (&argc, &argv);
  properties = argc > 1 ? argv[1] : "";
  printf ("kernels %s and %s; peak %.1f GMAC/s on one thread, float32\n",
      vit_kernel_choose_f32 (vit_cpu_mask ())->name,
      vit_kernel_choose_fixed (vit_cpu_mask ())->name,
      peak_f32 (vit_cpu_mask (), 1) / 1e9);
  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    for (guint n_threads = 1; n_threads <= 2; n_threads++) {
      bench (properties, "NV12", sizes[s][0], sizes[s][1], n_threads);
      bench (properties, "RGB", sizes[s][0], sizes[s][1], n_threads);
    }
  }
  return 0;
}
