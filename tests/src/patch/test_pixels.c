/* SPDX-License-Identifier: MIT
 *
 * The pixels of a patch are those of their definition, to the last bit: in
 * every format, by every kernel of this machine, of patches that were taken out
 * of a frame and of patches that the frame covers in part.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "patch/pixels.h"

static const guint patch_sizes[] = { 1, 2, 6, 7, 14, 16, 18, 28, 32 };
static const double outside[3] = { 123.675, 0.0, 255.0 };

typedef struct {
  VitImageFormat format;
  VitImage image;
  VitPixels pixels;
  double matrix[3][4];
} Frame;

static void
frame_init (Frame *frame, const VitPixelFormat *pixel, guint size, guint width,
    guint height, GRand *random)
{
  memset (frame, 0, sizeof *frame);
  frame->format = (VitImageFormat){ .pixel = pixel,
    .width = width,
    .height = height,
    .kr = 0.2126,
    .kb = 0.0722,
    .full_range = g_rand_boolean (random) };
  for (guint p = 0; p < pixel->n_planes; p++) {
    guint64 row_bytes, n_rows;
    guint8 *memory;

    /* No byte more than a frame must have. */
    vit_image_plane_extent (&frame->format, p, &row_bytes, &n_rows);
    memory = g_malloc (row_bytes * n_rows);
    for (gsize i = 0; i < row_bytes * n_rows; i++)
      memory[i] = (guint8) g_rand_int (random);
    frame->image.plane[p] = memory;
    frame->image.stride[p] = (gssize) row_bytes;
  }
  vit_image_sample_to_pixel (&frame->format, frame->matrix);
  vit_pixels_init (&frame->pixels, &frame->format, size, outside);
}

static void
frame_clear (Frame *frame)
{
  for (guint p = 0; p < VIT_IMAGE_MAX_PLANES; p++)
    g_free ((gpointer) frame->image.plane[p]);
}

/* Less its centre. */
static gint
get_sample (const Frame *frame, guint c, guint x, guint y)
{
  const VitPixelFormat *pixel = frame->format.pixel;
  const VitComponent *component = &pixel->component[c];
  const guint8 *at = frame->image.plane[component->plane]
                     + (gssize) (y >> component->shift_y)
                           * frame->image.stride[component->plane]
                     + (x >> component->shift_x) * component->step
                     + component->offset;
  guint16 word = *at;

  if (pixel->sample_bytes == 2)
    memcpy (&word, at, sizeof word);
  return (gint) vit_pixel_format_sample (pixel, word)
         - (gint) vit_image_sample_centre (&frame->format);
}

static float
define_f32 (const Frame *frame, guint c, guint x, guint y)
{
  double centre = vit_image_pixel_centre (&frame->format);
  float minimum = (float) -centre, maximum = (float) (255.0 - centre);
  float term = 0.0f;

  if (x >= frame->format.width || y >= frame->format.height)
    return (float) (outside[c] - centre);
  for (guint k = 0; k < 3; k++) {
    float product
        = (float) frame->matrix[c][k] * (float) get_sample (frame, k, x, y);

    term = term + product;
  }
  return CLAMP (term, minimum, maximum);
}

static gint32
define_fixed (const Frame *frame, guint c, guint x, guint y)
{
  double centre = vit_image_pixel_centre (&frame->format);
  gint32 fixed_centre = (gint32) lrint (256.0 * centre);
  gint32 minimum = fixed_centre + (gint32) lrint (-256.0 * centre);
  gint32 maximum = fixed_centre + (gint32) lrint (256.0 * (255.0 - centre));
  gint64 sum = ((gint64) fixed_centre << 13) + 4096;

  if (x >= frame->format.width || y >= frame->format.height)
    return fixed_centre + (gint32) lrint (256.0 * (outside[c] - centre));
  for (guint k = 0; k < 3; k++)
    sum += lrint (frame->matrix[c][k] * (256 << 13))
           * get_sample (frame, k, x, y);
  return CLAMP ((gint32) (sum >> 13), minimum, maximum);
}

