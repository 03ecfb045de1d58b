/* SPDX-License-Identifier: MIT
 *
 * The element's tokens against the definition in double precision: every
 * format, matrix and range, odd sizes, padded strides, the settings, and the
 * golden cases that the model families' own packages wrote.
 */
#include <gst/gst.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/patch.h"
#include "support/frames.h"
#include "support/golden.h"
#include "support/npy.h"

/* Of the tokens' rms; of the norm, on the trained model, and in fixed point. */
#define MAX_ERROR 2e-5
#define MAX_TRAINED_ERROR 6e-7
#define MAX_FIXED_ERROR 1e-4

static const gchar *const formats[] = { "RGB", "BGR", "RGBx", "BGRx", "xRGB",
  "xBGR", "RGBA", "BGRA", "ARGB", "ABGR", "GRAY8", "I420", "YV12", "NV12",
  "NV21", "Y42B", "Y444", "YUY2", "UYVY", "RGBP", "I420_10LE", "P010_10LE" };

/* A harness of the element, started with these caps. */
static GstHarness *
start_harness (const gchar *launch, GstCaps *caps)
{
  GstHarness *harness = gst_harness_new_parse (launch);

  gst_harness_set_caps (harness, gst_caps_ref (caps), gst_caps_ref (caps));
  return harness;
}

/* A frame and its tokens by the definition. */
typedef struct {
  GstBuffer *buffer;
  gsize n_values;
  gdouble *expected; /* [n_values] */
  gfloat *fixed;     /* [n_values], of the first kernel tried, or NULL */
} Example;

static Example
example_new (const GstCaps *caps, GstBuffer *buffer /* (transfer full) */,
    const VitModel *model, const VitPatchEmbedSettings *settings)
{
  Example example = { buffer };
  GstVideoInfo info;
  guint n_tokens;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  example.expected
      = frames_define_tokens (buffer, &info, model, settings, &n_tokens);
  example.n_values = (gsize) n_tokens * model->embed_dim;
  return example;
}

static void
example_clear (Example *example)
{
  gst_buffer_unref (example->buffer);
  g_free (example->expected);
  g_free (example->fixed);
}

/* The element's tokens; (transfer full) [n_values]. */
static gfloat *
example_run (const Example *example, GstHarness *harness)
{
  GstBuffer *out = gst_harness_push_and_pull (
      harness, gst_buffer_copy (example->buffer));
  gfloat *found;

  g_assert_nonnull (out);
  found = frames_get_tokens (out, example->n_values);
  gst_buffer_unref (out);
  return found;
}

/* Examples of the same caps, one after the other through one element: most of
 * the time goes into its start. */
static void
check_float (const gchar *launch, GstCaps *caps, Example *examples, guint n,
    const gchar *what)
{
  GstHarness *harness = start_harness (launch, caps);

  for (guint i = 0; i < n; i++) {
    gfloat *found = example_run (&examples[i], harness);
    gdouble error = frames_worst_error (
        found, examples[i].expected, examples[i].n_values);

    if (!(error <= MAX_ERROR))
      g_error ("%s, example %u: error %g of the rms", what, i, error);
    g_free (found);
  }
  gst_harness_teardown (harness);
}

static void
check_kernel (const gchar *launch, GstCaps *caps, Example *examples, guint n,
    const gchar *what, const gchar *kernel)
{
  GstHarness *harness = start_harness (launch, caps);

  for (guint i = 0; i < n; i++) {
    Example *one = &examples[i];
    gfloat *found = example_run (one, harness);
    gdouble error
        = frames_relative_error (found, one->expected, one->n_values);

    if (!(error <= MAX_FIXED_ERROR))
      g_error ("%s, example %u, kernel %s: error %g", what, i, kernel, error);
    if (one->fixed == NULL)
      one->fixed = g_steal_pointer (&found);
    else
      g_assert_cmpmem (found, one->n_values * sizeof (gfloat), one->fixed,
          one->n_values * sizeof (gfloat));
    g_free (found);
  }
  gst_harness_teardown (harness);
}

