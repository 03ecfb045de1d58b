/* SPDX-License-Identifier: MIT */
#include "patch_embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "input_norm.h"
#include "kernel.h"
#include "pack.h"

#define ALIGNMENT 64

/* Patches that a worker packs and multiplies at once: their matrix should stay
 * in a core's second-level cache beside one panel of weights.  A multiple of
 * every kernel's patch_tile. */
#define BLOCK_PATCHES 84

/* One configuration, for one frame format. */
typedef struct {
  VitPacker packer;
  VitTokensShape shape;
  float *bias_rows;    /* [n_patches][embed_dim], or one row if `bias_stride` is 0 */
  gsize bias_stride;   /* floats */
  float *positions;    /* added after an RMSNorm: [n_patches][embed_dim] or NULL */
  float *scratch;      /* [n_workers][worker_scratch] */
  gsize worker_scratch; /* floats */
} FrameSetup;

struct _VitPatchEmbed {
  VitModel *model;
  VitPatchEmbedSettings settings; /* rule, mean and std resolved */
  const VitKernel *kernel;
  gsize n_terms;       /* 3 P P */
  gsize patch_stride;  /* n_terms rounded up to the alignment, floats */
  float *panels;       /* vit_pack_panels() */
  double *bias;        /* [embed_dim], folded */
  float *prefix_tokens; /* [n_prefix_tokens][embed_dim], after the input norm */
  FrameSetup frame;
};

/* (nullable): room for `n` floats, or NULL with an error. */
static float *
try_floats (gsize n, GError **error)
{
  void *memory = NULL;
  gsize n_bytes;

  if (!g_size_checked_mul (&n_bytes, n, sizeof (float))
      || posix_memalign (&memory, ALIGNMENT, MAX (n_bytes, 1)) != 0) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "no memory for %" G_GSIZE_FORMAT " numbers", n);
    return NULL;
  }
  return memory;
}

static void
frame_setup_clear (FrameSetup *frame)
{
  free (frame->bias_rows);
  free (frame->positions);
  free (frame->scratch);
  memset (frame, 0, sizeof *frame);
}

static gboolean
resolve_settings (VitPatchEmbed *embed, const VitPatchEmbedSettings *settings,
    GError **error)
{
  VitPatchEmbedSettings *resolved = &embed->settings;
  const VitModel *model = embed->model;

  *resolved = *settings;
  if (resolved->rule == VIT_POSITION_RULE_AUTO)
    resolved->rule = model->rule;
  if (model->table == NULL && resolved->rule != VIT_POSITION_RULE_NONE
      && resolved->rule != VIT_POSITION_RULE_SINCOS) {
    if (settings->rule != VIT_POSITION_RULE_AUTO) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
          "%s: position rule '%s' was asked for, but the model has no "
          "position table; use 'auto' or 'none'",
          model->id, vit_position_rule_name (settings->rule));
      return FALSE;
    }
    resolved->rule = VIT_POSITION_RULE_NONE;
  }
  if (!settings->override_mean)
    memcpy (resolved->mean, model->mean, sizeof model->mean);
  if (!settings->override_std)
    memcpy (resolved->std, model->std, sizeof model->std);
  for (guint c = 0; c < 3; c++) {
    if (!isfinite (resolved->mean[c]) || !isfinite (resolved->std[c])
        || resolved->std[c] <= 0.0) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
          "mean %g and std %g of channel %u: expected finite numbers, std "
          "greater than 0",
          resolved->mean[c], resolved->std[c], c);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
prepare_weights (VitPatchEmbed *embed, GError **error)
{
  const VitModel *model = embed->model;
  guint n_channels = model->embed_dim;
  guint channel_tile = embed->kernel->channel_tile;
  float *folded = try_floats (n_channels * embed->n_terms, error);

  embed->bias = g_try_new (double, n_channels);
  if (folded != NULL && embed->bias != NULL)
    embed->panels = try_floats (
        vit_pack_panels_size (n_channels, embed->n_terms, channel_tile), error);
  else if (folded != NULL)
    g_set_error_literal (
        error, VIT_ERROR, VIT_ERROR_NO_MEMORY, "no memory for the bias");
  if (embed->panels == NULL) {
    free (folded);
    return FALSE;
  }
  vit_fold (
      model, embed->settings.mean, embed->settings.std, folded, embed->bias);
  vit_pack_panels (
      folded, n_channels, embed->n_terms, channel_tile, embed->panels);
  free (folded);
  return TRUE;
}

static gboolean
prepare_prefix (VitPatchEmbed *embed, GError **error)
{
  const VitModel *model = embed->model;
  gsize n = (gsize) model->n_prefix_tokens * model->embed_dim;

  if (!embed->settings.prefix_tokens || n == 0)
    return TRUE;
  embed->prefix_tokens = try_floats (n, error);
  if (embed->prefix_tokens == NULL)
    return FALSE;
  memcpy (embed->prefix_tokens, model->prefix_tokens, n * sizeof (float));
  if (model->norm == VIT_INPUT_NORM_LAYER)
    vit_input_norm (model, embed->prefix_tokens, model->n_prefix_tokens);
  return TRUE;
}