/* The patch at (column, row), by all kernels. */
static void
check_patch (
    const Frame *frame, const VitPixelsSource *source, guint column, guint row)
{
  guint size = frame->pixels.patch_size, n = 3 * size * size;
  gint16 *scratch = g_new0 (gint16, vit_pixels_scratch_size (&frame->pixels));
  float *terms = g_new (float, n);
  guint8 *high = g_new (guint8, n), *low = g_new (guint8, n);
  guint cpu = vit_cpu_mask ();

  for (const VitKernelF32 *const *k = vit_kernel_list_f32 (); *k; k++) {
    if ((*k)->cpu & ~cpu)
      continue;
    vit_pixels_f32 (&frame->pixels, *k, source, terms, scratch);
    for (guint i = 0; i < n; i++)
      g_assert_cmpfloat (terms[i], ==,
          define_f32 (frame, i / size / size, column * size + i % size,
              row * size + i / size % size));
  }
  for (const VitKernelFixed *const *k = vit_kernel_list_fixed (); *k; k++) {
    if ((*k)->cpu & ~cpu)
      continue;
    vit_pixels_fixed (&frame->pixels, *k, source, high, low, scratch);
    for (guint i = 0; i < n; i++)
      g_assert_cmpint (high[i] * 256 + low[i], ==,
          define_fixed (frame, i / size / size, column * size + i % size,
              row * size + i / size % size));
  }
  g_free (scratch);
  g_free (terms);
  g_free (high);
  g_free (low);
}

static void
test_copied_patches (gconstpointer data)
{
  const VitPixelFormat *pixel = data;
  GRand *random = g_rand_new_with_seed (7);

  for (guint s = 0; s < G_N_ELEMENTS (patch_sizes); s++) {
    guint size = patch_sizes[s];
    VitPixelsSource source;
    VitSamples samples;
    guint8 *terms;
    Frame frame;

    frame_init (&frame, pixel, size, 3 * size, 2 * size, random);
    if (vit_samples_init (&samples, &frame.format, size)) {
      terms = g_malloc0 (
          samples.n_terms * pixel->sample_bytes + VIT_SAMPLES_SLACK);
      vit_samples_copy (&samples, &frame.image, 2, 1, terms);
      source = vit_pixels_source_terms (&samples, terms);
      check_patch (&frame, &source, 2, 1);
      g_free (terms);
    }
    frame_clear (&frame);
  }
  g_rand_free (random);
}

static void
test_patches_of_the_frame (gconstpointer data)
{
  const VitPixelFormat *pixel = data;
  GRand *random = g_rand_new_with_seed (8);

  for (guint s = 0; s < G_N_ELEMENTS (patch_sizes); s++) {
    guint size = patch_sizes[s];
    Frame frame;

    frame_init (&frame, pixel, size, 2 * size + size / 2 + 1,
        size + size / 3 + 1, random);
    for (guint i = 0; i < 6; i++) {
      VitPixelsSource source
          = vit_pixels_source_image (&frame.pixels, &frame.image, i % 3, i / 3);

      check_patch (&frame, &source, i % 3, i / 3);
    }
    frame_clear (&frame);
  }
  g_rand_free (random);
}

/* The last patch of a row of more than 4 GiB, of which nothing else can be
 * read. */
static void
test_the_end_of_a_long_row (void)
{
  gsize start = (gsize) G_GUINT64_CONSTANT (0x100010000), page = 65536;
  guint size = 16, column = (guint) (start / 4 / size);
  VitImageFormat format = { .pixel = vit_pixel_format_find ("RGBx"),
    .width = (column + 1) * size,
    .height = 1 };
  guint8 *memory;
  VitPixels pixels;
  VitPixelsSource source;
  gint16 *scratch;
  float terms[3 * 16 * 16];
  VitImage image;

  if (sizeof (gsize) < 8) {
    g_test_skip ("there is no such row");
    return;
  }
  memory = mmap (NULL, start + page, PROT_NONE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  g_assert_true (memory != MAP_FAILED);
  g_assert_cmpint (
      mprotect (memory + start, page, PROT_READ | PROT_WRITE), ==, 0);
  for (guint i = 0; i < 4 * size; i++)
    memory[start + i] = (guint8) (3 * i);
  image = (VitImage){ .plane = { memory } };
  vit_pixels_init (&pixels, &format, size, outside);
  scratch = g_new0 (gint16, vit_pixels_scratch_size (&pixels));
  source = vit_pixels_source_image (&pixels, &image, column, 0);
  vit_pixels_f32 (
      &pixels, *vit_kernel_list_f32 (), &source, terms, scratch);
  for (guint c = 0; c < 3; c++)
    for (guint x = 0; x < size; x++)
      g_assert_cmpfloat (terms[c * size * size + x], ==,
          (float) (3 * (4 * x + c) % 256) - 128.0f);
  g_free (scratch);
  munmap (memory, start + page);
}

static void
add_test (
    const gchar *what, const VitPixelFormat *pixel, GTestDataFunc function)
{
  gchar *test = g_strdup_printf ("/pixels/%s/%s", what, pixel->name);

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
    if (formats[i].family == VIT_COLOUR_YCBCR)
      add_test ("copied-patches", &formats[i], test_copied_patches);
    add_test ("patches-of-the-frame", &formats[i], test_patches_of_the_frame);
  }
  g_test_add_func (
      "/pixels/the-end-of-a-long-row", test_the_end_of_a_long_row);
  return g_test_run ();
}
