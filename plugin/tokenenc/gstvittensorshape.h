/* SPDX-License-Identifier: MIT
 *
 * What NNStreamer's caps, other/tensors, say of the values of one record.
 */
#pragma once

#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

#define GST_VIT_TENSORS_NAME "other/tensors"

typedef struct {
  GstVitTokenFormat format;
  guint n_tokens; /* 0: not known; of an embedding 1 */
  guint embed_dim;
} GstVitTensorShape;

GstVitTensorShape gst_vit_tensor_shape_of (const GstVitRecord *record);

gboolean gst_vit_tensor_shape_equal (
    const GstVitTensorShape *a, const GstVitTensorShape *b);

/* The type of the values in caps; NULL where NNStreamer has none, for bf16. */
const gchar *gst_vit_tensor_shape_type (const GstVitTensorShape *shape);

/* Puts types and dimensions into a structure of caps.  The shape has a type. */
void gst_vit_tensor_shape_set (
    const GstVitTensorShape *shape, GstStructure *tensors);

/* (transfer full): `all`, the template of a pad, as it is when the other pad has
 * `from`: with its framerate and, in other/tensors, with the shape where that is
 * known; without other/tensors where the shape has no type.  Takes `all`. */
GstCaps *gst_vit_tensor_shape_transform (
    const GstVitTensorShape *shape, const GstCaps *from, GstCaps *all);

G_END_DECLS
