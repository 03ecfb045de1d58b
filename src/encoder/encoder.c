/* SPDX-License-Identifier: MIT
 *
 * A frame's way through the blocks, as phases that workers share: in each the
 * tasks are dealt out by a counter, and the next begins when all are done.
 *
 *     tokens of block 1 -> [attention -> tokens of blocks l and l + 1]... -> heads
 *
 * A task writes what no other task of its phase reads or writes, and computes the
 * same whoever takes it.
 */
#include "encoder/encoder.h"

#include <string.h>

#include "encoder/block.h"
#include "encoder/head.h"

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
};

/* One phase of a frame. */
typedef struct {
  VitEncoder *encoder;
  const VitEncoderFrame *frame;
  VitAttention attention;
  guint block; /* whose attention, or whose end */
  void (*run) (gpointer phase, guint task, VitEncoderWorker *worker);
  guint n_tasks;
  gint next;   /* atomic */
} Phase;

static gboolean
makes_embedding (const VitEncoder *encoder)
{
  return encoder->head->pool != VIT_POOL_NONE;
}

static gboolean
makes_logits (const VitEncoder *encoder)
{
  return encoder->settings.logits && encoder->weights->n_logits > 0;
}

static gboolean
makes_vectors (const VitEncoder *encoder)
{
  return makes_embedding (encoder) || makes_logits (encoder);
}

static gboolean
check_layers (const VitEncoderWeights *weights,
    const VitEncoderSettings *settings, GError **error)
{
  for (guint i = 0; i < settings->n_layers; i++)
    if (settings->layers[i] < 1 || settings->layers[i] > weights->depth
        || (i > 0 && settings->layers[i] <= settings->layers[i - 1])) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
          "features after block %u are asked for; expected ascending numbers "
          "from 1 to %u, as many blocks as the model %s has",
          settings->layers[i], weights->depth, weights->id);
      return FALSE;
    }
  return TRUE;
}

/* The norm that FINAL means: of all tokens, or where the package norms the class
 * token alone, that. */
static const VitEncoderNorm *
find_norm (const VitEncoderWeights *weights)
{
  if (weights->final_norm.n)
    return &weights->final_norm;
  if (weights->embedding.norm.n == weights->embed_dim && weights->embedding.raw)
    return &weights->embedding.norm;
  return NULL;
}

static gboolean
set_norm (VitEncoder *encoder, GError **error)
{
  encoder->norm = find_norm (encoder->weights);
  if (encoder->settings.norm != VIT_FEATURE_NORM_FINAL || encoder->norm)
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
      "norm is final, but the model %s has no norm behind its last block",
      encoder->weights->id);
  return FALSE;
}

static gboolean
set_embedding (VitEncoder *encoder, GError **error)
{
  static const VitPool pools[]
      = { [VIT_EMBEDDING_NONE] = VIT_POOL_NONE,
          [VIT_EMBEDDING_CLASS] = VIT_POOL_TOKEN,
          [VIT_EMBEDDING_MEAN] = VIT_POOL_MEAN_PATCHES,
          [VIT_EMBEDDING_CLASS_MEAN] = VIT_POOL_CLASS_MEAN };
  VitEmbeddingKind kind = encoder->settings.embedding;

  encoder->head = &encoder->weights->embedding;
  if (kind == VIT_EMBEDDING_AUTO)
    return TRUE;
  encoder->embedding.pool = pools[kind];
  encoder->head = &encoder->embedding;
  if (encoder->weights->has_class_token
      || (kind != VIT_EMBEDDING_CLASS && kind != VIT_EMBEDDING_CLASS_MEAN))
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
      "the embedding is to be of the class token, but the model %s has none",
      encoder->weights->id);
  return FALSE;
}

static gboolean
set_up (VitEncoder *encoder, GError **error)
{
  const VitEncoderSettings *settings = &encoder->settings;

  if (settings->precision != VIT_PRECISION_AUTO
      && settings->precision != VIT_PRECISION_F32) {
    g_set_error_literal (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the encoder's precision can be auto or f32");
    return FALSE;
  }
  if (settings->attention && !encoder->weights->has_class_token) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the class token's attention is asked for, but the model %s has none",
        encoder->weights->id);
    return FALSE;
  }
  return set_norm (encoder, error) && set_embedding (encoder, error);
}

