/* SPDX-License-Identifier: MIT
 *
 * Tracking by features: follows what a box or a point of the first frame shows
 * through a video, prints where it is in every frame, and marks it there with a
 * GstVideoRegionOfInterestMeta, which all elements behind can read.
 *
 *     gcc -O2 examples/track/[a-z]*.c -o track $(pkg-config --cflags --libs gstreamer-vit-1.0 gstreamer-video-1.0) -lm
 *     ./track --box=X,Y,WIDTH,HEIGHT --model=MODEL --output=OUT.webm FILE
 *
 * `./track --help` tells the options.
 */
#include "box_overlay.h"
#include "tracker.h"

#include <gst/gst.h>
#include <gst/video/video.h>
#include <gst/vit/vit.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

static const LabelPropagationSettings defaults = LABEL_PROPAGATION_DEFAULTS;

typedef struct {
  gchar *box, *point, *model, *output, *elements;
  gint max_tokens, layer, n_last_frames, neighbourhood, top;
  gdouble temperature, least_cosine;
  gboolean show;
} Options;

/* No cosine. */
#define NOT_SET (-2)
/* Of DINOv2's features it is 0.74 to 0.81 after the cut of examples/media/clip.webm,
 * and at least 0.89 on a moving texture that they follow.  Tokens are always alike. */
#define LEAST_COSINE 0.85
/* Of tokens the lower frequencies: fine texture is another when it moves. */
#define BUILTIN "embed-dim=192"
/* Where the frames go; VIDEO marks what it shows. */
#define DRAWN "overlaycomposition name=draw ! videoconvert ! "
#define VIDEO DRAWN "vp8enc deadline=1 cpu-used=8 ! webmmux ! filesink name=out"
/* Too late or not, every frame is shown. */
#define WINDOW DRAWN "identity sync=true ! autovideosink sync=false"

static gboolean
read_options (int *argc, char ***argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "box", 'b', 0, G_OPTION_ARG_STRING, &options->box,
        "What to follow: a box of the first frame, in pixels",
        "X,Y,WIDTH,HEIGHT" },
    { "point", 'p', 0, G_OPTION_ARG_STRING, &options->point,
        "What to follow: 3 x 3 patches around a point of it", "X,Y" },
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &options->model,
        "A model whose features to follow; none: colours and edges", "MODEL" },
    { "max-tokens", 0, 0, G_OPTION_ARG_INT, &options->max_tokens,
        "Most tokens of a frame, for speed: larger ones are scaled down", "N" },
    { "layer", 0, 0, G_OPTION_ARG_INT, &options->layer,
        "Features after this block, from 1; none: after the last", "N" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output,
        "Write a video, the box drawn in it", "OUT.webm" },
    { "show", 's', 0, G_OPTION_ARG_NONE, &options->show,
        "Show it in a window, where a click says anew what to follow", NULL },
    { "elements", 'e', 0, G_OPTION_ARG_STRING, &options->elements,
        "Other elements for the frames to go to, as of gst-launch-1.0",
        "ELEMENTS" },
    { "last-frames", 0, 0, G_OPTION_ARG_INT, &options->n_last_frames,
        "Last frames to compare with, besides the first (7)", "N" },
    { "neighbourhood", 0, 0, G_OPTION_ARG_INT, &options->neighbourhood,
        "How many patches to each side to compare with (12)", "N" },
    { "top", 0, 0, G_OPTION_ARG_INT, &options->top,
        "How many patches most like it a patch takes its label from (5)", "N" },
    { "temperature", 0, 0, G_OPTION_ARG_DOUBLE, &options->temperature,
        "Of the softmax over these; less trusts the first more (0.1)", "T" },
    { "least-cosine", 0, 0, G_OPTION_ARG_DOUBLE, &options->least_cosine,
        "What is less like it is lost (0.85; without MODEL -1: nothing)", "C" },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  GOptionContext *context = g_option_context_new ("FILE | URI");
  gboolean is_good;

  g_option_context_set_summary (context, "Follows what a box or a point of the "
                                         "first frame shows through a video.");
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  is_good = g_option_context_parse (context, argc, argv, error);
  g_option_context_free (context);
  if (options->least_cosine == NOT_SET)
    options->least_cosine = options->model != NULL ? LEAST_COSINE : -1;
  return is_good;
}

