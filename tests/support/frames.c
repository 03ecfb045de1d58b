/* SPDX-License-Identifier: MIT */
#include "support/frames.h"

#include <math.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"

GstCaps *
frames_caps (const gchar *format, gint width, gint height,
    const gchar *colorimetry)
{
  GstCaps *caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
      format, "width", G_TYPE_INT, width, "height", G_TYPE_INT, height,
      "framerate", GST_TYPE_FRACTION, 25, 1, NULL);

  if (colorimetry != NULL)
    gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, colorimetry, NULL);
  return caps;
}

static void
fill_random (GstBuffer *buffer, guint32 seed)
{
  GRand *random = g_rand_new_with_seed (seed);
  GstMapInfo map;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_rand_int_range (random, 0, 256);
  gst_buffer_unmap (buffer, &map);
  g_rand_free (random);
}

GstBuffer *
frames_random (const GstVideoInfo *info, guint32 seed, gboolean padded)
{
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 }, end = 0;
  gint stride[GST_VIDEO_MAX_PLANES] = { 0 };
  guint n_planes = GST_VIDEO_INFO_N_PLANES (info);
  GstBuffer *buffer;

  if (!padded) {
    buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
    fill_random (buffer, seed);
    return buffer;
  }
  for (guint p = 0; p < n_planes; p++) {
    offset[p] = end + 5 + 2 * p;
    stride[p] = GST_VIDEO_INFO_PLANE_STRIDE (info, p) + 11;
    end = offset[p] + (gsize) stride[p] * GST_VIDEO_INFO_HEIGHT (info);
  }
  buffer = gst_buffer_new_allocate (NULL, end, NULL);
  fill_random (buffer, seed);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (info), (guint) GST_VIDEO_INFO_WIDTH (info),
      (guint) GST_VIDEO_INFO_HEIGHT (info), n_planes, offset, stride);
  return buffer;
}

static guint8 *
component_data (const GstVideoFrame *frame, guint c)
{
  /* GStreamer's table (1.22) has Cr one byte after Cb here, not two. */
  if (GST_VIDEO_FRAME_FORMAT (frame) == GST_VIDEO_FORMAT_P010_10LE && c == 2)
    return (guint8 *) GST_VIDEO_FRAME_COMP_DATA (frame, 1) + 2;
  return GST_VIDEO_FRAME_COMP_DATA (frame, c);
}

/* A sample of component c near `value`, of the format's depth. */
static void
write_sample (GstVideoFrame *frame, guint c, gint x, gint y, gint value)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  gint peak = (1 << GST_VIDEO_FORMAT_INFO_DEPTH (format, c)) - 1;
  guint8 *data = component_data (frame, c)
      + y * GST_VIDEO_FRAME_COMP_STRIDE (frame, c)
      + x * GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c);
  guint16 word
      = (guint16) (CLAMP (value, 0, peak) << GST_VIDEO_FORMAT_INFO_SHIFT (
                       format, c));

  if (peak > 255)
    memcpy (data, &word, sizeof word);
  else
    *data = (guint8) word;
}

GstBuffer *
frames_calm (const GstVideoInfo *info, guint32 seed, gboolean padded)
{
  GstBuffer *buffer = frames_random (info, seed, padded);
  guint n_components = MIN (3, GST_VIDEO_INFO_N_COMPONENTS (info));
  GRand *random = g_rand_new_with_seed (seed);
  GstVideoFrame frame;

  g_assert_true (
      gst_video_frame_map (&frame, info, buffer, GST_MAP_READWRITE));
  for (gint patch = 0; patch < 64 * 64; patch++) {
    gboolean gray = g_rand_boolean (random);

    for (guint c = 0; c < n_components; c++) {
      gint peak = (1 << GST_VIDEO_INFO_COMP_DEPTH (info, c)) - 1;
      gint colour = c > 0 && gray ? peak / 2 + 1
                                  : g_rand_int_range (random, 0, peak + 1);
      gint w = 16 >> GST_VIDEO_FORMAT_INFO_W_SUB (info->finfo, c);
      gint h = 16 >> GST_VIDEO_FORMAT_INFO_H_SUB (info->finfo, c);

      for (gint i = 0; i < w * h; i++) {
        gint x = patch % 64 * w + i % w, y = patch / 64 * h + i / w;

        if (x < GST_VIDEO_FRAME_COMP_WIDTH (&frame, c)
            && y < GST_VIDEO_FRAME_COMP_HEIGHT (&frame, c))
          write_sample (&frame, c, x, y,
              colour + (gray ? 0 : g_rand_int_range (random, -2, 3)));
      }
    }
  }
  gst_video_frame_unmap (&frame);
  g_rand_free (random);
  return buffer;
}