VitEncoder *
vit_encoder_new (VitEncoderWeights *weights,
    const VitEncoderSettings *settings, GError **error)
{
  VitEncoder *encoder;

  if (!check_layers (weights, settings, error))
    return NULL;
  encoder = g_new0 (VitEncoder, 1);
  encoder->weights = vit_encoder_weights_ref (weights);
  encoder->settings = *settings;
  encoder->settings.n_workers = MAX (settings->n_workers, 1);
  encoder->n_layers = MAX (settings->n_layers, 1);
  encoder->layers = g_new (guint, encoder->n_layers);
  encoder->layers[0] = weights->depth;
  for (guint i = 0; i < settings->n_layers; i++)
    encoder->layers[i] = settings->layers[i];
  encoder->settings.layers = encoder->layers;
  if (!set_up (encoder, error)) {
    vit_encoder_free (encoder);
    return NULL;
  }
  encoder->last = makes_vectors (encoder) || settings->attention
                      ? weights->depth
                      : encoder->layers[encoder->n_layers - 1];
  return encoder;
}

void
vit_encoder_free (VitEncoder *encoder)
{
  if (!encoder)
    return;
  vit_encoder_scratch_clear (&encoder->scratch);
  vit_encoder_weights_unref (encoder->weights);
  g_free (encoder->layers);
  g_free (encoder);
}

/* `scratch` is to be cleared, also after an error. */
static gboolean
lay_out (const VitEncoder *encoder, const VitEncoderGrid *grids, guint n_grids,
    guint n_prefix_tokens, VitEncoderScratch *scratch, GError **error)
{
  g_autofree VitEncoderRegion *regions = NULL;

  memset (scratch, 0, sizeof *scratch);
  if (n_prefix_tokens != encoder->weights->n_prefix_tokens) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "tokens have %u prefix tokens, but those of the model %s have %u",
        n_prefix_tokens, encoder->weights->id,
        encoder->weights->n_prefix_tokens);
    return FALSE;
  }
  regions = g_new0 (VitEncoderRegion, n_grids);
  for (guint i = 0; i < n_grids; i++)
    regions[i] = (VitEncoderRegion) { .grid_rows = grids[i].rows,
      .grid_cols = grids[i].cols,
      .n_prefix_tokens = n_prefix_tokens };
  return vit_encoder_scratch_lay_out (scratch, encoder->weights, regions,
      n_grids, makes_vectors (encoder), encoder->settings.n_workers, error);
}

gboolean
vit_encoder_measure (const VitEncoder *encoder, const VitEncoderGrid *grids,
    guint n_grids, guint n_prefix_tokens, gsize *n_bytes, GError **error)
{
  VitEncoderScratch scratch;
  gboolean is_possible
      = lay_out (encoder, grids, n_grids, n_prefix_tokens, &scratch, error);

  *n_bytes = scratch.n_bytes;
  vit_encoder_scratch_clear (&scratch);
  return is_possible;
}

gboolean
vit_encoder_configure (VitEncoder *encoder, const VitEncoderGrid *grids,
    guint n_grids, guint n_prefix_tokens, GError **error)
{
  VitEncoderScratch scratch;

  if (!lay_out (encoder, grids, n_grids, n_prefix_tokens, &scratch, error)
      || !vit_encoder_scratch_take (&scratch, encoder->weights, error)) {
    vit_encoder_scratch_clear (&scratch);
    return FALSE;
  }
  vit_encoder_scratch_clear (&encoder->scratch);
  encoder->scratch = scratch;
  return TRUE;
}

gboolean
vit_encoder_layer_is_normed (const VitEncoder *encoder, guint i)
{
  const VitEncoderWeights *weights = encoder->weights;

  switch (encoder->settings.norm) {
    case VIT_FEATURE_NORM_NONE:
      return FALSE;
    case VIT_FEATURE_NORM_FINAL:
      return TRUE;
    default:
      return weights->final_norm.n > 0
             && (weights->inner_layers_normed
                 || encoder->layers[i] == weights->depth);
  }
}

