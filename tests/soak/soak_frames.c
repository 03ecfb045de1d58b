/* SPDX-License-Identifier: MIT */
#include "soak/soak_frames.h"

static const struct {
  const gchar *format;
  gint width;
  gint height;
} formats[N_FORMATS] = { { "I420", 64, 48 }, { "I420", 80, 48 }, { "NV12", 80, 48 },
  { "RGB", 80, 48 }, { "RGB", 32, 32 }, { "GRAY8", 98, 16 },
  { "P010_10LE", 56, 56 }, { "BGRA", 33, 71 }, { "YUY2", 64, 48 },
  { "I420", 100, 60 }, { "Y42B", 17, 99 } };

GstBuffer *frames[N_FORMATS][3];
GstCaps *caps[N_FORMATS];

void
drop_events (GstHarness *harness)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (harness)))
    gst_event_unref (event);
  while ((event = gst_harness_try_pull_upstream_event (harness)))
    gst_event_unref (event);
}

void
make_frames (void)
{
  for (guint i = 0; i < N_FORMATS; i++) {
    GstVideoInfo info;

    caps[i] = frames_caps (
        formats[i].format, formats[i].width, formats[i].height, NULL);
    g_assert_true (gst_video_info_from_caps (&info, caps[i]));
    frames[i][0] = frames_calm (&info, i, FALSE);
    frames[i][1] = frames_random (&info, i, TRUE);
    frames[i][2] = frames_random (&info, i, FALSE);
  }
}

void
free_frames (void)
{
  for (guint i = 0; i < N_FORMATS; i++) {
    gst_caps_unref (caps[i]);
    for (guint j = 0; j < G_N_ELEMENTS (frames[i]); j++)
      gst_buffer_unref (frames[i][j]);
  }
}
