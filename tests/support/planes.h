/* SPDX-License-Identifier: MIT
 *
 * Frames without GStreamer: planes of their own memory, of any format, whose
 * samples are written and read one by one.
 */
#pragma once

#include "patch/image.h"

G_BEGIN_DECLS

typedef struct {
  VitImageFormat format;
  VitImage image;
  guint8 *memory[VIT_IMAGE_MAX_PLANES];
  gsize n_bytes[VIT_IMAGE_MAX_PLANES];
} Planes;

/* Random samples, BT.709 in narrow range, rows longer than they need be. */
void planes_init (Planes *planes, const VitPixelFormat *pixel, guint width,
    guint height, GRand *random);
void planes_clear (Planes *planes);

/* Sample (x, y) of component c, counted in that component's samples. */
guint8 *planes_at (Planes *planes, guint c, guint x, guint y);
void planes_set (Planes *planes, guint c, guint x, guint y, guint value);
guint planes_get (Planes *planes, guint c, guint x, guint y);

/* How far all pixels of the square of `size` pixels at (x, y) stay inside
 * [0,255], negative where one leaves it.  Y'CbCr formats only. */
double planes_distance_to_faces (
    Planes *planes, guint x, guint y, guint size);

G_END_DECLS