/* In fixed point; and the same bits from every kernel of the machine. */
static void
check_fixed (const gchar *launch, GstCaps *caps, Example *examples, guint n,
    const gchar *what)
{
  for (const VitKernelFixed *const *kernel = vit_kernel_list_fixed (); *kernel;
       kernel++) {
    gchar *mask = g_strdup_printf ("%u", (*kernel)->cpu);

    setenv ("VIT_CPU_MASK", mask, 1);
    g_free (mask);
    if (vit_kernel_choose_fixed (vit_cpu_mask ()) == *kernel)
      check_kernel (launch, caps, examples, n, what, (*kernel)->name);
  }
  unsetenv ("VIT_CPU_MASK");
  g_assert_nonnull (examples[0].fixed);
}

/* Random and calm frames, packed and padded. */
static void
check_format (
    const gchar *format, const gchar *colorimetry, gint width, gint height)
{
  gchar *path = golden_path ("dino-p16/model.safetensors");
  gchar *launch = g_strdup_printf ("vitpatchembed model=\"%s\" "
      "position-rule=dino n-threads=2 precision=f32", path);
  gchar *fixed = g_strdup_printf ("vitpatchembed model=\"%s\" "
      "position-rule=dino n-threads=2 precision=int16", path);
  gchar *what = g_strdup_printf ("%s %s %dx%d", format,
      colorimetry ? colorimetry : "-", width, height);
  VitModel *model = vit_model_load (path, NULL, NULL);
  VitPatchEmbedSettings settings = frames_default_settings ();
  GstCaps *caps = frames_caps (format, width, height, colorimetry);
  guint32 seed = (guint32) (width * 1000 + height);
  Example examples[4];
  GstVideoInfo info;

  settings.rule = VIT_POSITION_RULE_DINO;
  g_assert_nonnull (model);
  g_assert_true (gst_video_info_from_caps (&info, caps));
  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    examples[i] = example_new (caps,
        i & 1 ? frames_calm (&info, seed, i & 2)
              : frames_random (&info, seed, i & 2),
        model, &settings);
  check_float (launch, caps, examples, G_N_ELEMENTS (examples), what);
  check_fixed (fixed, caps, examples, G_N_ELEMENTS (examples), what);
  for (guint i = 0; i < G_N_ELEMENTS (examples); i++)
    example_clear (&examples[i]);
  gst_caps_unref (caps);
  vit_model_unref (model);
  g_free (what);
  g_free (fixed);
  g_free (launch);
  g_free (path);
}

static void
test_format (gconstpointer data)
{
  /* range:matrix:transfer:primaries; range 1 is full, 2 is narrow. */
  static const gchar *const colorimetries[]
      = { "1:4:0:0", "2:4:0:0", "1:3:0:0", "2:3:5:1", "1:6:0:0", "2:6:0:0" };
  static const gint sizes[][2]
      = { { 64, 48 }, { 47, 35 }, { 33, 50 }, { 16, 16 }, { 101, 17 } };
  const gchar *format = data;
  const GstVideoFormatInfo *info
      = gst_video_format_get_info (gst_video_format_from_string (format));
  gboolean ycbcr = GST_VIDEO_FORMAT_INFO_IS_YUV (info);

  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    for (guint c = 0; c < (ycbcr ? G_N_ELEMENTS (colorimetries) : 1); c++) {
      const gchar *colorimetry = ycbcr ? colorimetries[c] : NULL;

      check_format (format, colorimetry, sizes[s][0], sizes[s][1]);
    }
  }
}

static void
test_all_formats_are_offered (void)
{
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);
  GstPad *pad = gst_element_get_static_pad (element, "sink");
  GstCaps *caps = gst_pad_get_pad_template_caps (pad);
  guint n_formats;
  const VitPixelFormat *known = vit_pixel_format_list (&n_formats);

  g_assert_cmpuint (n_formats, ==, G_N_ELEMENTS (formats));
  for (guint i = 0; i < n_formats; i++) {
    GstCaps *one = frames_caps (known[i].name, 64, 48, NULL);

    g_assert_nonnull (vit_pixel_format_find (formats[i]));
    g_assert_true (gst_caps_can_intersect (caps, one));
    gst_caps_unref (one);
  }
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_object_unref (element);
}

