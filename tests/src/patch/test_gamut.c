/* SPDX-License-Identifier: MIT
 *
 * The gamut test decides as its definition does, pixel by pixel: for every
 * format and many patch sizes, on patches of noise and on patches that sit on a
 * face of the RGB cube but for one sample.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "patch/gamut.h"

static const guint patch_sizes[]
    = { 1, 2, 5, 6, 8, 14, 16, 18, 23, 28, 32, 50 };

static guint
get_sample (
    const VitSamples *samples, const guint8 *terms, guint c, guint x, guint y)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  const VitComponent *component = &pixel->component[c];
  gsize term = vit_samples_term (
      samples, c, x >> component->shift_x, y >> component->shift_y);
  guint16 word;

  if (pixel->sample_bytes == 1)
    return terms[term];
  memcpy (&word, terms + 2 * term, sizeof word);
  return vit_pixel_format_sample (pixel, word);
}

static void
set_sample (const VitSamples *samples, guint8 *terms, guint c, guint x, guint y,
    gint value)
{
  const VitPixelFormat *pixel = samples->format.pixel;
  const VitComponent *component = &pixel->component[c];
  gsize term = vit_samples_term (
      samples, c, x >> component->shift_x, y >> component->shift_y);
  guint16 word;

  value = CLAMP (value, 0, (1 << pixel->depth) - 1);
  /* What the unused bits hold must not count. */
  word = (guint16) (value << pixel->sample_shift);
  if (pixel->sample_bytes == 2)
    word |= (guint16) ~(((1 << pixel->depth) - 1) << pixel->sample_shift);
  if (pixel->sample_bytes == 1)
    terms[term] = (guint8) value;
  else
    memcpy (terms + 2 * term, &word, sizeof word);
}

/* What R, G and B take of Cb and Cr, in steps of luma, times 2^14. */
typedef struct {
  gint cb[3];
  gint cr[3];
} Factors;

static Factors
find_factors (const VitImageFormat *format)
{
  double matrix[3][4];
  Factors factors;

  vit_image_sample_to_pixel (format, matrix);
  for (guint c = 0; c < 3; c++) {
    factors.cb[c] = (gint) lrint (matrix[c][1] / matrix[c][0] * 16384);
    factors.cr[c] = (gint) lrint (matrix[c][2] / matrix[c][0] * 16384);
  }
  return factors;
}

/* What chroma adds to luma in colour c, times 32 in steps of 8-bit luma. */
static gint
chroma_sum (const VitImageFormat *format, const Factors *factors, guint c,
    gint cb, gint cr)
{
  gint centre = (gint) vit_image_sample_centre (format);
  gint scale = 1 << (15 - format->pixel->depth);

  return (((cb - centre) * scale * factors->cb[c]) >> 16)
         + (((cr - centre) * scale * factors->cr[c]) >> 16);
}

static void
luma_range (const VitImageFormat *format, gint *low, gint *high)
{
  guint depth_bits = format->pixel->depth - 8u;

  *low = format->full_range ? 0 : 16 << depth_bits;
  *high = format->full_range ? (256 << depth_bits) - 1 : 235 << depth_bits;
}

static gboolean
pixel_holds (const VitImageFormat *format, const Factors *factors, gint luma,
    gint cb, gint cr)
{
  gint centre = (gint) vit_image_sample_centre (format);
  gint margin = cb == centre && cr == centre ? 0 : 3;
  gint scale = 1 << (13 - format->pixel->depth), low, high;

  luma_range (format, &low, &high);
  for (guint c = 0; c < 3; c++) {
    gint sum = luma * scale + chroma_sum (format, factors, c, cb, cr);

    if (sum - margin < low * scale || sum + margin > high * scale)
      return FALSE;
  }
  return TRUE;
}

static gboolean
patch_holds (const VitSamples *samples, const guint8 *terms)
{
  Factors factors = find_factors (&samples->format);

  for (guint y = 0; y < samples->patch_size; y++) {
    for (guint x = 0; x < samples->patch_size; x++) {
      if (!pixel_holds (&samples->format, &factors,
              (gint) get_sample (samples, terms, 0, x, y),
              (gint) get_sample (samples, terms, 1, x, y),
              (gint) get_sample (samples, terms, 2, x, y)))
        return FALSE;
    }
  }
  return TRUE;
}

/* A luma that takes this chroma to a face of the cube, if any does. */
static gint
luma_at_face (const VitImageFormat *format, GRand *random, gint cb, gint cr)
{
  Factors found = find_factors (format), *factors = &found;
  gint scale = 1 << (13 - format->pixel->depth), low, high, sum[3];

  luma_range (format, &low, &high);
  for (guint c = 0; c < 3; c++)
    sum[c] = chroma_sum (format, factors, c, cb, cr);
  return g_rand_boolean (random)
             ? low - MIN (MIN (sum[0], sum[1]), sum[2]) / scale
             : high - MAX (MAX (sum[0], sum[1]), sum[2]) / scale;
}

