/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvittokenizers.h"

/* As many sizes as are kept ready. */
#define MAX_TOKENIZERS 16

struct _GstVitTokenizers {
  GstVitTokenizerSetup setup;
  GstVideoInfo info;
  VitImageFormat format;
  guint max_tokens;
  GPtrArray *all; /* of GstVitTokenizer, at least one */
};

GstVitTokenizers *
gst_vit_tokenizers_new (
    const GstVitTokenizerSetup *setup, VitPatchEmbed *embed)
{
  GstVitTokenizers *tokenizers = g_new0 (GstVitTokenizers, 1);

  tokenizers->setup = *setup;
  tokenizers->all = g_ptr_array_new_with_free_func (
      (GDestroyNotify) gst_vit_tokenizer_free);
  g_ptr_array_add (
      tokenizers->all, gst_vit_tokenizer_new (&tokenizers->setup, embed));
  return tokenizers;
}

void
gst_vit_tokenizers_free (GstVitTokenizers *tokenizers)
{
  g_ptr_array_unref (tokenizers->all);
  g_free (tokenizers);
}

void
gst_vit_tokenizers_set_format (GstVitTokenizers *tokenizers,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens)
{
  GstVitTokenizer *first = g_ptr_array_index (tokenizers->all, 0);

  /* One stays, for the weights that it may still have use for. */
  g_ptr_array_set_size (tokenizers->all, 1);
  gst_vit_tokenizer_reset (first);
  first->format.pixel = NULL;
  tokenizers->info = *info;
  tokenizers->format = *format;
  tokenizers->max_tokens = max_tokens;
}

void
gst_vit_tokenizers_reset (GstVitTokenizers *tokenizers)
{
  for (guint i = 0; i < tokenizers->all->len; i++)
    gst_vit_tokenizer_reset (g_ptr_array_index (tokenizers->all, i));
}

static gboolean
has_size (const GstVitTokenizer *tokenizer, const VitImageFormat *format)
{
  return tokenizer->format.pixel != NULL
      && tokenizer->format.width == format->width
      && tokenizer->format.height == format->height
      && tokenizer->format.phase_x == format->phase_x
      && tokenizer->format.phase_y == format->phase_y;
}

/* How well a tokenizer serves a region; 0: not at all, without configuring. */
static guint
rate (const GstVitTokenizer *tokenizer, const VitImageFormat *format,
    const GstVitRegion *region, guint64 serial)
{
  if (!has_size (tokenizer, format))
    return 0;
  if (tokenizer->last_serial == serial)
    return 1;
  return tokenizer->last_region.x == region->x
          && tokenizer->last_region.y == region->y
          && tokenizer->last_region.id == region->id
      ? 3
      : 2;
}

static GstVitTokenizer *
find_ready (const GstVitTokenizers *tokenizers, const VitImageFormat *format,
    const GstVitRegion *region, guint64 serial)
{
  GstVitTokenizer *best = NULL;
  guint best_rate = 0;

  for (guint i = 0; i < tokenizers->all->len; i++) {
    GstVitTokenizer *tokenizer = g_ptr_array_index (tokenizers->all, i);
    guint rated = rate (tokenizer, format, region, serial);

    if (rated > best_rate) {
      best_rate = rated;
      best = tokenizer;
    }
  }
  /* One that has done a region of this frame already would do, but its tokens
   * are of more use kept for that region in the next. */
  return best_rate == 1 && tokenizers->all->len < MAX_TOKENIZERS ? NULL : best;
}

/* One to be configured: unused, new, or the one not used for longest. */
static GstVitTokenizer *
take_one (GstVitTokenizers *tokenizers, GError **error)
{
  GstVitTokenizer *oldest = g_ptr_array_index (tokenizers->all, 0), *made;
  VitPatchEmbed *embed;

  for (guint i = 0; i < tokenizers->all->len; i++) {
    GstVitTokenizer *tokenizer = g_ptr_array_index (tokenizers->all, i);

    if (tokenizer->format.pixel == NULL)
      return tokenizer;
    if (tokenizer->last_serial < oldest->last_serial)
      oldest = tokenizer;
  }
  if (tokenizers->all->len == MAX_TOKENIZERS)
    return oldest;
  embed = vit_patch_embed_new_like (oldest->embed, error);
  if (embed == NULL)
    return NULL;
  made = gst_vit_tokenizer_new (&tokenizers->setup, embed);
  g_ptr_array_add (tokenizers->all, made);
  return made;
}

/* Asked before a tokenizer is given up for it. */
static gboolean
is_too_small (const GstVitTokenizers *tokenizers, const GstVitRegion *region,
    GError **error)
{
  guint size = tokenizers->setup.model->patch_size;

  if (tokenizers->setup.pad
      || (region->width >= size && region->height >= size))
    return FALSE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE,
      "%ux%u pixels are less than one patch of %ux%u", region->width,
      region->height, size, size);
  return TRUE;
}

gboolean
gst_vit_tokenizers_measure (const GstVitTokenizers *tokenizers,
    const GstVitRegion *region, VitTokensShape *shape, GError **error)
{
  VitImageFormat format = tokenizers->format;

  format.width = region->width;
  format.height = region->height;
  return !is_too_small (tokenizers, region, error)
      && gst_vit_tokenizer_measure (g_ptr_array_index (tokenizers->all, 0),
          &tokenizers->info, &format, tokenizers->max_tokens, shape, error);
}

GstVitTokenizer *
gst_vit_tokenizers_find (GstVitTokenizers *tokenizers, guint64 serial,
    GstVitRegion *region, VitImage *image, GError **error)
{
  VitImageFormat format = tokenizers->format;
  GstVitTokenizer *tokenizer;

  if (is_too_small (tokenizers, region, error))
    return NULL;
  vit_image_crop (
      &format, image, region->x, region->y, region->width, region->height);
  if (gst_vit_tokenizer_must_scale (&tokenizers->setup, format.width,
          format.height, tokenizers->max_tokens)) {
    region->x -= format.phase_x;
    region->y -= format.phase_y;
    region->width = format.width += format.phase_x;
    region->height = format.height += format.phase_y;
    format.phase_x = format.phase_y = 0;
  }
  tokenizer = find_ready (tokenizers, &format, region, serial);
  if (tokenizer != NULL)
    return tokenizer;
  tokenizer = take_one (tokenizers, error);
  if (tokenizer == NULL
      || !gst_vit_tokenizer_configure (tokenizer, &tokenizers->info, &format,
          tokenizers->max_tokens, error))
    return NULL;
  return tokenizer;
}