/* Why they make no sense; NULL where they do. */
static const gchar *
find_mistake (const Options *options, gint argc)
{
  gint n_sinks
      = options->show + (options->output != NULL) + (options->elements != NULL);

  if (argc != 2)
    return "Give one file or URI";
  if (options->box != NULL && options->point != NULL)
    return "Give a box or a point";
  if (options->box == NULL && options->point == NULL && !options->show)
    return "Give --box=X,Y,WIDTH,HEIGHT or --point=X,Y";
  if (n_sinks > 1)
    return "Give one of --output, --show and --elements";
  if (options->layer != 0 && options->model == NULL)
    return "--layer takes a --model";
  if (options->max_tokens < 0 || options->layer < 0
      || options->n_last_frames < 0 || options->n_last_frames > 255
      || options->neighbourhood < 0 || options->top < 1 || options->top > 10000
      || !(options->temperature > 0))
    return "A number is out of its range";
  return NULL;
}

/* Its numbers and nothing else. */
static gboolean
read_box (const Options *options, TrackerBox *box)
{
  gchar rest;

  *box = (TrackerBox){ 0 };
  if (options->point != NULL)
    return sscanf (options->point, "%lf,%lf%c", &box->x, &box->y, &rest) == 2;
  return options->box == NULL
         || (sscanf (options->box, "%lf,%lf,%lf,%lf%c", &box->x, &box->y,
                 &box->width, &box->height, &rest)
                 == 4
             && box->width > 0 && box->height > 0);
}

/* Called for each frame that has its tokens, and with a model its features. */
static GstPadProbeReturn
take_frame (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *frame
      = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));
  gdouble cosine;
  TrackerBox box;
  GstClockTime time = GST_BUFFER_PTS (frame);

  GST_PAD_PROBE_INFO_DATA (info) = frame;
  switch (tracker_take (data, frame, &box, &cosine)) {
    case TRACKER_FOUND:
      g_print ("%" GST_TIME_FORMAT
               "  at %.1f, %.1f, %.1f x %.1f pixels, cosine %.3f\n",
          GST_TIME_ARGS (time), box.x, box.y, box.width, box.height, cosine);
      break;
    case TRACKER_LOST:
      g_print ("%" GST_TIME_FORMAT "  lost, cosine %.3f\n",
          GST_TIME_ARGS (time), cosine);
      break;
    case TRACKER_NOWHERE:
      g_print ("%" GST_TIME_FORMAT
               "  no patch of the frame lies where to start\n",
          GST_TIME_ARGS (time));
      break;
    case TRACKER_IDLE:
      g_print (
          "%" GST_TIME_FORMAT "  nothing to follow\n", GST_TIME_ARGS (time));
      break;
  }
  return GST_PAD_PROBE_OK;
}

/* Called for what comes up from the window: a click is where to start anew. */
static GstPadProbeReturn
take_event (GstPad *pad G_GNUC_UNUSED, GstPadProbeInfo *info, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  TrackerBox point = { 0 };
  gint button;

  if (gst_navigation_event_get_type (event)
          == GST_NAVIGATION_EVENT_MOUSE_BUTTON_PRESS
      && gst_navigation_event_parse_mouse_button_event (
          event, &button, &point.x, &point.y))
    tracker_start (data, &point);
  return GST_PAD_PROBE_OK;
}

static GstElement *
make_pipeline (const Options *options, GError **error)
{
  const gchar *rest = options->elements != NULL ? options->elements
                      : options->output != NULL ? VIDEO
                      : options->show           ? WINDOW
                                                : "fakesink";
  gchar *launch = g_strdup_printf (
      "uridecodebin name=in ! videoconvert ! vitpatchembed name=embed %s ! %s",
      options->model != NULL ? "! vitencoder name=encode" : BUILTIN, rest);
  GstElement *pipeline = gst_parse_launch_full (
      launch, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);

  g_free (launch);
  return pipeline;
}

/* Nothing where there is no value, or no element of the name. */
static void
set_string (GstElement *pipeline, const gchar *name, const gchar *property,
    const gchar *value)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);

  if (element != NULL && value != NULL)
    g_object_set (element, property, value, NULL);
  g_clear_pointer (&element, gst_object_unref);
}

static void
set_number (GstElement *pipeline, const gchar *name, const gchar *property,
    const gchar *format, gint value)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  gchar *text = g_strdup_printf (format, value);

  if (element != NULL && value > 0)
    gst_util_set_object_arg (G_OBJECT (element), property, text);
  g_free (text);
  g_clear_pointer (&element, gst_object_unref);
}

