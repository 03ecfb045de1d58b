/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitembedder.h"

#include <string.h>

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
gst_vit_embedder_free (GstVitEmbedder *embedder)
{
  gst_vit_embedder_reset (embedder);
  clear_positions (embedder);
  clear_pool (embedder);
  gst_vit_scaler_free (embedder->scaler);
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
  gsize size = gst_vit_token_format_get_size (embedder->setup->token_format);

  clear_pool (embedder);
  embedder->pool = gst_vit_tokens_pool_new (
      (gsize) shape->n_tokens * shape->embed_dim * size);
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

gboolean
gst_vit_embedder_measure (const GstVitEmbedder *embedder,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens,
    VitTokensShape *shape, GError **error)
{
  VitImageFormat input;

  return choose_input (
             embedder->setup, info, format, max_tokens, &input, error)
      && vit_patch_embed_measure (embedder->embed, &input, shape, error);
}

gboolean
gst_vit_embedder_configure (GstVitEmbedder *embedder,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens,
    GError **error)
{
  VitImageFormat scaled;

  gst_vit_embedder_reset (embedder);
  clear_positions (embedder);
  g_clear_pointer (&embedder->scaler, gst_vit_scaler_free);
  embedder->format.pixel = NULL;
  if (!choose_input (
          embedder->setup, info, format, max_tokens, &scaled, error)
      || !vit_patch_embed_configure (embedder->embed, &scaled, error))
    return FALSE;
  embedder->shape = vit_patch_embed_shape (embedder->embed);
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

/* Computes the planned tokens into a buffer of the pool; NULL when there is no
 * memory for them. */
static GstBuffer *
compute_tokens (GstVitEmbedder *embedder, const VitImage *image)
{
  GstBuffer *tokens = NULL;
  GstMapInfo map, previous = GST_MAP_INFO_INIT;

  if (gst_buffer_pool_acquire_buffer (embedder->pool, &tokens, NULL)
      != GST_FLOW_OK)
    return NULL;
  if (!gst_buffer_map (tokens, &map, GST_MAP_WRITE)) {
    gst_buffer_unref (tokens);
    return NULL;
  }
  if (embedder->last_tokens != NULL)
    gst_buffer_map (embedder->last_tokens, &previous, GST_MAP_READ);
  vit_patch_embed_run (embedder->embed, image, previous.data, map.data,
      gst_vit_workers_run, embedder->setup->workers);
  if (embedder->last_tokens != NULL)
    gst_buffer_unmap (embedder->last_tokens, &previous);
  gst_buffer_unmap (tokens, &map);
  return tokens;
}

/* The tokens of the picture: those of the last where no patch changed, or NULL
 * when there is no memory for new ones. */
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
    tokens = compute_tokens (embedder, image);
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
