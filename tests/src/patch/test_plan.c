/* SPDX-License-Identifier: MIT
 *
 * How the samples of a patch are taken out of a frame, compared and judged:
 * nothing is lost or read twice, a change is seen where it is and nowhere else,
 * and the short product is never chosen for a patch that leaves the RGB cube.
 */
#include <glib.h>
#include <string.h>

#include "patch/plan.h"
#include "support/planes.h"

#define SIZE 16

static void
test_every_sample_is_one_term (gconstpointer data)
{
  const VitPixelFormat *pixel = data;
  GRand *random = g_rand_new_with_seed (1);
  guint n_components = pixel->family == VIT_COLOUR_GRAY ? 1 : 3;
  VitSamples samples;
  guint8 *terms, *seen;
  Planes frame;

  planes_init (&frame, pixel, 5 * SIZE + 3, 3 * SIZE + 1, random);
  g_assert_true (vit_samples_init (&samples, &frame.format, SIZE));
  terms = g_malloc (samples.n_terms * pixel->sample_bytes);
  seen = g_malloc0 (samples.n_terms);
  vit_samples_copy (&samples, &frame.image, 3, 2, terms);
  for (guint c = 0; c < n_components; c++) {
    guint width = SIZE >> pixel->component[c].shift_x;
    guint height = SIZE >> pixel->component[c].shift_y;

    for (guint i = 0; i < width * height; i++) {
      guint x = i % width, y = i / width;
      gsize term = vit_samples_term (&samples, c, x, y);

      g_assert_cmpuint (term, <, samples.n_terms);
      g_assert_cmpuint (seen[term]++, ==, 0);
      g_assert_cmpmem (terms + term * pixel->sample_bytes, pixel->sample_bytes,
          planes_at (&frame, c, 3 * width + x, 2 * height + y),
          pixel->sample_bytes);
    }
  }
  for (gsize i = 0; i < samples.n_terms; i++)
    g_assert_cmpuint (seen[i], ==, 1);
  g_free (terms);
  g_free (seen);
  planes_clear (&frame);
  g_rand_free (random);
}

static void
test_a_change_is_seen_where_it_is (gconstpointer data)
{
  const VitPixelFormat *pixel = data;
  GRand *random = g_rand_new_with_seed (2);
  guint n_components = pixel->family == VIT_COLOUR_GRAY ? 1 : 3;
  VitSamples samples;
  guint8 *terms;
  Planes frame;

  planes_init (&frame, pixel, 3 * SIZE, 3 * SIZE, random);
  g_assert_true (vit_samples_init (&samples, &frame.format, SIZE));
  terms = g_malloc (samples.n_terms * pixel->sample_bytes);
  vit_samples_copy (&samples, &frame.image, 1, 1, terms);
  g_assert_false (
      vit_samples_differ (&samples, &frame.image, 1, 1, terms, 0));
  for (guint c = 0; c < n_components; c++) {
    guint width = SIZE >> pixel->component[c].shift_x;
    guint height = SIZE >> pixel->component[c].shift_y;

    for (guint i = 0; i < 9 * width * height; i++) {
      guint x = i % (3 * width), y = i / (3 * width);
      gboolean inside = x / width == 1 && y / height == 1;
      guint before = planes_get (&frame, c, x, y);
      guint after = before >= 3 ? before - 3 : before + 3;

      planes_set (&frame, c, x, y, after);
      g_assert_cmpint (
          vit_samples_differ (&samples, &frame.image, 1, 1, terms, 0), ==,
          inside);
      g_assert_cmpint (
          vit_samples_differ (&samples, &frame.image, 1, 1, terms, 2), ==,
          inside);
      g_assert_false (
          vit_samples_differ (&samples, &frame.image, 1, 1, terms, 3));
      planes_set (&frame, c, x, y, before);
    }
  }
  g_free (terms);
  planes_clear (&frame);
  g_rand_free (random);
}

