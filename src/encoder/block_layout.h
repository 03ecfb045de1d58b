/* SPDX-License-Identifier: MIT
 *
 * How families name the tensors of a block: where its blocks stand, and for each
 * part of one all names it goes by.  Which of them a checkpoint has is seen from
 * its tensors; no code outside block_layout.c knows one by name.
 *
 * Thread-safety: constant data.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  VIT_PART_NORM1,
  VIT_PART_QKV, /* three maps in one tensor, or the three of them alone */
  VIT_PART_QUERY,
  VIT_PART_KEY,
  VIT_PART_VALUE,
  VIT_PART_QUERY_NORM,
  VIT_PART_KEY_NORM,
  VIT_PART_ATTENTION_NORM, /* of the attention's output */
  VIT_PART_PROJECTION,
  VIT_PART_SCALE1,
  VIT_PART_NORM2,
  VIT_PART_GATE,
  VIT_PART_UP, /* the MLP's first map; gate and it in one where it is packed */
  VIT_PART_MLP_NORM, /* of the hidden layer */
  VIT_PART_DOWN,
  VIT_PART_SCALE2,
  VIT_N_PARTS,
} VitPart;

#define VIT_PART_MAX_NAMES 9

/* After the block's number and a dot. */
typedef struct {
  const char *weight; /* NULL ends a list */
  const char *bias;   /* NULL: has none */
} VitPartName;

/* What stands before a block's number, after the tower's prefix; NULL-ended. */
const char *const *vit_block_paths (void);

/* [VIT_PART_MAX_NAMES + 1], the last with a NULL weight. */
const VitPartName *vit_part_names (VitPart part);

/* "the first norm", for messages */
const char *vit_part_title (VitPart part);

/* The biases of queries and values beside a joint weight. */
#define VIT_PART_QUERY_BIAS "attn.q_bias"
#define VIT_PART_VALUE_BIAS "attn.v_bias"

G_END_DECLS
