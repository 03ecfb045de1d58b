/* SPDX-License-Identifier: MIT
 *
 * An adapter (LoRA and the like, as peft saves them) in the folder of a model:
 *
 *     adapter_config.json          what kind it is, of which model
 *     adapter_model.safetensors    what it changes, by names of tensors
 *
 * transformers applies it when the folder is loaded.  Here it is not: where it
 * changes a tensor that is read the folder is refused, where it provably changes
 * others alone the tokens are the same without it, and a note says so.  Who
 * gives the file of the weights themselves has asked for those, and gets the
 * note too.
 *
 * Thread-safety: none is needed; no state.
 */
#pragma once

#include "model/beside.h"

G_BEGIN_DECLS

/* Whether a file of this name, without its folder, is an adapter's. */
gboolean vit_adapter_is_name (const char *name);

/* `weights`: the file that is read; `is_folder`: its folder was given.  *note
 * (transfer full): why an adapter is not used, or NULL.  What is read is
 * appended to `files`.  Errors: UNSUPPORTED; those of vit_safetensors_open(). */
gboolean vit_adapter_check (const char *weights, gboolean is_folder,
    const VitUsedTensors *used, GArray *files /* of VitFileState */,
    char **note, GError **error);

G_END_DECLS