static void
test_the_byte_that_no_pixel_has_does_not_count (void)
{
  GRand *random = g_rand_new_with_seed (3);
  VitSamples samples;
  guint8 terms[3 * SIZE * SIZE];
  Planes frame;

  planes_init (&frame, vit_pixel_format_find ("BGRx"), SIZE, SIZE, random);
  g_assert_true (vit_samples_init (&samples, &frame.format, SIZE));
  vit_samples_copy (&samples, &frame.image, 0, 0, terms);
  frame.memory[0][3] ^= 0xff;
  g_assert_false (
      vit_samples_differ (&samples, &frame.image, 0, 0, terms, 0));
  planes_clear (&frame);
  g_rand_free (random);
}

static void
test_odd_patches_of_shared_chroma_have_no_samples (void)
{
  VitImageFormat format = { .pixel = vit_pixel_format_find ("NV12"),
    .width = 70, .height = 70, .kr = 0.299, .kb = 0.114 };
  VitSamples samples;

  g_assert_false (vit_samples_init (&samples, &format, 7));
  g_assert_true (vit_samples_init (&samples, &format, 14));
  format.pixel = vit_pixel_format_find ("Y444");
  g_assert_true (vit_samples_init (&samples, &format, 7));
}

/* All rows of the grid, kept where they may be. */
static void
plan_all (VitPlan *plan, const VitImage *image, gboolean keep, guint tolerance)
{
  for (guint row = 0; row < plan->grid_height; row++)
    vit_plan_row (plan, image, row, keep, tolerance);
}

/* Whether one of the patch's pixels is read from sample (x, y) of component c of
 * the frame that the picture, at (start, start), is a part of. */
static gboolean
reads (const VitImageFormat *picture, guint start, guint size, guint patch_x,
    guint patch_y, guint c, guint x, guint y)
{
  const VitComponent *component = &picture->pixel->component[c];
  guint right = MIN ((patch_x + 1) * size, picture->width);
  guint bottom = MIN ((patch_y + 1) * size, picture->height);
  gboolean in_x = FALSE, in_y = FALSE;

  for (guint i = patch_x * size; i < right; i++)
    in_x |= (start + i) >> component->shift_x == x;
  for (guint i = patch_y * size; i < bottom; i++)
    in_y |= (start + i) >> component->shift_y == y;
  return in_x && in_y;
}

/* Every patch of a picture, those at its right and bottom that it covers in part
 * as well, is recomputed where a sample of its pixels changed, and nowhere else:
 * both neighbours where they share one.  The picture starts at (start, start) of
 * a frame. */
static void
check_every_sample (
    const VitPixelFormat *pixel, guint size, guint start, GRand *random)
{
  guint width = 2 * size + 3, height = size + 4;
  guint n_components = pixel->family == VIT_COLOUR_GRAY ? 1 : 3;
  gboolean is_subsampled
      = pixel->component[1].shift_x > 0 || pixel->component[1].shift_y > 0;
  guint n_shared = 0;
  VitImageFormat format;
  VitImage image;
  Planes frame;
  VitPlan plan;

  planes_init (&frame, pixel, start + width, start + height, random);
  format = frame.format;
  image = frame.image;
  vit_image_crop (&format, &image, start, start, width, height);
  g_assert_true (vit_plan_init (&plan, &format, size, 3, 2, NULL));
  plan_all (&plan, &image, FALSE, 0);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpuint (plan.kind[i], !=, VIT_PATCH_KEPT);
  for (guint c = 0; c < n_components; c++) {
    guint columns = ((start + width - 1) >> pixel->component[c].shift_x) + 1;
    guint rows = ((start + height - 1) >> pixel->component[c].shift_y) + 1;

    for (guint s = 0; s < columns * rows; s++) {
      guint x = s % columns, y = s / columns, n_changed = 0;
      guint before = planes_get (&frame, c, x, y);

      planes_set (&frame, c, x, y, before >= 3 ? before - 3 : before + 3);
      plan_all (&plan, &image, TRUE, 3);
      for (guint i = 0; i < 6; i++)
        g_assert_cmpuint (plan.kind[i], ==, VIT_PATCH_KEPT);
      plan_all (&plan, &image, TRUE, 2);
      for (guint i = 0; i < 6; i++) {
        gboolean changed = plan.kind[i] != VIT_PATCH_KEPT;

        g_assert_cmpint (changed, ==,
            reads (&format, start, size, i % 3, i / 3, c, x, y));
        n_changed += changed;
      }
      if (start == 0)
        g_assert_cmpuint (n_changed, >, 0);
      n_shared += n_changed > 1;
      planes_set (&frame, c, x, y, before);
      plan_all (&plan, &image, TRUE, 0);
    }
  }
  g_assert_cmpint (
      n_shared > 0, ==, is_subsampled && (size % 2 != 0 || start % 2 != 0));
  vit_plan_clear (&plan);
  planes_clear (&frame);
}

