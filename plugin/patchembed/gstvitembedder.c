/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitembedder.h"

#include <string.h>

#include "common/gstvitflushing.h"
#include "common/gstvittokenspool.h"
#include "patchembed/gstvitpositions.h"

GstVitEmbedder *
gst_vit_embedder_new (
    const GstVitEmbedderSetup *setup, VitPatchEmbed *embed)
{
  GstVitEmbedder *embedder = g_new0 (GstVitEmbedder, 1);

  embedder->setup = setup;
  embedder->embed = embed;
  return embedder;
}

static void
clear_pool (GstVitEmbedder *embedder)
{
  if (embedder->pool != NULL)
    gst_buffer_pool_set_active (embedder->pool, FALSE);
  gst_clear_object (&embedder->pool);
}

static void
clear_positions (GstVitEmbedder *embedder)
{
  gst_clear_buffer (&embedder->positions);
  embedder->positions_known = FALSE;
}

void
gst_vit_embedder_release (GstVitEmbedder *embedder)
{
  gst_vit_embedder_reset (embedder);
  clear_positions (embedder);
  clear_pool (embedder);
  g_clear_pointer (&embedder->scaler, gst_vit_scaler_free);
  vit_patch_embed_release (embedder->embed);
  embedder->memory = embedder->tokens_size = 0;
  embedder->format.pixel = NULL;
}

void
gst_vit_embedder_free (GstVitEmbedder *embedder)
{
  gst_vit_embedder_release (embedder);
  vit_patch_embed_free (embedder->embed);
  g_free (embedder);
}

void
gst_vit_embedder_reset (GstVitEmbedder *embedder)
{
  gst_clear_buffer (&embedder->last_tokens);
}

/* At least one, as prefix tokens alone say nothing of a picture. */
static guint
max_patches (const GstVitEmbedderSetup *setup, guint max_tokens)
{
  if (max_tokens == 0)
    return G_MAXUINT;
  return max_tokens > setup->n_prefix_tokens
      ? max_tokens - setup->n_prefix_tokens
      : 1;
}

gboolean
gst_vit_embedder_must_scale (const GstVitEmbedderSetup *setup, guint width,
    guint height, guint max_tokens)
{
  guint scaled_width, scaled_height;

  gst_vit_scaler_choose_size (width, height, setup->model->patch_size,
      setup->pad, max_patches (setup, max_tokens), &scaled_width,
      &scaled_height);
  return scaled_width != width || scaled_height != height;
}

static gboolean
make_pool (GstVitEmbedder *embedder, GError **error)
{
  const VitTokensShape *shape = &embedder->shape;

  clear_pool (embedder);
  embedder->pool = gst_vit_tokens_pool_new (embedder->tokens_size);
  if (embedder->pool == NULL)
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "cannot make a pool for %u tokens of %u numbers", shape->n_tokens,
        shape->embed_dim);
  return embedder->pool != NULL;
}

static gboolean
is_same_size (const VitImageFormat *a, const VitImageFormat *b)
{
  return a->width == b->width && a->height == b->height;
}

/* The model's input: the picture, or what it is scaled to. */
static gboolean
choose_input (const GstVitEmbedderSetup *setup, const GstVideoInfo *info,
    const VitImageFormat *format, guint max_tokens, VitImageFormat *input,
    GError **error)
{
  *input = *format;
  gst_vit_scaler_choose_size (format->width, format->height,
      setup->model->patch_size, setup->pad, max_patches (setup, max_tokens),
      &input->width, &input->height);
  return is_same_size (input, format)
      || gst_vit_scaler_check (info, format->width, format->height, error);
}

guint64
gst_vit_embedder_count_patches (
    const GstVitEmbedderSetup *setup, const VitImageFormat *format)
{
  guint64 size = setup->model->patch_size, rest = setup->pad ? size - 1 : 0;

  return (format->width + rest) / size * ((format->height + rest) / size);
}

/* Of a scaler, at most: a copy of the picture and what becomes of it, of formats
 * with up to four bytes a pixel. */
