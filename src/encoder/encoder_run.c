/* SPDX-License-Identifier: MIT
 *
 * A frame's way through the blocks, as phases that workers share: in each the
 * tasks are dealt out by a counter, and the next begins when all are done.
 *
 *     tokens of block 1 -> [attention -> tokens of blocks l and l + 1]... -> heads
 *
 * Behind the model's last block often a few rows alone are needed, for a class
 * token's embedding: then its queries, and all that comes of them, are computed
 * for those rows.
 *
 * A task writes what no other task of its phase reads or writes, and computes the
 * same whoever takes it.
 */
#include <string.h>

#include "encoder/block.h"
#include "encoder/encoder_state.h"
#include "encoder/head.h"

/* One phase of a frame. */
typedef struct {
  VitEncoder *encoder;
  const VitEncoderFrame *frame;
  VitAttention attention;
  guint n_rows; /* first ones of each region that are needed behind the model's
                   last block; 0: all */
  guint block;  /* whose attention, or whose end */
  void (*run) (gpointer phase, guint task, VitEncoderWorker *worker);
  guint n_tasks;
  gint next;       /* atomic */
  gint is_stopped; /* atomic; once TRUE it stays so */
} Phase;

static gboolean
is_stopped (Phase *phase)
{
  const VitEncoderFrame *frame = phase->frame;

  if (g_atomic_int_get (&phase->is_stopped))
    return TRUE;
  if (!frame->is_stopped || !frame->is_stopped (frame->stop_data))
    return FALSE;
  g_atomic_int_set (&phase->is_stopped, TRUE);
  return TRUE;
}

