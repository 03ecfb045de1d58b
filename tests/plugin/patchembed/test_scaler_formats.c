/* SPDX-License-Identifier: MIT
 *
 * Every format scaled, at sizes down to one pixel: no criticals (which end a
 * test), and in each component what the filter's definition says in double,
 * whichever way its samples lie.
 */
#include <math.h>
#include <string.h>

#include "patchembed/gstvitimage.h"
#include "patchembed/gstvitscaler.h"

#define N_SIZES 300

/* A picture in memory of exactly its size, each plane in its own. */
typedef struct {
  GstVideoInfo info;
  VitImageFormat format;
  VitImage image;
  guint8 *bytes[VIT_IMAGE_MAX_PLANES];
} Picture;

static void
init_picture (Picture *picture, const gchar *name, guint width, guint height)
{
  memset (picture, 0, sizeof *picture);
  gst_video_info_set_format (&picture->info,
      gst_video_format_from_string (name), width, height);
  gst_vit_image_format_from_info (&picture->info, &picture->format);
  for (guint p = 0; p < picture->format.pixel->n_planes; p++) {
    guint64 row_bytes, n_rows;

    vit_image_plane_extent (&picture->format, p, &row_bytes, &n_rows);
    row_bytes = gst_vit_image_row_bytes (&picture->format, p);
    picture->bytes[p] = g_malloc (row_bytes * n_rows);
    picture->image.plane[p] = picture->bytes[p];
    picture->image.stride[p] = (gssize) row_bytes;
  }
}

static void
clear_picture (Picture *picture)
{
  for (guint p = 0; p < VIT_IMAGE_MAX_PLANES; p++)
    g_free (picture->bytes[p]);
}

static void
get_size (const VitImageFormat *format, guint c, guint *width, guint *height)
{
  const VitComponent *component = &format->pixel->component[c];

  *width = ((format->width - 1) >> component->shift_x) + 1;
  *height = ((format->height - 1) >> component->shift_y) + 1;
}

static guint8 *
find_sample (const VitPixelFormat *pixel, const VitImage *image, guint c,
    guint x, guint y)
{
  const VitComponent *component = &pixel->component[c];

  return (guint8 *) image->plane[component->plane] + component->offset
         + y * image->stride[component->plane] + x * component->step;
}

/* In steps of 8 bits. */
static gdouble
get_sample (const VitPixelFormat *pixel, const VitImage *image, guint c,
    guint x, guint y)
{
  const guint8 *bytes = find_sample (pixel, image, c, x, y);

  return pixel->sample_bytes == 1
      ? bytes[0]
      : vit_pixel_format_sample (pixel, (guint16) (bytes[0] | bytes[1] << 8))
            / 4.0;
}

static void
set_sample (Picture *picture, guint c, guint x, guint y, guint value)
{
  const VitPixelFormat *pixel = picture->format.pixel;
  guint8 *bytes = find_sample (pixel, &picture->image, c, x, y);

  value = value << (pixel->depth - 8) << pixel->sample_shift;
  bytes[0] = (guint8) value;
  if (pixel->sample_bytes == 2)
    bytes[1] = (guint8) (value >> 8);
}

/* A slope in each component, of another direction, with some noise. */
static void
fill_picture (Picture *picture, GRand *random)
{
  for (guint c = 0; c < 3; c++) {
    gdouble slope_x = g_rand_double_range (random, -50, 50);
    gdouble slope_y = g_rand_double_range (random, -50, 50);
    guint width, height;

    get_size (&picture->format, c, &width, &height);
    for (guint y = 0; y < height; y++)
      for (guint x = 0; x < width; x++)
        set_sample (picture, c, x, y,
            (guint) (128 + slope_x * (2.0 * x / width - 1)
                + slope_y * (2.0 * y / height - 1)
                + g_rand_int_range (random, -20, 20)));
  }
}

