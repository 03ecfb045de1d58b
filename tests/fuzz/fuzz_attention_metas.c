/* SPDX-License-Identifier: MIT
 *
 * GstVitAttentionMeta that lies, in every field, through what reads it: the
 * library's functions and vittokenoverlay.  An input says of up to three frames
 * which metas they carry and what of these is forged.  Frames pass, whatever they
 * carry; what is valid can be read to the last byte.
 */
#include "fuzz.h"

#include <gst/video/video.h>
#include <math.h>

#include "gst/vit/vit.h"
#include "guarded.h"
#include "stream.h"

#define MAX_METAS 3
#define WIDTH 64
#define HEIGHT 48
#define SIZE (WIDTH * HEIGHT * 4)

/* What one frame's metas point to. */
typedef struct {
  Guarded memory[MAX_METAS];
  guint n;
} Room;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  stream_init_plugin (argc, argv);
  return 0;
}

static GstBuffer *
new_values (Room *room, gsize n_values, Input *input)
{
  Guarded *guarded = &room->memory[room->n++];
  GstBuffer *buffer = gst_buffer_new ();

  gst_buffer_append_memory (
      buffer, guarded_new (guarded, n_values * sizeof (gfloat), TRUE));
  for (gsize i = 0; i < MIN (guarded->size, 64); i++)
    guarded->bytes[i] = (guint8) input_take (input, 1);
  return buffer;
}

static guint
lie (guint number, Input *input)
{
  switch (input_take (input, 1) % 4) {
    case 0:
      return number + (guint) (gint8) input_take (input, 1);
    case 1:
      return 1u << input_take (input, 1) % 32;
    default:
      return input_take (input, 4);
  }
}

static void
lie_of (GstVitAttentionMeta *meta, guint which, Input *input)
{
  static const gdouble places[] = { NAN, INFINITY, -1e308, 1e18, 5e-324, 0,
    1e-150, -16, 0.5, -0.0 };
  guint *numbers[] = { &meta->n_heads, &meta->n_tokens, &meta->n_prefix_tokens,
    &meta->grid_width, &meta->grid_height, &meta->patch_size,
    &meta->frame_width, &meta->frame_height, &meta->block, &meta->roi_x,
    &meta->roi_y, &meta->roi_width, &meta->roi_height };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (which >> i & 1)
      *numbers[i] = lie (*numbers[i], input);
  if (which >> 13 & 1)
    meta->map[input_take (input, 1) % 6]
        = places[input_take (input, 1) % G_N_ELEMENTS (places)];
  if (which >> 14 & 1)
    meta->roi_type = g_strnfill (
        input_take (input, 2) % 1000, (gchar) input_take (input, 1));
  if (which >> 15 & 1)
    gst_clear_buffer (&meta->values);
}

/* Of a small grid, of which a field or more may lie. */
static void
add_forged (GstBuffer *frame, Room *room, Input *input)
{
  guint which = input_take (input, 2);
  guint n_heads = input_take (input, 1) % 8 + 1;
  guint n_prefix = input_take (input, 1) % 4 + 1;
  guint columns = input_take (input, 1) % 8 + 1;
  guint rows = input_take (input, 1) % 8 + 1;
  guint n_tokens = n_prefix + columns * rows;
  GstBuffer *other = gst_buffer_new ();
  GstBuffer *tokens = gst_buffer_new_allocate (NULL, 4 * n_tokens, NULL);
  GstBuffer *values = new_values (room, (gsize) n_heads * n_tokens, input);
  GstVitAttentionMeta *meta = gst_buffer_add_vit_attention_meta (frame,
      gst_buffer_add_vit_tokens_meta (other, tokens, GST_VIT_TOKEN_FORMAT_F32,
          n_prefix, columns, rows, 8, 1, WIDTH, HEIGHT, "model"),
      values, n_heads, 12);

  g_assert_nonnull (meta);
  lie_of (meta, which, input);
  gst_buffer_unref (values);
  gst_buffer_unref (tokens);
  gst_buffer_unref (other);
}