static void
work (gpointer data, guint worker)
{
  Phase *phase = data;
  guint task;

  while ((task = (guint) g_atomic_int_add (&phase->next, 1)) < phase->n_tasks)
    phase->run (phase, task, &phase->encoder->scratch.workers[worker]);
}

static void
share (Phase *phase, guint n_tasks,
    void (*run) (gpointer phase, guint task, VitEncoderWorker *worker),
    VitParallelFor parallel, gpointer user_data)
{
  guint n_workers = MIN (phase->encoder->scratch.n_workers, n_tasks);

  phase->n_tasks = n_tasks;
  phase->run = run;
  g_atomic_int_set (&phase->next, 0);
  if (parallel && n_workers > 1)
    parallel (user_data, n_workers, work, phase);
  else
    work (phase, 0);
}

static guint
n_token_tasks (const VitEncoderScratch *scratch)
{
  return (scratch->n_tokens + scratch->block - 1) / scratch->block;
}

/* Which region token `t` is of; *t becomes its number there. */
static guint
region_of (const VitEncoderScratch *scratch, guint *t)
{
  guint region = vit_encoder_find_region (scratch, *t);

  *t -= scratch->regions[region].first;
  return region;
}

static void
take_tokens (const Phase *phase, guint first, guint n)
{
  VitEncoderScratch *scratch = &phase->encoder->scratch;
  gsize d = phase->encoder->weights->embed_dim;

  for (guint i = first; i < first + n; i++) {
    guint token = i, region = region_of (scratch, &token);

    memcpy (scratch->tokens + i * scratch->token_stride,
        phase->frame->tokens[region] + token * d, d * sizeof (float));
  }
}

/* As they are, or normed. */
static void
give_row (const Phase *phase, guint token, const VitEncoderNorm *norm,
    float *to)
{
  const VitEncoderScratch *scratch = &phase->encoder->scratch;
  const float *from = scratch->tokens + token * scratch->token_stride;
  gsize d = phase->encoder->weights->embed_dim;

  if (norm)
    phase->attention.rows->norm (norm->kind, from, d, norm->epsilon,
        norm->weight, norm->bias, to);
  else
    memcpy (to, from, d * sizeof (float));
}

/* What is wanted of these tokens now that block `phase->block` is done. */
static void
give_features (const Phase *phase, guint first, guint n)
{
  VitEncoder *encoder = phase->encoder;
  VitEncoderScratch *scratch = &encoder->scratch;
  const VitEncoderWeights *weights = encoder->weights;
  gsize d = weights->embed_dim;

  for (guint layer = 0; layer < encoder->n_layers && phase->frame->features;
       layer++) {
    const VitEncoderNorm *norm
        = vit_encoder_layer_is_normed (encoder, layer) ? encoder->norm : NULL;

    if (encoder->layers[layer] != phase->block + 1)
      continue;
    for (guint i = first; i < first + n; i++) {
      guint token = i, region = region_of (scratch, &token);

      give_row (phase, i, norm,
          phase->frame->features[layer * scratch->n_regions + region]
              + token * d);
    }
  }
  if (phase->block + 1 == weights->depth && scratch->features
      && weights->final_norm.n)
    for (guint i = first; i < first + n; i++)
      give_row (phase, i, &weights->final_norm,
          scratch->features + i * scratch->token_stride);
}

static void
run_first (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  const VitEncoderScratch *scratch = &phase->encoder->scratch;
  guint first = task * scratch->block;
  guint n = MIN (scratch->block, scratch->n_tokens - first);

  take_tokens (phase, first, n);
  vit_block_enter (
      &phase->attention, &phase->encoder->weights->blocks[0], worker, first, n);
}

static void
run_tokens (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  VitEncoder *encoder = phase->encoder;
  const VitEncoderScratch *scratch = &encoder->scratch;
  const VitEncoderBlock *block = &encoder->weights->blocks[phase->block];
  guint first = task * scratch->block;
  guint n = MIN (scratch->block, scratch->n_tokens - first);

  vit_block_leave (&phase->attention, block, worker, first, n);
  give_features (phase, first, n);
  if (phase->block + 1 < encoder->last)
    vit_block_enter (&phase->attention, block + 1, worker, first, n);
}

