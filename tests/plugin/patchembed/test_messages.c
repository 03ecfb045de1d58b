/* SPDX-License-Identifier: MIT
 *
 * What vitpatchembed tells on the bus: what it chose, assumed and did not use,
 * each once.
 */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>
#include <unistd.h>

#define DINO_FILE TEST_DATA_DIR "/dino-p16/model.safetensors"
#define DINOV2_FOLDER EXAMPLES_DIR "/models/dinov2-small"

typedef struct {
  guint n_infos;
  guint n_errors; /* of the element itself */
  guint n_models; /* notifications of model-info, with a value */
  gchar *text;    /* (nullable): of the last INFO or ERROR */
  gchar *debug;   /* (nullable): its other part */
} Messages;

static void
keep_texts (Messages *messages, GError *error, gchar *debug)
{
  g_free (messages->text);
  g_free (messages->debug);
  messages->text = g_strdup (error->message);
  messages->debug = debug;
  g_error_free (error);
}

static void
take_message (Messages *messages, GstMessage *message)
{
  gboolean is_ours = g_str_has_prefix (
      GST_OBJECT_NAME (GST_MESSAGE_SRC (message)), "vitpatchembed");
  const gchar *name;
  const GValue *value;
  GError *error;
  gchar *debug;

  if (is_ours && GST_MESSAGE_TYPE (message) == GST_MESSAGE_INFO) {
    gst_message_parse_info (message, &error, &debug);
    keep_texts (messages, error, debug);
    messages->n_infos++;
  } else if (is_ours && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, &debug);
    keep_texts (messages, error, debug);
    messages->n_errors++;
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_PROPERTY_NOTIFY) {
    gst_message_parse_property_notify (message, NULL, &name, &value);
    if (g_str_equal (name, "model-info"))
      messages->n_models += value != NULL && g_value_get_boxed (value) != NULL;
  }
}

/* Runs a short stream of this size to its end, good or bad. */
static Messages
run (const gchar *properties, guint width, guint height)
{
  gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=3 ! video/x-raw,width=%u,height=%u ! "
      "vitpatchembed %s ! fakesink",
      width, height, properties);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  Messages messages = { 0 };
  gboolean has_ended = FALSE;

  gst_element_add_property_deep_notify_watch (pipeline, "model-info", TRUE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!has_ended) {
    GstMessage *message = gst_bus_timed_pop (bus, 20 * GST_SECOND);

    g_assert_nonnull (message);
    take_message (&messages, message);
    has_ended = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS
                || (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR
                    && strstr (GST_OBJECT_NAME (GST_MESSAGE_SRC (message)),
                        "videotestsrc"));
    gst_message_unref (message);
  }

  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  g_free (launch);
  return messages;
}

static void
clear_messages (Messages *messages)
{
  g_free (messages->text);
  g_free (messages->debug);
}

/* One INFO, which says each of these in both of its parts; NULL: none. */
static void
assert_info (const gchar *properties, const gchar *first, const gchar *second)
{
  Messages messages = run (properties, 64, 64);

  g_assert_cmpuint (messages.n_errors, ==, 0);
  g_assert_cmpuint (messages.n_infos, ==, first != NULL);
  if (first != NULL) {
    g_assert_nonnull (strstr (messages.text, first));
    g_assert_nonnull (strstr (messages.debug, first));
    g_assert_nonnull (strstr (messages.text, second));
    g_assert_nonnull (strstr (messages.debug, second));
  }
  clear_messages (&messages);
}

static void
test_builtin (void)
{
  assert_info ("", "built-in model", "'model'");
  assert_info ("patch-size=8 embed-dim=24", "built-in model", "'model'");
}

static void
test_assumed (void)
{
  assert_info ("model=" DINO_FILE, "position rule", "'position-rule'");
  assert_info (
      "model=" DINO_FILE " position-rule=dino", "mean and std", "'mean'");
}

/* Only what is still assumed is asked for. */
static void
test_some_assumed (void)
{
  Messages messages = run ("model=" DINO_FILE
                           " mean=\"<0.1,0.2,0.3>\" std=\"<1.0,1.0,1.0>\"",
      64, 64);

  g_assert_cmpuint (messages.n_infos, ==, 1);
  g_assert_nonnull (strstr (messages.text, "set 'position-rule'."));
  g_assert_null (strstr (messages.text, "'mean'"));
  g_assert_null (strstr (messages.text, "ImageNet"));
  clear_messages (&messages);

  messages = run ("model=" DINO_FILE
                  " position-rule=dino mean=\"<0.1,0.2,0.3>\"",
      64, 64);
  g_assert_cmpuint (messages.n_infos, ==, 1);
  g_assert_nonnull (strstr (messages.text, "set 'std'."));
  clear_messages (&messages);
}

