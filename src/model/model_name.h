/* SPDX-License-Identifier: MIT
 *
 * What a model is called, and a few digits by which another of the same name is
 * told from it:
 *
 *     dinov2-small#1a2b3c4d
 *
 * The name is, the first that there is and that says something:
 *
 *     of a file or folder in the hub's cache, the hub's: facebook/dinov2-small
 *     the file's own, without its endings: dinov2_vits14_pretrain
 *     config.json's _name_or_path, or timm's architecture and tag:
 *         vit_small_patch14_dinov2.lvd142m
 *     the folder's, or that of the folder it is in
 *     the layout's
 *
 * "model", "pytorch_model" and their like, numbers and hashes say nothing.
 *
 * Thread-safety: none is needed; no state.
 */
#pragma once

#include "files/checkpoint.h"
#include "model/config.h"
#include "model/model.h"

G_BEGIN_DECLS

/* Bytes of the longest name. */
#define VIT_MODEL_NAME_MAX 200

/* `path`: what the user gave.  (transfer full): UTF-8 of at most
 * VIT_MODEL_NAME_MAX bytes, that prints, never empty. */
char *vit_model_name (
    const char *path, const VitConfig *config, const VitLayout *layout);

/* The first digits of a SHA-256 of the headers of all files that were opened and
 * of the values that were read from them: the same for the same files, wherever
 * they lie and whatever they are called. */
void vit_model_set_digest (VitModel *model, const VitCheckpoint *checkpoint);

G_END_DECLS
