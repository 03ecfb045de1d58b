/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvittokenizer.h"

#include <string.h>

#include "common/gstvittokenspool.h"
#include "patchembed/gstvitpositions.h"

GstVitTokenizer *
gst_vit_tokenizer_new (
    const GstVitTokenizerSetup *setup, VitPatchEmbed *embed)
{
  GstVitTokenizer *tokenizer = g_new0 (GstVitTokenizer, 1);

  tokenizer->setup = setup;
  tokenizer->embed = embed;
  return tokenizer;
}

static void
clear_pool (GstVitTokenizer *tokenizer)
{
  if (tokenizer->pool != NULL)
    gst_buffer_pool_set_active (tokenizer->pool, FALSE);
  gst_clear_object (&tokenizer->pool);
}

static void
clear_positions (GstVitTokenizer *tokenizer)
{
  gst_clear_buffer (&tokenizer->positions);
  tokenizer->positions_known = FALSE;
}

void
gst_vit_tokenizer_free (GstVitTokenizer *tokenizer)
{
  gst_vit_tokenizer_reset (tokenizer);
  clear_positions (tokenizer);
  clear_pool (tokenizer);
  gst_vit_scaler_free (tokenizer->scaler);
  vit_patch_embed_free (tokenizer->embed);
  g_free (tokenizer);
}

void
gst_vit_tokenizer_reset (GstVitTokenizer *tokenizer)
{
  gst_clear_buffer (&tokenizer->last_tokens);
}

/* At least one, as prefix tokens alone say nothing of a picture. */
static guint
max_patches (const GstVitTokenizerSetup *setup, guint max_tokens)
{
  if (max_tokens == 0)
    return G_MAXUINT;
  return max_tokens > setup->n_prefix_tokens
      ? max_tokens - setup->n_prefix_tokens
      : 1;
}

gboolean
gst_vit_tokenizer_must_scale (const GstVitTokenizerSetup *setup, guint width,
    guint height, guint max_tokens)
{
  guint scaled_width, scaled_height;

  gst_vit_scaler_choose_size (width, height, setup->model->patch_size,
      setup->pad, max_patches (setup, max_tokens), &scaled_width,
      &scaled_height);
  return scaled_width != width || scaled_height != height;
}

static gboolean
make_pool (GstVitTokenizer *tokenizer, GError **error)
{
  const VitTokensShape *shape = &tokenizer->shape;
  gsize size = gst_vit_token_format_get_size (tokenizer->setup->token_format);

  clear_pool (tokenizer);
  tokenizer->pool = gst_vit_tokens_pool_new (
      (gsize) shape->n_tokens * shape->embed_dim * size);
  if (tokenizer->pool == NULL)
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "cannot make a pool for %u tokens of %u numbers", shape->n_tokens,
        shape->embed_dim);
  return tokenizer->pool != NULL;
}

static gboolean
is_same_size (const VitImageFormat *a, const VitImageFormat *b)
{
  return a->width == b->width && a->height == b->height;
}

/* The model's input: the picture, or what it is scaled to. */
static gboolean
choose_input (const GstVitTokenizerSetup *setup, const GstVideoInfo *info,
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
gst_vit_tokenizer_measure (const GstVitTokenizer *tokenizer,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens,
    VitTokensShape *shape, GError **error)
{
  VitImageFormat input;

  return choose_input (
             tokenizer->setup, info, format, max_tokens, &input, error)
      && vit_patch_embed_measure (tokenizer->embed, &input, shape, error);
}

gboolean
gst_vit_tokenizer_configure (GstVitTokenizer *tokenizer,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens,
    GError **error)
{
  VitImageFormat scaled;

  gst_vit_tokenizer_reset (tokenizer);
  clear_positions (tokenizer);
  g_clear_pointer (&tokenizer->scaler, gst_vit_scaler_free);
  tokenizer->format.pixel = NULL;
  if (!choose_input (
          tokenizer->setup, info, format, max_tokens, &scaled, error)
      || !vit_patch_embed_configure (tokenizer->embed, &scaled, error))
    return FALSE;
  tokenizer->shape = vit_patch_embed_shape (tokenizer->embed);
  if (!make_pool (tokenizer, error))
    return FALSE;
  if (!is_same_size (&scaled, format)) {
    tokenizer->scaler = gst_vit_scaler_new (
        info, format, scaled.width, scaled.height);
    if (tokenizer->scaler == NULL) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
          "cannot scale %ux%u pixels to %ux%u", format->width, format->height,
          scaled.width, scaled.height);
      return FALSE;
    }
  }
  tokenizer->pixels_x = (double) format->width / scaled.width;
  tokenizer->pixels_y = (double) format->height / scaled.height;
  tokenizer->format = *format;
  return TRUE;
}

/* Computes the planned tokens into a buffer of the pool; NULL when there is no
 * memory for them. */
