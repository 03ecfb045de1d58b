/* SPDX-License-Identifier: MIT
 *
 * GstVideoMeta that lies, in every field, through the two elements that touch
 * pixels.  An input says which element and how it is set, what the caps are, and
 * of up to three frames how their planes lie in which memories and what their
 * metas say of it.  Nothing may be touched outside of the memories, and
 * vitpatchembed may change nothing in them.
 */
#include "fuzz.h"

#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "guarded.h"
#include "patch/image.h"
#include "stream.h"

/* Of a frame that is compared afterwards. */
#define MAX_COMPARED (1 << 20)
/* Of addresses, which costs nothing; rows that are far apart take no more. */
#define MAX_MEMORY ((gsize) 1 << 36)

static const GstVideoFormat *raw_formats;
static guint n_raw_formats;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  stream_init_plugin (argc, argv);
  raw_formats = gst_video_formats_raw (&n_raw_formats);
  return 0;
}

/* What the metas of a frame are. */
enum {
  HAS_META = 1,
  LIES_OFFSET = 2,
  LIES_STRIDE = 4,
  LIES_FORMAT = 8,
  LIES_SIZE = 16,
  LIES_N_PLANES = 32,
  HAS_CROP = 64,
  LIES_ALIGNMENT = 128,
};

/* How its planes lie, before anything lies. */
enum {
  BOTTOM_UP = 1,     /* negative strides, wholly within the memory */
  FAR_APART = 2,     /* rows of which stride * row does not fit in an int */
  A_MEMORY_EACH = 4, /* a plane */
  AT_END = 8,        /* of the pages: the guard follows */
};

typedef struct {
  GstVideoInfo info;
  gsize offset[GST_VIDEO_MAX_PLANES];
  gint stride[GST_VIDEO_MAX_PLANES];
  Guarded memory[GST_VIDEO_MAX_PLANES];
  guint n_memories;
} Frame;

static guint
n_rows_of (const GstVideoInfo *info, guint plane)
{
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (info); c++)
    if (GST_VIDEO_INFO_COMP_PLANE (info, c) == (gint) plane)
      return (guint) GST_VIDEO_INFO_COMP_HEIGHT (info, c);
  return 1;
}

/* A layout in which every row has its place; returns the bytes of all. */
static gsize
lay_out (Frame *frame, guint how, Input *input)
{
  gint difference = (gint16) input_take (input, 2);
  guint shift = 16 + input_take (input, 1) % 14;
  gsize end = 0;

  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (&frame->info); p++) {
    guint n_rows = n_rows_of (&frame->info, p);
    gint stride = frame->info.stride[p];
    gsize row_bytes = (gsize) stride, size;

    if (GST_VIDEO_FORMAT_INFO_IS_TILED (frame->info.finfo))
      return (gsize) MAX ((gssize) frame->info.size + difference, 1);
    if (how & FAR_APART)
      stride = MAX (stride, 1 << shift);
    size = (gsize) stride * (n_rows - 1) + row_bytes;
    if (size > MAX_MEMORY / 4) {
      stride = frame->info.stride[p];
      size = (gsize) stride * n_rows;
    }
    frame->offset[p] = end;
    frame->stride[p] = stride;
    if (how & BOTTOM_UP) {
      frame->offset[p] += (gsize) stride * (n_rows - 1);
      frame->stride[p] = -stride;
    }
    end += size;
  }
  return (gsize) MAX ((gssize) end + difference, 1);
}

/* In one memory, or in one for each plane as far as the bytes suffice.  What lies
 * far apart stays in one: GStreamer would gather several with all that is
 * between. */
static GstBuffer *
new_buffer (Frame *frame, gsize size, guint how)
{
  guint n = how & A_MEMORY_EACH && !(how & FAR_APART)
                ? GST_VIDEO_INFO_N_PLANES (&frame->info)
                : 1;
  GstBuffer *buffer = gst_buffer_new ();

  for (guint i = 0; i < n && size > 0; i++) {
    gsize part = i + 1 < n ? MIN (size, size / (n - i) + 1) : size;

    if (n > 1 && i + 1 < n && !(how & BOTTOM_UP)
        && frame->offset[i + 1] > frame->offset[i])
      part = MIN (size, frame->offset[i + 1] - frame->offset[i]);
    gst_buffer_append_memory (buffer,
        guarded_new (&frame->memory[i], part, (how & AT_END) != 0));
    frame->n_memories++;
    size -= part;
  }
  if (frame->memory[0].size <= MAX_COMPARED)
    for (gsize i = 0; i < frame->memory[0].size; i++)
      frame->memory[0].bytes[i] = (guint8) (i * 7 + i / 251);
  return buffer;
}

