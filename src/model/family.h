/* SPDX-License-Identifier: MIT
 *
 * The table of families: which rows of the layout table a configuration file's
 * name for a model stands for, or why no model of that name can be used.
 *
 * Thread-safety: constant data.
 */
#pragma once

#include "model/layout.h"

G_BEGIN_DECLS

/* What a configuration file's name for a model means.  Either `refusal` is
 * set, or `layouts`, or `inside`, or none of them: any layout of `origin`. */
typedef struct {
  VitOrigin origin;
  const char *name;    /* a model_type; of timm, a pattern of architectures */
  const char *layouts[2]; /* the rows of the layout table that will do */
  const char *inside;  /* the object of the file that describes the tower; its
                          own model_type, where it has one, decides */
  const char *inside_before; /* the same by a former name, which goes first */
  const char *refusal; /* why no model of this name can be used */
  VitPositionRule rule;                  /* AUTO: the layout's */
  const VitNormalisation *normalisation; /* NULL: the layout's */
  double norm_epsilon; /* of its LayerNorms; 0: the layout's */
  const char *processor; /* Hugging Face: the class of its image processor */
} VitFamily;

/* Whether `family` (nullable: anything) allows `layout`. */
gboolean vit_family_allows (const VitFamily *family, const VitLayout *layout);

/* (nullable): the row for a name that a config of `origin` gives. */
const VitFamily *vit_family_find (VitOrigin origin, const char *name);

/* The names of all usable families of `origin`, "a, b, c". (transfer full) */
char *vit_family_names (VitOrigin origin);

G_END_DECLS