/* Colours where the answer is known without any formula: narrow-range black,
 * white and gray, and codes outside the range, which are clamped. */
static void
test_narrow_range_is_expanded_and_clamped (void)
{
  static const guint8 luma[] = { 16, 235, 0, 255 };
  static const gdouble value[] = { 0, 255, 0, 255 };
  GstCaps *caps = frames_caps ("I420", 16, 16, "bt709");
  GstVideoInfo info;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  for (guint i = 0; i < G_N_ELEMENTS (luma); i++) {
    /* One channel of the built-in model at patch size 1: (R+G+B) / sqrt 3 of
     * the normalised pixel. */
    GstHarness *harness = start_harness (
        "vitpatchembed patch-size=1 embed-dim=1 position-rule=none precision=f32", caps);
    GstBuffer *buffer
        = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
    gfloat *tokens;

    gst_buffer_memset (buffer, 0, 128, GST_VIDEO_INFO_SIZE (&info));
    gst_buffer_memset (buffer, 0, luma[i], 256);
    buffer = gst_harness_push_and_pull (harness, buffer);
    tokens = frames_get_tokens (buffer, 257);
    for (guint p = 1; p < 257; p++)
      g_assert_cmpfloat_with_epsilon (tokens[p],
          (value[i] / 255 - 0.5) / 0.5 * 1.7320508075688772, 1e-6);
    g_free (tokens);
    gst_buffer_unref (buffer);
    gst_harness_teardown (harness);
  }
  gst_caps_unref (caps);
}

static void
check_settings (const gchar *properties, const VitPatchEmbedSettings *settings)
{
  gchar *path = golden_path ("dino-p16/model.safetensors");
  gchar *launch
      = g_strdup_printf ("vitpatchembed model=\"%s\" precision=f32 %s", path, properties);
  VitModel *model = vit_model_load (path, NULL, NULL);
  gchar *fixed
      = g_strdup_printf ("vitpatchembed model=\"%s\" precision=int16 %s", path,
          properties);
  GstCaps *caps = frames_caps ("NV12", 75, 53, "bt601");
  GstVideoInfo info;
  Example example;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  example
      = example_new (caps, frames_random (&info, 7, FALSE), model, settings);
  check_float (launch, caps, &example, 1, properties);
  check_fixed (fixed, caps, &example, 1, properties);
  example_clear (&example);
  g_free (fixed);
  gst_caps_unref (caps);
  vit_model_unref (model);
  g_free (launch);
  g_free (path);
}

static void
test_fit_pad_pads_with_normalised_zeros (void)
{
  VitPatchEmbedSettings settings = frames_default_settings ();

  settings.fit = VIT_FIT_PAD;
  check_settings ("fit=pad", &settings);
}

/* Patches that share chroma with their neighbours, that a kernel's tile does
 * not divide, and filters that chroma subsampling cancels. */
static void
test_any_patch_size_of_the_builtin_model (void)
{
  static const guint sizes[] = { 1, 2, 7, 14, 15, 32 };
  static const gchar *const some[] = { "I420", "NV12", "Y42B", "YUY2", "BGRx",
    "GRAY8", "P010_10LE" };

  for (guint i = 0; i < G_N_ELEMENTS (sizes) * G_N_ELEMENTS (some); i++) {
    guint size = sizes[i / G_N_ELEMENTS (some)];
    guint embed_dim = MIN (3 * size * size, 588);
    const gchar *format = some[i % G_N_ELEMENTS (some)];
    gchar *launch = g_strdup_printf (
        "vitpatchembed patch-size=%u embed-dim=%u", size, embed_dim);
    gchar *f32 = g_strconcat (launch, " precision=f32", NULL);
    gchar *fixed = g_strconcat (launch, " precision=int16", NULL);
    VitModel *model = vit_model_new_builtin (size, embed_dim, NULL);
    VitPatchEmbedSettings settings = frames_default_settings ();
    GstCaps *caps = frames_caps (format, 67, 43, "bt709");
    GstVideoInfo info;
    Example example;

    g_assert_true (gst_video_info_from_caps (&info, caps));
    example
        = example_new (caps, frames_calm (&info, i, FALSE), model, &settings);
    check_float (f32, caps, &example, 1, launch);
    check_fixed (fixed, caps, &example, 1, launch);
    example_clear (&example);
    gst_caps_unref (caps);
    vit_model_unref (model);
    g_free (fixed);
    g_free (f32);
    g_free (launch);
  }
}

