/* SPDX-License-Identifier: MIT
 *
 * The table of layouts: how each family of Vision Transformers stores its
 * input stage, one row a layout.  No code outside layout.c and family.c knows a
 * family by name; a new family is a new row.
 *
 * Tensor names are relative to the tower's prefix, which is whatever stands
 * before the name of the patch weight in the file ("vit.", "vision_model.").
 *
 * Thread-safety: constant data.
 */
#pragma once

#include "model/normalisation.h"
#include "model/pos_embed.h"

G_BEGIN_DECLS

/* Whose code a layout is the input of: it decides the position rule, since
 * the same tensors are resampled differently by each. */
typedef enum {
  VIT_ORIGIN_AUTHORS, /* the repository of the paper */
  VIT_ORIGIN_HUGGING_FACE,
  VIT_ORIGIN_TIMM,
  VIT_ORIGIN_OPEN_CLIP,
} VitOrigin;

typedef enum {
  VIT_PATCH_CONV2D, /* [D][3][P][P] */
  VIT_PATCH_LINEAR, /* [D][P * P * 3], a patch as [y][x][channel] */
} VitPatchShape;

typedef enum {
  VIT_TABLE_1ND,  /* [1][k + N][D], k prefix rows first */
  VIT_TABLE_ND,   /* [k + N][D], likewise (an Embedding) */
  VIT_TABLE_NHWC, /* [1][rows][cols][D], no prefix rows */
} VitTableShape;

typedef enum {
  VIT_PREFIX_NO_POSITION, /* the token has no row in the position table */
  VIT_PREFIX_POSITION,    /* it has; its row is added to it */
} VitPrefixPosition;

/* A normalisation of every token, over its D values, in the input stage. */
typedef enum {
  VIT_INPUT_NORM_NONE,
  VIT_INPUT_NORM_LAYER, /* LayerNorm over all tokens, after the positions (CLIP) */
  VIT_INPUT_NORM_RMS,   /* RMSNorm of the patch tokens, before the positions (AIMv2) */
} VitInputNorm;

#define VIT_LAYOUT_MAX_PREFIX 3
#define VIT_LAYOUT_MAX_MARKS 10

/* One tensor of prefix tokens: [D], [k][D] or [1][k][D], k of them. */
typedef struct {
  const char *tensor;
  const char *kind; /* "cls", "register" or "distillation" */
  gboolean required;
  VitPrefixPosition position;
} VitPrefixTensor;

/* A tensor that tells layouts apart without being read. */
typedef struct {
  const char *tensor;
  guint rank; /* that it must have; 0: any */
} VitMark;

typedef struct {
  const char *name; /* what a person reads, "hf-dinov2" */
  VitOrigin origin;
  gboolean by_name_only; /* its tensors could be another's: a family names it */

  const char *patch_weight; /* ends the key by which the tower is found */
  const char *patch_bias;   /* NULL: the family has none */
  VitPatchShape patch_shape;
  gboolean bias_optional; /* left out by some models of the family */

  const char *table; /* of positions; NULL: none, or the rule computes them */
  VitTableShape table_shape;
  guint table_unused; /* rows of the table before the first that counts */

  /* In the order in which the family concatenates them, before the patches;
   * rows of the position table are in the same order. */
  VitPrefixTensor prefix[VIT_LAYOUT_MAX_PREFIX];
  /* Some models of the family store a table of the N patches alone; prefix
   * tokens then have no position whatever `prefix` says. */
  gboolean prefix_rows_optional;

  VitInputNorm norm;
  const char *norm_weight;
  const char *norm_bias; /* NULL: the norm has none */
  double norm_epsilon;   /* where no config says otherwise */

  VitPositionRule rule;                  /* what AUTO stands for */
  const VitNormalisation *normalisation; /* where no config says otherwise */

  VitMark present[2];                       /* all must be there, unless a
                                               family names the layout */
  const char *absent[VIT_LAYOUT_MAX_MARKS]; /* none may be there */
} VitLayout;

/* Tensors by which a model is refused.  The sentence completes "FILE: ". */
typedef struct {
  const char *tensor; /* relative to the tower; `anywhere`: ends a key */
  guint rank;         /* 0: any; looked at only where `anywhere` */
  gboolean anywhere;  /* consulted only when no layout fits */
  const char *refusal;
} VitRefusal;

/* All rows; without a config the first that fits is taken, so a layout with
 * more particular tensors stands above one with fewer. */
const VitLayout *vit_layout_list (gsize *n_layouts);
const VitRefusal *vit_refusal_list (gsize *n_refusals);

G_END_DECLS