/* `image` becomes the picture at that size, whose format is returned. */
static GstVitScaler *
scale (const Picture *picture, guint out_width, guint out_height,
    VitImage *image, VitImageFormat *format)
{
  GstVitScaler *scaler = gst_vit_scaler_new (
      &picture->info, &picture->format, out_width, out_height);

  g_assert_nonnull (scaler);
  *image = picture->image;
  g_assert_true (gst_vit_scaler_run (scaler, image));
  *format = picture->format;
  format->width = out_width;
  format->height = out_height;
  return scaler;
}

/* The filter, a = -1/2, and the weights of all samples of a row or column for
 * number `i` of those it is scaled to.  What reaches over the edge falls on the
 * last sample; a filter takes no more samples than there are, nor than 128. */
static gdouble
cubic (gdouble x)
{
  x = fabs (x);
  if (x < 1)
    return 1.5 * x * x * x - 2.5 * x * x + 1;
  return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

static void
define_weights (guint i, guint from, guint to, gdouble *weight)
{
  gdouble scale = from / (gdouble) to;
  gint reach = (gint) MIN (ceil (4 / (1 / scale)), 128);
  gint n = MIN (reach, (gint) from);
  gdouble centre = CLAMP ((i + 0.5) / to * from - 0.5, 0, from - 1.0);
  gint first = (gint) floor (centre - (n - 1) / 2);
  gdouble sum = 0;

  memset (weight, 0, from * sizeof *weight);
  if (from == to) {
    weight[i] = 1;
    return;
  }
  for (gint k = first; k < first + n; k++)
    sum += cubic ((k - centre) * 4 / reach);
  for (gint k = first; k < first + n; k++)
    weight[CLAMP (k, 0, (gint) from - 1)]
        += cubic ((k - centre) * 4 / reach) / sum;
}

/* (transfer full) [height][width]: a component of `picture` at that size. */
static gdouble *
define_component (
    const Picture *picture, guint c, guint width, guint height)
{
  gdouble *scaled = g_new0 (gdouble, width * height), *rows, *weight;
  guint from_width, from_height;

  get_size (&picture->format, c, &from_width, &from_height);
  rows = g_new0 (gdouble, from_height * width);
  weight = g_new (gdouble, MAX (from_width, from_height));
  for (guint x = 0; x < width; x++) {
    define_weights (x, from_width, width, weight);
    for (guint j = 0; j < from_height; j++)
      for (guint i = 0; i < from_width; i++)
        if (weight[i] != 0)
          rows[j * width + x] += weight[i]
              * get_sample (
                  picture->format.pixel, &picture->image, c, i, j);
  }
  for (guint y = 0; y < height; y++) {
    define_weights (y, from_height, height, weight);
    for (guint j = 0; j < from_height; j++)
      for (guint x = 0; x < width; x++)
        scaled[y * width + x] += weight[j] * rows[j * width + x];
  }
  g_free (rows);
  g_free (weight);
  return scaled;
}

/* The largest difference of a component of `picture`, scaled, to the
 * definition, in steps of 8 bits. */
static gdouble
compare_component (const Picture *picture, const VitImageFormat *format,
    const VitImage *image, guint c)
{
  gdouble worst = 0, *expected;
  guint width, height;

  get_size (format, c, &width, &height);
  expected = define_component (picture, c, width, height);
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      worst = MAX (worst, fabs (CLAMP (expected[y * width + x], 0, 255)
                              - get_sample (format->pixel, image, c, x, y)));
  g_free (expected);
  return worst;
}

/* In steps of 8 bits: the converter's weights for samples of 8 are of 6 bits,
 * rounded in each direction. */
static gdouble
allowed_difference (const VitImageFormat *format)
{
  if (format->pixel->depth > 8)
    return 0.25;
  return format->width <= 4 ? 0.6 : 8;
}

static guint
random_side (GRand *random)
{
  static const gint limits[] = { 5, 20, 120, 300 };

  return (guint) g_rand_int_range (
      random, 1, limits[g_rand_int_range (random, 0, G_N_ELEMENTS (limits))]);
}

static void
check_random_size (const gchar *name, GRand *random)
{
  guint width = random_side (random), height = random_side (random);
  guint out_width, out_height;
  GstVitScaler *scaler;
  VitImageFormat format;
  Picture picture;
  VitImage image;

  gst_vit_scaler_choose_size (width, height,
      (guint) g_rand_int_range (random, 1, 17), g_rand_boolean (random),
      (guint) g_rand_int_range (random, 1, 60), &out_width, &out_height);
  init_picture (&picture, name, width, height);
  fill_picture (&picture, random);
  scaler = scale (&picture, out_width, out_height, &image, &format);
  for (guint c = 0; c < 3; c++) {
    gdouble found = compare_component (&picture, &format, &image, c);

    if (found > allowed_difference (&picture.format))
      g_error ("%s of %ux%u to %ux%u: component %u is wrong by %g", name,
          width, height, out_width, out_height, c, found);
  }
  gst_vit_scaler_free (scaler);
  clear_picture (&picture);
}

static void
test_components_are_scaled_by_the_definition (gconstpointer name)
{
  GRand *random = g_rand_new_with_seed (1);

  for (guint i = 0; i < N_SIZES; i++)
    check_random_size (name, random);
  g_rand_free (random);
}

/* Luma of 2 pixels, or chroma of 3 or 4: halfway between the two. */
static void
test_two_samples_become_their_mean (gconstpointer name)
{
  for (guint from = 2; from <= 4; from++) {
    GstVitScaler *scaler;
    VitImageFormat format;
    Picture picture;
    VitImage image;

    init_picture (&picture, name, from, 6);
    for (guint c = 0; c < 3; c++) {
      guint width, height;

      get_size (&picture.format, c, &width, &height);
      for (guint i = 0; i < width * height; i++)
        set_sample (&picture, c, i % width, i / width,
            i % width == 0 ? 40 : 201);
    }
    scaler = scale (&picture, 1, 3, &image, &format);
    for (guint c = 0; c < 3; c++) {
      guint width, height;

      get_size (&picture.format, c, &width, &height);
      if (width == 2)
        g_assert_cmpfloat (
              fabs (get_sample (format.pixel, &image, c, 0, 0) - 120.5), <=,
              0.51);
    }
    gst_vit_scaler_free (scaler);
    clear_picture (&picture);
  }
}

/* What the filter overshoots is clamped, and does not wrap around. */
static void
test_sharp_edges_stay_in_range (gconstpointer name)
{
  GstVitScaler *scaler;
  VitImageFormat format;
  Picture picture;
  VitImage image;

  init_picture (&picture, name, 96, 64);
  for (guint c = 0; c < 3; c++) {
    guint width, height;

    get_size (&picture.format, c, &width, &height);
    for (guint i = 0; i < width * height; i++)
      set_sample (&picture, c, i % width, i / width,
          i % width < width / 2 ? 0 : 255);
  }
  scaler = scale (&picture, 33, 22, &image, &format);
  for (guint c = 0; c < 3; c++) {
    guint width, height;

    get_size (&format, c, &width, &height);
    for (guint x = 0; x < width; x++) {
      gdouble value = get_sample (format.pixel, &image, c, x, height / 2);

      if (x < width / 2 - 1)
        g_assert_cmpfloat (value, <=, 10);
      else if (x > width / 2 + 1)
        g_assert_cmpfloat (value, >=, 245);
    }
  }
  gst_vit_scaler_free (scaler);
  clear_picture (&picture);
}

static void
add_test (const gchar *behaviour, const gchar *format, GTestDataFunc test)
{
  gchar *path = g_strdup_printf ("/scaler-formats/%s/%s", behaviour, format);

  g_test_add_data_func (path, format, test);
  g_free (path);
}

int
main (int argc, char **argv)
{
  const VitPixelFormat *formats;
  guint n_formats;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

  formats = vit_pixel_format_list (&n_formats);
  for (guint i = 0; i < n_formats; i++) {
    const gchar *name = formats[i].name;

    add_test ("components-are-scaled-by-the-definition", name,
        test_components_are_scaled_by_the_definition);
    add_test ("two-samples-become-their-mean", name,
        test_two_samples_become_their_mean);
    add_test ("sharp-edges-stay-in-range", name,
        test_sharp_edges_stay_in_range);
  }
  return g_test_run ();
}
