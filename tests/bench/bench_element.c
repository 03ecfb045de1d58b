/* SPDX-License-Identifier: MIT */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <string.h>

#include "bench_case.h"
#include "support/frames.h"

#define PASSES 5

static const double mean[3] = { 0.485, 0.456, 0.406 };
static const double std[3] = { 0.229, 0.224, 0.225 };

static GstCaps *
frame_caps (const BenchFrame *frame, GstVideoInfo *info)
{
  gboolean is_rgb = strcmp (frame->format, "RGB") == 0;
  GstCaps *caps = frames_caps (
      frame->format, frame->width, frame->height, is_rgb ? "sRGB" : "bt709");

  if (!gst_video_info_from_caps (info, caps))
    g_error ("no such frame: %s", frame->format);
  return caps;
}

/* All frames of the file. */
static GPtrArray *
read_frames (const BenchFrame *frame, const GstVideoInfo *info)
{
  GPtrArray *buffers
      = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  gsize size = GST_VIDEO_INFO_SIZE (info), length;
  gchar *bytes;

  if (!g_file_get_contents (frame->file, &bytes, &length, NULL)
      || length < size)
    g_error ("%s: not a frame of %zu bytes", frame->file, size);
  for (gsize at = 0; at + size <= length; at += size) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

    gst_buffer_fill (buffer, 0, bytes + at, size);
    g_ptr_array_add (buffers, buffer);
  }
  g_free (bytes);
  return buffers;
}

/* Pushes the frame without copying its pixels. */
static GstBuffer *
process (GstHarness *harness, GstBuffer *frame)
{
  return gst_harness_push_and_pull (harness, gst_buffer_copy (frame));
}

static GstHarness *
vitpatchembed_new (
    const char *model, const char *precision, gboolean reuse, guint n_threads)
{
  gchar *launch = g_strdup_printf ("vitpatchembed model=\"%s\" precision=%s "
                                   "position-rule=size n-threads=%u "
                                   "reuse-tokens=%s mean=\"<%g,%g,%g>\" "
                                   "std=\"<%g,%g,%g>\"",
      model, precision, n_threads, reuse ? "true" : "false", mean[0], mean[1],
      mean[2], std[0], std[1], std[2]);
  GstHarness *harness = gst_harness_new_parse (launch);

  g_free (launch);
  return harness;
}

typedef struct {
  BenchCase base;
  GstHarness *harness;
  GstBuffer *frame;
} HarnessCase;

static void
run (BenchCase *base)
{
  HarnessCase *self = (HarnessCase *) base;

  gst_buffer_unref (process (self->harness, self->frame));
}

static void
harness_free (BenchCase *base)
{
  HarnessCase *self = (HarnessCase *) base;

  gst_buffer_unref (self->frame);
  gst_harness_teardown (self->harness);
  g_free (base->kernel);
  g_free (self);
}

/* Takes the harness. */
static HarnessCase *
harness_case_new (GstHarness *harness, const BenchFrame *frame,
    GstCaps *sink_caps, guint n_threads)
{
  HarnessCase *self = g_new0 (HarnessCase, 1);
  GstVideoInfo info;
  GstCaps *caps = frame_caps (frame, &info);
  GPtrArray *buffers = read_frames (frame, &info);

  self->base.run = run;
  self->base.free = harness_free;
  self->base.n_threads = n_threads;
  self->harness = harness;
  self->frame = gst_buffer_ref (g_ptr_array_index (buffers, 0));
  gst_harness_set_caps (
      harness, caps, sink_caps != NULL ? sink_caps : gst_caps_ref (caps));
  g_ptr_array_unref (buffers);
  return self;
}

static char *
kernel_name (GstHarness *harness)
{
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstStructure *info;
  char *name;

  g_object_get (element, "model-info", &info, NULL);
  name = g_strdup (gst_structure_get_string (info, "kernel"));
  gst_structure_free (info);
  gst_object_unref (element);
  return name;
}

BenchCase *
bench_element_new (const BenchFrame *frame, const char *model,
    const char *precision, guint n_threads)
{
  HarnessCase *self = harness_case_new (
      vitpatchembed_new (model, precision, FALSE, n_threads), frame, NULL,
      n_threads);

  run (&self->base);
  self->base.kernel = kernel_name (self->harness);
  self->base.kind = strcmp (precision, "f32") == 0              ? PEAK_F32
                    : g_strcmp0 (self->base.kernel, "amx") == 0 ? PEAK_INT8
                                                                : PEAK_INT16;
  return &self->base;
}

typedef struct {
  BenchCase base;
  char *model;
  char *precision;
  GstHarness *harness; /* NULL: a new one each time */
  guint n_runs;
  GstCaps *caps[2];
  GstBuffer *frame[2];
} StartCase;

/* A new element, or the other size, up to the end of a frame. */
static void
run_start (BenchCase *base)
{
  StartCase *self = (StartCase *) base;
  guint i = self->n_runs++ % 2;
  GstHarness *harness = self->harness;

  if (harness == NULL)
    harness = vitpatchembed_new (
        self->model, self->precision, FALSE, base->n_threads);
  gst_harness_set_caps (
      harness, gst_caps_ref (self->caps[i]), gst_caps_ref (self->caps[i]));
  gst_buffer_unref (process (harness, self->frame[i]));
  if (self->harness == NULL)
    gst_harness_teardown (harness);
}

static void
start_free (BenchCase *base)
{
  StartCase *self = (StartCase *) base;

  for (guint i = 0; i < 2; i++) {
    gst_caps_unref (self->caps[i]);
    gst_buffer_unref (self->frame[i]);
  }
  g_clear_pointer (&self->harness, gst_harness_teardown);
  g_free (self->model);
  g_free (self->precision);
  g_free (base->kernel);
  g_free (self);
}

