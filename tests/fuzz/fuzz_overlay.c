/* SPDX-License-Identifier: MIT
 *
 * Tokens drawn on frames.  An input says how one frame's planes lie in how many
 * bytes, and which tokens it carries, where they lie and what is drawn of them,
 * for up to three frames in a row.  A frame that is drawn on ends where a page
 * ends that must not be touched, and what lies before it stays as it is.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>

#include "gst/vit/gstvittokensmeta.h"
#include "tokenoverlay/gstvitcanvas.h"
#include "tokenoverlay/gstvitdrawing.h"

#define PAGE 4096
#define UNTOUCHED 0x5a

/* Bytes up to a page that cannot be read, and many before them. */
typedef struct {
  guint8 *pages;
  gsize all;     /* that can be read */
  gsize n_bytes; /* of them the frame's, the last */
} Memory;

static guint n_formats;
static const GstVideoFormat *formats;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gst_init (argc, argv);
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  formats = gst_video_formats_raw (&n_formats);
  return 0;
}

static GstMemory *
memory_new (Memory *memory, gsize n_bytes)
{
  gsize before;

  memory->n_bytes = n_bytes;
  memory->all = (n_bytes + 4 * PAGE) / PAGE * PAGE;
  before = memory->all - n_bytes;
  memory->pages = mmap (NULL, memory->all + PAGE, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (memory->pages != MAP_FAILED);
  g_assert_cmpint (
      mprotect (memory->pages + memory->all, PAGE, PROT_NONE), ==, 0);
  memset (memory->pages, UNTOUCHED, before);
  return gst_memory_new_wrapped ((GstMemoryFlags) 0, memory->pages + before,
      n_bytes, 0, n_bytes, NULL, NULL);
}

static void
memory_check_and_free (Memory *memory)
{
  for (gsize i = 0; i < memory->all - memory->n_bytes; i++)
    g_assert_cmpuint (memory->pages[i], ==, UNTOUCHED);
  munmap (memory->pages, memory->all + PAGE);
}

/* Any float, and often one that is of use. */
static gdouble
take_double (Input *input)
{
  guint bits = input_take (input, 4);
  gfloat value;

  if (bits & 1)
    return (gint16) (bits >> 16) / 64.0;
  memcpy (&value, &bits, sizeof value);
  return value;
}

static GstBuffer *
take_bytes (Input *input, gsize n_bytes)
{
  guint8 *bytes = g_malloc0 (n_bytes + 1);
  gsize n_taken = MIN (n_bytes, input->size);

  memcpy (bytes, input->data, n_taken);
  input->data += n_taken;
  input->size -= n_taken;
  return gst_buffer_new_wrapped (bytes, n_bytes);
}

static void
add_tokens (GstBuffer *frame, Input *input)
{
  GstVitTokenFormat format = (GstVitTokenFormat) (input_take (input, 1) % 3);
  guint which = input_take (input, 1);
  guint n_prefix = input_take (input, 1) % 4;
  guint columns = input_take (input, 1) % 20 + 1;
  guint rows = input_take (input, 1) % 20 + 1;
  guint embed_dim = input_take (input, 1) % 40 + 1;
  guint n_tokens = n_prefix + columns * rows;
  gsize size
      = (gsize) n_tokens * embed_dim * gst_vit_token_format_get_size (format);
  GstBuffer *tokens = take_bytes (input, size);
  GstVitTokensMeta *meta
      = gst_buffer_add_vit_tokens_meta (frame, tokens, format, n_prefix,
          columns, rows, input_take (input, 1) + 1, embed_dim, 1, 1, NULL);

  if (which & 1) {
    for (guint i = 0; i < G_N_ELEMENTS (meta->map); i++)
      meta->map[i] = take_double (input);
  }
  meta->n_blocks = which >> 1 & 1;
  if (which & 4)
    meta->positions = take_bytes (input, input_take (input, 2));
  if (which & 8) {
    gsize n_bytes = ((gsize) n_tokens + 7) / 8;
    GBytes *bytes = g_bytes_new_take (g_malloc0 (n_bytes), n_bytes);

    gst_vit_tokens_meta_set_changed (meta, bytes);
    g_bytes_unref (bytes);
  }
  if (which & 16) {
    gst_buffer_unref (meta->tokens);
    meta->tokens = gst_buffer_copy_region (tokens, GST_BUFFER_COPY_MEMORY, 0,
        input_take (input, 2) % (size + 1));
  }
  if (which & 32) {
    gst_vit_tokens_meta_set_changed (meta, NULL);
    meta->n_tokens = G_MAXUINT;
    meta->grid_width = input_take (input, 4);
    meta->grid_height = input_take (input, 4);
  }
  if (which & 64)
    meta->embed_dim = input_take (input, 4);
  gst_buffer_unref (tokens);
}

static void
add_layout (GstBuffer *frame, const GstVideoInfo *info, guint which,
    Input *input)
{
  gsize offset[GST_VIDEO_MAX_PLANES];
  gint stride[GST_VIDEO_MAX_PLANES];

  for (guint p = 0; p < GST_VIDEO_MAX_PLANES; p++) {
    offset[p] = info->offset[p] + input_take (input, 2);
    stride[p] = info->stride[p] + (gint16) input_take (input, 2);
    if (which & 8)
      stride[p] = -stride[p];
    if (which & 16)
      stride[p] += (gint) (input_take (input, 1) % 4) << 16;
  }
  if (which & 1)
    gst_buffer_add_video_meta_full (frame, GST_VIDEO_FRAME_FLAG_NONE,
        info->finfo->format, (guint) (info->width + (which & 32 ? -1 : 0)),
        (guint) info->height + (which & 64 ? 1 : 0), info->finfo->n_planes,
        offset, stride);
}

static void
draw (GstVitDrawing *drawing, const GstVideoInfo *info, GstBuffer *buffer,
    Input *input)
{
  GstVitDrawingSettings settings = {
    .mode = (GstVitDrawingMode) (input_take (input, 1) % 5),
    .opacity = input_take (input, 1) / 255.0,
    .legend = input_take (input, 1) & 1,
    .x = (gint) input_take (input, 2) - 1,
    .y = (gint) input_take (input, 2) - 1,
    .keep_positions = input_take (input, 1) & 1,
  };
  guint more = input_take (input, 1);
  GstVideoOverlayComposition *drawn;
  GstVideoFrame frame;
  const gchar *why_not;
  gchar *reason = NULL;

  settings.foreground = more & 1;
  settings.smooth = more >> 1 & 1;
  settings.n_points = more >> 2 & 7;
  for (guint i = 0; i < 2 * settings.n_points; i++)
    settings.points[i] = (gint16) input_take (input, 2);
  drawn = gst_vit_drawing_compose (drawing, &settings, buffer,
      (guint) info->width, (guint) info->height, &why_not);
  if (!drawn)
    return;
  if (gst_vit_canvas_map (&frame, info, buffer, &reason)) {
    gst_video_overlay_composition_blend (drawn, &frame);
    gst_video_frame_unmap (&frame);
  } else {
    g_assert_nonnull (reason);
    g_free (reason);
  }
  gst_video_overlay_composition_unref (drawn);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, size };
  GstVideoFormat format = formats[input_take (&input, 1) % n_formats];
  gint width = input_take_int (&input, 1, 300);
  gint height = input_take_int (&input, 1, 300);
  guint n_frames = input_take (&input, 1) % 3 + 1;
  GstVitDrawing *drawing = gst_vit_drawing_new ();
  GstVideoInfo info;

  gst_video_info_set_format (&info, format, (guint) width, (guint) height);
  for (guint f = 0; f < n_frames; f++) {
    guint which = input_take (&input, 1);
    gint difference = (gint16) input_take (&input, 2);
    guint n_metas = input_take (&input, 1) % 3 + 1;
    GstBuffer *buffer = gst_buffer_new ();
    Memory memory[2] = { { NULL } };

    gst_buffer_append_memory (buffer,
        memory_new (
            &memory[0], (gsize) MAX ((gssize) info.size + difference, 1)));
    /* Where the one memory ends another may begin. */
    if (which & 2)
      gst_buffer_append_memory (buffer, memory_new (&memory[1], 100));
    add_layout (buffer, &info, which, &input);
    for (guint i = 0; i < n_metas; i++)
      add_tokens (buffer, &input);
    draw (drawing, &info, buffer, &input);
    gst_buffer_unref (buffer);
    memory_check_and_free (&memory[0]);
    if (which & 2)
      memory_check_and_free (&memory[1]);
  }
  gst_vit_drawing_free (drawing);
  return 0;
}
