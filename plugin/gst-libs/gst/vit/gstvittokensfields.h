/* SPDX-License-Identifier: MIT
 *
 * What a GstVitTokensMeta says in numbers and words, wherever it stands: in the
 * meta itself, whose fields are anyone's to write, or in bytes of another
 * process.  The rules that hold for it are here, once for both.  Private to the
 * library.
 */
#pragma once

#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

typedef struct {
  GstVitTokenFormat format;
  guint n_tokens;
  guint n_prefix_tokens;
  guint grid_width;
  guint grid_height;
  guint patch_size;
  guint embed_dim;
  guint frame_width;
  guint frame_height;
  guint n_blocks;
  gint roi_id;
  gdouble map[6];
  const gchar *model_id; /* (nullable), model_id_size bytes, no NUL after */
  gsize model_id_size;
  const gchar *roi_type; /* (nullable), roi_type_size bytes, no NUL after */
  gsize roi_type_size;
  guint roi_x; /* all four 0: not said */
  guint roi_y;
  guint roi_width;
  guint roi_height;
  const guint8 *prefix_kinds; /* (nullable), [n_prefix_tokens] */
  const guint8 *changed; /* (nullable), [(n_tokens + 7) / 8] */
  const guint8 *values;  /* [n_tokens][embed_dim] */
  gsize values_size;     /* bytes */
} GstVitTokensFields;

/* n_tokens of a layout, and the bytes of all its values in *values_size.  0 if
 * one of its sizes is 0, the format unknown or a product too large. */
G_GNUC_INTERNAL
guint gst_vit_tokens_layout_count (GstVitTokenFormat format,
    guint n_prefix_tokens, guint grid_width, guint grid_height, guint embed_dim,
    gsize *values_size);

/* Bytes of a bit a token. */
G_GNUC_INTERNAL
gsize gst_vit_tokens_changed_size (guint n_tokens);

/* Whether every corner of a grid of this size has a place in the frame. */
G_GNUC_INTERNAL
gboolean gst_vit_tokens_map_is_finite (
    const gdouble map[6], guint grid_width, guint grid_height);

/* (nullable): what is wrong with what the numbers are of, for developers: the
 * model's name, the region and its type, which other metas carry too. */
G_GNUC_INTERNAL
const gchar *gst_vit_tokens_fields_find_label_fault (
    const GstVitTokensFields *fields);

/* Whether the region is all 0, or inside a frame of these sizes. */
G_GNUC_INTERNAL
gboolean gst_vit_tokens_fields_is_roi_inside (
    const GstVitTokensFields *fields);

/* The region, or where there is none the whole frame; FALSE where it is not
 * known. */
G_GNUC_INTERNAL
gboolean gst_vit_tokens_fields_get_roi (const GstVitTokensFields *fields,
    guint *x, guint *y, guint *width, guint *height);

/* (nullable), static: the rule that is broken; see
 * gst_vit_tokens_meta_is_valid().  Of `changed`, `prefix_kinds` and `values`
 * nothing is looked at. */
G_GNUC_INTERNAL
const gchar *gst_vit_tokens_fields_find_fault (
    const GstVitTokensFields *fields);

G_END_DECLS