static GstBuffer *
compute_tokens (GstVitTokenizer *tokenizer, const VitImage *image)
{
  GstBuffer *tokens = NULL;
  GstMapInfo map, previous = GST_MAP_INFO_INIT;

  if (gst_buffer_pool_acquire_buffer (tokenizer->pool, &tokens, NULL)
      != GST_FLOW_OK)
    return NULL;
  if (!gst_buffer_map (tokens, &map, GST_MAP_WRITE)) {
    gst_buffer_unref (tokens);
    return NULL;
  }
  if (tokenizer->last_tokens != NULL)
    gst_buffer_map (tokenizer->last_tokens, &previous, GST_MAP_READ);
  vit_patch_embed_run (tokenizer->embed, image, previous.data, map.data,
      gst_vit_workers_run, tokenizer->setup->workers);
  if (tokenizer->last_tokens != NULL)
    gst_buffer_unmap (tokenizer->last_tokens, &previous);
  gst_buffer_unmap (tokens, &map);
  return tokens;
}

/* The tokens of the picture: those of the last where no patch changed, or NULL
 * when there is no memory for new ones. */
static GstBuffer *
find_tokens (GstVitTokenizer *tokenizer, const GstVitTokenizerTask *task,
    const VitImage *image, VitFrameCounts *counts)
{
  GstBuffer *tokens;

  *counts = vit_patch_embed_plan (tokenizer->embed, image,
      tokenizer->last_tokens != NULL, task->tolerance, gst_vit_workers_run,
      tokenizer->setup->workers);
  if (tokenizer->last_tokens != NULL
      && counts->n_short + counts->n_full == 0)
    tokens = gst_buffer_ref (tokenizer->last_tokens);
  else
    tokens = compute_tokens (tokenizer, image);
  /* The samples are now those of the new tokens, or of none. */
  gst_clear_buffer (&tokenizer->last_tokens);
  if (tokens != NULL && task->reuse)
    tokenizer->last_tokens = gst_buffer_ref (tokens);
  return tokens;
}

static gboolean
is_same_region (const GstVitRegion *a, const GstVitRegion *b)
{
  return a->id == b->id && a->x == b->x && a->y == b->y && a->width == b->width
      && a->height == b->height;
}

static void
say_what_changed (const GstVitTokenizer *tokenizer, GstVitTokensMeta *meta)
{
  gsize n_bytes = (tokenizer->shape.n_tokens + (gsize) 7) / 8;
  guint8 *bits = g_try_malloc (n_bytes);
  GBytes *changed;

  /* Without it every token counts as changed. */
  if (bits == NULL)
    return;
  changed = g_bytes_new_take (bits, n_bytes);
  vit_patch_embed_changed (tokenizer->embed, bits);
  gst_vit_tokens_meta_set_changed (meta, changed);
  g_bytes_unref (changed);
}

static void
attach_positions (GstVitTokenizer *tokenizer, GstVitTokensMeta *meta)
{
  if (!tokenizer->positions_known)
    tokenizer->positions = gst_vit_positions_new (tokenizer->embed);
  tokenizer->positions_known = TRUE;
  if (tokenizer->positions != NULL)
    gst_vit_tokens_meta_set_positions (meta, tokenizer->positions);
}

gboolean
gst_vit_tokenizer_run (GstVitTokenizer *tokenizer,
    const GstVitTokenizerTask *task, VitImage *image,
    const GstVitRegion *region, GstBuffer *frame, guint frame_width,
    guint frame_height, VitFrameCounts *counts)
{
  const VitModel *model = tokenizer->setup->model;
  const VitTokensShape *shape = &tokenizer->shape;
  gboolean follows = tokenizer->last_tokens != NULL
      && tokenizer->last_serial + 1 == task->serial
      && is_same_region (&tokenizer->last_region, region);
  GstVitTokensMeta *meta;
  GstBuffer *tokens;

  if (tokenizer->scaler != NULL
      && !gst_vit_scaler_run (tokenizer->scaler, image))
    return FALSE;
  tokens = find_tokens (tokenizer, task, image, counts);
  tokenizer->last_region = *region;
  tokenizer->last_serial = task->serial;
  if (tokens == NULL)
    return FALSE;
  meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
      tokenizer->setup->token_format, shape->n_prefix_tokens,
      shape->grid_width, shape->grid_height, model->patch_size,
      shape->embed_dim, frame_width, frame_height, model->id);
  meta->roi_id = region->id;
  meta->map[0] = model->patch_size * tokenizer->pixels_x;
  meta->map[2] = region->x;
  meta->map[4] = model->patch_size * tokenizer->pixels_y;
  meta->map[5] = region->y;
  if (follows)
    say_what_changed (tokenizer, meta);
  if (task->positions)
    attach_positions (tokenizer, meta);
  gst_buffer_unref (tokens);
  return TRUE;
}
