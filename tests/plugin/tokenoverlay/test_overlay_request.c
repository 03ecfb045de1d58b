/* SPDX-License-Identifier: MIT
 *
 * vittokenoverlay asks upstream for positions: again where the request was lost,
 * refused or forgotten, and not without end where nobody can tell them.
 */
#include "support/overlay_frame.h"

#define ASKING QUIET "mode=norm name=overlay"

static guint
count_requests (GstHarness *harness)
{
  guint n = 0;
  GstEvent *event;

  while ((event = gst_harness_try_pull_upstream_event (harness))) {
    n += gst_vit_tokens_event_is_request_positions (event);
    gst_event_unref (event);
  }
  return n;
}

typedef enum { WITHOUT_TOKENS, UNKNOWN, TOLD, AFTER_BLOCKS } Frame;

/* How many requests n frames make. */
static guint
push (GstHarness *harness, Frame what, guint n)
{
  for (guint i = 0; i < n; i++) {
    GstBuffer *frame = overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 0);

    if (what != WITHOUT_TOKENS) {
      GstVitTokensMeta *meta
          = overlay_add_meta (frame, GST_VIT_TOKEN_FORMAT_F32);

      if (what != TOLD)
        gst_vit_tokens_meta_set_positions (meta, NULL);
      meta->n_blocks = what == AFTER_BLOCKS ? 12 : 0;
    }
    gst_buffer_unref (gst_harness_push_and_pull (harness, frame));
  }
  return count_requests (harness);
}

static gboolean
carries_positions (GstHarness *harness)
{
  GstBuffer *frame = gst_harness_push_and_pull (
      harness, overlay_new_frame (GST_VIDEO_FORMAT_RGBA, 90));
  gboolean carries = gst_buffer_get_vit_tokens_meta (frame)->positions != NULL;

  gst_buffer_unref (frame);
  return carries;
}

/* Requests that do not reach who sits behind a pad. */
typedef struct {
  GstPadEventFunction before;
  gboolean is_silent; /* the sender is told that they did */
  guint left;         /* that are to be lost */
  guint n_lost;
} Loss;

static gboolean
lose_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Loss *loss = pad->eventdata;

  if (!gst_vit_tokens_event_is_request_positions (event) || loss->left == 0)
    return loss->before (pad, parent, event);
  loss->left--;
  loss->n_lost++;
  gst_event_unref (event);
  return loss->is_silent;
}

static void
lose_requests (GstPad *pad, Loss *loss)
{
  loss->before = GST_PAD_EVENTFUNC (pad);
  gst_pad_set_event_function_full (pad, lose_event, loss, NULL);
}

/* Frames until one carries positions, where the first requests are lost. */
static guint
count_frames_without (gboolean is_silent, guint n_lost)
{
  GstHarness *harness
      = gst_harness_new_parse ("vitpatchembed name=embed ! " ASKING);
  GstElement *embed = gst_bin_get_by_name (GST_BIN (harness->element), "embed");
  GstPad *pad = gst_element_get_static_pad (embed, "src");
  Loss loss = { .is_silent = is_silent, .left = n_lost };
  guint n = 0;

  lose_requests (pad, &loss);
  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  while (n < 100 && !carries_positions (harness))
    n++;
  g_assert_cmpuint (loss.n_lost, ==, n_lost);
  gst_object_unref (pad);
  gst_object_unref (embed);
  gst_harness_teardown (harness);
  return n;
}

static void
test_a_lost_request_is_sent_again (void)
{
  for (guint silent = 0; silent < 2; silent++) {
    g_assert_cmpuint (count_frames_without (silent, 0), ==, 0);
    /* Who hears that it was not taken can ask before the first frame. */
    g_assert_cmpuint (count_frames_without (silent, 1), ==, silent);
    g_assert_cmpuint (count_frames_without (silent, 5), >, 0);
    g_assert_cmpuint (count_frames_without (silent, 5), <=, 20);
  }
}

/* Before there are tokens at all. */
static void
test_who_takes_none_is_asked_before_tokens_come (void)
{
  GstHarness *harness = gst_harness_new_parse (ASKING);
  Loss loss = { .left = 3 };

  lose_requests (harness->srcpad, &loss);
  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  g_assert_cmpuint (push (harness, WITHOUT_TOKENS, 10), ==, 1);
  g_assert_cmpuint (loss.n_lost, ==, 3);
  g_assert_cmpuint (push (harness, WITHOUT_TOKENS, 1000), ==, 0);
  gst_harness_teardown (harness);
}

static void
test_requests_become_rare_where_nobody_can_tell (void)
{
  GstHarness *harness = overlay_new_harness (ASKING, "RGBA");
  guint n;

  g_assert_cmpuint (push (harness, UNKNOWN, 100), <=, 8);
  n = push (harness, UNKNOWN, 5000);
  g_assert_cmpuint (n, >=, 15);
  g_assert_cmpuint (n, <=, 30);
  gst_harness_teardown (harness);
}