GstBuffer *
frames_from_rgb_file (const GstVideoInfo *info, const gchar *path)
{
  gsize row = 3 * (gsize) GST_VIDEO_INFO_WIDTH (info);
  gsize height = (gsize) GST_VIDEO_INFO_HEIGHT (info), length;
  GstBuffer *buffer
      = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  gchar *bytes;

  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  g_assert_cmpuint (length, ==, row * height);
  for (gsize y = 0; y < height; y++)
    gst_buffer_fill (buffer,
        y * (gsize) GST_VIDEO_INFO_PLANE_STRIDE (info, 0), bytes + y * row,
        row);
  g_free (bytes);
  return buffer;
}

static gdouble
read_sample (const GstVideoFrame *frame, guint c, gint x, gint y)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  const guint8 *data = component_data (frame, c);
  guint16 word;

  x >>= GST_VIDEO_FORMAT_INFO_W_SUB (format, c);
  y >>= GST_VIDEO_FORMAT_INFO_H_SUB (format, c);
  data += y * GST_VIDEO_FRAME_COMP_STRIDE (frame, c)
      + x * GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c);
  if (GST_VIDEO_FRAME_COMP_DEPTH (frame, c) <= 8)
    return *data;
  memcpy (&word, data, sizeof word);
  return (word >> GST_VIDEO_FORMAT_INFO_SHIFT (format, c))
      & ((1 << GST_VIDEO_FORMAT_INFO_DEPTH (format, c)) - 1);
}

static void
luma_coefficients (GstVideoColorMatrix matrix, gdouble *kr, gdouble *kb)
{
  switch (matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT709:
      *kr = 0.2126, *kb = 0.0722;
      break;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      *kr = 0.2627, *kb = 0.0593;
      break;
    case GST_VIDEO_COLOR_MATRIX_BT601:
      *kr = 0.299, *kb = 0.114;
      break;
    default:
      g_error ("no such matrix in this test");
  }
}

void
frames_pixel (const GstVideoFrame *frame, gint x, gint y, gdouble pixel[3])
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  gdouble sample[3], kr, kb, luma, blue, red, unit;

  for (guint c = 0; c < 3; c++)
    sample[c] = read_sample (
        frame, GST_VIDEO_FORMAT_INFO_IS_GRAY (format) ? 0 : c, x, y);
  if (!GST_VIDEO_FORMAT_INFO_IS_YUV (format)) {
    memcpy (pixel, sample, sizeof sample);
    return;
  }
  luma_coefficients (frame->info.colorimetry.matrix, &kr, &kb);
  unit = 1 << (GST_VIDEO_FORMAT_INFO_DEPTH (format, 0) - 8);
  if (frame->info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255) {
    luma = sample[0] / (256 * unit - 1);
    blue = (sample[1] - 128 * unit) / (256 * unit - 1);
    red = (sample[2] - 128 * unit) / (256 * unit - 1);
  } else {
    luma = (sample[0] - 16 * unit) / (219 * unit);
    blue = (sample[1] - 128 * unit) / (224 * unit);
    red = (sample[2] - 128 * unit) / (224 * unit);
  }
  pixel[0] = luma + 2 * (1 - kr) * red;
  pixel[2] = luma + 2 * (1 - kb) * blue;
  pixel[1] = (luma - kr * pixel[0] - kb * pixel[2]) / (1 - kr - kb);
  for (guint c = 0; c < 3; c++)
    pixel[c] = CLAMP (255 * pixel[c], 0, 255);
}

VitPatchEmbedSettings
frames_default_settings (void)
{
  VitPatchEmbedSettings settings
      = { .prefix_tokens = TRUE, .n_workers = 1, .fit = VIT_FIT_CROP };

  return settings;
}

/* Normalised channels of the pixel, 0 outside the region. */
static void
normalised_pixel (const GstVideoFrame *frame,
    const GstVideoRectangle *region, gint x, gint y, const gdouble mean[3],
    const gdouble std[3], gdouble out[3])
{
  memset (out, 0, 3 * sizeof (gdouble));
  if (x >= region->w || y >= region->h)
    return;
  frames_pixel (frame, region->x + x, region->y + y, out);
  for (guint c = 0; c < 3; c++)
    out[c] = (out[c] / 255 - mean[c]) / std[c];
}

static void
define_patch (const GstVideoFrame *frame,
    const GstVideoRectangle *region, const VitModel *model,
    const gdouble mean[3], const gdouble std[3], gint left, gint top,
    gdouble *token)
{
  gint size = (gint) model->patch_size;
  gint area = size * size;

  for (guint d = 0; d < model->embed_dim; d++)
    token[d] = model->bias[d];
  for (gint y = 0; y < size; y++) {
    for (gint x = 0; x < size; x++) {
      gdouble pixel[3];

      normalised_pixel (frame, region, left + x, top + y, mean, std, pixel);
      for (guint d = 0; d < model->embed_dim; d++) {
        const gfloat *weight
            = model->weight + (gsize) d * 3 * (gsize) area + y * size + x;

        token[d] += weight[0] * pixel[0] + weight[area] * pixel[1]
            + weight[2 * area] * pixel[2];
      }
    }
  }
}

