/* SPDX-License-Identifier: MIT
 *
 * Whose memory is used, and what becomes of frames when there is none: the
 * tokens' buffers, and what the element lets its neighbours agree on.
 */
#include <gst/app/gstappsink.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"
#include "support/memory_limit.h"
#include "support/sanitizer.h"

static GstBuffer *
push_random (GstHarness *harness, GstCaps *caps, guint32 seed)
{
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  return gst_harness_push_and_pull (
      harness, frames_random (&info, seed, FALSE));
}

static const guint8 *
tokens_address (GstBuffer *frame)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  const guint8 *address;
  GstMapInfo map;

  g_assert_nonnull (meta);
  g_assert_true (gst_buffer_map (meta->tokens, &map, GST_MAP_READ));
  address = map.data;
  gst_buffer_unmap (meta->tokens, &map);
  g_assert_cmpuint ((gsize) address % 64, ==, 0);
  return address;
}

/* The address differs while the first is held, and comes back after.  Without
 * reuse the element itself holds none. */
static void
test_memory_for_tokens_is_used_again (void)
{
  GstCaps *caps = frames_caps ("GRAY8", 64, 48, NULL);
  GstHarness *harness = gst_harness_new_parse (
      "vitpatchembed embed-dim=24 reuse-tokens=false");
  const guint8 *first, *second;
  GstBuffer *held, *frame;

  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  held = push_random (harness, caps, 1);
  first = tokens_address (held);
  frame = push_random (harness, caps, 2);
  second = tokens_address (frame);
  g_assert_true (first != second);
  gst_buffer_unref (frame);
  for (guint i = 0; i < 10; i++) {
    frame = push_random (harness, caps, 3 + i);
    g_assert_true (tokens_address (frame) == second);
    gst_buffer_unref (frame);
  }
  gst_buffer_unref (held);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
}

/* 1024 x 1024 pixels of 3 floats: 12 MB of tokens a frame. */
static void
test_without_memory_for_tokens_the_frame_passes (void)
{
#ifdef SANITIZER
  g_test_skip ("the sanitizer ends the process where malloc would fail");
#else
  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }

  GstCaps *caps = frames_caps ("GRAY8", 1024, 1024, NULL);
  GstHarness *harness = gst_harness_new_parse ("vitpatchembed patch-size=2 "
      "embed-dim=12 position-rule=none n-threads=1");
  GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
  GstBus *bus = gst_bus_new ();
  GstBuffer *frames[3];
  GstMessage *message;
  GstVideoInfo info;

  gst_element_set_bus (element, bus);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  for (guint i = 0; i < 3; i++)
    frames[i] = frames_random (&info, i, FALSE);

  /* Held, so that its tokens' memory is not free for the next. */
  frames[0] = gst_harness_push_and_pull (harness, frames[0]);
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta (frames[0]));
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));

  memory_limit_set (4 << 20);
  frames[1] = gst_harness_push_and_pull (harness, frames[1]);
  memory_limit_lift ();
  g_assert_nonnull (frames[1]);
  g_assert_null (gst_buffer_get_vit_tokens_meta (frames[1]));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  g_assert_nonnull (message);
  gst_message_unref (message);

  /* And the stream lives on. */
  frames[2] = gst_harness_push_and_pull (harness, frames[2]);
  g_assert_nonnull (gst_buffer_get_vit_tokens_meta (frames[2]));
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  for (guint i = 0; i < 3; i++)
    gst_buffer_unref (frames[i]);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
#endif
}

static void
send_caps (GstHarness *harness, const gchar *format, gint width, gint height)
{
  GstCaps *caps = frames_caps (format, width, height, NULL);

  gst_harness_set_caps (harness, gst_caps_ref (caps), caps);
}

/* Whether the element has taken the caps, and foresees a grid of this size. */
static void
assert_taken (GstElement *element, guint grid_width, guint grid_height)
{
  GstStructure *stats;
  guint width, height;

  g_object_get (element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint (stats, "grid-width", &width));
  g_assert_true (gst_structure_get_uint (stats, "grid-height", &height));
  g_assert_cmpuint (width, ==, grid_width);
  g_assert_cmpuint (height, ==, grid_height);
  gst_structure_free (stats);
}

/* What would be made of frames of these takes hundreds of megabytes at least. */
static void
test_caps_alone_take_no_memory (void)
{
#ifdef SANITIZER
  g_test_skip ("the sanitizer ends the process where malloc would fail");
#else
  static const struct {
    const gchar *launch;
    gint width, height;
    guint grid_width, grid_height;
  } cases[] = {
    { "vitpatchembed max-memory=0", 13300, 13300, 831, 831 },
    { "vitpatchembed max-memory=0 embed-dim=1 patch-size=1", 20000, 20000,
        20000, 20000 },
    { "vitpatchembed max-memory=0 embed-dim=1 patch-size=1", 500000000, 1,
        500000000, 1 },
    { "vitpatchembed max-memory=0 fit=pad embed-dim=4", 2000000000, 1,
        125000000, 1 },
    { "vitpatchembed max-memory=0 max-tokens=400001 prefix-tokens=false", 20000,
        40000, 447, 894 },
    { "vitpatchembed max-memory=0 max-tokens=1000000 embed-dim=1 patch-size=1",
        1 << 20, 2, 786431, 1 },
  };

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *harness = gst_harness_new_parse (cases[i].launch);
    GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
    GstBus *bus = gst_bus_new ();

    gst_element_set_bus (element, bus);
    memory_limit_set (1 << 20);
    send_caps (harness, "GRAY8", cases[i].width, cases[i].height);
    memory_limit_lift ();
    g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));
    assert_taken (element, cases[i].grid_width, cases[i].grid_height);
    gst_element_set_bus (element, NULL);
    gst_object_unref (bus);
    gst_object_unref (element);
    gst_harness_teardown (harness);
  }
