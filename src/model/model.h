/* SPDX-License-Identifier: MIT
 *
 * The input stage of a Vision Transformer: what is needed to turn pixels into
 * the tensor that enters the first transformer block, and nothing else.
 *
 * Notation: D = embed_dim, P = patch_size.  A patch is a vector of 3 P P
 * samples in the order [channel][y][x], channels R, G, B.
 *
 *     token(patch) = W x + b + position,  x = (pixel / 255 - mean) / std
 *
 * Ownership: a VitModel is reference-counted and immutable once made; so all
 * who use the same files can share one.
 * Thread-safety: any number of threads may use one.
 */
#pragma once

#include "model/layout.h"

G_BEGIN_DECLS

typedef struct {
  char *id;            /* its name, by model_name.h; "builtin" */
  char digest[9];      /* eight hexadecimal digits, which another model of the
                          same name has others of */
  const char *layout;  /* the row of the layout table, or "builtin" */
  const char *reason;  /* vit_model_explain() where nothing was set */
  char *rule_reason;   /* where the rule came from, for people; likewise: */
  char *normalisation_reason; /* mean and std */
  char *remarks;       /* (nullable) what else the files made of it */
  gboolean rule_is_assumed;          /* no file says which model this is */
  gboolean normalisation_is_assumed; /* no file says mean and std */
  char *unused_adapter; /* (nullable): the adapter with the weights that changes
                           nothing here, or is beside the file that was given */
  char **files;        /* all files that were read, NULL-terminated */
  GArray *file_states; /* (nullable) the same as VitFileState, as they were opened */

  guint patch_size;    /* P, pixels */
  guint embed_dim;     /* D */

  float *weight;       /* [D][3][P][P] */
  float *bias;         /* [D]; zeros where the family has none */

  guint n_prefix_tokens;
  float *prefix_tokens; /* [n_prefix_tokens][D], position rows already added */
  const char **prefix_names; /* n_prefix_tokens of "cls", "register", "distillation" */

  guint table_rows;    /* the stored position grid; 0 when there is none */
  guint table_cols;
  float *table;        /* [table_rows * table_cols][D], prefix rows taken off */
  VitPositionRule rule; /* what AUTO stands for; NONE without a table */

  VitInputNorm norm;
  float *norm_weight;  /* [D] or NULL */
  float *norm_bias;    /* [D] or NULL */
  double norm_epsilon;

  double mean[3];      /* of x = (pixel / 255 - mean) / std */
  double std[3];
} VitModel;

/* No published model comes near these; larger ones are taken for damage. */
#define VIT_MODEL_MAX_PATCH_SIZE 256
#define VIT_MODEL_MAX_EMBED_DIM 65536
#define VIT_MODEL_MAX_PREFIX_TOKENS 1024
#define VIT_MODEL_MAX_TABLE_SIDE 4096
#define VIT_MODEL_MAX_VALUES (1u << 28) /* of one array: 1 GiB */
#define VIT_MODEL_MAX_WEIGHTS (1u << 26) /* of a file's projection: each costs
                                            time before the first frame */

/* Reads the model at `path`: a .safetensors file, a .safetensors.index.json,
 * a model's folder in the hub's cache, by its refs/main or only snapshot,
 * or a folder with the weights and, where the family ships them, config.json,
 * preprocessor_config.json or open_clip_config.json beside them.  Of a file
 * that holds several vision towers `prefix` names one: what stands before its
 * tensors' names, "vision_model"; NULL where there is only one.
 *
 * Of a folder, config.json decides which layout it is, and a model_type that
 * is not known is an error.  Of a file, the configs beside it are used where
 * they are understood (one that is refused by name is an error here, too);
 * else the names of the tensors alone decide, and `reason` says what was
 * assumed.  An adapter in the folder (LoRA) that changes what is read is an
 * error, one that does not is a note in `reason`.  Errors: every code but FRAME_SIZE, SETTING
 * for `prefix` alone; the message names file, tensor, found and expected.
 *
 * A file that is written to in place while it is read is an error, READ, as
 * what was read may be of both states.  Of one that another is renamed to, the
 * former is read to its end. */
VitModel *vit_model_load (
    const char *path, const char *prefix, GError **error);

/* The same, but a model that is in use and was read from the same files is
 * given again: whatever the spelling of `path`, the same device, inode, size
 * and time of change of every file it was read from, and none of the configs
 * that could lie beside it come or gone since.  "Since" is since each was
 * opened, or before the reading began where it was not there: a model whose
 * files were replaced while they were read is given to who asked, but to nobody
 * who asks after that.  Nothing is kept once the last reference is dropped.
 * Thread-safety: any; who asks for a model that another thread is reading
 * waits for it. */
VitModel *vit_model_share (
    const char *path, const char *prefix, GError **error);

/* An empty model for whoever fills one: all values zero, std 1, one reference,
 * which makes it immutable once it is handed out.  `prefix_names` and strings
 * are still to be set; `table_rows` is 0 for a model without positions.
 * Errors: UNSUPPORTED for a size past the limits above; NO_MEMORY. */
VitModel *vit_model_alloc (guint patch_size, guint embed_dim,
    guint n_prefix_tokens, guint table_rows, guint table_cols,
    GError **error);

/* The built-in model, which needs no file: see builtin.h for its numbers. */
VitModel *vit_model_new_builtin (guint patch_size, guint embed_dim,
    GError **error);

/* (transfer full): for people, where rule, mean and std in force came from.
 * `rule`: what was set instead of the model's; AUTO: nothing was. */
char *vit_model_explain (const VitModel *model, VitPositionRule rule,
    gboolean mean_is_set, gboolean std_is_set);

VitModel *vit_model_ref (VitModel *model);
void vit_model_unref (VitModel *model);

G_END_DECLS