static void
test_nothing_assumed (void)
{
  assert_info ("model=" DINOV2_FOLDER, NULL, NULL);
  assert_info ("model=" DINO_FILE " position-rule=dino mean=<0.5,0.5,0.5> "
               "std=<0.5,0.5,0.5>",
      NULL, NULL);
}

static void
test_unused_size (void)
{
  assert_info ("model=" DINOV2_FOLDER " patch-size=8", "'patch-size'", "14x14");
  assert_info ("model=" DINOV2_FOLDER " embed-dim=7", "'embed-dim'", "384");
  assert_info (
      "model=" DINOV2_FOLDER " patch-size=14 embed-dim=384", NULL, NULL);
}

/* An adapter of a block leaves the tokens as they are, and is told. */
static void
test_adapter (void)
{
  static const gchar header[]
      = "{\"base_model.model.encoder.layer.0.query.lora_A.weight\":"
        "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}";
  static const gchar *const names[] = { "config.json",
    "preprocessor_config.json", "model.safetensors",
    "adapter_model.safetensors" };
  gchar *folder = g_dir_make_tmp ("test-messages-XXXXXX", NULL);
  gchar *properties = g_strdup_printf ("model=%s", folder);
  GString *bytes = g_string_new (header);
  guint64 length = bytes->len;
  gchar *paths[G_N_ELEMENTS (names)];

  g_string_prepend_len (bytes, (const gchar *) &length, 8);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    gchar *from = g_build_filename (DINOV2_FOLDER, names[i], NULL);

    paths[i] = g_build_filename (folder, names[i], NULL);
    if (g_str_equal (names[i], "adapter_model.safetensors"))
      g_assert_true (g_file_set_contents (
          paths[i], bytes->str, (gssize) bytes->len, NULL));
    else
      g_assert_cmpint (symlink (from, paths[i]), ==, 0);
    g_free (from);
  }
  assert_info (properties, "is not applied", "adapter_model.safetensors");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_remove (paths[i]);
    g_free (paths[i]);
  }
  g_rmdir (folder);
  g_string_free (bytes, TRUE);
  g_free (properties);
  g_free (folder);
}

static void
test_model_info (void)
{
  Messages messages = run ("", 64, 64);

  g_assert_cmpuint (messages.n_models, ==, 1);
  clear_messages (&messages);
}

static void
test_refused_once (void)
{
  Messages messages = run ("", 64, 15);

  g_assert_cmpuint (messages.n_errors, ==, 1);
  g_assert_nonnull (strstr (messages.text, "64x15"));
  clear_messages (&messages);
}

/* Whatever tries, and however often: the reason once for each size. */
static void
test_refused_again (void)
{
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);
  GstPad *pad = gst_element_get_static_pad (element, "sink");
  GstBus *bus = gst_bus_new ();
  static const gint heights[] = { 15, 15, 14, 15, 16, 15 };
  guint n_errors = 0;
  GstMessage *message;

  gst_element_set_bus (element, bus);
  gst_element_set_state (element, GST_STATE_PAUSED);
  gst_pad_send_event (pad, gst_event_new_stream_start ("test"));
  for (guint i = 0; i < G_N_ELEMENTS (heights); i++) {
    GstCaps *caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
        "GRAY8", "width", G_TYPE_INT, 64, "height", G_TYPE_INT, heights[i],
        "framerate", GST_TYPE_FRACTION, 25, 1, NULL);

    g_assert_cmpint (gst_pad_send_event (pad, gst_event_new_caps (caps)), ==,
        heights[i] == 16);
    gst_caps_unref (caps);
  }
  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR)) != NULL) {
    n_errors++;
    gst_message_unref (message);
  }
  g_assert_cmpuint (n_errors, ==, 4);

  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_object_unref (element);
}

/* The text of the error that these caps alone are refused with. */
static gchar *
error_of_caps (const gchar *launch, GstCaps *caps)
{
  GstElement *element = gst_parse_launch (launch, NULL);
  GstPad *pad = gst_element_get_static_pad (element, "sink");
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error = NULL;
  gchar *text;

  gst_element_set_bus (element, bus);
  gst_element_set_state (element, GST_STATE_PAUSED);
  gst_pad_send_event (pad, gst_event_new_stream_start ("test"));
  g_assert_false (gst_pad_send_event (pad, gst_event_new_caps (caps)));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (pad);
  gst_object_unref (element);
  return text;
}

