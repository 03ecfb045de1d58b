/* SPDX-License-Identifier: MIT
 *
 * What vitpatchembed says of its model to the elements behind it: when, how often,
 * and where there are two.
 */
#include <string.h>

#include "support/frames.h"

/* (transfer full) (nullable): what is said of the model, of the events that came out
 * since this was asked last; more than once is a failure. */
static GstEvent *
pull_model_event (GstHarness *harness)
{
  GstEvent *found = NULL, *event;

  while ((event = gst_harness_try_pull_event (harness)) != NULL) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY) {
      g_assert_null (found);
      found = gst_event_ref (event);
    }
    gst_event_unref (event);
  }
  return found;
}

static void
flush (GstHarness *harness)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
}

/* Before the first frame, and once. */
static void
test_said_once (void)
{
  GstHarness *harness = gst_harness_new ("vitpatchembed");
  GstCaps *caps = frames_caps ("RGB", 32, 32, NULL);
  GstVideoInfo info;
  GstEvent *event;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  g_assert_null (pull_model_event (harness));
  gst_harness_set_src_caps (harness, caps);
  event = pull_model_event (harness);
  g_assert_nonnull (event);
  gst_event_unref (event);
  flush (harness);
  gst_buffer_unref (gst_harness_push_and_pull (
      harness, frames_random (&info, 1, FALSE)));
  g_assert_null (pull_model_event (harness));
  gst_harness_teardown (harness);
}

/* The nearer one's tokens are found first by who asks for its model's. */
static void
test_one_of_two (void)
{
  GstHarness *harness
      = gst_harness_new_parse ("vitpatchembed ! vitpatchembed embed-dim=24");
  GstEvent *event;

  gst_harness_set_src_caps (harness, frames_caps ("RGB", 32, 32, NULL));
  event = pull_model_event (harness);
  g_assert_nonnull (event);
  gst_event_unref (event);
  gst_harness_teardown (harness);
}

/* Neither the path of a model nor anything else of it; but it is text that who
 * reads events from bytes (gdpdepay) can read, whether it knows this plugin or
 * not. */
static void
test_nothing_is_told_as_text (void)
{
  g_autofree gchar *launch = g_strdup_printf (
      "vitpatchembed model=\"%s/features/hf-mae\"", TEST_DATA_DIR);
  GstHarness *harness = gst_harness_new_parse (launch);
  g_autofree gchar *text = NULL;
  GstStructure *read;
  GstEvent *event;

  gst_harness_set_src_caps (harness, frames_caps ("RGB", 32, 32, NULL));
  event = pull_model_event (harness);
  text = gst_structure_to_string (gst_event_get_structure (event));
  g_assert_null (strstr (text, "hf-mae"));
  read = gst_structure_from_string (text, NULL);
  g_assert_nonnull (read);
  g_assert_cmpint (gst_structure_n_fields (read), ==, 1);
  g_assert_true (gst_structure_has_field_typed (read, "id", G_TYPE_UINT64));
  gst_structure_free (read);
  gst_event_unref (event);
  gst_harness_teardown (harness);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model-event/said-once", test_said_once);
  g_test_add_func ("/model-event/one-of-two", test_one_of_two);
  g_test_add_func (
      "/model-event/nothing-is-told-as-text", test_nothing_is_told_as_text);
  return g_test_run ();
}
