/* SPDX-License-Identifier: MIT
 *
 * The model that vitencoder takes over from its tokens: through other elements, when
 * it changes, of the nearest of two, and of which tower; where it comes from another
 * process; and an element that is stopped and started again.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "support/encoder_stream.h"
#include "support/weights.h"

static const VitEncoderSettings own = { .logits = TRUE, .n_workers = 1 };

/* (transfer full) (nullable): the name of the model that is loaded. */
static gchar *
model_name (const EncoderStream *stream)
{
  GstStructure *info = NULL;
  gchar *id;

  g_object_get (stream->encoder, "model-info", &info, NULL);
  if (info == NULL)
    return NULL;
  id = g_strdup (gst_structure_get_string (info, "id"));
  gst_structure_free (info);
  g_assert_nonnull (strrchr (id, '#'));
  *strrchr (id, '#') = '\0';
  return id;
}

/* (transfer full): what was said of the model. */
static GstEvent *
pull_model_event (GstHarness *harness)
{
  GstEvent *event;

  while ((event = gst_harness_pull_event (harness)) != NULL) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY)
      return event;
    gst_event_unref (event);
  }
  g_assert_not_reached ();
}

/* As text, in which a stream may leave the process and another one come in, no path
 * is told, and none is taken. */
static void
test_no_path_comes_as_text (void)
{
  EncoderStream stream, other = { .bus = NULL };
  g_autofree gchar *path = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *text = NULL, *message = NULL;
  GstStructure *forged;
  GstEvent *event;
  GstBuffer *frame;

  encoder_stream_init (&stream, "", "");
  event = pull_model_event (stream.harness);
  text = gst_structure_to_string (gst_event_get_structure (event));
  g_test_message ("%s", text);
  g_assert_null (strstr (text, SMALL_MODEL));
  forged = gst_structure_copy (gst_event_get_structure (event));
  for (gint i = 0; i < gst_structure_n_fields (forged); i++)
    gst_structure_set (forged, gst_structure_nth_field_name (forged, i),
        G_TYPE_STRING, path, NULL);
  gst_event_unref (event);

  frame = encoder_stream_push (&stream, 1, NULL);
  other.harness = gst_harness_new ("vitencoder");
  other.encoder = gst_harness_find_element (other.harness, "vitencoder");
  other.embed = gst_object_ref (other.encoder);
  other.bus = gst_bus_new ();
  gst_element_set_bus (other.encoder, other.bus);
  encoder_stream_set_size (&other, 96, 64);
  gst_harness_push_event (other.harness,
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, forged));
  g_assert_cmpint (
      gst_harness_push (other.harness, frame), ==, GST_FLOW_ERROR);
  message = encoder_stream_message (&other, GST_MESSAGE_ERROR, NULL, NULL);
  g_assert_nonnull (strstr (message, "no model is set"));
  encoder_stream_clear (&other);
  encoder_stream_clear (&stream);
}