static void
test_one_request_is_enough_where_positions_come (void)
{
  GstHarness *harness = overlay_new_harness (ASKING, "RGBA");

  g_assert_cmpuint (push (harness, TOLD, 100), ==, 1);
  g_assert_cmpuint (push (harness, AFTER_BLOCKS, 100), ==, 0);
  g_assert_cmpuint (push (harness, WITHOUT_TOKENS, 100), ==, 0);
  /* Who told them has forgotten that it was asked. */
  g_assert_cmpuint (push (harness, UNKNOWN, 1), ==, 1);
  g_assert_cmpuint (push (harness, TOLD, 100), ==, 0);
  g_assert_cmpuint (push (harness, UNKNOWN, 1), ==, 1);
  gst_harness_teardown (harness);
}

/* Who computes the tokens may be another, whose caps are the same. */
static void
test_every_stream_is_asked (void)
{
  GstHarness *harness = overlay_new_harness (ASKING, "RGBA");

  for (guint stream = 0; stream < 2; stream++) {
    g_assert_cmpuint (push (harness, TOLD, 2), ==, 1);
    gst_harness_push_event (harness, gst_event_new_stream_start ("another"));
    gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  }
  gst_harness_teardown (harness);
}

static void
test_asks_only_for_what_it_draws (void)
{
  GstHarness *harness = gst_harness_new_parse (ASKING " keep-positions=true");
  GstElement *overlay = gst_harness_find_element (harness, "vittokenoverlay");

  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  g_assert_cmpuint (push (harness, UNKNOWN, 100), ==, 0);
  g_object_set (overlay, "keep-positions", FALSE, NULL);
  g_assert_cmpuint (push (harness, UNKNOWN, 1), ==, 1);
  gst_util_set_object_arg (G_OBJECT (overlay), "mode", "grid");
  g_assert_cmpuint (push (harness, UNKNOWN, 100), ==, 0);
  gst_util_set_object_arg (G_OBJECT (overlay), "mode", "pca");
  g_assert_cmpuint (push (harness, UNKNOWN, 1), ==, 1);
  gst_object_unref (overlay);
  gst_harness_teardown (harness);
}

/* Another vitpatchembed where the one was, between two frames. */
static void
replace_embed (GstHarness *harness)
{
  GstBin *bin = GST_BIN (harness->element);
  GstElement *overlay = gst_bin_get_by_name (bin, "overlay");
  GstElement *old = gst_bin_get_by_name (bin, "embed");
  GstElement *embed = gst_element_factory_make ("vitpatchembed", NULL);
  GstPad *ghost = gst_element_get_static_pad (harness->element, "sink");
  GstPad *pad = gst_element_get_static_pad (embed, "sink");

  g_assert_true (gst_ghost_pad_set_target (GST_GHOST_PAD (ghost), NULL));
  gst_element_unlink (old, overlay);
  gst_element_set_state (old, GST_STATE_NULL);
  gst_bin_remove (bin, old);
  gst_bin_add (bin, embed);
  g_assert_true (gst_element_link (embed, overlay));
  g_assert_true (gst_ghost_pad_set_target (GST_GHOST_PAD (ghost), pad));
  g_assert_true (gst_element_sync_state_with_parent (embed));
  gst_object_unref (pad);
  gst_object_unref (ghost);
  gst_object_unref (old);
  gst_object_unref (overlay);
}

static void
test_an_element_that_replaces_another_is_asked (void)
{
  GstHarness *harness
      = gst_harness_new_parse ("vitpatchembed name=embed ! " ASKING);

  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  g_assert_true (carries_positions (harness));
  replace_embed (harness);
  g_assert_true (carries_positions (harness));
  gst_harness_teardown (harness);
}

/* Alone, it forgets what it was asked. */
static void
test_an_element_that_starts_anew_is_asked (void)
{
  GstHarness *harness
      = gst_harness_new_parse ("vitpatchembed name=embed ! " ASKING);
  GstElement *embed = gst_bin_get_by_name (GST_BIN (harness->element), "embed");
  GstCaps *caps = gst_caps_from_string (PLAIN_CAPS);
  GstSegment segment;

  gst_harness_set_src_caps_str (harness, PLAIN_CAPS);
  g_assert_true (carries_positions (harness));
  gst_element_set_state (embed, GST_STATE_READY);
  gst_element_set_state (embed, GST_STATE_PLAYING);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness, gst_event_new_stream_start ("anew"));
  gst_harness_push_event (harness, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  g_assert_true (carries_positions (harness));
  gst_object_unref (embed);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  static const struct {
    const gchar *name;
    GTestFunc test;
  } tests[] = {
    { "a-lost-request-is-sent-again", test_a_lost_request_is_sent_again },
    { "who-takes-none-is-asked-before-tokens-come",
        test_who_takes_none_is_asked_before_tokens_come },
    { "requests-become-rare-where-nobody-can-tell",
        test_requests_become_rare_where_nobody_can_tell },
    { "one-request-is-enough-where-positions-come",
        test_one_request_is_enough_where_positions_come },
    { "every-stream-is-asked", test_every_stream_is_asked },
    { "asks-only-for-what-it-draws", test_asks_only_for_what_it_draws },
    { "an-element-that-replaces-another-is-asked",
        test_an_element_that_replaces_another_is_asked },
    { "an-element-that-starts-anew-is-asked",
        test_an_element_that_starts_anew_is_asked },
  };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    gchar *path = g_strconcat ("/overlay-request/", tests[i].name, NULL);

    g_test_add_func (path, tests[i].test);
    g_free (path);
  }
  return g_test_run ();
}
