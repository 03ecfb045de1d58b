/* SPDX-License-Identifier: MIT */
#include "pack.h"

#include <string.h>

gsize
vit_pack_panels_size (guint n_channels, gsize n_terms, guint channel_tile)
{
  gsize n_panels = (n_channels + channel_tile - 1) / channel_tile;

  return n_panels * n_terms * channel_tile;
}

void
vit_pack_panels (const float *weight, guint n_channels, gsize n_terms,
    guint channel_tile, float *panels)
{
  memset (panels, 0,
      vit_pack_panels_size (n_channels, n_terms, channel_tile)
          * sizeof (float));
  for (guint d = 0; d < n_channels; d++) {
    float *panel = panels + d / channel_tile * n_terms * channel_tile;

    for (gsize k = 0; k < n_terms; k++)
      panel[k * channel_tile + d % channel_tile] = weight[d * n_terms + k];
  }
}

void
vit_packer_init (VitPacker *packer, const VitImageFormat *format,
    guint patch_size, guint grid_width, const double outside[3])
{
  double matrix[3][4];

  vit_image_sample_to_pixel (format, matrix);
  packer->format = *format;
  packer->patch_size = patch_size;
  packer->grid_width = grid_width;
  for (guint c = 0; c < 3; c++) {
    for (guint k = 0; k < 4; k++)
      packer->matrix[c][k] = (float) matrix[c][k];
    packer->outside[c] = (float) (outside[c] - 128.0);
  }
}

gsize
vit_packer_scratch_size (const VitPacker *packer, guint n_patches)
{
  return (gsize) 3 * n_patches * packer->patch_size;
}

/* Samples first .. first + n - 1 of a row, each chroma sample repeated over
 * its block.  Inlined with constant step and shift into loops that a compiler
 * can vectorise. */
static inline void
read_bytes (const guint8 *row, guint step, guint shift, guint first, guint n,
    float *restrict out)
{
  for (guint i = 0; i < n; i++)
    out[i] = row[((first + i) >> shift) * step];
}

static inline void
read_words (const guint8 *row, guint step, guint shift, guint unused,
    guint first, guint n, float *restrict out)
{
  for (guint i = 0; i < n; i++) {
    guint16 word;

    memcpy (&word, row + ((first + i) >> shift) * step, sizeof word);
    out[i] = word >> unused;
  }
}

static void
read_samples (const VitPixelFormat *pixel, guint c, const VitImage *image,
    guint y, guint first, guint n, float *out)
{
  const VitComponent *component = &pixel->component[c];
  const guint8 *row = image->plane[component->plane]
      + (gssize) (y >> component->shift_y) * image->stride[component->plane]
      + component->offset;
  guint step = component->step;

  if (pixel->sample_bytes == 2)
    read_words (row, step, component->shift_x, pixel->sample_shift, first, n,
        out);
  else if (component->shift_x == 0 && step == 1)
    read_bytes (row, 1, 0, first, n, out);
  else if (component->shift_x == 0 && step == 3)
    read_bytes (row, 3, 0, first, n, out);
  else if (component->shift_x == 0 && step == 4)
    read_bytes (row, 4, 0, first, n, out);
  else if (component->shift_x == 1 && step == 1)
    read_bytes (row, 1, 1, first, n, out);
  else if (component->shift_x == 1 && step == 2)
    read_bytes (row, 2, 1, first, n, out);
  else
    read_bytes (row, step, component->shift_x, first, n, out);
}

static inline float
clamp_pixel (float pixel)
{
  pixel = pixel < 0.0f ? 0.0f : pixel;
  return pixel > 255.0f ? 255.0f : pixel;
}

/* In place: Y', Cb, Cr samples become R, G, B terms. */
static void
convert_ycbcr (const float matrix[3][4], guint n, float *restrict y,
    float *restrict cb, float *restrict cr)
{
  for (guint i = 0; i < n; i++) {
    float luma = y[i], blue = cb[i], red = cr[i];
    float r = matrix[0][0] * luma + matrix[0][1] * blue + matrix[0][2] * red;
    float g = matrix[1][0] * luma + matrix[1][1] * blue + matrix[1][2] * red;
    float b = matrix[2][0] * luma + matrix[2][1] * blue + matrix[2][2] * red;

    y[i] = clamp_pixel (r + matrix[0][3]) - 128.0f;
    cb[i] = clamp_pixel (g + matrix[1][3]) - 128.0f;
    cr[i] = clamp_pixel (b + matrix[2][3]) - 128.0f;
  }
}

/* Terms of pixels first .. first + n - 1 of row y, those outside the frame
 * included: out[c * n + i]. */
static void
read_row (const VitPacker *packer, const VitImage *image, guint y, guint first,
    guint n, float *out /* [3][n] */)
{
  const VitImageFormat *format = &packer->format;
  guint inside = 0;

  if (y < format->height && first < format->width)
    inside = MIN (n, format->width - first);
  if (inside > 0) {
    for (guint c = 0; c < 3; c++)
      read_samples (format->pixel, c, image, y, first, inside, out + c * n);
  }
  if (format->pixel->family == VIT_COLOUR_YCBCR) {
    convert_ycbcr (packer->matrix, inside, out, out + n, out + 2 * n);
  } else {
    for (guint c = 0; c < 3; c++) {
      for (guint i = 0; i < inside; i++)
        out[c * n + i] -= 128.0f;
    }
  }
  for (guint c = 0; c < 3; c++) {
    for (guint i = inside; i < n; i++)
      out[c * n + i] = packer->outside[c];
  }
}

/* Neighbouring patches of one grid row: whole pixel rows are converted at
 * once, then dealt out to the patches. */
static void
pack_neighbours (const VitPacker *packer, const VitImage *image, guint row,
    guint column, guint n_patches, float *patches, gsize stride, float *scratch)
{
  guint size = packer->patch_size, n_pixels = n_patches * size;

  for (guint y = 0; y < size; y++) {
    read_row (packer, image, row * size + y, column * size, n_pixels, scratch);
    for (guint p = 0; p < n_patches; p++) {
      for (guint c = 0; c < 3; c++) {
        memcpy (patches + p * stride + ((gsize) c * size + y) * size,
            scratch + (gsize) c * n_pixels + p * size, size * sizeof (float));
      }
    }
  }
}

void
vit_packer_patches (const VitPacker *packer, const VitImage *image,
    guint first, guint n_patches, float *patches, gsize stride, float *scratch)
{
  while (n_patches > 0) {
    guint row = first / packer->grid_width;
    guint column = first % packer->grid_width;
    guint n = MIN (n_patches, packer->grid_width - column);

    pack_neighbours (packer, image, row, column, n, patches, stride, scratch);
    first += n;
    n_patches -= n;
    patches += n * stride;
  }
}
