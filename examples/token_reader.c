/* SPDX-License-Identifier: MIT
 *
 * An application that embeds a pipeline and reads its patch tokens, or the features that
 * an encoder in it made of them: prints, for each frame, the patch most unlike what
 * it was in the frame before.
 *
 *     gcc token_reader.c -o token_reader $(pkg-config --cflags --libs gstreamer-vit-1.0 gstreamer-app-1.0)
 *     ./token_reader [FILE]
 */
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/vit/vit.h>

/* The tokens of the frame before; NULL at first. */
static GstBuffer *previous;

/* Index of the patch token whose square distance is largest. */
static guint
find_most_unlike (const GstVitTokensMeta *meta, const gfloat *now,
    const gfloat *before, gdouble *distance)
{
  guint found = meta->n_prefix_tokens;

  *distance = 0;
  for (guint i = meta->n_prefix_tokens; i < meta->n_tokens; i++) {
    gdouble sum = 0;

    for (guint d = 0; d < meta->embed_dim; d++) {
      gdouble difference = now[i * meta->embed_dim + d]
                           - before[i * meta->embed_dim + d];

      sum += difference * difference;
    }
    if (sum > *distance) {
      *distance = sum;
      found = i;
    }
  }
  return found - meta->n_prefix_tokens;
}

static void
compare (const GstVitTokensMeta *meta, GstClockTime time)
{
  GstMapInfo now, before;
  gdouble distance, x, y, width, height;
  guint patch;

  gst_buffer_map (meta->tokens, &now, GST_MAP_READ);
  gst_buffer_map (previous, &before, GST_MAP_READ);
  patch = find_most_unlike (meta, (const gfloat *) now.data,
      (const gfloat *) before.data, &distance);
  gst_buffer_unmap (previous, &before);
  gst_buffer_unmap (meta->tokens, &now);

  gst_vit_tokens_meta_get_patch_rect (meta, patch % meta->grid_width,
      patch / meta->grid_width, &x, &y, &width, &height);
  g_print ("%" GST_TIME_FORMAT "  patch at %g, %g of %g x %g pixels, "
           "square distance %g\n",
      GST_TIME_ARGS (time), x, y, width, height, distance);
}

/* Called on the streaming thread, for each frame. */
static GstFlowReturn
take_frame (GstAppSink *sink, gpointer data G_GNUC_UNUSED)
{
  GstSample *sample = gst_app_sink_pull_sample (sink);
  GstBuffer *frame;
  GstVitTokensMeta *meta;

  if (sample == NULL)
    return GST_FLOW_EOS;
  frame = gst_sample_get_buffer (sample);
  /* The features after most blocks, if an encoder made some; else the tokens. */
  meta = gst_buffer_get_vit_tokens_meta_deepest (frame);
  if (meta != NULL) {
    /* Another size: the frame's own changed. */
    if (previous != NULL
        && gst_buffer_get_size (previous) == gst_buffer_get_size (meta->tokens))
      compare (meta, GST_BUFFER_PTS (frame));
    gst_buffer_replace (&previous, meta->tokens);
  }
  gst_sample_unref (sample);
  return GST_FLOW_OK;
}

static gboolean
run (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  gboolean is_good;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  is_good = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  if (!is_good) {
    GError *error;

    gst_message_parse_error (message, &error, NULL);
    g_printerr ("%s\n", error->message);
    g_error_free (error);
  }
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  return is_good;
}

int
main (int argc, char **argv)
{
  GstAppSinkCallbacks callbacks = { .new_sample = take_frame };
  const gchar *source = argc > 1 ? "filesrc name=source ! decodebin"
                                 : "videotestsrc pattern=ball num-buffers=50";
  GstElement *pipeline, *sink;
  GError *error = NULL;
  gboolean is_good;
  gchar *launch;

  gst_init (&argc, &argv);
  launch = g_strdup_printf (
      "%s ! videoconvert ! vitpatchembed ! appsink name=sink sync=false", source);
  pipeline = gst_parse_launch (launch, &error);
  g_free (launch);
  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  if (argc > 1) {
    GstElement *file = gst_bin_get_by_name (GST_BIN (pipeline), "source");

    g_object_set (file, "location", argv[1], NULL);
    gst_object_unref (file);
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &callbacks, NULL, NULL);
  gst_object_unref (sink);

  is_good = run (pipeline);
  gst_object_unref (pipeline);
  gst_clear_buffer (&previous);
  return is_good ? 0 : 1;
}
