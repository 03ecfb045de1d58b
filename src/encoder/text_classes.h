/* SPDX-License-Identifier: MIT
 *
 * Classes that are told by texts: vectors that a model's text tower made, each with
 * a name, beside which a picture's vector is laid.  As CLIP, OpenCLIP and SigLIP
 * compute logits_per_image,
 *
 *     score = scale * cosine (vector of the text, vector of the picture) + bias
 *
 * The file is a safetensors file:
 *
 *     text_features  [n][dim], F16, BF16, F32 or F64, rows of any length; under
 *                    another name where it is the only matrix
 *     __metadata__   names: a JSON array of n strings, as text; without it the
 *                           array stands in FILE.json beside FILE.safetensors
 *                    scale: a number, as text; without it the checkpoint's scale
 *                           and bias count
 *                    bias:  likewise, beside a scale: there must be one where the
 *                           checkpoint has a bias; without it there is none
 *
 * Ownership: reference-counted and immutable once made.
 * Thread-safety: any number of threads may use one.
 */
#pragma once

#include "encoder/encoder_weights.h"

G_BEGIN_DECLS

#define VIT_TEXT_CLASSES_MAX 65536
#define VIT_TEXT_CLASSES_MAX_VALUES (1 << 26)

/* The fields are for reading. */
typedef struct {
  guint n;
  guint dim;
  float *vectors; /* [n][dim]: of length 1 */
  double scale;
  double bias;
  gboolean has_bias; /* a class is as probable as the sigmoid of its score, whatever
                        the others are; without it a softmax over all */
  char **names;   /* NULL-terminated: UTF-8, at most VIT_CLASS_NAME_MAX bytes,
                     control characters escaped */
  char *reason;   /* for people: scale and bias, with their source */
} VitTextClasses;

/* Of the file at `path`, for pictures of the model that `weights` are of.  Errors:
 * those of vit_safetensors_open() and vit_safetensors_read(); TENSOR for a file
 * without such a matrix; VALUE for a vector of zeros; CONFIG for names, scale or
 * bias that make no sense; SETTING for a model that shares no space with texts, or
 * one of another dimension, or whose scale nobody says, or whose bias a scale alone
 * would leave out; UNSUPPORTED for more than the above; NO_MEMORY. */
VitTextClasses *vit_text_classes_load (const char *path,
    const VitEncoderWeights *weights, GError **error);

VitTextClasses *vit_text_classes_ref (VitTextClasses *classes);
void vit_text_classes_unref (VitTextClasses *classes); /* (nullable) */

/* In double, rounded once.  A vector of zeros is like none of them: its cosines are
 * 0. */
void vit_text_classes_score (const VitTextClasses *classes,
    const float *vector /* [dim] */, float *scores /* [n] */);

G_END_DECLS
