/* SPDX-License-Identifier: MIT
 *
 * Search by example: takes the patch at a point of the first frame, frames the
 * patch most like it in every frame that follows, and writes that as a video.
 *
 *     gcc find.c -o find $(pkg-config --cflags --libs gstreamer-vit-1.0 gstreamer-video-1.0) -lm
 *     ./find FILE X Y OUT.webm [MODEL]
 *
 * "Like" is the cosine of two tokens.  The built-in model's, which enter no block
 * of a network, know colours and edges; the features that come out of the last
 * block of MODEL know things.
 */
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gst/vit/gstvittokensmeta.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  gdouble x, y;   /* where to look in the first frame */
  gfloat *wanted; /* [embed_dim], the token found there; NULL at first */
  GstVideoInfo info;
} Search;

/* A patch's token without its position, or where a patch lies would count; of
 * features no position can be told apart. */
static void
read_token (const GstVitTokensMeta *meta, const gfloat *tokens,
    const gfloat *positions, guint patch, gfloat *token)
{
  gsize n = meta->embed_dim;

  for (gsize d = 0; d < n; d++)
    token[d] = tokens[(meta->n_prefix_tokens + patch) * n + d]
               - (positions != NULL ? positions[patch * n + d] : 0);
}

static gdouble
cosine (const gfloat *a, const gfloat *b, guint n)
{
  gdouble product = 0, first = 0, second = 0;

  for (guint d = 0; d < n; d++) {
    product += (gdouble) a[d] * b[d];
    first += (gdouble) a[d] * a[d];
    second += (gdouble) b[d] * b[d];
  }
  return first > 0 && second > 0 ? product / sqrt (first * second) : 0;
}

/* The patch most like the wanted one; of the first frame, the wanted one. */
static guint
find_patch (Search *search, const GstVitTokensMeta *meta, gdouble *best)
{
  guint n_patches = meta->grid_width * meta->grid_height, found = 0;
  gfloat *token = g_new (gfloat, meta->embed_dim);
  GstMapInfo tokens, positions = GST_MAP_INFO_INIT;
  gboolean has_positions;
  guint column, row;

  gst_buffer_map (meta->tokens, &tokens, GST_MAP_READ);
  has_positions = meta->positions != NULL
                  && gst_buffer_get_size (meta->positions) > 0
                  && gst_buffer_map (meta->positions, &positions, GST_MAP_READ);
  if (search->wanted == NULL) {
    if (!gst_vit_tokens_meta_find_patch (
            meta, search->x, search->y, &column, &row))
      g_printerr ("No patch there: the upper left one is taken\n");
    search->wanted = g_new (gfloat, meta->embed_dim);
    read_token (meta, (gfloat *) tokens.data, (gfloat *) positions.data,
        row * meta->grid_width + column, search->wanted);
  }
  *best = -2;
  for (guint i = 0; i < n_patches; i++) {
    gdouble likeness;

    read_token (
        meta, (gfloat *) tokens.data, (gfloat *) positions.data, i, token);
    likeness = cosine (token, search->wanted, meta->embed_dim);
    if (likeness > *best) {
      *best = likeness;
      found = i;
    }
  }
  if (has_positions)
    gst_buffer_unmap (meta->positions, &positions);
  gst_buffer_unmap (meta->tokens, &tokens);
  g_free (token);
  return found;
}

/* A white frame, three pixels wide, into the luma of I420. */
static void
draw_frame (GstVideoFrame *frame, gint left, gint top, gint right, gint bottom)
{
  guint8 *luma = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);

  for (gint y = MAX (top, 0); y < MIN (bottom, GST_VIDEO_FRAME_HEIGHT (frame)); y++) {
    for (gint x = MAX (left, 0); x < MIN (right, GST_VIDEO_FRAME_WIDTH (frame)); x++) {
      if (x < left + 3 || x >= right - 3 || y < top + 3 || y >= bottom - 3)
        luma[y * stride + x] = 235;
    }
  }
}

/* Called for each frame that has its tokens, and with a model its features. */
static GstPadProbeReturn
take_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Search *search = data;
  GstBuffer *buffer
      = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta_deepest (buffer);
  GstCaps *caps = gst_pad_get_current_caps (pad);
  gdouble likeness, x, y, width, height;
  GstVideoFrame frame;
  guint patch;

  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  gst_video_info_from_caps (&search->info, caps);
  gst_caps_unref (caps);
  if (meta == NULL)
    return GST_PAD_PROBE_OK;

  patch = find_patch (search, meta, &likeness);
  gst_vit_tokens_meta_get_patch_rect (meta, patch % meta->grid_width,
      patch / meta->grid_width, &x, &y, &width, &height);
  g_print ("%" GST_TIME_FORMAT "  at %g, %g  cosine %.3f\n",
      GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), x, y, likeness);
  if (gst_video_frame_map (&frame, &search->info, buffer, GST_MAP_WRITE)) {
    draw_frame (&frame, (gint) x - 3, (gint) y - 3, (gint) (x + width) + 3,
        (gint) (y + height) + 3);
    gst_video_frame_unmap (&frame);
  }
  return GST_PAD_PROBE_OK;
}

/* Ends with the stream, or with what went wrong. */
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

static void
set_path (GstElement *pipeline, const gchar *name, const gchar *property,
    const gchar *path)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);

  g_object_set (element, property, path, NULL);
  gst_object_unref (element);
}

int
main (int argc, char **argv)
{
  Search search = { 0 };
  GstElement *pipeline, *last;
  GError *error = NULL;
  gboolean is_good;
  gchar *launch;
  GstPad *pad;

  gst_init (&argc, &argv);
  if (argc != 5 && argc != 6) {
    g_printerr ("Usage: find FILE X Y OUT.webm [MODEL]\n");
    return 2;
  }
  search.x = atof (argv[2]);
  search.y = atof (argv[3]);
  launch = g_strdup_printf (
      "filesrc name=in ! decodebin ! videoconvert ! video/x-raw,format=I420 ! "
      "vitpatchembed name=embed ! %s vp8enc deadline=1 cpu-used=8 ! webmmux ! "
      "filesink name=out", argc > 5 ? "vitencoder name=encode !" : "");
  pipeline = gst_parse_launch (launch, &error);
  g_free (launch);
  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  set_path (pipeline, "in", "location", argv[1]);
  set_path (pipeline, "out", "location", argv[4]);
  if (argc > 5)
    set_path (pipeline, "embed", "model", argv[5]);
  last = gst_bin_get_by_name (
      GST_BIN (pipeline), argc > 5 ? "encode" : "embed");
  pad = gst_element_get_static_pad (last, "src");
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BUFFER, take_frame, &search, NULL);
  if (argc == 5) {
    /* Started, it takes the request to tell positions apart. */
    gst_element_set_state (last, GST_STATE_PAUSED);
    gst_pad_send_event (pad, gst_vit_tokens_event_new_request_positions ());
  }
  gst_object_unref (pad);
  gst_object_unref (last);

  is_good = run (pipeline);
  gst_object_unref (pipeline);
  g_free (search.wanted);
  return is_good ? 0 : 1;
}