static void
test_through_other_elements (void)
{
  EncoderStream stream;
  GstBuffer *frame;

  encoder_stream_init (
      &stream, "! queue ! videoconvert ! tee ! identity", "");
  frame = encoder_stream_push (&stream, 1, NULL);
  encoder_check_frame (frame, SMALL_MODEL, &own, TRUE);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

/* Both attach tokens; the nearer one's are encoded. */
static void
test_the_nearest_of_two (void)
{
  g_autofree gchar *path = encoder_model_path ("hf-mae");
  g_autofree gchar *second
      = g_strdup_printf ("! vitpatchembed model=\"%s\"", path);
  g_autofree gchar *id = NULL;
  EncoderStream stream;
  GstBuffer *frame;

  encoder_stream_init (&stream, second, "");
  frame = encoder_stream_push (&stream, 1, NULL);
  id = model_name (&stream);
  g_assert_cmpstr (id, ==, "hf-mae");
  g_assert_cmpuint (encoder_count_metas (frame, 0), ==, 2);
  g_assert_cmpuint (encoder_count_metas (frame, 2), ==, 1);
  g_assert_true (g_str_has_prefix (
      gst_buffer_get_vit_tokens_meta_deepest (frame)->model_id, "hf-mae#"));
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

/* Two models, the second one's tokens on every other frame alone: the frames between
 * pass its encoder, until another stream begins without any. */
static void
test_two_models_and_an_interval (void)
{
  g_autofree gchar *small = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *path = encoder_model_path ("hf-mae");
  g_autofree gchar *embed = g_strdup_printf (
      "! vitencoder n-threads=1 embedding=none model=\"%s\" "
      "! vitpatchembed name=second interval=2 model=\"%s\"",
      small, path);
  g_autofree gchar *properties
      = g_strdup_printf ("name=last n-threads=1 model=\"%s\"", path);
  g_autofree gchar *text = NULL;
  EncoderStream stream;
  GstElement *pipeline, *last;
  GstFlowReturn flow;

  encoder_stream_init (&stream, embed, properties);
  pipeline = GST_ELEMENT (gst_element_get_parent (stream.embed));
  last = gst_bin_get_by_name (GST_BIN (pipeline), "last");
  gst_element_set_bus (stream.encoder, NULL);
  gst_object_replace ((GstObject **) &stream.encoder, GST_OBJECT (last));
  gst_element_set_bus (stream.encoder, stream.bus);
  gst_object_unref (last);
  for (guint i = 0; i < 5; i++) {
    GstBuffer *frame = encoder_stream_push (&stream, i, NULL);

    g_assert_cmpuint (encoder_count_metas (frame, 0), ==, i % 2 ? 1 : 2);
    g_assert_cmpuint (encoder_count_metas (frame, 2), ==, i % 2 ? 1 : 2);
    gst_buffer_unref (frame);
  }
  g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, 3);
  text = encoder_stream_message (&stream, GST_MESSAGE_ERROR, NULL, NULL);
  g_assert_cmpstr (text, ==, NULL);
  gst_pad_send_event (GST_BASE_TRANSFORM_SINK_PAD (stream.encoder),
      gst_event_new_stream_start ("another"));
  g_assert_null (encoder_stream_push (&stream, 5, &flow));
  g_assert_cmpint (flow, ==, GST_FLOW_ERROR);
  text = encoder_stream_message (&stream, GST_MESSAGE_ERROR, NULL, NULL);
  g_assert_nonnull (strstr (text, SMALL_MODEL));
  gst_object_unref (pipeline);
  encoder_stream_clear (&stream);
}

static GstBuffer *
push_of_another (EncoderStream *stream, const gchar *path)
{
  encoder_stream_restart_embed (stream, path);
  return encoder_stream_push (stream, 1, NULL);
}

static void
test_another_model (void)
{
  static const gchar *const models[] = { "hf-mae", "hf-ijepa", SMALL_MODEL };
  EncoderStream stream;

  encoder_stream_init (&stream, "", "");
  gst_buffer_unref (encoder_stream_push (&stream, 1, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    g_autofree gchar *path = encoder_model_path (models[i]);
    g_autofree gchar *id = NULL;
    GstBuffer *frame = push_of_another (&stream, path);

    encoder_check_frame (frame, models[i], &own, TRUE);
    id = model_name (&stream);
    g_assert_cmpstr (id, ==, models[i]);
    gst_buffer_unref (frame);
  }
  encoder_stream_clear (&stream);
}

/* A model that has no class token comes after the class token was not wanted any
 * more. */
static void
test_another_model_with_what_is_set_now (void)
{
  g_autofree gchar *path = encoder_model_path ("hf-ijepa");
  EncoderStream stream;
  GstBuffer *frame;

  encoder_stream_init (&stream, "", "embedding=class");
  gst_buffer_unref (encoder_stream_push (&stream, 1, NULL));
  gst_util_set_object_arg (G_OBJECT (stream.encoder), "embedding", "auto");
  frame = push_of_another (&stream, path);
  encoder_check_frame (frame, "hf-ijepa", &own, TRUE);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
}

static gfloat *
copy_features (GstBuffer *frame)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta_deepest (frame);
  gsize size = gst_buffer_get_size (meta->tokens);
  gfloat *values = g_malloc (size);

  g_assert_cmpuint (meta->n_blocks, ==, 2);
  gst_buffer_extract (meta->tokens, 0, values, size);
  return values;
}

/* Files of the same names, with other weights. */
static void
test_files_that_were_replaced (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("vitencoder-XXXXXX", NULL);
  g_autofree gchar *golden = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *from = g_build_filename (golden, "model.safetensors", NULL);
  g_autofree gchar *to = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree gchar *config = g_build_filename (golden, "config.json", NULL);
  g_autofree gchar *copy = g_build_filename (folder, "config.json", NULL);
  gfloat *features[2];
  EncoderStream stream;

  g_assert_cmpint (symlink (config, copy), ==, 0);
  encoder_stream_init (&stream, "", "");
  for (guint i = 0; i < 2; i++) {
    Weights *weights = weights_read (from);
    GstBuffer *frame;

    weights_set (weights, "vit.encoder.layer.0.attention.output.dense.bias", 0,
        1.0f + (gfloat) i);
    g_unlink (to);
    weights_write (weights, to);
    weights_free (weights);
    frame = push_of_another (&stream, folder);
    features[i] = copy_features (frame);
    gst_buffer_unref (frame);
  }
  g_assert_cmpint (
      memcmp (features[0], features[1], 25 * 48 * sizeof (gfloat)), !=, 0);
  g_free (features[0]);
  g_free (features[1]);
  encoder_stream_clear (&stream);
}

/* What vitpatchembed said before is asked for, where it says no more. */
static void
test_started_again (void)
{
  EncoderStream stream;

  encoder_stream_init (&stream, "", "");
  for (guint i = 0; i < 3; i++) {
    GstBuffer *frame = encoder_stream_push (&stream, i, NULL);
    g_autofree gchar *id = NULL;

    encoder_check_frame (frame, SMALL_MODEL, &own, TRUE);
    gst_buffer_unref (frame);
    g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, 1);
    gst_element_set_state (stream.encoder, GST_STATE_READY);
    id = model_name (&stream);
    g_assert_null (id);
    gst_element_set_state (stream.encoder, GST_STATE_PLAYING);
    g_assert_cmpuint (encoder_stat (&stream, "frames"), ==, 0);
  }
  encoder_stream_clear (&stream);
}