/* Positions of the grid; NULL for none. */
static gfloat *
define_positions (const VitModel *model, VitPositionRule rule, guint rows,
    guint cols, gboolean square)
{
  gsize n = (gsize) rows * cols * model->embed_dim;
  gfloat *positions;

  if (rule == VIT_POSITION_RULE_AUTO)
    rule = model->rule;
  if (rule == VIT_POSITION_RULE_NONE
      || (model->table == NULL && rule != VIT_POSITION_RULE_SINCOS))
    return NULL;
  positions = g_new (gfloat, n);
  if (rule == VIT_POSITION_RULE_SINCOS)
    vit_pos_embed_compute (model->embed_dim, rows, cols, positions);
  else if (vit_pos_embed_is_kept (rule, model->table_rows, model->table_cols, rows,
          cols, square))
    memcpy (positions, model->table, n * sizeof (gfloat));
  else
    g_assert_true (vit_pos_embed_resample (rule, model->table,
        model->table_rows, model->table_cols, model->embed_dim, rows, cols,
        positions, NULL));
  return positions;
}

gdouble *
frames_define_region_tokens (GstBuffer *buffer, const GstVideoInfo *info,
    const GstVideoRectangle *region, const VitModel *model,
    const VitPatchEmbedSettings *settings, guint *n_tokens)
{
  gint size = (gint) model->patch_size;
  gint rest = settings->fit == VIT_FIT_PAD ? size - 1 : 0;
  gint cols = (region->w + rest) / size;
  gint rows = (region->h + rest) / size;
  guint n_prefix = settings->prefix_tokens ? model->n_prefix_tokens : 0;
  gboolean square = settings->fit == VIT_FIT_PAD
      ? rows == cols
      : region->w == region->h;
  gfloat *positions = define_positions (
      model, settings->rule, (guint) rows, (guint) cols, square);
  gsize n_channels = model->embed_dim;
  gdouble *tokens;
  GstVideoFrame frame;

  *n_tokens = n_prefix + (guint) (rows * cols);
  tokens = g_new (gdouble, *n_tokens * n_channels);
  for (gsize i = 0; i < n_prefix * n_channels; i++)
    tokens[i] = model->prefix_tokens[i];
  g_assert_true (gst_video_frame_map (&frame, info, buffer, GST_MAP_READ));
  for (gint p = 0; p < rows * cols; p++) {
    gdouble *token = tokens + (n_prefix + (gsize) p) * n_channels;

    define_patch (&frame, region, model,
        settings->override_mean ? settings->mean : model->mean,
        settings->override_std ? settings->std : model->std, p % cols * size,
        p / cols * size, token);
    for (gsize d = 0; positions != NULL && d < n_channels; d++)
      token[d] += positions[(gsize) p * n_channels + d];
  }
  gst_video_frame_unmap (&frame);
  g_free (positions);
  return tokens;
}

gdouble *
frames_define_tokens (GstBuffer *buffer, const GstVideoInfo *info,
    const VitModel *model, const VitPatchEmbedSettings *settings,
    guint *n_tokens)
{
  GstVideoRectangle whole
      = { 0, 0, GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info) };

  return frames_define_region_tokens (
      buffer, info, &whole, model, settings, n_tokens);
}

gdouble
frames_worst_error (const gfloat *found, const gdouble *expected, gsize n)
{
  gdouble worst = 0, square = 0;

  for (gsize i = 0; i < n; i++) {
    g_assert_true (isfinite (found[i]));
    worst = MAX (worst, fabs (found[i] - expected[i]));
    square += expected[i] * expected[i];
  }
  return worst / sqrt (square / (gdouble) n);
}

gdouble
frames_relative_error (const gfloat *found, const gdouble *expected, gsize n)
{
  gdouble difference = 0, square = 0;

  for (gsize i = 0; i < n; i++) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    square += expected[i] * expected[i];
  }
  return sqrt (difference / square);
}

gfloat *
frames_get_tokens (GstBuffer *frame, gsize n_values)
{
  GstVitTokensMeta *meta = gst_buffer_get_vit_tokens_meta (frame);
  gfloat *values = g_new (gfloat, n_values);

  g_assert_nonnull (meta);
  g_assert_cmpint (meta->format, ==, GST_VIT_TOKEN_FORMAT_F32);
  g_assert_cmpuint ((gsize) meta->n_tokens * meta->embed_dim, ==, n_values);
  g_assert_cmpuint (gst_buffer_get_size (meta->tokens), ==,
      n_values * sizeof (gfloat));
  gst_buffer_extract (meta->tokens, 0, values, n_values * sizeof (gfloat));
  return values;
}
