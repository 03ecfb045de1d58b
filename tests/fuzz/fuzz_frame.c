/* SPDX-License-Identifier: MIT
 *
 * Caps and the layout of buffers.  An input says format, size, how the planes
 * lie and how long the buffer is; a frame that maps is read to the last pixel,
 * from memory of exactly the buffer's length.
 */
#include "fuzz.h"

#include <math.h>

#include "patch/patch_embed.h"
#include "patchembed/gstvitimage.h"

static VitModel *model;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gst_init (argc, argv);
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  model = vit_model_new_builtin (4, 3, NULL);
  g_assert_nonnull (model);
  return 0;
}

static void
compute (const VitImageFormat *format, const VitImage *image, Input *input)
{
  VitPatchEmbedSettings settings = { .std = { 1, 1, 1 }, .n_workers = 1 };
  GError *error = NULL;
  VitPatchEmbed *embed;

  settings.precision
      = input_take (input, 1) & 1 ? VIT_PRECISION_INT16 : VIT_PRECISION_F32;
  settings.fit = input_take (input, 1) & 1 ? VIT_FIT_PAD : VIT_FIT_CROP;
  embed = vit_patch_embed_new (model, &settings, &error);
  g_assert_no_error (error);
  if (vit_patch_embed_configure (embed, format, &error)) {
    VitTokensShape shape = vit_patch_embed_shape (embed);
    gsize n = (gsize) shape.n_tokens * shape.embed_dim;
    float *tokens = g_aligned_alloc (n, sizeof (float), 64);

    vit_patch_embed_plan (embed, image, FALSE, 0, NULL, NULL);
    vit_patch_embed_run (embed, image, NULL, tokens, NULL, NULL);
    for (gsize i = 0; i < n; i++)
      g_assert_true (isfinite (tokens[i]));
    g_aligned_free (tokens);
  } else {
    g_assert_true (settings.fit == VIT_FIT_CROP);
    fuzz_check_error (error);
  }
  vit_patch_embed_free (embed);
}

static void
add_metas (GstBuffer *buffer, const GstVideoInfo *info, guint which,
    Input *input)
{
  gsize offset[GST_VIDEO_MAX_PLANES];
  gint stride[GST_VIDEO_MAX_PLANES];

  for (guint p = 0; p < GST_VIDEO_MAX_PLANES; p++) {
    offset[p] = info->offset[p] + input_take (input, 2);
    stride[p] = info->stride[p] + (gint16) input_take (input, 2);
    if (which & 8)
      stride[p] = -stride[p];
  }
  if (which & 1)
    gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
        info->finfo->format, (guint) (info->width + (which & 32 ? -1 : 0)),
        (guint) info->height + (which & 64 ? 1 : 0), info->finfo->n_planes,
        offset, stride);
  if (which & 4) {
    GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (buffer);

    crop->width = (guint) info->width;
    crop->height = (guint) info->height - (which >> 7);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, size };
  guint n_formats;
  const VitPixelFormat *formats = vit_pixel_format_list (&n_formats);
  const VitPixelFormat *pixel = &formats[input_take (&input, 1) % n_formats];
  gint width = input_take_int (&input, 1, 300);
  gint height = input_take_int (&input, 1, 300);
  guint which = input_take (&input, 1);
  gint difference = (gint16) input_take (&input, 2);
  GstVideoInfo info;
  VitImageFormat format;
  GstVideoFrame frame;
  VitImage image;
  GstBuffer *buffer;
  gchar *reason = NULL;
  gsize n_bytes;

  gst_video_info_set_format (
      &info, gst_video_format_from_string (pixel->name), (guint) width,
      (guint) height);
  n_bytes = (gsize) MAX ((gssize) info.size + difference, 1);
  buffer = gst_buffer_new_wrapped (g_malloc0 (n_bytes), n_bytes);
  /* Where the one memory ends another may begin. */
  if (which & 2) {
    guint8 *bytes = g_malloc0 (100);

    gst_buffer_append_memory (
        buffer, gst_memory_new_wrapped (0, bytes, 100, 0, 100, bytes, g_free));
  }
  add_metas (buffer, &info, which, &input);
  g_assert_true (gst_vit_image_format_from_info (&info, &format));
  if (gst_vit_image_map (&frame, &info, &format, buffer, (which & 16) != 0,
          &image, &reason)) {
    compute (&format, &image, &input);
    gst_video_frame_unmap (&frame);
  } else {
    g_assert_nonnull (reason);
    g_free (reason);
  }
  gst_buffer_unref (buffer);
  return 0;
}
