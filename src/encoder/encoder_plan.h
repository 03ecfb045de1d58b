/* SPDX-License-Identifier: MIT
 *
 * What no tensor tells about an encoder: heads, epsilon, activation, rotary rule,
 * what the family calls its features, embedding and logits.  Each comes from the
 * config, else from a table by the config's name for the model, and is noted
 * with its source; what neither says is refused, or assumed and noted so.
 *
 * One file a package: plan_hugging_face.c, plan_timm.c, plan_open_clip.c.  Rules
 * and defaults as in transformers 5.23, timm 1.0.31 and open_clip 3.3.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "encoder/encoder_weights.h"
#include "files/section.h"
#include "model/stage.h"

G_BEGIN_DECLS

/* The pools that learn a query, by whose tensors they have. */
typedef enum {
  VIT_QUERY_NONE,
  VIT_QUERY_HUGGING_FACE, /* head.probe, SigLIP */
  VIT_QUERY_TIMM,         /* attn_pool.latent */
  VIT_QUERY_AIMV2,        /* head.cls_token */
  VIT_QUERY_COCA,         /* attn_pool.query */
} VitQueryKind;

typedef struct {
  VitPool pool;
  guint n;
  gboolean raw;
  char *norm;      /* of the pooled vector: a tensor's whole name less ".weight" */
  char *linear;    /* likewise; NULL: none */
  gboolean transposed; /* `linear` is a whole name, of a [D][out] without a bias */
} VitHeadPlan;

typedef struct {
  guint n_heads;
  double epsilon;
  double query_norm_epsilon; /* of the norms of queries and keys */
  gboolean rms;              /* by table: norms are RMS norms */
  VitActivation activation;
  VitActivation gated_activation; /* where the MLP has a gate; AUTO: the same */
  VitRope rope;
  guint n_last_blocks; /* that are not computed */
  char *final_norm;    /* a whole name less ".weight"; NULL: features are raw */
  gboolean inner_layers_normed;
  const char *missing; /* why it cannot be, if the blocks are there; NULL: it can */

  VitQueryKind query;
  guint n_query_heads;
  gboolean query_patches_only;
  VitActivation query_activation; /* AUTO: the blocks' */

  VitHeadPlan embedding;
  VitHeadPlan logits[2];
  guint n_logits;

  VitJointVector joint;
  double max_joint_scale; /* that the package allows; 0: any */

  GString *reason; /* "heads 6: num_attention_heads in config.json; ..." */
} VitEncoderPlan;

/* Errors: UNSUPPORTED for a family that the encoder cannot compute, by name;
 * CONFIG.  Clear with vit_encoder_plan_clear(), also after an error. */
gboolean vit_encoder_plan_init (VitEncoderPlan *plan, const VitStage *stage,
    GError **error);
void vit_encoder_plan_clear (VitEncoderPlan *plan);

/* Always FALSE: "FILE: KEY: `why`". */
gboolean vit_encoder_plan_refuse (
    const VitStage *stage, const char *why, GError **error);

/* One package's part.  `section`: what the config says, NULL object where
 * nothing. */
gboolean vit_plan_hugging_face (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error);
gboolean vit_plan_timm (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error);
gboolean vit_plan_open_clip (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error);
/* A timm tower inside an OpenCLIP model: after vit_plan_timm(). */
gboolean vit_plan_open_clip_tower (VitEncoderPlan *plan, const VitStage *stage,
    const VitSection *section, GError **error);

/* Appends "WHAT: SOURCE" to the reason. */
void vit_plan_note (VitEncoderPlan *plan, const char *source,
    const char *format, ...) G_GNUC_PRINTF (3, 4);

/* "KEY in FILE" or `otherwise`. (transfer full) */
char *vit_plan_source (const VitSection *section, const char *key,
    gboolean found, const char *otherwise);

/* D / 64 for the widths that all models have with heads of 64; an error for
 * others, which no file says anything about. */
gboolean vit_plan_assume_heads (
    VitEncoderPlan *plan, const VitStage *stage, GError **error);

/* By the names that configs have for it.  FALSE, an error: unknown. */
gboolean vit_plan_activation (const VitSection *section, const char *key,
    const char *name, VitActivation *activation, GError **error);

/* (transfer full, nullable): the tower's prefix followed by `name`, where that
 * and ".weight" is there. */
char *vit_plan_tensor (const VitStage *stage, const char *name);
/* The same with the prefix less its last component, or without one. */
char *vit_plan_outer_tensor (const VitStage *stage, const char *name);
/* (transfer full, nullable): likewise, but of a tensor of this whole name. */
char *vit_plan_outer_name (const VitStage *stage, const char *tensor);
/* Whether the tower has a tensor of this whole name. */
gboolean vit_plan_has (const VitStage *stage, const char *tensor);

/* Adds a classifier. */
void vit_plan_add_logits (VitEncoderPlan *plan, VitPool pool, guint n,
    gboolean raw, char *linear /* (transfer full) */);

G_END_DECLS