static gint
lie_int (gint number, Input *input)
{
  switch (input_take (input, 1) % 4) {
    case 0:
      return number + (gint8) input_take (input, 1);
    case 1:
      return -number;
    case 2:
      return (gint) input_take (input, 4);
    default:
      return number;
  }
}

static gsize
lie_size (gsize number, Input *input)
{
  switch (input_take (input, 1) % 4) {
    case 0:
      return number + input_take (input, 2);
    case 1:
      return number - input_take (input, 2);
    case 2:
      number = input_take (input, 4);
      return number << 32 | input_take (input, 4);
    default:
      return number;
  }
}

static void
add_video_meta (
    GstBuffer *buffer, const Frame *frame, guint which, Input *input)
{
  GstVideoMeta *meta;

  if (!(which & HAS_META))
    return;
  meta = gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (&frame->info),
      (guint) GST_VIDEO_INFO_WIDTH (&frame->info),
      (guint) GST_VIDEO_INFO_HEIGHT (&frame->info),
      GST_VIDEO_INFO_N_PLANES (&frame->info), frame->offset, frame->stride);
  for (guint p = 0; p < GST_VIDEO_MAX_PLANES; p++) {
    if (which & LIES_OFFSET)
      meta->offset[p] = lie_size (meta->offset[p], input);
    if (which & LIES_STRIDE)
      meta->stride[p] = lie_int (meta->stride[p], input);
  }
  if (which & LIES_FORMAT) {
    gint format = lie_int ((gint) meta->format, input);

    memcpy (&meta->format, &format, sizeof format);
    meta->flags = (GstVideoFrameFlags) input_take (input, 2);
    meta->id = (gint) input_take (input, 1);
  }
  if (which & LIES_SIZE) {
    meta->width = (guint) lie_int ((gint) meta->width, input);
    meta->height = (guint) lie_int ((gint) meta->height, input);
  }
  if (which & LIES_N_PLANES)
    meta->n_planes = (guint) lie_int ((gint) meta->n_planes, input);
  if (which & LIES_ALIGNMENT) {
    meta->alignment.padding_top = input_take (input, 4);
    meta->alignment.padding_left = input_take (input, 4);
    meta->alignment.stride_align[0] = input_take (input, 4);
  }
}

static void
add_other_metas (
    GstBuffer *buffer, const Frame *frame, guint which, Input *input)
{
  guint width = (guint) GST_VIDEO_INFO_WIDTH (&frame->info);
  guint height = (guint) GST_VIDEO_INFO_HEIGHT (&frame->info);

  if (which & HAS_CROP) {
    GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (buffer);

    crop->x = input_take (input, 1) % 2 * input_take (input, 4);
    crop->width = (guint) lie_int ((gint) width, input);
    crop->height = (guint) lie_int ((gint) height, input);
  }
  for (guint n = input_take (input, 1) % 4; n > 0; n--)
    gst_buffer_add_video_region_of_interest_meta (buffer, "it",
        input_take (input, 2), input_take (input, 2),
        (guint) lie_int ((gint) width, input),
        (guint) lie_int ((gint) height, input));
}

/* 4 x 3 patches over the whole frame, all of them changed. */
static void
add_tokens (GstBuffer *buffer, const Frame *frame)
{
  GstBuffer *tokens = gst_buffer_new_wrapped (g_malloc0 (96), 96);
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (buffer, tokens,
      GST_VIT_TOKEN_FORMAT_F32, 0, 4, 3, 16, 2, 64, 48, NULL);

  meta->map[0] = GST_VIDEO_INFO_WIDTH (&frame->info) / 4.0;
  meta->map[4] = GST_VIDEO_INFO_HEIGHT (&frame->info) / 3.0;
  gst_buffer_unref (tokens);
}