static guint64
scaler_memory (const VitImageFormat *format, const VitImageFormat *input)
{
  return is_same_size (input, format)
      ? 0
      : 4 * ((guint64) format->width * format->height
                + (guint64) input->width * input->height);
}

gboolean
gst_vit_embedder_measure (const GstVitEmbedder *embedder,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens,
    GstVitEmbedderSize *size, GError **error)
{
  const GstVitEmbedderSetup *setup = embedder->setup;
  VitImageFormat input;

  if (!choose_input (setup, info, format, max_tokens, &input, error)
      || !vit_patch_embed_measure (
          embedder->embed, &input, &size->shape, error))
    return FALSE;
  size->n_patches_unscaled = gst_vit_embedder_count_patches (setup, format);
  size->tokens_size = (guint64) size->shape.n_tokens * size->shape.embed_dim
      * gst_vit_token_format_get_size (setup->token_format);
  size->memory
      = vit_patch_embed_memory (embedder->embed, &input, &size->shape)
      + 2 * size->tokens_size + scaler_memory (format, &input);
  return TRUE;
}

gboolean
gst_vit_embedder_configure (GstVitEmbedder *embedder,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens,
    GError **error)
{
  GstVitEmbedderSize size;
  VitImageFormat scaled;

  /* First, so that two sizes are never held at once. */
  gst_vit_embedder_release (embedder);
  if (!gst_vit_embedder_measure (
          embedder, info, format, max_tokens, &size, error)
      || !choose_input (
          embedder->setup, info, format, max_tokens, &scaled, error)
      || !vit_patch_embed_configure (embedder->embed, &scaled, error))
    return FALSE;
  embedder->shape = size.shape;
  embedder->memory = size.memory;
  embedder->tokens_size = size.tokens_size;
  if (!make_pool (embedder, error))
    return FALSE;
  if (!is_same_size (&scaled, format)) {
    embedder->scaler = gst_vit_scaler_new (
        info, format, scaled.width, scaled.height);
    if (embedder->scaler == NULL) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
          "cannot scale %ux%u pixels to %ux%u", format->width, format->height,
          scaled.width, scaled.height);
      return FALSE;
    }
  }
  embedder->pixels_x = (double) format->width / scaled.width;
  embedder->pixels_y = (double) format->height / scaled.height;
  embedder->format = *format;
  return TRUE;
}

/* (nullable): of the pool, but for further regions of one frame: the pool would
 * keep as many for good as a frame ever had. */
static GstBuffer *
new_tokens (GstVitEmbedder *embedder, guint64 serial)
{
  GstBuffer *tokens = NULL;

  if (embedder->last_serial == serial)
    return gst_vit_tokens_buffer_new (embedder->tokens_size);
  if (gst_buffer_pool_acquire_buffer (embedder->pool, &tokens, NULL)
      != GST_FLOW_OK)
    return NULL;
  return tokens;
}

/* Computes the planned tokens into a new buffer; NULL when there is no memory for
 * them, or nobody waits for them. */
static GstBuffer *
compute_tokens (GstVitEmbedder *embedder, const GstVitEmbedderTask *task,
    const VitImage *image)
{
  GstBuffer *tokens = new_tokens (embedder, task->serial);
  GstMapInfo map, previous = GST_MAP_INFO_INIT;
  gboolean is_done;

  if (tokens == NULL)
    return NULL;
  if (!gst_buffer_map (tokens, &map, GST_MAP_WRITE)) {
    gst_buffer_unref (tokens);
    return NULL;
  }
  if (embedder->last_tokens != NULL)
    gst_buffer_map (embedder->last_tokens, &previous, GST_MAP_READ);
  vit_patch_embed_set_stop (embedder->embed, gst_vit_is_stopped, task->srcpad);
  is_done = vit_patch_embed_run (embedder->embed, image, previous.data,
      map.data, gst_vit_workers_run, embedder->setup->workers);
  if (embedder->last_tokens != NULL)
    gst_buffer_unmap (embedder->last_tokens, &previous);
  gst_buffer_unmap (tokens, &map);
  if (!is_done)
    gst_clear_buffer (&tokens);
  return tokens;
}