/* Its own is taken, wherever it lies, if it is the same. */
static void
test_a_model_that_is_set (void)
{
  g_autofree gchar *folder = encoder_copy_model ();
  g_autofree gchar *properties
      = g_strdup_printf ("model=\"%s\" n-threads=1", folder);
  g_autofree gchar *name = NULL;
  EncoderStream stream;
  GstBuffer *frame;

  encoder_stream_init (&stream, "", properties);
  name = model_name (&stream);
  g_assert_nonnull (name);
  g_assert_cmpstr (name, !=, SMALL_MODEL);
  frame = encoder_stream_push (&stream, 1, NULL);
  encoder_check_frame (frame, SMALL_MODEL, &own, TRUE);
  gst_buffer_unref (frame);
  encoder_stream_clear (&stream);
  encoder_remove_copy (folder);
}

/* (transfer full): a file of two towers, of which the second one's weights are
 * others. */
static gchar *
write_two_towers (const gchar *folder)
{
  g_autofree gchar *golden = encoder_model_path (SMALL_MODEL);
  g_autofree gchar *file
      = g_build_filename (golden, "model.safetensors", NULL);
  g_autofree gchar *config = g_build_filename (golden, "config.json", NULL);
  g_autofree gchar *own_config = g_build_filename (folder, "config.json", NULL);
  gchar *path = g_build_filename (folder, "model.safetensors", NULL);
  Weights *weights = weights_read (file), *other = weights_read (file);
  g_autofree gchar *text = NULL;

  weights_set (other,
      "vit.encoder.layer.0.attention.output.dense.bias", 0, 3.0f);
  weights_add_prefix (weights, "student.");
  weights_add_prefix (other, "teacher.");
  weights_join (weights, other);
  weights_write (weights, path);
  weights_free (weights);
  g_assert_true (g_file_get_contents (config, &text, NULL, NULL));
  g_assert_true (g_file_set_contents (own_config, text, -1, NULL));
  return path;
}

