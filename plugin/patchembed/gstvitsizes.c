/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitsizes.h"

/* As many sizes as are kept ready, and for how many frames without a picture of
 * theirs. */
#define MAX_SIZES 16
#define KEPT_FRAMES 30

/* All regions of a frame together have as many patches as so many whole frames;
 * of small frames, as many pixels in patches as these.  Scaling a pixel down takes
 * about an eighth of the time that computing its share of a token does. */
#define MAX_WHOLE_FRAMES 16
#define LEAST_MAX_PIXELS (1 << 20)
#define SCALED_SHARE 8

struct _GstVitSizes {
  GstVitEmbedderSetup setup;
  GstVideoInfo info;
  VitImageFormat format;
  guint max_tokens;
  GPtrArray *all; /* of GstVitEmbedder, at least one */
  /* Of the frame in work */
  guint64 serial;
  guint64 max_patches;
  guint64 n_patches; /* of its regions so far */
  guint64 passed;    /* bytes of tokens that it holds, and no embedder */
};

GstVitSizes *
gst_vit_sizes_new (
    const GstVitEmbedderSetup *setup, VitPatchEmbed *embed)
{
  GstVitSizes *sizes = g_new0 (GstVitSizes, 1);

  sizes->setup = *setup;
  sizes->all = g_ptr_array_new_with_free_func (
      (GDestroyNotify) gst_vit_embedder_free);
  g_ptr_array_add (
      sizes->all, gst_vit_embedder_new (&sizes->setup, embed));
  return sizes;
}

void
gst_vit_sizes_free (GstVitSizes *sizes)
{
  g_ptr_array_unref (sizes->all);
  g_free (sizes->setup.model_id);
  g_clear_pointer (&sizes->setup.prefix_kinds, g_bytes_unref);
  g_free (sizes);
}

void
gst_vit_sizes_set_format (GstVitSizes *sizes,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens)
{
  guint size = sizes->setup.model->patch_size;

  /* One stays, for the weights that it may still have use for. */
  g_ptr_array_set_size (sizes->all, 1);
  gst_vit_embedder_release (g_ptr_array_index (sizes->all, 0));
  sizes->n_patches = sizes->passed = 0;
  sizes->info = *info;
  sizes->format = *format;
  sizes->max_tokens = max_tokens;
  sizes->max_patches = MAX (LEAST_MAX_PIXELS / (size * size),
      MAX_WHOLE_FRAMES * gst_vit_embedder_count_patches (&sizes->setup, format));
}

void
gst_vit_sizes_reset (GstVitSizes *sizes)
{
  for (guint i = 0; i < sizes->all->len; i++)
    gst_vit_embedder_reset (g_ptr_array_index (sizes->all, i));
}

void
gst_vit_sizes_begin (GstVitSizes *sizes, guint64 serial)
{
  sizes->serial = serial;
  sizes->n_patches = sizes->passed = 0;
  for (guint i = 0; i < sizes->all->len; i++) {
    GstVitEmbedder *embedder = g_ptr_array_index (sizes->all, i);

    if (embedder->last_serial + KEPT_FRAMES < serial
        && embedder->configured_serial + KEPT_FRAMES < serial)
      gst_vit_embedder_release (embedder);
  }
}

static gboolean
has_size (const GstVitEmbedder *embedder, const VitImageFormat *format)
{
  return embedder->format.pixel != NULL
      && embedder->format.width == format->width
      && embedder->format.height == format->height
      && embedder->format.phase_x == format->phase_x
      && embedder->format.phase_y == format->phase_y;
}

/* How well an embedder serves a region; 0: not at all, without configuring. */
static guint
rate (const GstVitEmbedder *embedder, const VitImageFormat *format,
    const GstVitRegion *region, guint64 serial)
{
  if (!has_size (embedder, format))
    return 0;
  if (embedder->last_serial == serial)
    return 1;
  if (embedder->last_region.x != region->x
      || embedder->last_region.y != region->y)
    return 2;
  return embedder->last_region.id == region->id ? 4 : 3;
}

