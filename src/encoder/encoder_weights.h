/* SPDX-License-Identifier: MIT
 *
 * All of an encoder that does not depend on the frame: the blocks' linear maps,
 * folded and packed, and what comes after the last block.
 *
 * Folded in double before rounding: a norm's weight and bias into the map behind
 * it, LayerScale into the map before it, log2 (e) / sqrt (head_dim) into the
 * queries or, where they have a norm, into its weight: so a softmax of 2^x is the
 * model's.
 *
 * D = embed_dim.
 *
 * Ownership: reference-counted and immutable once made.
 * Thread-safety: any number of threads may use one.
 */
#pragma once

#include "encoder/class_names.h"
#include "encoder/linear.h"
#include "encoder/rope.h"
#include "kernel/rows.h"

G_BEGIN_DECLS

/* No published model comes near these; larger ones are taken for damage. */
#define VIT_ENCODER_MAX_DEPTH 512
#define VIT_ENCODER_MAX_WIDTH 65536
#define VIT_ENCODER_MAX_HIDDEN 262144
#define VIT_ENCODER_MAX_HEADS 1024
#define VIT_ENCODER_MAX_QUERY_HEADS 126 /* of a pool */
#define VIT_ENCODER_MAX_BYTES ((guint64) 256 << 30)

/* Terms of the MLP's second map that are computed and used at once. */
#define VIT_ENCODER_CHUNK 512

/* A norm with what follows it. */
typedef struct {
  VitNormKind kind;
  float epsilon;
  gsize n;       /* values of a row; 0: there is no such norm */
  float *weight; /* [n] or NULL */
  float *bias;   /* [n] or NULL */
} VitEncoderNorm;

typedef struct {
  VitLinear query; /* [attention_dim][D] */
  VitLinear key;   /* likewise */
  VitLinear value; /* likewise */
  VitEncoderNorm query_norm; /* over head_dim, or over attention_dim */
  VitEncoderNorm key_norm;   /* likewise */
  VitEncoderNorm attention_norm; /* of the attention's output; weights folded */
  VitLinear projection; /* [D][attention_dim] */
  VitLinear up;         /* [hidden][D]; gated: the gates, and the other half from
                           channel vit_encoder_up_offset() on */
  VitEncoderNorm mlp_norm; /* of the hidden layer; weights folded */
  VitLinear down;       /* [D][hidden], in chunks */
} VitEncoderBlock;

/* So that a panel's first channel is one of the second half's. */
#define VIT_ENCODER_HALF_ALIGN 64

static inline guint
vit_encoder_up_offset (guint hidden)
{
  return (hidden + VIT_ENCODER_HALF_ALIGN - 1) / VIT_ENCODER_HALF_ALIGN
         * VIT_ENCODER_HALF_ALIGN;
}

/* How rows become one vector. */
typedef enum {
  VIT_POOL_NONE,
  VIT_POOL_TOKEN,        /* row `n` */
  VIT_POOL_MEAN_PREFIX,  /* the mean of the first `n` rows */
  VIT_POOL_MEAN_PATCHES, /* the mean of all rows that are patches */
  VIT_POOL_CLASS_MEAN,   /* row 0, and then the mean of the patches: 2 D values */
  VIT_POOL_ATTENTION,    /* one learned query */
  VIT_POOL_EMBEDDING,    /* the embedding before its projection */
} VitPool;

/* One query over all rows: its scores are a linear map of each row, and so is
 * what a head makes of the rows' weighted sum. */
typedef struct {
  gboolean patches_only;     /* prefix tokens are left out */
  guint n_heads;
  VitEncoderNorm input_norm; /* of each row; weights folded */
  VitLinear scores;          /* [n_heads][D] */
  VitLinear value;           /* [attention_dim][D] */
  VitLinear projection;      /* [out][attention_dim] */
  VitEncoderNorm mlp_norm;   /* y + mlp (norm (y)); none: y */
  VitActivation activation;
  VitLinear up;
  VitLinear down;            /* whole */
} VitAttentionPool;

/* From rows to a vector. */
typedef struct {
  VitPool pool;
  guint n;
  gboolean raw;        /* of the last block's output, not of what is normed */
  VitEncoderNorm norm; /* of the pooled vector */
  VitLinear linear;    /* of that */
} VitEncoderHead;