BenchCase *
bench_start_new (const BenchFrame *frame, const BenchFrame *other,
    const char *model, const char *precision, guint n_threads)
{
  StartCase *self = g_new0 (StartCase, 1);

  for (guint i = 0; i < 2; i++) {
    const BenchFrame *one = i > 0 && other != NULL ? other : frame;
    GstVideoInfo info;
    GPtrArray *buffers;

    self->caps[i] = frame_caps (one, &info);
    buffers = read_frames (one, &info);
    self->frame[i] = gst_buffer_ref (g_ptr_array_index (buffers, 0));
    g_ptr_array_unref (buffers);
  }
  self->base.run = run_start;
  self->base.free = start_free;
  self->base.kind = PEAK_F32;
  self->base.n_threads = n_threads;
  self->base.kernel = g_strdup ("-");
  self->model = g_strdup (model);
  self->precision = g_strdup (precision);
  if (other != NULL)
    self->harness = vitpatchembed_new (model, precision, FALSE, n_threads);
  return &self->base;
}

BenchCase *
bench_convert_new (const BenchFrame *frame, guint n_threads)
{
  gchar *launch = g_strdup_printf ("videoconvert n-threads=%u", n_threads);
  GstCaps *rgb = frames_caps ("RGB", frame->width, frame->height, "sRGB");
  HarnessCase *self = harness_case_new (
      gst_harness_new_parse (launch), frame, rgb, n_threads);

  self->base.kind = PEAK_F32;
  self->base.kernel = g_strdup ("-");
  g_free (launch);
  return &self->base;
}

double
bench_element_error (
    const BenchFrame *frame, const char *model_file, const char *precision)
{
  VitModel *model = vit_model_load (model_file, NULL, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  GstHarness *harness = vitpatchembed_new (model_file, precision, FALSE, 1);
  HarnessCase *self = harness_case_new (harness, frame, NULL, 1);
  GstBuffer *processed = process (harness, self->frame);
  GstVideoInfo info;
  gdouble *expected, error;
  gfloat *found;
  guint n_tokens;

  gst_caps_unref (frame_caps (frame, &info));
  settings.rule = VIT_POSITION_RULE_SIZE;
  settings.override_mean = settings.override_std = TRUE;
  memcpy (settings.mean, mean, sizeof mean);
  memcpy (settings.std, std, sizeof std);
  expected
      = frames_define_tokens (self->frame, &info, model, &settings, &n_tokens);
  found = frames_get_tokens (processed, (gsize) n_tokens * model->embed_dim);
  error = frames_relative_error (
      found, expected, (gsize) n_tokens * model->embed_dim);
  g_free (found);
  g_free (expected);
  gst_buffer_unref (processed);
  harness_free (&self->base);
  vit_model_unref (model);
  return error;
}

static int
compare (const void *a, const void *b)
{
  double difference = *(const double *) a - *(const double *) b;

  return (difference > 0) - (difference < 0);
}

static double
median (double values[PASSES])
{
  qsort (values, PASSES, sizeof (double), compare);
  return values[PASSES / 2];
}

static double
time_one (GstHarness *harness, GstBuffer *frame)
{
  gint64 start = g_get_monotonic_time ();

  gst_buffer_unref (process (harness, frame));
  return (double) (g_get_monotonic_time () - start) / 1e6;
}

/* Tokens kept of all since the last call. */
static double
share_kept (GstHarness *harness, guint64 *last_tokens, guint64 *last_reused)
{
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  guint64 tokens, reused;
  GstStructure *stats;
  double share;

  g_object_get (element, "stats", &stats, NULL);
  gst_structure_get (stats, "tokens", G_TYPE_UINT64, &tokens, "reused",
      G_TYPE_UINT64, &reused, NULL);
  share = (double) (reused - *last_reused) / (double) (tokens - *last_tokens);
  *last_tokens = tokens;
  *last_reused = reused;
  gst_structure_free (stats);
  gst_object_unref (element);
  return share;
}

BenchReuse
bench_reuse (const BenchFrame *frames, const char *model, const char *precision,
    guint n_threads)
{
  GstHarness *harness[2]; /* without, with */
  double time[2][PASSES] = { { 0 } }, ratio[PASSES], kept = 0;
  guint64 tokens = 0, reused = 0;
  GstVideoInfo info;
  GstCaps *caps = frame_caps (frames, &info);
  GPtrArray *buffers = read_frames (frames, &info);

  for (guint on = 0; on < 2; on++) {
    harness[on] = vitpatchembed_new (model, precision, on, n_threads);
    gst_harness_set_caps (
        harness[on], gst_caps_ref (caps), gst_caps_ref (caps));
    time_one (harness[on], g_ptr_array_index (buffers, 0));
  }
  for (guint pass = 0; pass < PASSES; pass++) {
    for (guint i = 0; i < buffers->len; i++) {
      for (guint turn = 0; turn < 2; turn++) {
        guint on = (turn + i) % 2;
        double seconds = time_one (harness[on], g_ptr_array_index (buffers, i));

        if (i > 0)
          time[on][pass] += seconds / (buffers->len - 1);
        else if (on)
          share_kept (harness[1], &tokens, &reused);
      }
    }
    ratio[pass] = time[1][pass] / time[0][pass];
    kept = share_kept (harness[1], &tokens, &reused);
  }
  for (guint on = 0; on < 2; on++)
    gst_harness_teardown (harness[on]);
  g_ptr_array_unref (buffers);
  gst_caps_unref (caps);
  return (
      BenchReuse){ median (time[1]), median (time[0]), median (ratio), kept };
}
