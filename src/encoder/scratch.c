/* SPDX-License-Identifier: MIT */
#include "encoder/scratch.h"

#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"

/* All arrays lie in one piece of memory, where none would see one run into the
 * next: so AddressSanitizer is told of the gaps. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define GAP 16
#define POISON(memory, n) ASAN_POISON_MEMORY_REGION (memory, (n) * sizeof (float))
#else
#define GAP 0
#define POISON(memory, n) ((void) 0)
#endif

/* Rows past the last that a product may read. */
#define SLACK (VIT_KERNEL_PATCH_TILE - 1)

G_STATIC_ASSERT (VIT_ENCODER_QUERIES <= VIT_ENCODER_TOKENS);
G_STATIC_ASSERT (VIT_ENCODER_KEYS >= VIT_ENCODER_MAX_QUERY_HEADS);
G_STATIC_ASSERT (VIT_ENCODER_TOKENS >= VIT_ENCODER_MAX_QUERY_HEADS);

/* As many as 32-bit numbers of tokens and bytes of rows leave well alone. */
#define MAX_TOKENS (1u << 24)

/* Takes n floats, rounded up to whole cache lines; with no memory yet it only
 * counts.  So the same text measures and gives. */
static float *
take (float *memory, gsize *at, gsize n)
{
  float *taken = memory ? memory + *at : NULL;

  *at += vit_encoder_lines (n) + GAP;
  if (taken)
    POISON (memory + *at - GAP, GAP);
  return taken;
}

static gboolean
refuse_tokens (GError **error)
{
  g_set_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE,
      "the grids of patches make too many tokens, or none; expected 1 to %u in "
      "all",
      MAX_TOKENS);
  return FALSE;
}

static gboolean
count_tokens (VitEncoderScratch *scratch, GError **error)
{
  guint64 n = 0;

  for (guint i = 0; i < scratch->n_regions; i++) {
    VitEncoderRegion *region = &scratch->regions[i];
    guint64 own = (guint64) region->grid_rows * region->grid_cols
                  + region->n_prefix_tokens;

    if (own == 0 || own > MAX_TOKENS || n + own > MAX_TOKENS)
      return refuse_tokens (error);
    region->first = (guint) n;
    region->n_tokens = (guint) own;
    n += own;
  }
  scratch->n_tokens = (guint) n;
  return n > 0 || refuse_tokens (error);
}

/* Of the panels of all regions. */
static void
place_regions (VitEncoderScratch *scratch, const VitEncoderWeights *weights,
    gsize *keys, gsize *values, gsize *angles, gsize *pool_scores)
{
  gsize tile = weights->kernel->channel_tile, heads = weights->choices.n_heads;
  gsize channels = (weights->head_dim + tile - 1) / tile * tile;

  *keys = *values = *angles = *pool_scores = 0;
  for (guint i = 0; i < scratch->n_regions; i++) {
    VitEncoderRegion *region = &scratch->regions[i];

    region->keys = *keys;
    region->values = *values;
    region->angles = *angles;
    region->pool_scores = *pool_scores;
    /* Whole lines, so that each head's begin on one. */
    region->head_keys = vit_encoder_lines (
        (region->n_tokens + tile - 1) / tile * tile * weights->head_dim);
    region->head_values = vit_encoder_lines (region->n_tokens * channels);
    *keys += heads * region->head_keys;
    *values += heads * region->head_values;
    *angles += (gsize) (region->n_tokens - region->n_prefix_tokens)
               * (weights->head_dim / 2);
    *pool_scores += weights->attention_pool.n_heads
                    * vit_encoder_lines (region->n_tokens);
  }
}

/* The widest row of the hidden layer that exists at once. */
static gsize
hidden_width (const VitEncoderWeights *weights)
{
  gsize n = weights->depth > 0 && weights->blocks[0].mlp_norm.n
                ? weights->hidden
                : MIN (weights->hidden, VIT_ENCODER_CHUNK);
  const VitAttentionPool *pool = &weights->attention_pool;

  n = vit_encoder_stride (n) * (weights->gated ? 2 : 1);
  return MAX (n, vit_encoder_stride (pool->up.n_channels));
}