static void
test_prefix_tokens_can_be_left_out (void)
{
  VitPatchEmbedSettings settings = frames_default_settings ();

  settings.prefix_tokens = FALSE;
  check_settings ("prefix-tokens=false", &settings);
}

static void
test_mean_and_std_override_the_model (void)
{
  VitPatchEmbedSettings settings = frames_default_settings ();
  const gdouble mean[3] = { 0.1, 0.0, 1.0 }, std[3] = { 1.0, 0.25, 0.5 };

  settings.override_mean = settings.override_std = TRUE;
  memcpy (settings.mean, mean, sizeof mean);
  memcpy (settings.std, std, sizeof std);
  check_settings ("mean=<0.1,0,1> std=\"<1,0.25,0.5>\"", &settings);
}

static void
test_every_position_rule_is_a_setting (void)
{
  for (gint r = VIT_POSITION_RULE_AUTO; r < VIT_N_POSITION_RULES; r++) {
    VitPatchEmbedSettings settings = frames_default_settings ();
    gchar *property;

    settings.rule = (VitPositionRule) r;
    property = g_strdup_printf (
        "position-rule=%s", vit_position_rule_name (settings.rule));
    check_settings (property, &settings);
    g_free (property);
  }
}

static void
test_any_number_of_threads_gives_the_same_bits (void)
{
  GstCaps *caps = frames_caps ("I420", 640, 360, NULL);
  gfloat *first = NULL;
  GstVideoInfo info;
  gsize n_values = (1 + 40 * 22) * 96;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  for (guint n = 1; n <= 5; n++) {
    gchar *launch
        = g_strdup_printf ("vitpatchembed embed-dim=96 n-threads=%u", n);
    GstHarness *harness = start_harness (launch, caps);
    GstBuffer *out = gst_harness_push_and_pull (
        harness, frames_random (&info, 3, FALSE));
    gfloat *tokens = frames_get_tokens (out, n_values);

    if (first == NULL)
      first = g_steal_pointer (&tokens);
    else
      g_assert_cmpmem (tokens, n_values * sizeof (gfloat), first,
          n_values * sizeof (gfloat));
    g_free (tokens);
    gst_buffer_unref (out);
    gst_harness_teardown (harness);
    g_free (launch);
  }
  g_free (first);
  gst_caps_unref (caps);
}

/* The frame rebuilt from the tokens of the built-in model: its projection is
 * orthonormal, so the transposed weights undo it. */
static void
test_builtin_tokens_rebuild_the_frame (void)
{
  const gint width = 160, height = 96, size = 16, cols = 10;
  VitModel *model = vit_model_new_builtin (16, 768, NULL);
  GstCaps *caps = frames_caps ("RGB", width, height, NULL);
  GstHarness *harness
      = start_harness ("vitpatchembed position-rule=none precision=f32", caps);
  gdouble square = 0;
  GstVideoInfo info;
  GstVideoFrame frame;
  GstBuffer *out;
  gfloat *tokens;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  out = gst_harness_push_and_pull (harness, frames_random (&info, 11, FALSE));
  tokens = frames_get_tokens (out, (1 + 60) * 768);
  g_assert_true (gst_video_frame_map (&frame, &info, out, GST_MAP_READ));
  for (gint y = 0; y < height; y++) {
    for (gint x = 0; x < width; x++) {
      const gfloat *token = tokens + (1 + y / size * cols + x / size) * 768;
      gdouble pixel[3];

      frames_pixel (&frame, x, y, pixel);
      for (gint c = 0; c < 3; c++) {
        gdouble sum = 0, rebuilt;

        for (gint d = 0; d < 768; d++)
          sum += token[d]
              * model->weight[((d * 3 + c) * size + y % size) * size
                  + x % size];
        rebuilt = (sum * model->std[c] + model->mean[c]) * 255;
        square += (rebuilt - pixel[c]) * (rebuilt - pixel[c]);
      }
    }
  }
  /* PSNR = 10 log10 (255^2 / mean square error) >= 100 dB. */
  g_assert_cmpfloat (square / (width * height * 3), <=, 255.0 * 255.0 / 1e10);
  gst_video_frame_unmap (&frame);
  g_free (tokens);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
  vit_model_unref (model);
}

