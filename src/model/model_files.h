/* SPDX-License-Identifier: MIT
 *
 * From what a user gives as a model, a file or a folder, to the file with the
 * weights and to what the configs beside it say.  Here stands what is refused
 * by the name of a file or of a model.
 */
#pragma once

#include "model/config.h"

G_BEGIN_DECLS

typedef struct {
  char *weights;     /* a .safetensors file or an index of shards */
  VitConfig *config; /* never NULL */
  char *set_aside;   /* why a config beside the file was not used, or NULL */
  char *adapter;     /* why an adapter beside it was not used, or NULL */
  gboolean is_folder; /* what was given, not the file itself */
} VitModelFiles;

/* A folder's config must be understood, and a model_type that is unknown or
 * refused is an error.  Beside a file that was given itself a config that is
 * not understood is set aside; one that is refused by name is still an error,
 * since the tensors may look like another family's.  Errors: NOT_FOUND, READ,
 * CONFIG, UNSUPPORTED.  Clear with vit_model_files_clear(), also after an
 * error. */
gboolean vit_model_files_find (
    const char *path, VitModelFiles *files, GError **error);
void vit_model_files_clear (VitModelFiles *files);

G_END_DECLS