/* The widest vector that a pool makes or a head takes. */
static gsize
mapped_width (const VitEncoderWeights *weights)
{
  const VitAttentionPool *pool = &weights->attention_pool;
  gsize n = MAX (weights->attention_dim, 2 * (gsize) weights->embed_dim);

  n = MAX (n, pool->value.n_channels);
  return vit_encoder_stride (MAX (n, pool->projection.n_channels));
}

static gsize
normed_width (const VitEncoderWeights *weights)
{
  return vit_encoder_stride (
      MAX (weights->embed_dim, weights->attention_pool.value.n_channels));
}

static void
take_worker (VitEncoderScratch *scratch, const VitEncoderWeights *weights,
    VitEncoderWorker *worker, float *memory, gsize *at)
{
  gsize n = VIT_ENCODER_TOKENS + SLACK;
  gsize pointers = VIT_ENCODER_TOKENS * sizeof (float *) / sizeof (float);

  worker->rows.add = (const float **) take (memory, at, pointers);
  worker->rows.out = (float **) take (memory, at, pointers);
  worker->normed = take (memory, at, n * scratch->normed_stride);
  worker->mapped = take (memory, at, n * scratch->mapped_stride);
  worker->vector = take (memory, at, scratch->mapped_stride);
  worker->joint = take (memory, at, vit_encoder_weights_joint_dim (weights));
  worker->hidden = take (memory, at, n * scratch->hidden_stride);
  worker->scores = take (memory, at, n * VIT_ENCODER_SCORE_STRIDE);
  worker->sums = take (memory, at,
      VIT_ENCODER_QUERIES * vit_encoder_stride (weights->head_dim));
  worker->softmax = take (memory, at, 3 * VIT_ENCODER_QUERIES);
}

/* Floats of all; gives them out where there is memory. */
static gsize
take_all (VitEncoderScratch *scratch, const VitEncoderWeights *weights,
    float *memory)
{
  const VitAttentionPool *pool = &weights->attention_pool;
  gsize n = (gsize) scratch->n_tokens + SLACK, at = 0;
  gsize keys, values, angles, pool_scores;

  place_regions (scratch, weights, &keys, &values, &angles, &pool_scores);
  scratch->tokens = take (memory, &at, n * scratch->token_stride);
  scratch->queries = take (memory, &at, n * scratch->query_stride);
  scratch->keys = take (memory, &at, keys);
  scratch->values = take (memory, &at, values);
  if (weights->choices.rope.rule != VIT_ROPE_NONE) {
    scratch->cosine = take (memory, &at, angles);
    scratch->sine = take (memory, &at, angles);
  }
  if (scratch->pooled)
    scratch->features = take (memory, &at, n * scratch->token_stride);
  if (scratch->pooled && pool->n_heads)
    scratch->pool_scores = take (memory, &at, pool_scores);
  for (guint i = 0; i < scratch->n_workers; i++)
    take_worker (scratch, weights, &scratch->workers[i], memory, &at);
  return at;
}

static void
fill_angles (VitEncoderScratch *scratch, const VitEncoderWeights *weights)
{
  gsize half = weights->head_dim / 2;

  for (guint i = 0; i < scratch->n_regions && scratch->cosine; i++) {
    const VitEncoderRegion *region = &scratch->regions[i];

    for (guint row = 0; row < region->grid_rows; row++)
      for (guint col = 0; col < region->grid_cols; col++) {
        gsize at = region->angles
                   + ((gsize) row * region->grid_cols + col) * half;

        vit_rope_angles (&weights->choices.rope, weights->head_dim,
            region->grid_rows, region->grid_cols, row, col,
            scratch->cosine + at, scratch->sine + at);
      }
  }
}