/* The tokens of the picture: those of the last where no patch changed, or NULL as
 * above. */
static GstBuffer *
find_tokens (GstVitEmbedder *embedder, const GstVitEmbedderTask *task,
    const VitImage *image, VitFrameCounts *counts)
{
  GstBuffer *tokens;

  *counts = vit_patch_embed_plan (embedder->embed, image,
      embedder->last_tokens != NULL, task->tolerance, gst_vit_workers_run,
      embedder->setup->workers);
  if (embedder->last_tokens != NULL
      && counts->n_short + counts->n_full == 0)
    tokens = gst_buffer_ref (embedder->last_tokens);
  else
    tokens = compute_tokens (embedder, task, image);
  /* The samples are now those of the new tokens, or of none. */
  gst_clear_buffer (&embedder->last_tokens);
  if (tokens != NULL && task->reuse)
    embedder->last_tokens = gst_buffer_ref (tokens);
  return tokens;
}

static gboolean
is_same_region (const GstVitRegion *a, const GstVitRegion *b)
{
  return a->id == b->id && a->x == b->x && a->y == b->y && a->width == b->width
      && a->height == b->height;
}

static void
say_what_changed (const GstVitEmbedder *embedder, GstVitTokensMeta *meta)
{
  gsize n_bytes = (embedder->shape.n_tokens + (gsize) 7) / 8;
  guint8 *bits = g_try_malloc (n_bytes);
  GBytes *changed;

  /* Without it every token counts as changed. */
  if (bits == NULL)
    return;
  changed = g_bytes_new_take (bits, n_bytes);
  vit_patch_embed_changed (embedder->embed, bits);
  gst_vit_tokens_meta_set_changed (meta, changed);
  g_bytes_unref (changed);
}

static void
attach_positions (GstVitEmbedder *embedder, GstVitTokensMeta *meta)
{
  if (!embedder->positions_known)
    embedder->positions = gst_vit_positions_new (embedder->embed);
  embedder->positions_known = TRUE;
  if (embedder->positions != NULL)
    gst_vit_tokens_meta_set_positions (meta, embedder->positions);
}

GstVitTokensMeta *
gst_vit_embedder_run (GstVitEmbedder *embedder,
    const GstVitEmbedderTask *task, VitImage *image,
    const GstVitRegion *region, GstBuffer *frame, guint frame_width,
    guint frame_height, VitFrameCounts *counts)
{
  const VitModel *model = embedder->setup->model;
  const VitTokensShape *shape = &embedder->shape;
  gboolean follows = embedder->last_tokens != NULL
      && embedder->last_serial + 1 == task->serial
      && is_same_region (&embedder->last_region, region);
  GstVitTokensMeta *meta;
  GstBuffer *tokens;

  if (embedder->scaler != NULL
      && !gst_vit_scaler_run (embedder->scaler, image))
    return NULL;
  tokens = find_tokens (embedder, task, image, counts);
  embedder->last_region = *region;
  embedder->last_serial = task->serial;
  if (tokens == NULL)
    return NULL;
  meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
      embedder->setup->token_format, shape->n_prefix_tokens,
      shape->grid_width, shape->grid_height, model->patch_size,
      shape->embed_dim, frame_width, frame_height, embedder->setup->model_id);
  meta->map[0] = model->patch_size * embedder->pixels_x;
  meta->map[2] = region->x;
  meta->map[4] = model->patch_size * embedder->pixels_y;
  meta->map[5] = region->y;
  gst_vit_tokens_meta_set_prefix_kinds (meta, embedder->setup->prefix_kinds);
  if (follows)
    say_what_changed (embedder, meta);
  if (task->positions)
    attach_positions (embedder, meta);
  gst_buffer_unref (tokens);
  return meta;
}
