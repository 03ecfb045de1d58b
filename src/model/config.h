/* SPDX-License-Identifier: MIT
 *
 * What the JSON files beside the weights say about a model, of the three
 * kinds of folders that people download:
 *
 *     Hugging Face  config.json {model_type, patch_size, hidden_size, ...},
 *                   processor_config.json {image_processor {image_mean, ...}},
 *                   preprocessor_config.json {image_mean, image_std, ...}
 *     timm          config.json {architecture, pretrained_cfg {mean, std}}
 *     OpenCLIP      open_clip_config.json {model_cfg {vision_cfg},
 *                   preprocess_cfg {mean, std}}
 *
 * A value of a wrong type is an error that names file and key; a value that
 * is not there stays unknown, and the layout's default stands.
 */
#pragma once

#include <jansson.h>

#include "model/family.h"
#include "model/layout.h"

G_BEGIN_DECLS

typedef struct {
  char *source;            /* the file that describes the model, or NULL */
  char *name;              /* model_type or architecture, escaped for messages;
                           NULL where no file names the model */
  char *model_name;        /* what this one model of the family is called, as the
                              file has it; NULL: it does not say */
  const char *name_key;    /* which of the two; constant */
  const VitFamily *family; /* NULL: unknown, or no file names the model */
  VitPositionRule rule;    /* the family's, AUTO: the layout's */
  const VitNormalisation *family_normalisation; /* NULL: the layout's */
  const char *processor;   /* class of its image processor, or NULL: unknown, or
                              the config gives mean and std itself */

  guint patch_size; /* 0: unknown, as for the next three */
  guint embed_dim;
  guint image_height; /* pixels, of the frames that the table is for */
  guint image_width;
  gboolean sizes_table;      /* the table is of that size, by the family's code */
  int n_registers;           /* -1: unknown */
  double layer_norm_epsilon; /* 0: unknown */
  double rms_norm_epsilon;   /* likewise */

  VitStatedNormalisation stated;

  char *quantised_by; /* how config.json says that the weights are quantised,
                         escaped for messages; NULL: it does not */

  /* The file that names the model, for who needs more of it than the above; both
   * are NULL where there is none. */
  json_t *root;  /* its values */
  json_t *tower; /* those of them that describe the vision tower; may be `root`,
                    and NULL where the file leaves the object out */

  GArray *files; /* of VitFileState: all that were read */
} VitConfig;

/* Reads the file in `folder` that describes the model.  `open_clip`: that of
 * OpenCLIP goes before config.json, for a folder that has both.  Without any
 * such file the result knows nothing.  A model_type that no row lists is no
 * error here; of one that is not known, and of a file that gives none, patch
 * size, image size and epsilon are read.  Errors: CONFIG, READ; UNSUPPORTED
 * for a mean, std or patch size that cannot be.  Free with vit_config_free(). */
VitConfig *vit_config_load (
    const char *folder, gboolean open_clip, GError **error);

/* Reads what image processors beside the config say about mean and std, where
 * they count beside this config.  Errors: as of vit_image_processor_read(). */
gboolean vit_config_read_image_processor (
    VitConfig *config, const char *folder, GError **error);

/* The names of all files whose coming or going beside the weights may make
 * another model of them; NULL-terminated. */
const char *const *vit_config_file_names (void);

/* Appends, as they are now, all files that could be read for the model at `path`,
 * a folder or a file in one. */
void vit_config_add_files (GArray *files /* of VitFileState */, const char *path);

/* A config that knows nothing. */
VitConfig *vit_config_new (void);
void vit_config_free (VitConfig *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitConfig, vit_config_free)

G_END_DECLS