static void
check_tokens (GstBuffer *buffer)
{
  GstVitTokensMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (buffer, &state))) {
    GstMapInfo map;

    g_assert_true (gst_vit_tokens_meta_is_valid (meta, NULL));
    g_assert_true (gst_buffer_map (meta->tokens, &map, GST_MAP_READ));
    for (gsize i = 0; i < map.size / sizeof (gfloat); i++)
      g_assert_true (isfinite (((const gfloat *) (gpointer) map.data)[i]));
    gst_buffer_unmap (meta->tokens, &map);
  }
}

/* Small patches: to predict what fixed point costs takes time with the fourth
 * power of their side, at every start. */
static void
open_element (Stream *stream, gboolean is_overlay, Input *input)
{
  static const guint limits[] = { 0, 1, 4, 50 };
  guint set = input_take (input, 1);
  GstElement *element = gst_element_factory_make (
      is_overlay ? "vittokenoverlay" : "vitpatchembed", NULL);

  if (is_overlay)
    g_object_set (element, "mode", 3 + (gint) (set & 1),
        "legend", (set & 2) != 0, "opacity", set / 255.0, NULL);
  else
    g_object_set (element, "patch-size",
        1 + input_take (input, 1) % 4, "embed-dim", 3, "n-threads", 1,
        "max-tokens", limits[set & 3], "regions", (set >> 2) & 1, "fit",
        (set >> 3) & 1, "precision", 1 + ((set >> 4) & 1), "reuse-tolerance",
        (set >> 5) & 3, NULL);
  stream_open (stream, element);
}

/* FALSE where no further frame can be pushed. */
static gboolean
push_frame (Stream *stream, Frame *frame, gboolean is_overlay, Input *input)
{
  guint which = input_take (input, 1), how = input_take (input, 1);
  gsize size = lay_out (frame, how, input);
  GstBuffer *buffer = new_buffer (frame, size, how), *out;
  gboolean is_compared
      = !is_overlay && frame->memory[0].size <= MAX_COMPARED;
  guint8 *before = is_compared ? g_memdup2 (frame->memory[0].bytes,
                                     frame->memory[0].size)
                               : NULL;
  gboolean is_taken;

  add_video_meta (buffer, frame, which, input);
  add_other_metas (buffer, frame, which, input);
  if (is_overlay)
    add_tokens (buffer, frame);
  is_taken = stream_push (stream, buffer);
  while ((out = gst_harness_try_pull (stream->harness))) {
    if (!is_overlay)
      check_tokens (out);
    gst_buffer_unref (out);
  }
  if (before)
    g_assert_cmpint (
        memcmp (before, frame->memory[0].bytes, frame->memory[0].size), ==, 0);
  g_free (before);
  for (guint i = 0; i < frame->n_memories; i++)
    guarded_free (&frame->memory[i]);
  return is_taken;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, size };
  gboolean is_overlay = input_take (&input, 1) & 1;
  guint format = input_take (&input, 1), n_pixel_formats;
  const VitPixelFormat *pixel_formats
      = vit_pixel_format_list (&n_pixel_formats);
  guint width = (guint) input_take_int (&input, 1, 300);
  guint height = (guint) input_take_int (&input, 1, 300);
  guint n_frames = input_take (&input, 1) % 3 + 1;
  GstVideoInfo info;
  Stream stream;

  gst_video_info_set_format (&info,
      is_overlay ? raw_formats[format % n_raw_formats]
                 : gst_video_format_from_string (
                       pixel_formats[format % n_pixel_formats].name),
      width, height);
  open_element (&stream, is_overlay, &input);
  gst_harness_set_src_caps (stream.harness, gst_video_info_to_caps (&info));
  for (guint f = 0; f < n_frames; f++) {
    Frame frame = { .info = info };

    memcpy (frame.offset, info.offset, sizeof frame.offset);
    memcpy (frame.stride, info.stride, sizeof frame.stride);
    if (!push_frame (&stream, &frame, is_overlay, &input))
      break;
  }
  stream_close (&stream);
  return 0;
}