/* Without a frame, of which some would not fit into any machine. */
static void
test_too_large (void)
{
  static const struct {
    const gchar *launch, *format;
    gint width, height;
    const gchar *reason;
  } cases[] = {
    { "vitpatchembed", "GRAY8", 14000, 14000, "too many patches" },
    { "vitpatchembed patch-size=1 embed-dim=1", "GRAY8", 600000000, 1,
        "too many patches" },
    { "vitpatchembed max-tokens=10", "RGB", 30000, 30000, "scaled" },
    { "vitpatchembed max-tokens=10 patch-size=1", "GRAY8", 1048577, 1,
        "scaled" },
    { "vitpatchembed max-tokens=10 fit=pad", "GRAY8", 1, G_MAXINT / 128,
        "scaled" },
    { "vitpatchembed max-tokens=10 patch-size=1", "GRAY8", 2000000000, 1,
        "scaled" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstCaps *caps = gst_caps_new_simple ("video/x-raw", "format",
        G_TYPE_STRING, cases[i].format, "width", G_TYPE_INT, cases[i].width,
        "height", G_TYPE_INT, cases[i].height, "framerate", GST_TYPE_FRACTION,
        25, 1, NULL);
    gchar *text = error_of_caps (cases[i].launch, caps);
    gchar *size
        = g_strdup_printf ("%dx%d", cases[i].width, cases[i].height);

    g_assert_nonnull (strstr (text, size));
    g_assert_nonnull (strstr (text, cases[i].reason));
    g_free (size);
    g_free (text);
    gst_caps_unref (caps);
  }
}

/* Programs tell errors apart by these, not by the text; developers by the place
 * in the sources, which is where the element met it. */
static void
assert_code (const gchar *properties, guint height, GQuark domain, gint code)
{
  gchar *launch = g_strdup_printf ("videotestsrc num-buffers=1 ! "
      "video/x-raw,width=64,height=%u ! vitpatchembed %s ! fakesink",
      height, properties);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  GError *error = NULL;
  gchar *debug;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, 20 * GST_SECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  g_assert_nonnull (message);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, &debug);
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (debug, "gstvitpatchembed.c("));

  g_free (debug);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  g_free (launch);
}

static void
test_codes (void)
{
  gchar *folder = g_dir_make_tmp ("vit-XXXXXX", NULL);
  gchar *path = g_build_filename (folder, "cut.safetensors", NULL);
  gchar *pickle_path = g_build_filename (folder, "model.pt", NULL);
  gchar *cut = g_strdup_printf ("model=\"%s\"", path);
  gchar *pickle = g_strdup_printf ("model=\"%s\"", pickle_path);
  gchar *bytes;
  gsize size;

  g_assert_true (g_file_get_contents (DINO_FILE, &bytes, &size, NULL));
  g_assert_true (
      g_file_set_contents (path, bytes, (gssize) size - 1, NULL));
  g_assert_true (g_file_set_contents (pickle_path, bytes, 100, NULL));
  assert_code ("model=/nowhere.safetensors", 64, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND);
  assert_code (cut, 64, GST_STREAM_ERROR, GST_STREAM_ERROR_DEMUX);
  assert_code (pickle, 64, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
  assert_code ("std=<0.5,0.0,0.5>", 64, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS);
  assert_code ("mean=<0.5>", 64, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS);
  assert_code ("", 15, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);

  g_unlink (path);
  g_unlink (pickle_path);
  g_rmdir (folder);
  g_free (pickle);
  g_free (cut);
  g_free (bytes);
  g_free (pickle_path);
  g_free (path);
  g_free (folder);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/messages/" name, function)
  TEST ("the-built-in-model-says-what-it-is", test_builtin);
  TEST ("what-was-assumed-is-said", test_assumed);
  TEST ("only-what-is-still-assumed-is-asked-for", test_some_assumed);
  TEST ("nothing-is-said-where-nothing-was-assumed", test_nothing_assumed);
  TEST ("a-size-without-effect-is-said", test_unused_size);
  TEST ("an-adapter-that-is-not-applied-is-said", test_adapter);
  TEST ("each-error-has-its-code", test_codes);
  TEST ("model-info-is-notified-at-the-start", test_model_info);
  TEST ("a-refused-size-is-said-once", test_refused_once);
  TEST ("each-refused-size-is-said-once", test_refused_again);
  TEST ("a-size-too-large-is-refused-with-the-reason", test_too_large);
  return g_test_run ();
}
