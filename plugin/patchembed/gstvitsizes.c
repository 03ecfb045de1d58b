/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitsizes.h"

/* As many sizes as are kept ready. */
#define MAX_SIZES 16

struct _GstVitSizes {
  GstVitEmbedderSetup setup;
  GstVideoInfo info;
  VitImageFormat format;
  guint max_tokens;
  GPtrArray *all; /* of GstVitEmbedder, at least one */
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
  GstVitEmbedder *first = g_ptr_array_index (sizes->all, 0);

  /* One stays, for the weights that it may still have use for. */
  g_ptr_array_set_size (sizes->all, 1);
  gst_vit_embedder_reset (first);
  first->format.pixel = NULL;
  sizes->info = *info;
  sizes->format = *format;
  sizes->max_tokens = max_tokens;
}

void
gst_vit_sizes_reset (GstVitSizes *sizes)
{
  for (guint i = 0; i < sizes->all->len; i++)
    gst_vit_embedder_reset (g_ptr_array_index (sizes->all, i));
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

/* One to be configured: unused, new, or the one not used for longest. */
static GstVitEmbedder *
take_one (GstVitSizes *sizes, GError **error)
{
  GstVitEmbedder *oldest = g_ptr_array_index (sizes->all, 0), *made;
  VitPatchEmbed *embed;

  for (guint i = 0; i < sizes->all->len; i++) {
    GstVitEmbedder *embedder = g_ptr_array_index (sizes->all, i);

    if (embedder->format.pixel == NULL)
      return embedder;
    if (embedder->last_serial < oldest->last_serial)
      oldest = embedder;
  }
  if (sizes->all->len == MAX_SIZES)
    return oldest;
  embed = vit_patch_embed_new_like (oldest->embed, error);
  if (embed == NULL)
    return NULL;
  made = gst_vit_embedder_new (&sizes->setup, embed);
  g_ptr_array_add (sizes->all, made);
  return made;
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

  format.width = region->width;
  format.height = region->height;
  return !is_too_small (sizes, region, error)
      && gst_vit_embedder_measure (g_ptr_array_index (sizes->all, 0),
          &sizes->info, &format, sizes->max_tokens, shape, error);
}

GstVitEmbedder *
gst_vit_sizes_find (GstVitSizes *sizes, guint64 serial,
    GstVitRegion *region, VitImage *image, GError **error)
{
  VitImageFormat format = sizes->format;
  GstVitEmbedder *embedder;

  if (is_too_small (sizes, region, error))
    return NULL;
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
  embedder = find_ready (sizes, &format, region, serial);
  if (embedder != NULL)
    return embedder;
  embedder = take_one (sizes, error);
  if (embedder == NULL
      || !gst_vit_embedder_configure (embedder, &sizes->info, &format,
          sizes->max_tokens, error))
    return NULL;
  return embedder;
}