static gboolean
set_up (GstElement *pipeline, const Options *options, const gchar *file,
    GError **error)
{
  gchar *uri = gst_uri_is_valid (file) ? g_strdup (file)
                                       : gst_filename_to_uri (file, error);

  set_string (pipeline, "in", "uri", uri);
  set_string (pipeline, "embed", "model", options->model);
  set_string (pipeline, "out", "location", options->output);
  set_number (pipeline, "embed", "max-tokens", "%d", options->max_tokens);
  set_number (pipeline, "encode", "layers", "<%d>", options->layer);
  g_free (uri);
  return uri != NULL;
}

/* Puts the tracker behind the last element that makes features. */
static void
watch (GstElement *pipeline, Tracker *tracker, gboolean has_model)
{
  GstElement *last = gst_bin_get_by_name (
      GST_BIN (pipeline), has_model ? "encode" : "embed");
  GstElement *draw = gst_bin_get_by_name (GST_BIN (pipeline), "draw");
  GstPad *pad = gst_element_get_static_pad (last, "src");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, take_frame, tracker, NULL);
  gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, take_event, tracker, NULL);
  if (draw != NULL)
    g_signal_connect (draw, "draw", G_CALLBACK (box_overlay_draw), NULL);
  if (!has_model) {
    /* Started, it takes the request to tell positions apart. */
    gst_element_set_state (last, GST_STATE_PAUSED);
    gst_pad_send_event (pad, gst_vit_tokens_event_new_request_positions ());
  }
  g_clear_pointer (&draw, gst_object_unref);
  gst_object_unref (pad);
  gst_object_unref (last);
}

static volatile sig_atomic_t is_interrupted;

/* Another time it ends the program at once. */
static void
interrupt (int number)
{
  is_interrupted = 1;
  signal (number, SIG_DFL);
}

/* At Ctrl-C the stream ends where it is, so that the video written is whole. */
static GstMessage *
wait_for_end (GstElement *pipeline, GstBus *bus)
{
  GstMessage *message = NULL;
  gboolean has_ended = FALSE;

  signal (SIGINT, interrupt);
  while (message == NULL) {
    if (is_interrupted && !has_ended)
      has_ended = gst_element_send_event (pipeline, gst_event_new_eos ());
    message = gst_bus_timed_pop_filtered (
        bus, GST_SECOND / 10, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  }
  signal (SIGINT, SIG_DFL);
  return message;
}

/* Ends with the stream, or with what went wrong. */
static gboolean
run (GstElement *pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  gboolean is_good;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = wait_for_end (pipeline, bus);
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

static gboolean
track (const Options *options, const TrackerBox *box, const gchar *file,
    GError **error)
{
  GstElement *pipeline = make_pipeline (options, error);
  LabelPropagationSettings settings = { options->n_last_frames,
    options->neighbourhood, options->top, options->temperature };
  gboolean is_good = FALSE;
  Tracker *tracker;

  if (pipeline == NULL)
    return FALSE;
  tracker = tracker_new (&settings, options->least_cosine);
  if (options->box != NULL || options->point != NULL)
    tracker_start (tracker, box);
  if (set_up (pipeline, options, file, error)) {
    watch (pipeline, tracker, options->model != NULL);
    is_good = run (pipeline);
  }
  gst_object_unref (pipeline);
  tracker_free (tracker);
  return is_good;
}

static void
clear_options (Options *options)
{
  g_free (options->box);
  g_free (options->point);
  g_free (options->model);
  g_free (options->output);
  g_free (options->elements);
}

int
main (int argc, char **argv)
{
  Options options = {
    .n_last_frames = defaults.n_last_frames,
    .neighbourhood = defaults.neighbourhood,
    .top = defaults.top,
    .temperature = defaults.temperature,
    .least_cosine = NOT_SET,
  };
  GError *error = NULL;
  const gchar *mistake;
  gboolean is_good = FALSE;
  TrackerBox box;

  /* What --help prints is UTF-8; numbers stay as they are. */
  setlocale (LC_CTYPE, "");
  if (!read_options (&argc, &argv, &options, &error)) {
    g_printerr ("%s\n", error->message);
    return 2;
  }
  mistake = find_mistake (&options, argc);
  if (mistake == NULL && !read_box (&options, &box))
    mistake = "A box is four numbers, X,Y,WIDTH,HEIGHT, and a point two, X,Y";
  if (mistake != NULL)
    g_printerr ("%s; %s --help tells the options\n", mistake, argv[0]);
  else
    is_good = track (&options, &box, argv[1], &error);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  g_clear_error (&error);
  clear_options (&options);
  return mistake != NULL ? 2 : !is_good;
}