static guint
round_up (guint n, guint multiple)
{
  return (n + multiple - 1) / multiple * multiple;
}

/* The size of `n` things' parts, `n_parts` or fewer: all but the last are whole
 * tiles. */
static guint
part_size (guint n, guint n_parts, guint tile)
{
  return round_up ((n + n_parts - 1) / n_parts, tile);
}

static guint
count_parts (guint n, guint size)
{
  return (n + size - 1) / size;
}

/* As many blocks of tokens as workers can share, of the same size. */
static guint
block_size (const VitEncoderScratch *scratch, guint tile)
{
  guint n = round_up (
      count_parts (scratch->n_tokens, VIT_ENCODER_TOKENS), scratch->n_workers);

  return MIN (part_size (scratch->n_tokens, n, tile), VIT_ENCODER_TOKENS);
}

/* How the attention of each region is shared out. */
static void
lay_out_attention (VitEncoderScratch *scratch, const VitEncoderWeights *weights)
{
  const VitKernelF32 *kernel = weights->kernel;
  guint task = 0;

  for (guint i = 0; i < scratch->n_regions; i++) {
    VitEncoderRegion *region = &scratch->regions[i];
    guint n = region->n_tokens;

    region->query_block = MIN (VIT_ENCODER_QUERIES,
        part_size (n, count_parts (n, VIT_ENCODER_QUERIES), kernel->patch_tile));
    region->key_block = part_size (
        n, count_parts (n, VIT_ENCODER_KEYS), kernel->channel_tile);
    region->first_task = task;
    task += weights->choices.n_heads * vit_encoder_query_blocks (region);
  }
  scratch->n_attention_tasks = task;
}

guint
vit_encoder_find_region (const VitEncoderScratch *scratch, guint token)
{
  guint low = 0, high = scratch->n_regions - 1;

  while (low < high) {
    guint middle = low + (high - low + 1) / 2;

    if (scratch->regions[middle].first <= token)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

gboolean
vit_encoder_scratch_lay_out (VitEncoderScratch *scratch,
    const VitEncoderWeights *weights, const VitEncoderRegion *regions,
    guint n_regions, gboolean pooled, guint n_workers, GError **error)
{
  memset (scratch, 0, sizeof *scratch);
  scratch->n_regions = n_regions;
  scratch->regions = g_memdup2 (regions, n_regions * sizeof *regions);
  scratch->pooled = pooled;
  scratch->n_workers = n_workers;
  scratch->workers = g_new0 (VitEncoderWorker, n_workers);
  if (!count_tokens (scratch, error))
    return FALSE;
  scratch->block = block_size (scratch, weights->kernel->patch_tile);
  lay_out_attention (scratch, weights);
  scratch->token_stride = vit_encoder_stride (weights->embed_dim);
  scratch->query_stride = vit_encoder_stride (weights->attention_dim);
  scratch->normed_stride = normed_width (weights);
  scratch->mapped_stride = mapped_width (weights);
  scratch->hidden_stride = hidden_width (weights);
  scratch->n_bytes = take_all (scratch, weights, NULL) * sizeof (float);
  return TRUE;
}

gboolean
vit_encoder_scratch_take (VitEncoderScratch *scratch,
    const VitEncoderWeights *weights, GError **error)
{
  scratch->memory = vit_try_aligned (
      scratch->n_bytes / sizeof (float), sizeof (float), error);
  if (!scratch->memory)
    return FALSE;
  /* What no token ever fills is read, too. */
  memset (scratch->memory, 0, scratch->n_bytes);
  take_all (scratch, weights, scratch->memory);
  fill_angles (scratch, weights);
  return TRUE;
}

void
vit_encoder_scratch_clear (VitEncoderScratch *scratch)
{
  free (scratch->memory);
  g_free (scratch->regions);
  g_free (scratch->workers);
  memset (scratch, 0, sizeof *scratch);
}