static void
work (gpointer data, guint worker)
{
  Phase *phase = data;
  guint task;

  while ((task = (guint) g_atomic_int_add (&phase->next, 1)) < phase->n_tasks
         && !is_stopped (phase))
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

static gboolean
is_last (const Phase *phase, guint block)
{
  return block + 1 == phase->encoder->weights->depth;
}

static void
enter (const Phase *phase, guint block, VitEncoderWorker *worker, guint first,
    guint n)
{
  vit_block_enter (&phase->attention, &phase->encoder->weights->blocks[block],
      worker, first, n, is_last (phase, block) ? phase->n_rows : 0);
}

static void
leave (const Phase *phase, VitEncoderWorker *worker, guint first, guint n)
{
  vit_block_leave (&phase->attention,
      &phase->encoder->weights->blocks[phase->block], worker, first, n);
  give_features (phase, first, n);
}

static void
run_first (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  const VitEncoderScratch *scratch = &phase->encoder->scratch;
  guint first = task * scratch->block;
  guint n = MIN (scratch->block, scratch->n_tokens - first);

  take_tokens (phase, first, n);
  enter (phase, 0, worker, first, n);
}

static void
run_tokens (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  const VitEncoder *encoder = phase->encoder;
  const VitEncoderScratch *scratch = &encoder->scratch;
  guint first = task * scratch->block;
  guint n = MIN (scratch->block, scratch->n_tokens - first);

  leave (phase, worker, first, n);
  if (phase->block + 1 < encoder->last)
    enter (phase, phase->block + 1, worker, first, n);
}

/* The needed rows of one region. */
static guint
count_rows (const Phase *phase, const VitEncoderRegion *region)
{
  return MIN (phase->n_rows, region->n_tokens);
}

/* A task is one region. */
static void
run_first_rows (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  const VitEncoderRegion *region = &phase->encoder->scratch.regions[task];

  leave (phase, worker, region->first, count_rows (phase, region));
}

/* A task is one head of one region. */
static void
run_first_queries (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  guint n_heads = phase->encoder->weights->choices.n_heads;
  const VitEncoderRegion *region
      = &phase->encoder->scratch.regions[task / n_heads];

  vit_attention_head (&phase->attention, region, task % n_heads, worker, 0,
      count_rows (phase, region));
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

/* `embedding` (nullable): what is made as such. */
static void
score_texts (const Phase *phase, guint i, VitEncoderWorker *worker,
    const float *embedding)
{
  const VitEncoder *encoder = phase->encoder;
  gboolean is_made = embedding && encoder->head == &encoder->weights->embedding
                     && encoder->weights->joint.vector == VIT_JOINT_EMBEDDING;

  if (!is_made)
    vit_heads_run_joint (&phase->attention, &encoder->scratch.regions[i],
        worker, worker->joint);
  vit_text_classes_score (encoder->settings.classes,
      is_made ? embedding : worker->joint, phase->frame->logits[i]);
}

static void
run_heads (gpointer data, guint task, VitEncoderWorker *worker)
{
  Phase *phase = data;
  VitEncoder *encoder = phase->encoder;
  float *vector = vit_encoder_makes_embedding (encoder)
                      ? phase->frame->embedding[task]
                      : NULL;

  vit_heads_run (&phase->attention, &encoder->scratch.regions[task],
      encoder->head, worker, vector,
      vit_encoder_makes_own_logits (encoder) ? phase->frame->logits[task]
                                             : NULL);
  if (encoder->settings.classes)
    score_texts (phase, task, worker, vector);
  if (vector && encoder->settings.normalize)
    vit_normalize (vector, vit_encoder_embedding_dim (encoder));
}

/* How many of the first rows of each region the head is made of; 0: it may take
 * all. */
static guint
head_rows (const VitEncoderWeights *weights, const VitEncoderHead *head)
{
  switch (head->pool) {
    case VIT_POOL_EMBEDDING:
      return head_rows (weights, &weights->embedding);
    case VIT_POOL_TOKEN:
      return head->n + 1;
    case VIT_POOL_MEAN_PREFIX:
      return head->n;
    default:
      return 0;
  }
}

/* What Phase.n_rows says. */
static guint
needed_rows (const VitEncoder *encoder, const VitEncoderFrame *frame)
{
  const VitEncoderWeights *weights = encoder->weights;
  VitJointVector joint = encoder->settings.classes ? weights->joint.vector
                                                   : VIT_JOINT_NONE;
  guint n_rows = 1, n_heads = 0;
  const VitEncoderHead *heads[G_N_ELEMENTS (weights->logits) + 2];

  if (encoder->last < weights->depth
      || (frame->features
          && encoder->layers[encoder->n_layers - 1] == weights->depth))
    return 0;
  if (vit_encoder_makes_embedding (encoder))
    heads[n_heads++] = encoder->head;
  if (joint == VIT_JOINT_EMBEDDING)
    heads[n_heads++] = &weights->embedding;
  if (vit_encoder_makes_own_logits (encoder) || joint == VIT_JOINT_LOGITS)
    for (guint i = 0; i < weights->n_logits; i++)
      heads[n_heads++] = &weights->logits[i];
  for (guint i = 0; i < n_heads; i++) {
    guint n = head_rows (weights, heads[i]);

    if (n == 0 || n > VIT_ENCODER_QUERIES)
      return 0;
    n_rows = MAX (n_rows, n);
  }
  return n_rows;
}

static guint
count_rows_left_out (const Phase *phase)
{
  const VitEncoderScratch *scratch = &phase->encoder->scratch;
  guint n = 0;

  for (guint i = 0; phase->n_rows > 0 && i < scratch->n_regions; i++)
    n += scratch->regions[i].n_tokens
         - count_rows (phase, &scratch->regions[i]);
  return n;
}

/* The attention and what follows of block `phase->block`. */
static void
share_block (Phase *phase, VitParallelFor parallel, gpointer user_data)
{
  const VitEncoderScratch *scratch = &phase->encoder->scratch;
  guint n_heads = scratch->n_regions * phase->encoder->weights->choices.n_heads;
  gboolean few = is_last (phase, phase->block) && phase->n_rows > 0;

  if (phase->encoder->settings.attention && is_last (phase, phase->block))
    share (phase, n_heads, run_class_attention, parallel, user_data);
  if (few) {
    share (phase, n_heads, run_first_queries, parallel, user_data);
    share (phase, scratch->n_regions, run_first_rows, parallel, user_data);
  } else {
    share (phase, scratch->n_attention_tasks, run_attention, parallel,
        user_data);
    share (phase, n_token_tasks (scratch), run_tokens, parallel, user_data);
  }
}

gboolean
vit_encoder_run (VitEncoder *encoder, const VitEncoderFrame *frame,
    VitParallelFor parallel, gpointer user_data)
{
  VitEncoderScratch *scratch = &encoder->scratch;
  Phase phase = { .encoder = encoder, .frame = frame };

  phase.attention = (VitAttention) { encoder->weights,
    vit_kernel_choose_rows (encoder->weights->kernel->cpu), scratch };
  phase.n_rows = needed_rows (encoder, frame);
  encoder->rows_left_out = count_rows_left_out (&phase);
  share (&phase, n_token_tasks (scratch), run_first, parallel, user_data);
  for (phase.block = 0; phase.block < encoder->last && !phase.is_stopped;
       phase.block++)
    share_block (&phase, parallel, user_data);
  if (vit_encoder_makes_vectors (encoder))
    share (&phase, scratch->n_regions, run_heads, parallel, user_data);
  return !phase.is_stopped;
}
