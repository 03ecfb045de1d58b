/* SPDX-License-Identifier: MIT
 *
 * What a video frame is to this library: pointers to planes, byte strides, and
 * a description of the pixel format.  A VitImage owns nothing and lives as
 * long as the memory it points into.
 *
 * Every format is described by where the samples of its three components lie;
 * no code elsewhere knows a format by name.  Samples are little-endian.
 *
 * Formula: the Y'CbCr to R'G'B' matrix of ITU-R BT.601 / BT.709 / BT.2020,
 * written with the luma coefficients Kr and Kb; quantisation of ITU-R BT.2100
 * table 9 (narrow range) and of JFIF (full range).
 *
 * Thread-safety: the tables are const; the functions are pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define VIT_IMAGE_MAX_PLANES 3

typedef enum {
  VIT_COLOUR_RGB,   /* components R, G, B: the pixel value is the sample */
  VIT_COLOUR_GRAY,  /* one component, which stands for R, G and B */
  VIT_COLOUR_YCBCR, /* components Y', Cb, Cr */
} VitColourFamily;

/* Where one component's samples lie: sample (x, y) of the frame is read at
 * plane + (y >> shift_y) * stride + (x >> shift_x) * step + offset, so that
 * each subsampled chroma sample stands for its whole block. */
typedef struct {
  guint8 plane;
  guint8 offset;  /* bytes from the start of a row */
  guint8 step;    /* bytes from one sample to the next */
  guint8 shift_x; /* log2 of the horizontal subsampling */
  guint8 shift_y; /* log2 of the vertical subsampling */
} VitComponent;

typedef struct {
  const char *name; /* as GStreamer spells it: "NV12" */
  VitColourFamily family;
  guint8 n_planes;
  guint8 depth;        /* significant bits of a sample: 8 or 10 */
  guint8 sample_bytes; /* 1 or 2 */
  guint8 sample_shift; /* unused low bits of a stored sample (P010: 6) */
  VitComponent component[3];
} VitPixelFormat;

/* (nullable): the format of this name. */
const VitPixelFormat *vit_pixel_format_find (const char *name);

/* All formats; `formats[i]`, i < *n_formats. */
const VitPixelFormat *vit_pixel_format_list (guint *n_formats);

/* What stays the same from frame to frame. */
typedef struct {
  const VitPixelFormat *pixel;
  guint width;  /* pixels */
  guint height; /* pixels */
  /* Y'CbCr only: luma coefficients of R and B, (0,1), and the range. */
  double kr;
  double kb;
  gboolean full_range;
  /* Where the first pixel lies in its chroma block, which is as many pixels
   * wide and high as the format's coarsest component: 0, or 1 in a part of a
   * larger picture that starts in the middle of a block.  Planes point to the
   * start of that block, and x and y above count from there. */
  guint phase_x;
  guint phase_y;
} VitImageFormat;

typedef struct {
  const guint8 *plane[VIT_IMAGE_MAX_PLANES];
  gssize stride[VIT_IMAGE_MAX_PLANES]; /* bytes from a row to the next; any sign */
} VitImage;

/* How much of a plane is read: *n_rows rows of *row_bytes bytes.  A caller
 * checks this against the memory it has before it makes a VitImage. */
void vit_image_plane_extent (const VitImageFormat *format, guint plane,
    guint64 *row_bytes, guint64 *n_rows);

/* Makes of a picture the width x height pixels of it that start at (x, y), as a
 * picture of its own over the same memory.  They must lie inside; any x and y
 * will do.  Each pixel keeps the chroma sample that covers it in the whole
 * picture: of 4:2:0 an odd x splits a block, and the pixels of the new
 * picture's first column then have a chroma sample that the second no longer
 * shares.  `image` may be NULL where only the format is wanted. */
void vit_image_crop (VitImageFormat *format, VitImage *image, guint x, guint y,
    guint width, guint height);

/* The affine map from stored samples to pixel values in [0,255] (before
 * clamping): pixel[c] = sum_k matrix[c][k] * sample[k] + matrix[c][3].  The
 * identity for RGB and gray. */
void vit_image_sample_to_pixel (const VitImageFormat *format,
    double matrix[3][4]);

/* The value of a stored 16-bit word: its unused bits, which should be zero but
 * come from anywhere, are left out. */
static inline guint
vit_pixel_format_sample (const VitPixelFormat *pixel, guint16 word)
{
  return (word >> pixel->sample_shift) & ((1u << pixel->depth) - 1);
}

/* A sample is taken relative to this: half of its range, 128 of 8 bits. */
guint vit_image_sample_centre (const VitImageFormat *format);

/* The pixel value that samples at their centre make, the same for R, G and B:
 * 128, or 130.4 in the narrow range of Y'CbCr. */
double vit_image_pixel_centre (const VitImageFormat *format);

G_END_DECLS