static GstVitEmbedder *
find_ready (const GstVitSizes *sizes, const VitImageFormat *format,
    const GstVitRegion *region, guint64 serial)
{
  GstVitEmbedder *best = NULL;
  guint best_rate = 0;

  for (guint i = 0; i < sizes->all->len; i++) {
    GstVitEmbedder *embedder = g_ptr_array_index (sizes->all, i);
    guint rated = rate (embedder, format, region, serial);

    if (rated > best_rate) {
      best_rate = rated;
      best = embedder;
    }
  }
  /* One that has done a region of this frame already would do, but its tokens
   * are of more use kept for that region in the next. */
  return best_rate == 1 && sizes->all->len < MAX_SIZES ? NULL : best;
}

/* (nullable): of those that are ready for a size. */
static GstVitEmbedder *
find_oldest (const GstVitSizes *sizes, const GstVitEmbedder *but)
{
  GstVitEmbedder *oldest = NULL;

  for (guint i = 0; i < sizes->all->len; i++) {
    GstVitEmbedder *embedder = g_ptr_array_index (sizes->all, i);

    if (embedder != but && embedder->format.pixel != NULL
        && (oldest == NULL || embedder->last_serial < oldest->last_serial))
      oldest = embedder;
  }
  return oldest;
}

static void
give_up (GstVitSizes *sizes, GstVitEmbedder *embedder)
{
  if (embedder->last_serial == sizes->serial)
    sizes->passed += embedder->tokens_size;
  gst_vit_embedder_release (embedder);
}

static gboolean
refuse_memory (const GstVitSizes *sizes, const VitTokensShape *shape,
    guint64 needed, GError **error)
{
  g_autofree gchar *text = g_format_size (needed);
  g_autofree gchar *most = g_format_size (sizes->setup.max_memory);

  g_set_error (error, VIT_ERROR, VIT_ERROR_LIMIT,
      "%u tokens of %u numbers, and what computes them, take %s of memory, and "
      "'max-memory' allows %s; set 'max-tokens' to have fewer, or raise "
      "'max-memory'",
      shape->n_tokens, shape->embed_dim, text, most);
  return FALSE;
}

/* Gives up what is kept for other sizes until there is room for so much more. */
static gboolean
make_room (GstVitSizes *sizes, const GstVitEmbedder *but,
    const VitTokensShape *shape, guint64 needed, GError **error)
{
  guint64 most = sizes->setup.max_memory;

  while (most > 0) {
    guint64 held = sizes->passed;
    GstVitEmbedder *oldest = find_oldest (sizes, but);

    for (guint i = 0; i < sizes->all->len; i++)
      held += ((GstVitEmbedder *) g_ptr_array_index (sizes->all, i))->memory;
    if (held + needed <= most)
      return TRUE;
    if (oldest == NULL)
      return refuse_memory (sizes, shape, held + needed, error);
    give_up (sizes, oldest);
  }
  return TRUE;
}

/* One to be configured: unused, new, or the one not used for longest. */
static GstVitEmbedder *
take_one (GstVitSizes *sizes, GError **error)
{
  GstVitEmbedder *made, *oldest;
  VitPatchEmbed *embed;

  for (guint i = 0; i < sizes->all->len; i++) {
    GstVitEmbedder *embedder = g_ptr_array_index (sizes->all, i);

    if (embedder->format.pixel == NULL)
      return embedder;
  }
  oldest = find_oldest (sizes, NULL);
  if (sizes->all->len == MAX_SIZES) {
    give_up (sizes, oldest);
    return oldest;
  }
  embed = vit_patch_embed_new_like (oldest->embed, error);
  if (embed == NULL)
    return NULL;
  made = gst_vit_embedder_new (&sizes->setup, embed);
  g_ptr_array_add (sizes->all, made);
  return made;
}

