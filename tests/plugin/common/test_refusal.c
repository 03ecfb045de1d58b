/* SPDX-License-Identifier: MIT
 *
 * Formats that an element does not take, met as a pipeline runs: the element
 * itself says which came, which it takes and what helps, once.
 */
#include <gst/gst.h>
#include <string.h>

#define SIZE ", width=64, height=48, framerate=25/1"

typedef struct {
  GstElement *element;
  GstPad *pad;
  GstBus *bus;
} Target;

static void
target_init (Target *target, const gchar *name)
{
  target->element = gst_element_factory_make (name, NULL);
  target->pad = gst_element_get_static_pad (target->element, "sink");
  target->bus = gst_bus_new ();
  gst_element_set_bus (target->element, target->bus);
  gst_element_set_state (target->element, GST_STATE_PAUSED);
  gst_pad_send_event (target->pad, gst_event_new_stream_start ("test"));
}

static void
target_clear (Target *target)
{
  gst_element_set_state (target->element, GST_STATE_NULL);
  gst_element_set_bus (target->element, NULL);
  gst_object_unref (target->bus);
  gst_object_unref (target->pad);
  gst_object_unref (target->element);
}

static gboolean
send_caps (Target *target, const gchar *text)
{
  GstCaps *caps = gst_caps_from_string (text);
  gboolean is_taken;

  g_assert_nonnull (caps);
  is_taken = gst_pad_send_event (target->pad, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  return is_taken;
}

/* The text of the only message that came, of this type; NULL: none came.
 * (transfer full). */
static gchar *
only_message (GstBus *bus, GstMessageType type)
{
  GstMessageType both = GST_MESSAGE_ERROR | GST_MESSAGE_WARNING;
  GstMessage *message = gst_bus_pop_filtered (bus, both), *second;
  GError *error = NULL;
  gchar *text;

  if (message == NULL)
    return NULL;
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, type);
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  second = gst_bus_pop_filtered (bus, both);
  g_assert_null (second);
  return text;
}

static void
assert_says (const gchar *text, const gchar *const words[])
{
  g_assert_nonnull (text);
  for (guint i = 0; words[i] != NULL; i++) {
    if (strstr (text, words[i]) == NULL)
      g_error ("no \"%s\" in \"%s\"", words[i], text);
  }
}

