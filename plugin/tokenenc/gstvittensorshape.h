/* SPDX-License-Identifier: MIT
 *
 * What NNStreamer's caps, other/tensors, say of the tokens of one meta.
 */
#pragma once

#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

#define GST_VIT_TENSORS_NAME "other/tensors"

typedef struct {
  GstVitTokenFormat format;
  guint n_tokens; /* 0: not known */
  guint embed_dim;
} GstVitTensorShape;

GstVitTensorShape gst_vit_tensor_shape_of (const GstVitTokensMeta *meta);

gboolean gst_vit_tensor_shape_equal (
    const GstVitTensorShape *a, const GstVitTensorShape *b);

/* The type of the values in caps; NULL where NNStreamer has none, for bf16. */
const gchar *gst_vit_tensor_shape_type (const GstVitTensorShape *shape);

/* Puts types and dimensions into a structure of caps.  The shape has a type. */
void gst_vit_tensor_shape_set (
    const GstVitTensorShape *shape, GstStructure *tensors);

/* (transfer full) (nullable): `to`, one structure of a pad's template, as it is
 * when the other pad has `from`: with its framerate and, in other/tensors, with
 * the shape where that is known.  NULL: the shape has no type. */
GstStructure *gst_vit_tensor_shape_transform (const GstVitTensorShape *shape,
    const GstStructure *from, const GstStructure *to);

G_END_DECLS