static void
check_scaled (GstBuffer *frame, GstVitAttentionMeta *meta)
{
  g_autoptr (GstBuffer) dest = gst_buffer_new ();
  GstVideoInfo in, out;
  GstVideoMetaTransform transform = { &in, &out };

  gst_video_info_set_format (&in, GST_VIDEO_FORMAT_RGBA, WIDTH, HEIGHT);
  gst_video_info_set_format (
      &out, GST_VIDEO_FORMAT_RGBA, 50 * WIDTH, 50 * HEIGHT);
  if (GST_VIT_ATTENTION_META_INFO->transform_func (dest, &meta->meta, frame,
          gst_video_meta_transform_scale_get_quark (), &transform))
    g_assert_true (gst_vit_attention_meta_is_valid (
        gst_buffer_get_vit_attention_meta (dest), NULL));
}

/* As an application would, with one that it knows nothing of. */
static void
check_library (GstBuffer *frame)
{
  g_autoptr (GstBuffer) copy = gst_buffer_copy (frame);
  GstVitAttentionMeta *meta;
  gpointer state = NULL;

  while ((meta = gst_buffer_iterate_vit_attention_meta (copy, &state))) {
    const gchar *reason;
    gboolean is_valid = gst_vit_attention_meta_is_valid (meta, &reason);
    GstBuffer *values = gst_vit_attention_meta_get_values (meta);
    guint x, y, width, height;

    g_assert_true (
        is_valid == (reason == NULL) && is_valid == (values != NULL));
    if (is_valid)
      g_assert_cmpuint (gst_buffer_get_size (values), ==,
          (gsize) meta->n_heads * meta->n_tokens * sizeof (gfloat));
    g_assert_cmpint (
        is_valid, ==, gst_vit_attention_meta_get_map (meta) != NULL);
    gst_vit_attention_meta_get_model_id (meta);
    gst_vit_attention_meta_get_roi_type (meta);
    if (gst_vit_attention_meta_get_roi_rect (meta, &x, &y, &width, &height))
      g_assert_true (width > 0 && height > 0);
    check_scaled (copy, meta);
  }
}

static void
push_frame (Stream *stream, Input *input)
{
  GstBuffer *frame = gst_buffer_new_wrapped (g_malloc0 (SIZE), SIZE);
  Room room = { .n = 0 };

  for (guint n = input_take (input, 1) % MAX_METAS + 1; n > 0; n--)
    add_forged (frame, &room, input);
  check_library (frame);
  g_assert_true (stream_push (stream, frame));
  gst_buffer_unref (gst_harness_pull (stream->harness));
  /* The last frame's are kept for those without. */
  frame = gst_buffer_new_wrapped (g_malloc0 (SIZE), SIZE);
  g_assert_true (stream_push (stream, frame));
  gst_buffer_unref (gst_harness_pull (stream->harness));
  gst_harness_push_event (stream->harness, gst_event_new_gap (0, 1));
  for (guint i = 0; i < room.n; i++)
    guarded_free (&room.memory[i]);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, size };
  gint head = (gint) (input_take (&input, 1) % 10) - 1;
  guint n_frames = input_take (&input, 1) % 3 + 1;
  GstElement *element = gst_element_factory_make ("vittokenoverlay", NULL);
  Stream stream;

  gst_util_set_object_arg (G_OBJECT (element), "mode", "attention");
  g_object_set (element, "head", head, "legend", FALSE, NULL);
  stream_open (&stream, element);
  gst_harness_set_src_caps_str (stream.harness,
      "video/x-raw,format=RGBA,width=64,height=48,framerate=25/1");
  for (; n_frames > 0; n_frames--)
    push_frame (&stream, &input);
  stream_close (&stream);
  return 0;
}