/* Counts the patches of a region of the frame in work. */
static gboolean
spend_patches (
    GstVitSizes *sizes, const GstVitEmbedderSize *size, GError **error)
{
  guint n_prefix = size->shape.n_prefix_tokens;
  guint64 n_patches = MAX (size->shape.n_tokens - n_prefix,
      size->n_patches_unscaled / SCALED_SHARE);

  if (n_patches > sizes->max_patches - sizes->n_patches) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_LIMIT,
        "all regions of a frame together may have %" G_GUINT64_FORMAT
        " patches: those of %d whole frames, or %d pixels", sizes->max_patches,
        MAX_WHOLE_FRAMES, LEAST_MAX_PIXELS);
    return FALSE;
  }
  sizes->n_patches += n_patches;
  return TRUE;
}

/* An embedder that has done a region of this frame already does another. */
static GstVitEmbedder *
use_again (GstVitSizes *sizes, GstVitEmbedder *embedder, GError **error)
{
  if (!make_room (sizes, embedder, &embedder->shape, embedder->tokens_size,
          error))
    return NULL;
  sizes->passed += embedder->tokens_size;
  return embedder;
}

/* An embedder for pictures of `format` that none was ready for. */
static GstVitEmbedder *
make_ready (GstVitSizes *sizes, const VitImageFormat *format,
    const GstVitEmbedderSize *size, GError **error)
{
  GstVitEmbedder *embedder = take_one (sizes, error);

  if (embedder == NULL
      || !make_room (sizes, embedder, &size->shape, size->memory, error)
      || !gst_vit_embedder_configure (
          embedder, &sizes->info, format, sizes->max_tokens, error))
    return NULL;
  embedder->configured_serial = sizes->serial;
  return embedder;
}

/* Asked before an embedder is given up for it. */
static gboolean
is_too_small (const GstVitSizes *sizes, const GstVitRegion *region,
    GError **error)
{
  guint size = sizes->setup.model->patch_size;

  if (sizes->setup.pad
      || (region->width >= size && region->height >= size))
    return FALSE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE,
      "%ux%u pixels are less than one patch of %ux%u", region->width,
      region->height, size, size);
  return TRUE;
}

gboolean
gst_vit_sizes_measure (const GstVitSizes *sizes,
    const GstVitRegion *region, VitTokensShape *shape, GError **error)
{
  VitImageFormat format = sizes->format;
  guint64 most = sizes->setup.max_memory;
  GstVitEmbedderSize size;

  format.width = region->width;
  format.height = region->height;
  if (is_too_small (sizes, region, error)
      || !gst_vit_embedder_measure (g_ptr_array_index (sizes->all, 0),
          &sizes->info, &format, sizes->max_tokens, &size, error))
    return FALSE;
  *shape = size.shape;
  return most == 0 || size.memory <= most
      || refuse_memory (sizes, shape, size.memory, error);
}

/* The part of the frame that a region is, grown where it must be. */
static VitImageFormat
crop (const GstVitSizes *sizes, GstVitRegion *region, VitImage *image)
{
  VitImageFormat format = sizes->format;

  vit_image_crop (
      &format, image, region->x, region->y, region->width, region->height);
  if (gst_vit_embedder_must_scale (&sizes->setup, format.width,
          format.height, sizes->max_tokens)) {
    region->x -= format.phase_x;
    region->y -= format.phase_y;
    region->width = format.width += format.phase_x;
    region->height = format.height += format.phase_y;
    format.phase_x = format.phase_y = 0;
  }
  return format;
}

GstVitEmbedder *
gst_vit_sizes_find (GstVitSizes *sizes, guint64 serial,
    GstVitRegion *region, VitImage *image, GError **error)
{
  VitImageFormat format;
  GstVitEmbedderSize size;
  GstVitEmbedder *embedder;

  if (is_too_small (sizes, region, error))
    return NULL;
  format = crop (sizes, region, image);
  if (!gst_vit_embedder_measure (g_ptr_array_index (sizes->all, 0),
          &sizes->info, &format, sizes->max_tokens, &size, error)
      || !spend_patches (sizes, &size, error))
    return NULL;
  embedder = find_ready (sizes, &format, region, serial);
  if (embedder == NULL)
    return make_ready (sizes, &format, &size, error);
  return embedder->last_serial == serial
      ? use_again (sizes, embedder, error)
      : embedder;
}
