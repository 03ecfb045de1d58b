/* SPDX-License-Identifier: MIT
 *
 * Small whole models in a test's folder, which spoil or vary them.
 */
#pragma once

#include "encoder/encoder_weights.h"
#include "support/model_folder.h"

G_BEGIN_DECLS

/* Hugging Face's ViT: D = 12, two heads, two blocks, a hidden layer of 20, a
 * class token, a table of 3 x 3; all values small and different. */
Weights *weights_new_vit (void);

/* Its config.json. */
void folder_write_vit_config (void);

/* Both, with `weights` (transfer full). */
void folder_write_vit (Weights *weights);

/* Gives a tensor small values, all different. */
void weights_vary (Weights *weights, const char *name, gsize n);

/* Opens the folder's encoder, which must succeed. */
VitEncoderWeights *folder_load_encoder (void);

/* Expects an error of `code` that begins with a path in the folder and has each
 * of the texts; NULL ends them. */
void assert_encoder_refused (int code, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