static void
test_every_patch_knows_whether_it_changed (gconstpointer data)
{
  static const guint sizes[] = { 7, 8, 8, 13, 13, 7 };
  GRand *random = g_rand_new_with_seed (6);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    check_every_sample (data, sizes[i], i % 2, random);
  g_rand_free (random);
}

/* A patch of one colour near a face or an edge of the cube, and one sample of
 * each component that differs a little. */
static void
draw_patch (Planes *frame, GRand *random)
{
  const VitPixelFormat *pixel = frame->format.pixel;
  guint unit = 1u << (pixel->depth - 8), peak = 256 * unit - 1;
  guint colour[3];

  colour[0] = (guint) g_rand_int_range (random, 0, (gint32) peak + 1);
  for (guint k = 1; k < 3; k++)
    colour[k] = g_rand_boolean (random)
        ? 128 * unit + (guint) g_rand_int_range (random, 0, 5) - 2
        : (guint) g_rand_int_range (random, 0, (gint32) peak + 1);
  for (guint k = 0; k < 3; k++) {
    guint width = SIZE >> pixel->component[k].shift_x;
    guint height = SIZE >> pixel->component[k].shift_y;
    guint odd = (guint) g_rand_int_range (random, 0, (gint32) (width * height));

    for (guint i = 0; i < width * height; i++) {
      gint value = (gint) colour[k]
          + (i == odd ? g_rand_int_range (random, -3, 4) : 0);

      planes_set (frame, k, i % width, i / width,
          (guint) CLAMP (value, 0, (gint) peak));
    }
  }
}

static void
test_the_short_product_stays_inside_the_cube (gconstpointer data)
{
  static const double luma[][2]
      = { { 0.299, 0.114 }, { 0.2126, 0.0722 }, { 0.2627, 0.0593 } };
  const VitPixelFormat *pixel = data;
  GRand *random = g_rand_new_with_seed (4);
  guint n_inside = 0, n_outside = 0;
  Planes frame;

  planes_init (&frame, pixel, SIZE, SIZE, random);
  for (guint i = 0; i < 6000; i++) {
    double distance;
    VitPlan plan;

    frame.format.kr = luma[i % 3][0];
    frame.format.kb = luma[i % 3][1];
    frame.format.full_range = i / 3 % 2 != 0;
    draw_patch (&frame, random);
    distance = planes_distance_to_faces (&frame, 0, 0, SIZE);
    g_assert_true (vit_plan_init (&plan, &frame.format, SIZE, 1, 1, NULL));
    vit_plan_row (&plan, &frame.image, 0, FALSE, 0);
    /* Never outside; and inside wherever there is a fifth of a step to spare. */
    if (distance < -1e-9)
      g_assert_cmpuint (plan.kind[0], ==, VIT_PATCH_PIXELS);
    if (distance > 0.24)
      g_assert_cmpuint (plan.kind[0], ==, VIT_PATCH_SAMPLES);
    n_inside += plan.kind[0] == VIT_PATCH_SAMPLES;
    n_outside += plan.kind[0] == VIT_PATCH_PIXELS;
    vit_plan_clear (&plan);
  }
  g_assert_cmpuint (n_inside, >, 500);
  g_assert_cmpuint (n_outside, >, 500);
  planes_clear (&frame);
  g_rand_free (random);
}

