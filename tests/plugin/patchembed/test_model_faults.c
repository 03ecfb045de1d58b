/* SPDX-License-Identifier: MIT
 *
 * Model files that change under a running element or hold no numbers: it keeps
 * what it read at its start, and the next start says what is wrong.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "support/fault_stream.h"
#include "support/weights.h"

static gchar *folder, *model_path;

static void
write_model (gfloat first_weight)
{
  Weights *weights = weights_new ();

  weights_add (weights, "patch_embed.proj.weight", 4, 24, 3, 16, 16);
  weights_add (weights, "patch_embed.proj.bias", 1, 24);
  weights_add (weights, "cls_token", 3, 1, 1, 24);
  weights_add (weights, "mask_token", 2, 1, 24);
  weights_add (weights, "pos_embed", 3, 1, 10, 24);
  weights_set (weights, "patch_embed.proj.weight", 0, first_weight);
  weights_write (weights, model_path);
  weights_free (weights);
}

static FaultStream
start_with_file (void)
{
  gchar *launch = g_strdup_printf (
      "vitpatchembed precision=f32 model=\"%s\"", model_path);
  FaultStream stream;

  fault_stream_init (&stream, launch);
  g_free (launch);
  return stream;
}

/* The first patch's first value, which the first weight decides about. */
static gfloat
first_value (FaultStream *stream)
{
  GstBuffer *frame = gst_harness_push_and_pull (
      stream->harness, frames_random (&stream->info, 1, FALSE));
  gfloat *tokens, value;

  g_assert_nonnull (frame);
  tokens = frames_get_tokens (frame, (1 + 4 * 3) * 24);
  value = tokens[24];
  g_free (tokens);
  gst_buffer_unref (frame);
  return value;
}

static void
test_a_replaced_model_counts_from_the_next_start (void)
{
  FaultStream old, new;
  gfloat before, after;

  write_model (0.5f);
  old = start_with_file ();
  before = first_value (&old);
  write_model (64.0f);
  g_assert_cmpfloat (first_value (&old), ==, before);
  new = start_with_file ();
  after = first_value (&new);
  g_assert_cmpfloat (after, !=, before);
  g_assert_cmpfloat (first_value (&old), ==, before);

  gst_element_set_state (old.element, GST_STATE_NULL);
  gst_element_set_state (old.element, GST_STATE_PLAYING);
  gst_harness_push_event (
      old.harness, gst_event_new_stream_start ("again"));
  fault_stream_set_caps (&old, "I420", 64, 48);
  g_assert_cmpfloat (first_value (&old), ==, after);
  fault_stream_clear (&old);
  fault_stream_clear (&new);
}

/* A model is read at the start and only then. */
static void
test_a_truncated_model_fails_the_next_start_alone (void)
{
  FaultStream stream;
  gfloat before;
  gchar *text;

  write_model (0.5f);
  stream = start_with_file ();
  before = first_value (&stream);
  g_assert_cmpint (truncate (model_path, 3000), ==, 0);
  g_assert_cmpfloat (first_value (&stream), ==, before);

  gst_element_set_state (stream.element, GST_STATE_NULL);
  g_assert_cmpint (gst_element_set_state (stream.element, GST_STATE_PAUSED),
      ==, GST_STATE_CHANGE_FAILURE);
  text = fault_stream_message (&stream, GST_MESSAGE_ERROR);
  g_assert_true (text != NULL && strstr (text, model_path) == text);
  g_free (text);
  gst_element_set_state (stream.element, GST_STATE_NULL);

  g_unlink (model_path);
  g_assert_cmpint (gst_element_set_state (stream.element, GST_STATE_PAUSED),
      ==, GST_STATE_CHANGE_FAILURE);
  text = fault_stream_message (&stream, GST_MESSAGE_ERROR);
  g_assert_true (text != NULL && strstr (text, model_path) == text);
  g_free (text);
  gst_element_set_state (stream.element, GST_STATE_NULL);

  write_model (0.5f);
  g_assert_cmpint (gst_element_set_state (stream.element, GST_STATE_PAUSED),
      ==, GST_STATE_CHANGE_SUCCESS);
  fault_stream_clear (&stream);
}

static void
test_infinite_weights_fail_the_start (void)
{
  static const gfloat values[] = { G_MAXFLOAT * 2, -G_MAXFLOAT * 2,
    G_MAXFLOAT * 2 - G_MAXFLOAT * 2 };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);

    gst_object_ref_sink (element);
    write_model (values[i]);
    g_object_set (element, "model", model_path, NULL);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_object_unref (element);
  }
}

int
main (int argc, char **argv)
{
  int failed;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("vit-faults-XXXXXX", NULL);
  model_path = g_build_filename (folder, "model.safetensors", NULL);

  g_test_add_func ("/model-faults/a-replaced-model-counts-from-the-next-start",
      test_a_replaced_model_counts_from_the_next_start);
  g_test_add_func ("/model-faults/a-truncated-model-fails-the-next-start-alone",
      test_a_truncated_model_fails_the_next_start_alone);
  g_test_add_func ("/model-faults/infinite-weights-fail-the-start",
      test_infinite_weights_fail_the_start);
  failed = g_test_run ();
  g_unlink (model_path);
  g_rmdir (folder);
  g_free (model_path);
  g_free (folder);
  return failed;
}