static void
test_a_refused_format_is_named (void)
{
  static const struct {
    const gchar *element, *caps, *words[5];
  } cases[] = {
    { "vitpatchembed", "video/x-raw, format=ARGB64" SIZE,
        { "ARGB64", "I420", "'videoconvert'" } },
    { "vitpatchembed", "video/x-raw, format=GRAY16_BE" SIZE,
        { "GRAY16_BE", "RGB, RGBA, GRAY8, I420, NV12, YUY2 and 16 more",
            "'videoconvert'" } },
    { "vitpatchembed",
        "video/x-raw(memory:DMABuf), format=DMA_DRM, drm-format=NV12" SIZE,
        { "DMA_DRM", "memory:DMABuf", "'gldownload'", "'videoconvert'" } },
    { "vitpatchembed", "video/x-raw(memory:DMABuf), format=NV12" SIZE,
        { "NV12 with memory:DMABuf", "system memory" } },
    { "vitpatchembed", "image/jpeg" SIZE, { "image/jpeg", "decoder" } },
    /* It takes all of this release; a later one may have more. */
    { "vittokenoverlay", "video/x-raw, format=UNHEARD_OF" SIZE,
        { "UNHEARD_OF", "I420", "'videoconvert'" } },
    { "vittokenoverlay", "video/x-raw(memory:GLMemory), format=RGBA" SIZE,
        { "RGBA with memory:GLMemory", "'gldownload'" } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Target target;
    gchar *text;

    target_init (&target, cases[i].element);
    g_assert_false (send_caps (&target, cases[i].caps));
    text = only_message (target.bus, GST_MESSAGE_ERROR);
    assert_says (text, cases[i].words);
    g_free (text);
    target_clear (&target);
  }
}

/* What is only attached to frames in system memory is no reason. */
static void
test_the_reason_is_the_format_where_it_is (void)
{
  static const gchar *const words[] = { "Format ARGB64 is not", NULL };
  Target target;
  gchar *text;

  target_init (&target, "vitpatchembed");
  g_assert_false (send_caps (&target,
      "video/x-raw(memory:SystemMemory, meta:GstVideoOverlayComposition), "
      "format=ARGB64" SIZE));
  text = only_message (target.bus, GST_MESSAGE_ERROR);
  assert_says (text, words);
  g_free (text);
  target_clear (&target);
}

static void
assert_refused (Target *target, const gchar *format, gboolean is_said)
{
  gchar *caps = g_strdup_printf ("video/x-raw, format=%s" SIZE, format);
  gchar *text;

  g_assert_false (send_caps (target, caps));
  text = only_message (target->bus, GST_MESSAGE_ERROR);
  g_assert_cmpint (text != NULL, ==, is_said);
  g_free (text);
  g_free (caps);
}

static void
test_a_refused_format_is_said_once (void)
{
  Target target;

  target_init (&target, "vitpatchembed");
  for (guint i = 0; i < 3; i++)
    assert_refused (&target, "ARGB64", i == 0);
  assert_refused (&target, "GRAY16_BE", TRUE);
  assert_refused (&target, "ARGB64", TRUE);
  assert_refused (&target, "ARGB64", FALSE);
  /* One that is taken comes between, or another stream. */
  g_assert_true (send_caps (&target, "video/x-raw, format=I420" SIZE));
  assert_refused (&target, "ARGB64", TRUE);
  gst_pad_send_event (target.pad, gst_event_new_stream_start ("other"));
  assert_refused (&target, "ARGB64", TRUE);
  target_clear (&target);
}

static gboolean
ask_accept (Target *target, const gchar *text)
{
  GstCaps *caps = gst_caps_from_string (text);
  gboolean is_accepted = gst_pad_query_accept_caps (target->pad, caps);

  gst_caps_unref (caps);
  return is_accepted;
}

static void
ask_caps (Target *target, const gchar *text)
{
  GstCaps *filter = gst_caps_from_string (text);

  gst_caps_unref (gst_pad_query_caps (target->pad, filter));
  gst_caps_unref (filter);
}

/* It may be that there is another. */
static void
test_a_format_asked_for_is_no_error (void)
{
  static const gchar *const words[]
      = { "ARGB64", "'videoconvert'", "only asked for", NULL };
  Target target;
  gchar *text;

  target_init (&target, "vitpatchembed");
  g_assert_false (ask_accept (&target, "video/x-raw, format=ARGB64" SIZE));
  text = only_message (target.bus, GST_MESSAGE_WARNING);
  assert_says (text, words);
  g_free (text);
  ask_caps (&target, "video/x-raw, format=ARGB64, width=[1, 64]");
  g_assert_null (only_message (target.bus, GST_MESSAGE_WARNING));
  /* But if it comes after all it is. */
  assert_refused (&target, "ARGB64", TRUE);
  target_clear (&target);
}

/* Who looks for one that both have is told nothing. */
static void
test_a_choice_of_formats_is_no_refusal (void)
{
  Target target;

  target_init (&target, "vitpatchembed");
  ask_caps (&target, "video/x-raw, format={ ARGB64, GRAY16_BE }");
  ask_caps (&target, "video/x-raw");
  ask_caps (&target, "ANY");
  ask_caps (&target, "video/x-raw, format=ARGB64; image/jpeg");
  g_assert_true (ask_accept (&target, "video/x-raw, format=I420" SIZE));
  gst_element_set_state (target.element, GST_STATE_READY);
  g_assert_false (ask_accept (&target, "video/x-raw, format=ARGB64" SIZE));
  g_assert_null (only_message (target.bus, GST_MESSAGE_WARNING));
  target_clear (&target);
}

/* Whether a message of the element named the format before the source gave up. */
static gboolean
is_named_in_pipeline (const gchar *before)
{
  gchar *launch = g_strdup_printf (
      "appsrc name=source num-buffers=1 format=time caps=\"video/x-raw, "
      "format=ARGB64" SIZE "\" ! %s ! vitpatchembed name=embed ! fakesink",
      before);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  GstBus *bus = gst_element_get_bus (pipeline);
  gboolean is_named = FALSE, has_ended = FALSE;
  GstFlowReturn flow;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 64 * 48 * 8, NULL);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name (source, "push-buffer", buffer, &flow);
  gst_buffer_unref (buffer);
  while (!has_ended) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS);
    GError *error = NULL;

    g_assert_nonnull (message);
    has_ended = GST_MESSAGE_TYPE (message) != GST_MESSAGE_WARNING;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
      gst_message_parse_error (message, &error, NULL);
    else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
      gst_message_parse_warning (message, &error, NULL);
    if (error != NULL && strstr (error->message, "ARGB64"))
      is_named = TRUE;
    g_clear_error (&error);
    gst_message_unref (message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (source);
  gst_object_unref (pipeline);
  g_free (launch);
  return is_named;
}

/* Which ask before they pass the caps on, and then do not. */
static void
test_a_format_is_named_behind_other_elements (void)
{
  static const gchar *const elements[]
      = { "identity", "queue", "tee", "queue ! tee ! queue", "videoscale" };

  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    if (!is_named_in_pipeline (elements[i]))
      g_error ("behind %s nothing names the format", elements[i]);
  g_assert_false (is_named_in_pipeline ("videoconvert"));
  g_assert_false (is_named_in_pipeline ("queue ! videoconvert ! queue"));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/refusal/" name, function)
  TEST ("a-refused-format-is-named", test_a_refused_format_is_named);
  TEST ("the-reason-is-the-format-where-it-is",
      test_the_reason_is_the_format_where_it_is);
  TEST ("a-refused-format-is-said-once", test_a_refused_format_is_said_once);
  TEST ("a-format-asked-for-is-no-error", test_a_format_asked_for_is_no_error);
  TEST ("a-choice-of-formats-is-no-refusal",
      test_a_choice_of_formats_is_no_refusal);
  TEST ("a-format-is-named-behind-other-elements",
      test_a_format_is_named_behind_other_elements);
  return g_test_run ();
}