static void
draw_patch (const VitSamples *samples, GRand *random, guint8 *terms)
{
  gint centre = (gint) vit_image_sample_centre (&samples->format);
  gint reach = g_rand_boolean (random) ? 4 : centre;
  gint size = (gint) samples->patch_size;
  gint colour[3], noise = g_rand_int_range (random, 0, 3);

  for (guint k = 1; k < 3; k++)
    colour[k] = centre + g_rand_int_range (random, -reach, reach);
  colour[0] = luma_at_face (&samples->format, random, colour[1], colour[2])
              + g_rand_int_range (random, -2, 3);
  for (guint k = 0; k < 3; k++) {
    for (gint i = 0; i < size * size; i++)
      set_sample (samples, terms, k, i % size, i / size,
          colour[k] + (noise == 0 ? g_rand_int_range (random, -1, 2) : 0));
    /* One that may stand out, anywhere. */
    set_sample (samples, terms, k, g_rand_int_range (random, 0, size),
        g_rand_int_range (random, 0, size),
        colour[k] + g_rand_int_range (random, -noise, noise + 1) * 2);
  }
}

static void
test_decides_as_defined (gconstpointer data)
{
  static const double luma[][2]
      = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 } };
  const VitPixelFormat *pixel = data;
  GRand *random = g_rand_new_with_seed (6);
  guint n[2] = { 0, 0 };

  for (guint i = 0; i < 12000; i++) {
    VitImageFormat format = { .pixel = pixel,
      .width = 64,
      .height = 64,
      .kr = luma[i % 3][0],
      .kb = luma[i % 3][1],
      .full_range = i / 3 % 2 };
    guint patch_size = patch_sizes[i / 6 % G_N_ELEMENTS (patch_sizes)];
    gboolean expected;
    VitSamples samples;
    VitGamut gamut;
    guint8 *terms;
    gsize n_bytes;

    if (!vit_samples_init (&samples, &format, patch_size))
      continue;
    vit_gamut_init (&gamut, &format);
    n_bytes = samples.n_terms * pixel->sample_bytes;
    terms = g_malloc (n_bytes + VIT_SAMPLES_SLACK);
    draw_patch (&samples, random, terms);
    for (guint k = 0; k < VIT_SAMPLES_SLACK; k++)
      terms[n_bytes + k] = (guint8) g_rand_int (random);
    expected = patch_holds (&samples, terms);
    g_assert_cmpint (vit_gamut_holds (&gamut, &samples, terms), ==, expected);
    n[expected]++;
    g_free (terms);
  }
  g_assert_cmpuint (n[FALSE], >, 500);
  g_assert_cmpuint (n[TRUE], >, 500);
  g_rand_free (random);
}

/* Every pixel counts, wherever it lies. */
static void
test_one_pixel_decides (gconstpointer data)
{
  const VitPixelFormat *pixel = data;
  VitImageFormat format = {
    .pixel = pixel, .width = 64, .height = 64, .kr = 0.2126, .kb = 0.0722
  };
  gint unit = 1 << (pixel->depth - 8);

  for (guint s = 0; s < G_N_ELEMENTS (patch_sizes); s++) {
    guint size = patch_sizes[s];
    VitSamples samples;
    VitGamut gamut;
    guint8 *terms;

    if (!vit_samples_init (&samples, &format, size))
      continue;
    vit_gamut_init (&gamut, &format);
    terms
        = g_malloc0 (samples.n_terms * pixel->sample_bytes + VIT_SAMPLES_SLACK);
    for (guint i = 0; i < 3 * size * size; i++)
      set_sample (&samples, terms, i % 3, i / 3 % size, i / 3 / size,
          (i % 3 == 0 ? 126 : 128) * unit);
    g_assert_true (vit_gamut_holds (&gamut, &samples, terms));
    for (guint i = 0; i < 3 * size * size; i++) {
      guint c = i % 3, x = i / 3 % size, y = i / 3 / size;
      gint before = (gint) get_sample (&samples, terms, c, x, y);

      set_sample (&samples, terms, c, x, y, c == 0 ? 240 * unit : 255 * unit);
      g_assert_false (vit_gamut_holds (&gamut, &samples, terms));
      set_sample (&samples, terms, c, x, y, c == 0 ? 10 * unit : 0);
      g_assert_false (vit_gamut_holds (&gamut, &samples, terms));
      set_sample (&samples, terms, c, x, y, before);
    }
    g_assert_true (vit_gamut_holds (&gamut, &samples, terms));
    g_free (terms);
  }
}

static void
add_test (
    const gchar *what, const VitPixelFormat *pixel, GTestDataFunc function)
{
  gchar *test = g_strdup_printf ("/gamut/%s/%s", what, pixel->name);

  g_test_add_data_func (test, pixel, function);
  g_free (test);
}

int
main (int argc, char **argv)
{
  guint n_formats;
  const VitPixelFormat *formats = vit_pixel_format_list (&n_formats);

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < n_formats; i++) {
    if (formats[i].family != VIT_COLOUR_YCBCR)
      continue;
    add_test ("decides-as-defined", &formats[i], test_decides_as_defined);
    add_test ("one-pixel-decides", &formats[i], test_one_pixel_decides);
  }
  return g_test_run ();
}