VitPatchEmbed *
vit_patch_embed_new (VitModel *model, const VitPatchEmbedSettings *settings,
    GError **error)
{
  VitPatchEmbed *embed = g_new0 (VitPatchEmbed, 1);
  gsize area = (gsize) model->patch_size * model->patch_size;
  gsize unit = ALIGNMENT / sizeof (float);

  embed->model = vit_model_ref (model);
  embed->kernel = vit_kernel_choose (vit_cpu_mask ());
  embed->n_terms = 3 * area;
  embed->patch_stride = (embed->n_terms + unit - 1) / unit * unit;
  if (!resolve_settings (embed, settings, error)
      || !prepare_weights (embed, error) || !prepare_prefix (embed, error)) {
    vit_patch_embed_free (embed);
    return NULL;
  }
  return embed;
}

void
vit_patch_embed_free (VitPatchEmbed *embed)
{
  if (embed == NULL)
    return;
  frame_setup_clear (&embed->frame);
  vit_model_unref (embed->model);
  free (embed->panels);
  free (embed->prefix_tokens);
  g_free (embed->bias);
  g_free (embed);
}

static gboolean
choose_grid (const VitPatchEmbed *embed, const VitImageFormat *format,
    VitTokensShape *shape, GError **error)
{
  guint size = embed->model->patch_size;
  guint rest = embed->settings.fit == VIT_FIT_PAD ? size - 1 : 0;
  guint64 width = ((guint64) format->width + rest) / size;
  guint64 height = ((guint64) format->height + rest) / size;
  guint n_prefix
      = embed->settings.prefix_tokens ? embed->model->n_prefix_tokens : 0;

  if (width == 0 || height == 0) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE,
        "the frame is %ux%u pixels, smaller than one patch of %ux%u",
        format->width, format->height, size, size);
    return FALSE;
  }
  if (width * height + n_prefix
      > G_MAXINT32 / sizeof (float) / embed->model->embed_dim) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE,
        "a frame of %ux%u pixels has too many patches of %ux%u", format->width,
        format->height, size, size);
    return FALSE;
  }
  shape->grid_width = (guint) width;
  shape->grid_height = (guint) height;
  shape->n_prefix_tokens = n_prefix;
  shape->n_tokens = n_prefix + (guint) (width * height);
  shape->embed_dim = embed->model->embed_dim;
  return TRUE;
}

/* The position of every patch, or NULL with an error. */
static float *
make_positions (const VitPatchEmbed *embed, const VitImageFormat *format,
    const VitTokensShape *shape, GError **error)
{
  const VitModel *model = embed->model;
  guint size = model->patch_size;
  VitPositionRule rule = embed->settings.rule;
  gsize n = (gsize) shape->grid_width * shape->grid_height * shape->embed_dim;
  float *positions = try_floats (n, error);
  gboolean square;

  if (positions == NULL)
    return NULL;
  if (rule == VIT_POSITION_RULE_SINCOS) {
    vit_pos_embed_compute (shape->embed_dim, shape->grid_height,
        shape->grid_width, positions);
    return positions;
  }
  if (embed->settings.fit == VIT_FIT_PAD)
    square = shape->grid_width * size == shape->grid_height * size;
  else
    square = format->width == format->height;
  if (vit_pos_embed_is_kept (rule, model->table_rows, model->table_cols,
          shape->grid_height, shape->grid_width, square)) {
    memcpy (positions, model->table, n * sizeof (float));
  } else if (!vit_pos_embed_resample (rule, model->table, model->table_rows,
                 model->table_cols, shape->embed_dim, shape->grid_height,
                 shape->grid_width, positions, error)) {
    free (positions);
    return NULL;
  }
  return positions;
}

/* What a kernel adds to the product: the bias, and the position with it unless
 * an RMSNorm comes in between. */
static gboolean
prepare_rows (const VitPatchEmbed *embed, const VitImageFormat *format,
    FrameSetup *frame, GError **error)
{
  gsize n_channels = embed->model->embed_dim;
  gsize n_patches = (gsize) frame->shape.grid_width * frame->shape.grid_height;
  float *positions = NULL;

  if (embed->settings.rule != VIT_POSITION_RULE_NONE) {
    positions = make_positions (embed, format, &frame->shape, error);
    if (positions == NULL)
      return FALSE;
  }
  if (positions != NULL && embed->model->norm != VIT_INPUT_NORM_RMS) {
    for (gsize i = 0; i < n_patches; i++) {
      for (gsize d = 0; d < n_channels; d++) {
        float *value = &positions[i * n_channels + d];

        *value = (float) (*value + embed->bias[d]);
      }
    }
    frame->bias_rows = positions;
    frame->bias_stride = n_channels;
    return TRUE;
  }
  frame->positions = positions;
  frame->bias_rows = try_floats (n_channels, error);
  if (frame->bias_rows == NULL)
    return FALSE;
  for (gsize d = 0; d < n_channels; d++)
    frame->bias_rows[d] = (float) embed->bias[d];
  return TRUE;
}

