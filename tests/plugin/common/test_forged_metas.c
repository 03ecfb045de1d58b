/* SPDX-License-Identifier: MIT
 *
 * Frames with forged tokens metadata through the elements that read it: it is
 * passed over with one warning, whatever is valid beside it and after it is
 * drawn or written, and the stream lives.
 */
#include <string.h>

#include "support/forgeries.h"
#include "support/overlay_stream.h"

#define OVERLAY_WARNING "Tokens are not drawn: "
#define ENCODER_WARNING                                                       \
  "Tokens are passed over, as what is said of them does not hold: "

/* On the left and the right half of the frame; the one on the left is forged if
 * asked. */
static void
add_metas (GstBuffer *frame, const Forgery *forgery, gboolean with_valid)
{
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, 13 * 2 * 4, NULL);

  gst_buffer_memset (tokens, 0, 0, -1);
  for (guint i = 0; i < 2; i++) {
    GstVitTokensMeta *meta;

    if (i == 1 && !with_valid)
      break;
    meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
        GST_VIT_TOKEN_FORMAT_F32, 1, 4, 3, 16, 2, WIDTH, HEIGHT, "model");
    meta->map[0] = 8;
    meta->map[2] = i * 32;
    if (i == 0)
      forgery->forge (meta, forgery->number);
  }
  gst_buffer_unref (tokens);
}

static GstBuffer *
new_frame (void)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, RGBA_SIZE, NULL);

  gst_buffer_memset (frame, 0, 90, RGBA_SIZE);
  GST_BUFFER_PTS (frame) = 1000;
  return frame;
}

/* Whether a pixel of that half is drawn on. */
static gboolean
is_drawn (GstBuffer *frame, guint half)
{
  static const guint8 untouched[4] = { 90, 90, 90, 90 };
  guint8 pixel[4];

  gst_buffer_extract (
      frame, (gsize) (24 * WIDTH + half * 32 + 16) * 4, pixel, 4);
  return memcmp (pixel, untouched, 4) != 0;
}

static void
push_to_overlay (OverlayStream *stream, const Forgery *forgery,
    gboolean with_valid, gboolean is_first)
{
  g_autofree gchar *warning
      = g_strconcat (OVERLAY_WARNING, forgery->reason, NULL);
  GstBuffer *frame = new_frame ();

  add_metas (frame, forgery, with_valid);
  frame = gst_harness_push_and_pull (stream->harness, frame);
  g_assert_nonnull (frame);
  g_assert_false (is_drawn (frame, 0));
  g_assert_cmpint (is_drawn (frame, 1), ==, with_valid);
  overlay_stream_check_warning (stream, is_first ? warning : NULL);
  gst_buffer_unref (frame);
}

/* mode=grid draws lines alone, of which none is where is_drawn() looks. */
static void
test_overlay (gconstpointer mode)
{
  g_autofree gchar *launch
      = g_strconcat (QUIET "x=40 y=8 mode=", (const gchar *) mode, NULL);
  gboolean draws_cells = strcmp (mode, "grid") != 0;
  OverlayStream stream;

  overlay_stream_init (&stream, launch, GST_VIDEO_FORMAT_RGBA);
  for (guint i = 0; i < n_forgeries; i++) {
    /* New caps: what was said of the forgery before is said again. */
    overlay_stream_set_format (&stream,
        i % 2 ? GST_VIDEO_FORMAT_RGBA : GST_VIDEO_FORMAT_BGRA);
    push_to_overlay (&stream, &forgeries[i], FALSE, TRUE);
    push_to_overlay (&stream, &forgeries[i], FALSE, FALSE);
    if (draws_cells)
      push_to_overlay (&stream, &forgeries[i], TRUE, FALSE);
    overlay_stream_check (&stream);
    overlay_stream_check_warning (&stream, NULL);
  }
  if (draws_cells) {
    overlay_stream_set_format (&stream, GST_VIDEO_FORMAT_RGBx);
    push_to_overlay (&stream, &forgeries[0], TRUE, TRUE);
  }
  overlay_stream_clear (&stream);
}

/* As many buffers come of it as there are valid metas. */
static void
push_to_encoder (OverlayStream *stream, const Forgery *forgery,
    gboolean with_valid, gboolean is_first)
{
  g_autofree gchar *warning
      = g_strconcat (ENCODER_WARNING, forgery->reason, NULL);
  GstBuffer *frame = new_frame (), *out;

  add_metas (frame, forgery, with_valid);
  g_assert_cmpint (gst_harness_push (stream->harness, frame), ==, GST_FLOW_OK);
  overlay_stream_check_warning (stream, is_first ? warning : NULL);
  out = gst_harness_try_pull (stream->harness);
  g_assert_cmpint (out != NULL, ==, with_valid);
  if (out) {
    guint8 last;

    g_assert_cmpuint (gst_buffer_get_size (out), >=, 13 * 2 * 4);
    gst_buffer_extract (out, gst_buffer_get_size (out) - 1, &last, 1);
    g_assert_cmpuint (last, ==, 0);
    gst_buffer_unref (out);
  }
  g_assert_null (gst_harness_try_pull (stream->harness));
}

static void
test_encoder (gconstpointer data)
{
  static const gchar *const caps[] = { "application/x-npy",
    "application/x-safetensors",
    "other/tensors,format=static,num_tensors=1" };
  const Forgery *forgery = data;

  for (guint i = 0; i < G_N_ELEMENTS (caps); i++) {
    OverlayStream stream;

    stream.harness = gst_harness_new ("vittokenenc");
    stream.bus = gst_bus_new ();
    gst_element_set_bus (stream.harness->element, stream.bus);
    gst_harness_set_sink_caps_str (stream.harness, caps[i]);
    overlay_stream_set_format (&stream, GST_VIDEO_FORMAT_RGBA);
    push_to_encoder (&stream, forgery, FALSE, TRUE);
    push_to_encoder (&stream, forgery, TRUE, FALSE);
    push_to_encoder (&stream, forgery, FALSE, FALSE);
    overlay_stream_clear (&stream);
  }
}

/* Nor is it said that no frame carried tokens: that was explained. */
static void
test_one_warning (void)
{
  OverlayStream stream;

  overlay_stream_init (&stream, "vittokenenc", GST_VIDEO_FORMAT_RGBA);
  gst_harness_set_sink_caps_str (stream.harness, "application/x-npy");
  for (guint i = 0; i < 300; i++)
    push_to_encoder (&stream, &forgeries[0], FALSE, i == 0);
  g_assert_true (gst_harness_push_event (stream.harness, gst_event_new_eos ()));
  overlay_stream_check_warning (&stream, NULL);
  overlay_stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  static const gchar *const modes[]
      = { "pca", "similarity", "norm", "changed", "grid" };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree gchar *path
        = g_strconcat ("/forged-metas/not-drawn-by-", modes[i], NULL);

    g_test_add_data_func (path, modes[i], test_overlay);
  }
  for (guint i = 0; i < n_forgeries; i++) {
    g_autofree gchar *path
        = g_strconcat ("/forged-metas/not-written/", forgeries[i].name, NULL);

    g_test_add_data_func (path, &forgeries[i], test_encoder);
  }
  g_test_add_func (
      "/forged-metas/vittokenenc-says-it-once", test_one_warning);
  return g_test_run ();
}
