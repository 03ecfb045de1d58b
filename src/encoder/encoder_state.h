/* SPDX-License-Identifier: MIT
 *
 * What an encoder consists of, for the two files that need to know: encoder.c
 * makes it, encoder_run.c runs it.
 */
#pragma once

#include "encoder/encoder.h"
#include "encoder/scratch.h"

G_BEGIN_DECLS

struct _VitEncoder {
  VitEncoderWeights *weights;
  VitEncoderSettings settings;
  guint *layers; /* [n_layers] */
  guint n_layers;
  guint last;    /* block after which nothing more is wanted */
  VitEncoderHead embedding; /* that is made; owns nothing */
  const VitEncoderHead *head; /* it, or the weights' own */
  const VitEncoderNorm *norm; /* of features that are normed; NULL: none */
  VitEncoderScratch scratch;
  guint rows_left_out; /* by the last run */
};

static inline gboolean
vit_encoder_makes_embedding (const VitEncoder *encoder)
{
  return encoder->head->pool != VIT_POOL_NONE;
}

/* By the model's classifiers, which texts stand in for. */
static inline gboolean
vit_encoder_makes_own_logits (const VitEncoder *encoder)
{
  return encoder->settings.logits && encoder->weights->n_logits > 0
         && !encoder->settings.classes;
}

static inline gboolean
vit_encoder_makes_logits (const VitEncoder *encoder)
{
  return encoder->settings.classes || vit_encoder_makes_own_logits (encoder);
}

static inline gboolean
vit_encoder_makes_vectors (const VitEncoder *encoder)
{
  return vit_encoder_makes_embedding (encoder)
         || vit_encoder_makes_logits (encoder);
}

G_END_DECLS