gboolean
vit_patch_embed_configure (VitPatchEmbed *embed, const VitImageFormat *format,
    GError **error)
{
  FrameSetup frame = { 0 };
  double outside[3];

  for (guint c = 0; c < 3; c++)
    outside[c] = 255.0 * embed->settings.mean[c];
  if (!choose_grid (embed, format, &frame.shape, error))
    return FALSE;
  vit_packer_init (&frame.packer, format, embed->model->patch_size,
      frame.shape.grid_width, outside);
  frame.worker_scratch = BLOCK_PATCHES * embed->patch_stride
      + vit_packer_scratch_size (&frame.packer, BLOCK_PATCHES);
  frame.scratch
      = try_floats (embed->settings.n_workers * frame.worker_scratch, error);
  if (frame.scratch == NULL || !prepare_rows (embed, format, &frame, error)) {
    frame_setup_clear (&frame);
    return FALSE;
  }
  /* A kernel reads whole tiles, also where no patch was packed yet. */
  memset (frame.scratch, 0,
      embed->settings.n_workers * frame.worker_scratch * sizeof (float));
  frame_setup_clear (&embed->frame);
  embed->frame = frame;
  return TRUE;
}

VitTokensShape
vit_patch_embed_shape (const VitPatchEmbed *embed)
{
  return embed->frame.shape;
}

VitPositionRule
vit_patch_embed_rule (const VitPatchEmbed *embed)
{
  return embed->settings.rule;
}

const double *
vit_patch_embed_mean (const VitPatchEmbed *embed)
{
  return embed->settings.mean;
}

const double *
vit_patch_embed_std (const VitPatchEmbed *embed)
{
  return embed->settings.std;
}

const char *
vit_patch_embed_kernel (const VitPatchEmbed *embed)
{
  return embed->kernel->name;
}

/* One frame in the making, shared by its workers. */
typedef struct {
  const VitPatchEmbed *embed;
  const VitImage *image;
  float *tokens; /* of the first patch */
  gint next_block;
} FrameJob;

static void
multiply_block (const VitPatchEmbed *embed, const float *patches, guint first,
    guint n_patches, float *tokens /* [n_patches][embed_dim] */)
{
  const FrameSetup *frame = &embed->frame;
  const VitKernel *kernel = embed->kernel;
  guint n_channels = embed->model->embed_dim;

  for (guint d = 0; d < n_channels; d += kernel->channel_tile) {
    kernel->product_f32 (n_patches, MIN (kernel->channel_tile, n_channels - d),
        embed->n_terms, patches, embed->patch_stride,
        embed->panels + d * embed->n_terms,
        frame->bias_rows + first * frame->bias_stride + d, frame->bias_stride,
        tokens + d, n_channels);
  }
}

static void
finish_block (const VitPatchEmbed *embed, guint first, guint n_patches,
    float *tokens /* [n_patches][embed_dim] */)
{
  gsize n_channels = embed->model->embed_dim;
  const float *positions = embed->frame.positions;

  vit_input_norm (embed->model, tokens, n_patches);
  if (positions != NULL) {
    for (gsize i = 0; i < n_patches * n_channels; i++)
      tokens[i] += positions[first * n_channels + i];
  }
}

/* Takes blocks until none is left, so that no worker waits for a slow one. */
static void
work (gpointer data, guint worker)
{
  FrameJob *job = data;
  const VitPatchEmbed *embed = job->embed;
  const FrameSetup *frame = &embed->frame;
  guint n_patches = frame->shape.grid_width * frame->shape.grid_height;
  guint n_blocks = (n_patches + BLOCK_PATCHES - 1) / BLOCK_PATCHES;
  float *patches = frame->scratch + worker * frame->worker_scratch;
  float *scratch = patches + BLOCK_PATCHES * embed->patch_stride;

  for (;;) {
    guint block = (guint) g_atomic_int_add (&job->next_block, 1);
    guint first = block * BLOCK_PATCHES;
    guint n = MIN (BLOCK_PATCHES, n_patches - first);
    float *tokens = job->tokens + (gsize) first * frame->shape.embed_dim;

    if (block >= n_blocks)
      return;
    vit_packer_patches (&frame->packer, job->image, first, n, patches,
        embed->patch_stride, scratch);
    multiply_block (embed, patches, first, n, tokens);
    finish_block (embed, first, n, tokens);
  }
}

void
vit_patch_embed_run (VitPatchEmbed *embed, const VitImage *image, float *tokens,
    VitParallelFor parallel, gpointer user_data)
{
  gsize n_prefix = (gsize) embed->frame.shape.n_prefix_tokens
      * embed->frame.shape.embed_dim;
  FrameJob job = { embed, image, tokens + n_prefix, 0 };

  if (n_prefix > 0)
    memcpy (tokens, embed->prefix_tokens, n_prefix * sizeof (float));
  if (parallel != NULL && embed->settings.n_workers > 1)
    parallel (user_data, embed->settings.n_workers, work, &job);
  else
    work (&job, 0);
}
