/* SPDX-License-Identifier: MIT
 *
 * Every format under a limit of tokens, at random sizes down to one pixel: no
 * criticals (which end a test), and tokens that do not depend on how the samples
 * of a picture are packed.
 */
#include <math.h>
#include <string.h>

#include "gst/vit/gstvittokensmeta.h"
#include "support/frames.h"

#define EMBED_DIM 3

static guint
random_side (GRand *random, guint least)
{
  static const gint limits[] = { 4, 12, 60, 250 };
  guint limit = (guint) limits[g_rand_int_range (
      random, 0, G_N_ELEMENTS (limits))];

  return (guint) g_rand_int_range (
      random, (gint) least, (gint) MAX (limit, least + 4));
}

/* What a picture is embedded with. */
typedef struct {
  guint width;
  guint height;
  gchar *launch;
} Setup;

static Setup
random_setup (GRand *random)
{
  gboolean pad = g_rand_boolean (random);
  guint patch_size = (guint) g_rand_int_range (random, 1, 9);
  guint least = pad ? 1 : patch_size;

  return (Setup){
    .width = random_side (random, least),
    .height = random_side (random, least),
    .launch = g_strdup_printf ("vitpatchembed embed-dim=%u n-threads=1 "
                               "precision=f32 patch-size=%u fit=%s "
                               "max-tokens=%d",
        EMBED_DIM, patch_size, pad ? "pad" : "crop",
        g_rand_int_range (random, 1, 1 << g_rand_int_range (random, 1, 9))),
  };
}

/* (transfer full) */
static gfloat *
embed (const Setup *setup, const gchar *format, GstBuffer *frame, guint *n)
{
  GstHarness *harness = gst_harness_new_parse (setup->launch);
  GstVitTokensMeta *meta;
  gfloat *tokens;

  gst_harness_set_src_caps (harness,
      frames_caps (format, (gint) setup->width, (gint) setup->height, NULL));
  frame = gst_harness_push_and_pull (harness, frame);
  meta = gst_buffer_get_vit_tokens_meta (frame);
  g_assert_nonnull (meta);
  *n = meta->n_tokens * EMBED_DIM;
  tokens = frames_get_tokens (frame, *n);
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  return tokens;
}

static void
test_any_size_has_tokens (gconstpointer format)
{
  GRand *random = g_rand_new_with_seed (2);

  for (guint i = 0; i < 60; i++) {
    Setup setup = random_setup (random);
    GstCaps *caps = frames_caps (
        format, (gint) setup.width, (gint) setup.height, NULL);
    GstVideoInfo info;
    gfloat *tokens;
    guint n;

    g_assert_true (gst_video_info_from_caps (&info, caps));
    tokens = embed (
        &setup, format, frames_random (&info, i, i % 2 != 0), &n);
    for (guint j = 0; j < n; j++)
      g_assert_true (isfinite (tokens[j]));
    g_free (tokens);
    gst_caps_unref (caps);
    g_free (setup.launch);
  }
  g_rand_free (random);
}

/* Two ways to lay out the same samples. */
typedef struct {
  const gchar *name;
  const gchar *format;
  const gchar *other;
} Layouts;

static GstBuffer *
rearrange (GstBuffer *frame, const GstVideoInfo *from, const GstVideoInfo *to)
{
  GstBuffer *other
      = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (to), NULL);
  GstVideoFrame in, out;

  gst_buffer_memset (other, 0, 0, GST_VIDEO_INFO_SIZE (to));
  g_assert_true (gst_video_frame_map (&in, from, frame, GST_MAP_READ));
  g_assert_true (gst_video_frame_map (&out, to, other, GST_MAP_WRITE));
  for (guint c = 0; c < 3; c++)
    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (&in, c); y++)
      for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (&in, c); x++) {
        const guint8 *sample
            = (const guint8 *) GST_VIDEO_FRAME_COMP_DATA (&in, c)
            + y * GST_VIDEO_FRAME_COMP_STRIDE (&in, c)
            + x * GST_VIDEO_FRAME_COMP_PSTRIDE (&in, c);
        guint8 *place = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (&out, c)
            + y * GST_VIDEO_FRAME_COMP_STRIDE (&out, c)
            + x * GST_VIDEO_FRAME_COMP_PSTRIDE (&out, c);

        *place = *sample;
      }
  gst_video_frame_unmap (&in);
  gst_video_frame_unmap (&out);
  return other;
}

static void
test_layouts_have_the_same_tokens (gconstpointer data)
{
  const Layouts *layouts = data;
  GRand *random = g_rand_new_with_seed (3);

  for (guint i = 0; i < 300; i++) {
    Setup setup = random_setup (random);
    GstVideoInfo from, to;
    gfloat *found, *reference;
    gdouble *expected;
    GstBuffer *frame;
    guint n, n_expected;

    gst_video_info_set_format (&from,
        gst_video_format_from_string (layouts->other), setup.width,
        setup.height);
    gst_video_info_set_format (&to,
        gst_video_format_from_string (layouts->format), setup.width,
        setup.height);
    frame = frames_random (&from, i, FALSE);
    found = embed (
        &setup, layouts->format, rearrange (frame, &from, &to), &n);
    reference = embed (&setup, layouts->other, frame, &n_expected);
    g_assert_cmpuint (n, ==, n_expected);
    expected = g_new (gdouble, n);
    for (guint j = 0; j < n; j++)
      expected[j] = reference[j];
    g_assert_cmpfloat (frames_worst_error (found, expected, n), <=, 1e-4);
    g_free (expected);
    g_free (found);
    g_free (reference);
    g_free (setup.launch);
  }
  g_rand_free (random);
}

int
main (int argc, char **argv)
{
  static const Layouts layouts[] = {
    { "/scaled-formats/rgbp-has-the-tokens-of-rgb", "RGBP", "RGB" },
    { "/scaled-formats/nv12-has-the-tokens-of-i420", "NV12", "I420" },
    { "/scaled-formats/yuy2-has-the-tokens-of-y42b", "YUY2", "Y42B" },
    { "/scaled-formats/uyvy-has-the-tokens-of-y42b", "UYVY", "Y42B" },
  };
  const VitPixelFormat *formats;
  guint n_formats;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  formats = vit_pixel_format_list (&n_formats);
  for (guint i = 0; i < n_formats; i++) {
    gchar *path = g_strconcat (
        "/scaled-formats/any-size-has-tokens/", formats[i].name, NULL);

    g_test_add_data_func (path, formats[i].name, test_any_size_has_tokens);
    g_free (path);
  }
  for (guint i = 0; i < G_N_ELEMENTS (layouts); i++)
    g_test_add_data_func (
        layouts[i].name, &layouts[i], test_layouts_have_the_same_tokens);
  return g_test_run ();
}