#endif
}

/* A frame of 4 MB, of whose patches the samples alone take 64. */
static void
test_a_frame_that_nothing_can_be_made_of_passes (void)
{
#ifdef SANITIZER
  g_test_skip ("the sanitizer ends the process where malloc would fail");
#else
  static const gchar *const launches[]
      = { "vitpatchembed patch-size=2 embed-dim=12 n-threads=1",
          "vitpatchembed patch-size=2 embed-dim=12 n-threads=1 "
          "max-tokens=900000" };

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (launches); i++) {
    GstHarness *harness = gst_harness_new_parse (launches[i]);
    GstElement *element = gst_harness_find_element (harness, "vitpatchembed");
    GstBus *bus = gst_bus_new ();
    GstCaps *caps = frames_caps ("GRAY8", 2048, 2048, NULL);

    gst_element_set_bus (element, bus);
    gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
    for (guint n = 0; n < 2; n++) {
      GstVideoInfo info;
      GstBuffer *frame;
      GstMessage *warning;

      g_assert_true (gst_video_info_from_caps (&info, caps));
      frame = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
      gst_buffer_memset (frame, 0, 100, GST_VIDEO_INFO_SIZE (&info));
      if (n == 0)
        memory_limit_set (8 << 20);
      frame = gst_harness_push_and_pull (harness, frame);
      memory_limit_lift ();
      g_assert_nonnull (frame);
      warning = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
      g_assert_true ((warning != NULL) == (n == 0));
      g_assert_true (
          (gst_buffer_get_vit_tokens_meta (frame) != NULL) == (n == 1));
      gst_clear_message (&warning);
      gst_buffer_unref (frame);
    }
    gst_caps_unref (caps);
    gst_element_set_bus (element, NULL);
    gst_object_unref (bus);
    gst_object_unref (element);
    gst_harness_teardown (harness);
  }
#endif
}

/* Pixels are read as they lie: an upstream that left the cropping or turning
 * to a sink would have tokens made of what nobody sees. */
static void
test_crop_and_turn_by_metadata_are_not_offered_upstream (void)
{
  GstCaps *caps = frames_caps ("NV12", 64, 48, NULL);
  GstHarness *harness = gst_harness_new_parse ("vitpatchembed embed-dim=24");
  GstQuery *query = gst_query_new_allocation (caps, TRUE);

  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_CROP_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE, NULL);
  gst_harness_add_propose_allocation_meta (
      harness, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  g_assert_true (gst_pad_peer_query (harness->srcpad, query));

  g_assert_true (gst_query_find_allocation_meta (
      query, GST_VIDEO_META_API_TYPE, NULL));
  g_assert_true (gst_query_find_allocation_meta (
      query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL));
  g_assert_false (gst_query_find_allocation_meta (
      query, GST_VIDEO_CROP_META_API_TYPE, NULL));
  g_assert_false (gst_query_find_allocation_meta (
      query, GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE, NULL));
  gst_query_unref (query);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
}

/* Downstream offers its one pool to whoever asks. */
static GstPadProbeReturn
offer_pool (GstPad *pad, GstPadProbeInfo *probe, gpointer pool)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (probe);

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  gst_query_add_allocation_pool (query, pool, 64 * 48 * 3 / 2, 2, 0);
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return GST_PAD_PROBE_HANDLED;
}

/* Also after a reconfiguration, when an element that had taken the pool for its
 * own would give it up: this one must not be such. */
static void
test_upstream_fills_the_buffers_of_a_pool_from_downstream (void)
{
  GstElement *pipeline = gst_parse_launch (
      "videotestsrc num-buffers=12 ! "
      "video/x-raw,format=I420,width=64,height=48 ! vitpatchembed embed-dim=24 "
      "! appsink name=sink sync=false max-buffers=1",
      NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  GstBufferPool *pool = gst_video_buffer_pool_new ();

  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, offer_pool, pool, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 12; i++) {
    GstSample *sample
        = gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 10 * GST_SECOND);
    GstBuffer *buffer;

    g_assert_nonnull (sample);
    buffer = gst_sample_get_buffer (sample);
    g_assert_true (buffer->pool == pool);
    g_assert_nonnull (gst_buffer_get_video_meta (buffer));
    g_assert_nonnull (gst_buffer_get_vit_tokens_meta (buffer));
    gst_sample_unref (sample);
    if (i % 4 == 2)
      g_assert_true (gst_pad_push_event (pad, gst_event_new_reconfigure ()));
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  gst_object_unref (pool);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/allocation/memory-for-tokens-is-used-again",
      test_memory_for_tokens_is_used_again);
  g_test_add_func ("/allocation/without-memory-for-tokens-the-frame-passes",
      test_without_memory_for_tokens_the_frame_passes);
  g_test_add_func ("/allocation/caps-alone-take-no-memory",
      test_caps_alone_take_no_memory);
  g_test_add_func ("/allocation/a-frame-that-nothing-can-be-made-of-passes",
      test_a_frame_that_nothing_can_be_made_of_passes);
  g_test_add_func (
      "/allocation/crop-and-turn-by-metadata-are-not-offered-upstream",
      test_crop_and_turn_by_metadata_are_not_offered_upstream);
  g_test_add_func (
      "/allocation/upstream-fills-the-buffers-of-a-pool-from-downstream",
      test_upstream_fills_the_buffers_of_a_pool_from_downstream);
  return g_test_run ();
}