static void
check_golden_case (
    const Golden *golden, const gchar *precision, const GoldenCase *one)
{
  gboolean fixed = g_str_equal (precision, "int16");
  GstCaps *caps = frames_caps ("RGB", one->width, one->height, NULL);
  gchar *launch = golden_launch (golden, precision);
  GstHarness *harness = start_harness (launch, caps);
  gdouble worst, relative;
  GstVideoInfo info;
  GstBuffer *out;
  gfloat *found;

  g_assert_true (gst_video_info_from_caps (&info, caps));
  out = gst_harness_push_and_pull (
      harness, frames_from_rgb_file (&info, one->frame));
  g_assert_nonnull (out);
  found = frames_get_tokens (out, one->n_values);
  worst = frames_worst_error (found, one->expected, one->n_values);
  relative = frames_relative_error (found, one->expected, one->n_values);
  g_test_message ("%s %s %s: max error %.3g of the rms, relative L2 %.3g",
      golden->name, one->tokens, precision, worst, relative);
  if (fixed)
    g_assert_cmpfloat (relative, <=, MAX_FIXED_ERROR);
  else
    g_assert_cmpfloat (worst, <=, MAX_ERROR);
  if (golden->trained && !fixed)
    g_assert_cmpfloat (relative, <=, MAX_TRAINED_ERROR);
  g_free (found);
  gst_buffer_unref (out);
  gst_harness_teardown (harness);
  gst_caps_unref (caps);
  g_free (launch);
}

static void
test_golden (gconstpointer data)
{
  static const gchar *const precisions[] = { "f32", "int16" };
  const Golden *golden = data;

  for (guint p = 0; p < G_N_ELEMENTS (precisions); p++) {
    for (guint i = 0; i < golden->n_cases; i++) {
      GoldenCase one = golden_read_case (golden, i);

      check_golden_case (golden, precisions[p], &one);
      golden_case_clear (&one);
    }
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    gchar *test
        = g_strdup_printf ("/numbers/format/%s", formats[i]);

    g_test_add_data_func (test, formats[i], test_format);
    g_free (test);
  }
  g_test_add_func (
      "/numbers/all-formats-are-offered", test_all_formats_are_offered);
  g_test_add_func ("/numbers/narrow-range-is-expanded-and-clamped",
      test_narrow_range_is_expanded_and_clamped);
  g_test_add_func ("/numbers/fit-pad-pads-with-normalised-zeros",
      test_fit_pad_pads_with_normalised_zeros);
  g_test_add_func ("/numbers/any-patch-size-of-the-builtin-model",
      test_any_patch_size_of_the_builtin_model);
  g_test_add_func ("/numbers/prefix-tokens-can-be-left-out",
      test_prefix_tokens_can_be_left_out);
  g_test_add_func ("/numbers/mean-and-std-override-the-model",
      test_mean_and_std_override_the_model);
  g_test_add_func ("/numbers/every-position-rule-is-a-setting",
      test_every_position_rule_is_a_setting);
  g_test_add_func ("/numbers/any-number-of-threads-gives-the-same-bits",
      test_any_number_of_threads_gives_the_same_bits);
  g_test_add_func ("/numbers/builtin-tokens-rebuild-the-frame",
      test_builtin_tokens_rebuild_the_frame);
  golden_add_tests ("/numbers/golden/", test_golden);
  return g_test_run ();
}