/* Which of a model's vectors lies in one space with those of texts. */
typedef enum {
  VIT_JOINT_NONE,
  VIT_JOINT_EMBEDDING,
  VIT_JOINT_LOGITS, /* timm calls the projection a classifier */
} VitJointVector;

/* What a model says of the likeness of a picture and a text: scale * cosine +
 * bias. */
typedef struct {
  VitJointVector vector;
  gboolean has_scale;
  double scale;
  gboolean has_bias; /* each text was trained by itself, by a sigmoid */
  double bias;
} VitJointSpace;

/* What was decided and by what. */
typedef struct {
  guint n_heads;
  double epsilon;
  VitNormKind norm;
  VitActivation activation;
  VitRope rope;
  char *reason; /* for people: each of these with its source */
} VitEncoderChoices;

typedef struct {
  char *id;          /* a short name, as the input stage's VitModel.id; likewise: */
  char digest[9];
  char **files;      /* all that were read */
  GArray *file_states;
  guint patch_size;
  guint embed_dim;   /* D */
  guint n_prefix_tokens;
  gboolean has_class_token; /* prefix token 0 is one, not a register */
  guint depth;       /* blocks */
  guint attention_dim;
  guint head_dim;
  guint hidden;      /* of the MLP, gates not counted */
  gboolean gated;
  VitEncoderChoices choices;
  const VitKernelF32 *kernel; /* whose panels these are */
  VitEncoderBlock *blocks;    /* [depth] */

  VitEncoderNorm final_norm;    /* of all rows; none: the features are raw */
  gboolean inner_layers_normed; /* by the package, those before the last too */
  VitAttentionPool attention_pool; /* n_heads is 0 where there is none */
  VitEncoderHead embedding;
  VitEncoderHead logits[2];     /* their mean is the logits */
  guint n_logits;               /* heads: 0, 1 or 2 */
  VitJointSpace joint;
  char **class_names; /* (nullable): of the logits, NULL-terminated; see
                         class_names.h */
  VitLogitsMeaning logits_meaning;
} VitEncoderWeights;

/* Instead of what config or table says; AUTO: that. */
typedef struct {
  VitActivation activation;
  VitRopeRule rope;
} VitEncoderOverrides;

/* Reads the encoder of the model at `path`, of which `prefix` (nullable) names
 * the tower, as vit_model_load().  Tensors are read a few rows at a time straight
 * to where they stay.  Errors: those of vit_model_load(): UNSUPPORTED for what
 * the encoder cannot compute, by name; TENSOR for a block that lacks a tensor, or
 * has one that nothing here would use, and for a checkpoint that holds an input
 * stage alone; VALUE for weights whose products leave float32; SETTING for an
 * override that does not fit. */
VitEncoderWeights *vit_encoder_weights_load (const char *path,
    const char *prefix, const VitEncoderOverrides *overrides, GError **error);

/* The same, but what is in use and was read from the same files with the same
 * overrides is given again, as vit_model_share() does. */
VitEncoderWeights *vit_encoder_weights_share (const char *path,
    const char *prefix, const VitEncoderOverrides *overrides, GError **error);

VitEncoderWeights *vit_encoder_weights_ref (VitEncoderWeights *weights);
void vit_encoder_weights_unref (VitEncoderWeights *weights); /* (nullable) */

/* Values of the vector that a head's pool makes, before its map; 0: there is none. */
guint vit_encoder_weights_pooled_dim (
    const VitEncoderWeights *weights, const VitEncoderHead *head);

/* Values of an embedding and of the logits; 0: there are none. */
guint vit_encoder_weights_embedding_dim (const VitEncoderWeights *weights);
guint vit_encoder_weights_n_classes (const VitEncoderWeights *weights);

/* Values of the vector that lies in one space with texts; 0: there is none. */
guint vit_encoder_weights_joint_dim (const VitEncoderWeights *weights);

/* "gelu", "gelu-tanh", "quick-gelu", "silu" */
const char *vit_activation_name (VitActivation activation);

G_END_DECLS