static GstBuffer *
features_of_tower (const gchar *path, const gchar *tower, const gchar *own_tower,
    gchar **error)
{
  g_autofree gchar *launch = g_strdup_printf (
      "vitpatchembed n-threads=1 model=\"%s\" model-prefix=%s ! vitencoder %s%s",
      path, tower, own_tower ? "model-prefix=" : "", own_tower ? own_tower : "");
  EncoderStream stream;
  GstBuffer *frame;

  stream.harness = gst_harness_new_parse (launch);
  stream.embed = gst_harness_find_element (stream.harness, "vitpatchembed");
  stream.encoder = gst_harness_find_element (stream.harness, "vitencoder");
  stream.bus = gst_bus_new ();
  gst_element_set_bus (stream.encoder, stream.bus);
  encoder_stream_set_size (&stream, 32, 32);
  frame = encoder_stream_push (&stream, 1, &(GstFlowReturn) { 0 });
  *error = encoder_stream_message (&stream, GST_MESSAGE_ERROR, NULL, NULL);
  encoder_stream_clear (&stream);
  return frame;
}

static void
test_towers (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("vitencoder-XXXXXX", NULL);
  g_autofree gchar *path = write_two_towers (folder), *error = NULL;
  GstBuffer *student = features_of_tower (path, "student", NULL, &error);
  GstBuffer *teacher, *same;
  g_autofree gfloat *a = NULL, *b = NULL, *c = NULL;
  gsize size = 5 * 48 * sizeof (gfloat);

  g_assert_cmpstr (error, ==, NULL);
  teacher = features_of_tower (path, "teacher", NULL, &error);
  g_assert_cmpstr (error, ==, NULL);
  same = features_of_tower (path, "teacher", "teacher.", &error);
  g_assert_cmpstr (error, ==, NULL);
  a = copy_features (student);
  b = copy_features (teacher);
  c = copy_features (same);
  g_assert_cmpint (memcmp (a, b, size), !=, 0);
  g_assert_cmpmem (b, size, c, size);
  g_assert_null (features_of_tower (path, "student", "teacher", &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error, "student"));
  g_assert_nonnull (strstr (error, "teacher"));
  gst_buffer_unref (student);
  gst_buffer_unref (teacher);
  gst_buffer_unref (same);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func (
      "/vitencoder/model/no-path-comes-as-text", test_no_path_comes_as_text);
  g_test_add_func (
      "/vitencoder/model/through-other-elements", test_through_other_elements);
  g_test_add_func (
      "/vitencoder/model/the-nearest-of-two", test_the_nearest_of_two);
  g_test_add_func ("/vitencoder/model/two-models-and-an-interval",
      test_two_models_and_an_interval);
  g_test_add_func ("/vitencoder/model/another-model", test_another_model);
  g_test_add_func ("/vitencoder/model/another-model-with-what-is-set-now",
      test_another_model_with_what_is_set_now);
  g_test_add_func (
      "/vitencoder/model/files-that-were-replaced", test_files_that_were_replaced);
  g_test_add_func ("/vitencoder/model/started-again", test_started_again);
  g_test_add_func (
      "/vitencoder/model/a-model-that-is-set", test_a_model_that_is_set);
  g_test_add_func ("/vitencoder/model/towers", test_towers);
  return g_test_run ();
}