/* The region that attention task `task` is of. */
static const VitEncoderRegion *
region_of_task (const VitEncoderScratch *scratch, guint task)
{
  guint low = 0, high = scratch->n_regions - 1;

  while (low < high) {
    guint middle = low + (high - low + 1) / 2;

    if (scratch->regions[middle].first_task <= task)
      low = middle;
    else
      high = middle - 1;
  }
  return &scratch->regions[low];
}

/* A task is a block of queries of one head of one region. */
static void
run_attention (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  const VitEncoderRegion *region
      = region_of_task (&phase->encoder->scratch, task);
  guint own = task - region->first_task;
  guint n_blocks = vit_encoder_query_blocks (region);
  guint first = own % n_blocks * region->query_block;

  vit_attention_head (&phase->attention, region, own / n_blocks, worker, first,
      MIN (region->query_block, region->n_tokens - first));
}

/* A task is one head of one region. */
static void
run_class_attention (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  guint n_heads = phase->encoder->weights->choices.n_heads;
  guint i = task / n_heads, head = task % n_heads;
  const VitEncoderRegion *region = &phase->encoder->scratch.regions[i];

  vit_attention_weights (&phase->attention, region, head, worker, 0,
      phase->frame->attention[i] + (gsize) head * region->n_tokens);
}

static void
run_heads (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  VitEncoder *encoder = phase->encoder;
  float *vector
      = makes_embedding (encoder) ? phase->frame->embedding[task] : NULL;

  vit_heads_run (&phase->attention, &encoder->scratch.regions[task],
      encoder->head, worker, vector,
      makes_logits (encoder) ? phase->frame->logits[task] : NULL);
  if (vector && encoder->settings.normalize)
    vit_normalize (vector, vit_encoder_embedding_dim (encoder));
}

void
vit_encoder_run (VitEncoder *encoder, const VitEncoderFrame *frame,
    VitParallelFor parallel, gpointer user_data)
{
  VitEncoderScratch *scratch = &encoder->scratch;
  Phase phase = { .encoder = encoder, .frame = frame };

  phase.attention = (VitAttention) { encoder->weights,
    vit_kernel_choose_rows (encoder->weights->kernel->cpu), scratch };
  share (&phase, n_token_tasks (scratch), run_first, parallel, user_data);
  for (guint block = 0; block < encoder->last; block++) {
    phase.block = block;
    if (encoder->settings.attention && block + 1 == encoder->weights->depth)
      share (&phase, scratch->n_regions * encoder->weights->choices.n_heads,
          run_class_attention, parallel, user_data);
    share (&phase, scratch->n_attention_tasks, run_attention, parallel,
        user_data);
    share (&phase, n_token_tasks (scratch), run_tokens, parallel, user_data);
  }
  if (makes_vectors (encoder))
    share (&phase, scratch->n_regions, run_heads, parallel, user_data);
}

const guint *
vit_encoder_layers (const VitEncoder *encoder, guint *n_layers)
{
  *n_layers = encoder->n_layers;
  return encoder->layers;
}

guint
vit_encoder_embedding_dim (const VitEncoder *encoder)
{
  guint d = encoder->weights->embed_dim;

  if (encoder->head == &encoder->weights->embedding)
    return vit_encoder_weights_embedding_dim (encoder->weights);
  return encoder->head->pool == VIT_POOL_NONE         ? 0
         : encoder->head->pool == VIT_POOL_CLASS_MEAN ? 2 * d
                                                      : d;
}

guint
vit_encoder_n_classes (const VitEncoder *encoder)
{
  return makes_logits (encoder)
             ? vit_encoder_weights_n_classes (encoder->weights)
             : 0;
}

gsize
vit_encoder_memory (const VitEncoder *encoder)
{
  return encoder->scratch.n_bytes;
}

const char *
vit_encoder_kernel (const VitEncoder *encoder)
{
  return encoder->weights->kernel->name;
}