static void
test_black_and_white_are_inside (gconstpointer data)
{
  const VitPixelFormat *pixel = data;
  GRand *random = g_rand_new_with_seed (5);
  guint unit = 1u << (pixel->depth - 8);
  Planes frame;

  planes_init (&frame, pixel, SIZE, SIZE, random);
  for (guint i = 0; i < 8; i++) {
    static const guint narrow[] = { 16, 235, 15, 236 };
    guint full[] = { 0, 256 * unit - 1 };
    VitPlan plan;

    frame.format.full_range = i >= 4;
    if (i >= 6)
      break;
    for (guint y = 0; y < SIZE; y++) {
      for (guint x = 0; x < SIZE; x++)
        planes_set (
            &frame, 0, x, y, i < 4 ? narrow[i] * unit : full[i - 4]);
    }
    for (guint k = 1; k < 3; k++) {
      guint width = SIZE >> pixel->component[k].shift_x;
      guint height = SIZE >> pixel->component[k].shift_y;

      for (guint s = 0; s < width * height; s++)
        planes_set (&frame, k, s % width, s / width, 128 * unit);
    }
    g_assert_true (vit_plan_init (&plan, &frame.format, SIZE, 1, 1, NULL));
    vit_plan_row (&plan, &frame.image, 0, FALSE, 0);
    g_assert_cmpuint (plan.kind[0], ==,
        i == 2 || i == 3 ? VIT_PATCH_PIXELS : VIT_PATCH_SAMPLES);
    vit_plan_clear (&plan);
  }
  planes_clear (&frame);
  g_rand_free (random);
}

static void
add_test (const gchar *what, const VitPixelFormat *pixel,
    GTestDataFunc function)
{
  gchar *test = g_strdup_printf ("/plan/%s/%s", what, pixel->name);

  g_test_add_data_func (test, pixel, function);
  g_free (test);
}

/* Every sample of a part is the one that the whole picture has there; a part of
 * a part as well. */
static void
test_a_part_has_the_samples_of_the_whole (gconstpointer data)
{
  const VitPixelFormat *pixel = data;
  GRand *random = g_rand_new_with_seed (5);
  Planes frame;

  planes_init (&frame, pixel, 41, 37, random);
  for (guint i = 0; i < 200; i++) {
    VitImageFormat format = frame.format;
    VitImage image = frame.image;
    guint left = 0, top = 0;

    for (guint depth = 0; depth < 2; depth++) {
      guint x = (guint) g_rand_int_range (random, 0, (gint32) format.width);
      guint y = (guint) g_rand_int_range (random, 0, (gint32) format.height);

      vit_image_crop (
          &format, &image, x, y, format.width - x, format.height - y);
      left += x;
      top += y;
    }
    g_assert_cmpuint (format.width, ==, 41 - left);
    g_assert_cmpuint (format.height, ==, 37 - top);
    for (guint c = 0; c < 3; c++) {
      const VitComponent *component = &pixel->component[c];

      for (guint p = 0; p < format.width * format.height; p++) {
        guint x = p % format.width, y = p / format.width;
        const guint8 *found = image.plane[component->plane]
            + (gssize) ((format.phase_y + y) >> component->shift_y)
                * image.stride[component->plane]
            + ((format.phase_x + x) >> component->shift_x) * component->step
            + component->offset;

        g_assert_true (found
            == planes_at (&frame, c, (left + x) >> component->shift_x,
                (top + y) >> component->shift_y));
      }
    }
  }
  planes_clear (&frame);
  g_rand_free (random);
}

int
main (int argc, char **argv)
{
  guint n_formats;
  const VitPixelFormat *formats = vit_pixel_format_list (&n_formats);

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < n_formats; i++) {
    add_test (
        "every-sample-is-one-term", &formats[i], test_every_sample_is_one_term);
    add_test ("a-change-is-seen-where-it-is", &formats[i],
        test_a_change_is_seen_where_it_is);
    add_test ("a-part-has-the-samples-of-the-whole", &formats[i],
        test_a_part_has_the_samples_of_the_whole);
    add_test ("every-patch-knows-whether-it-changed", &formats[i],
        test_every_patch_knows_whether_it_changed);
    if (formats[i].family != VIT_COLOUR_YCBCR)
      continue;
    add_test ("the-short-product-stays-inside-the-cube", &formats[i],
        test_the_short_product_stays_inside_the_cube);
    add_test ("black-and-white-are-inside", &formats[i],
        test_black_and_white_are_inside);
  }
  g_test_add_func ("/plan/the-byte-that-no-pixel-has-does-not-count",
      test_the_byte_that_no_pixel_has_does_not_count);
  g_test_add_func ("/plan/odd-patches-of-shared-chroma-have-no-samples",
      test_odd_patches_of_shared_chroma_have_no_samples);
  return g_test_run ();
}
