/* SPDX-License-Identifier: MIT */
#include "support/forgeries.h"

#include <math.h>
#include <string.h>

#define FIELD(field)                                                          \
  static void set_##field (GstVitTokensMeta *meta, guint number)              \
  {                                                                           \
    meta->field = number;                                                     \
  }

FIELD (n_tokens)
FIELD (n_prefix_tokens)
FIELD (grid_width)
FIELD (grid_height)
FIELD (patch_size)
FIELD (embed_dim)
FIELD (frame_width)
FIELD (frame_height)
FIELD (n_blocks)

static void
set_format (GstVitTokensMeta *meta, guint number)
{
  memcpy (&meta->format, &number, sizeof number);
}

static void
set_tokens (GstVitTokensMeta *meta, guint size)
{
  gst_clear_buffer (&meta->tokens);
  meta->tokens = gst_buffer_new_allocate (NULL, size, NULL);
}

static void
take_tokens (GstVitTokensMeta *meta, guint number)
{
  gst_clear_buffer (&meta->tokens);
}

/* 2^16 x 2^16 is 0 in 32 bits: one prefix token that is as long as `tokens`. */
static void
wrap_grid (GstVitTokensMeta *meta, guint number)
{
  meta->grid_width = meta->grid_height = 65536;
  meta->n_tokens = 1;
  set_tokens (meta, 8);
}

/* (13 x 2^31 + 13 x 2) x 4 is 104 again in 32 bits, as 2^31 + 2 is 2. */
static void
wrap_values (GstVitTokensMeta *meta, guint number)
{
  meta->embed_dim = (1u << 31) + 2;
}

/* Of 2 x 2^31 tokens of 2^31 values of 4 bytes nothing is left in 64 bits. */
static void
wrap_size (GstVitTokensMeta *meta, guint number)
{
  meta->n_prefix_tokens = 0;
  meta->grid_width = 1u << 31;
  meta->grid_height = 1;
  meta->n_tokens = 1u << 31;
  meta->embed_dim = 1u << 31;
  set_tokens (meta, 0);
}

static void
set_map_nan (GstVitTokensMeta *meta, guint i)
{
  meta->map[i] = NAN;
}

static void
set_map_infinite (GstVitTokensMeta *meta, guint i)
{
  meta->map[i] = i % 2 ? INFINITY : -INFINITY;
}

/* The number itself is finite, where it leads is not. */
static void
set_map_large (GstVitTokensMeta *meta, guint i)
{
  meta->map[i] = -1e308;
}

static void
set_changed (GstVitTokensMeta *meta, guint size)
{
  meta->changed = g_bytes_new_take (g_malloc0 (size), size);
}

static void
set_positions (GstVitTokensMeta *meta, guint size)
{
  meta->positions = gst_buffer_new_allocate (NULL, size, NULL);
}

static void
set_model_id (GstVitTokensMeta *meta, guint size)
{
  g_free (meta->model_id);
  meta->model_id = g_strnfill (size, '"');
}

static void
spoil_model_id (GstVitTokensMeta *meta, guint byte)
{
  meta->model_id[2] = (gchar) byte;
}

static void
set_prefix_kinds (GstVitTokensMeta *meta, guint size)
{
  meta->prefix_kinds = g_bytes_new_take (g_malloc0 (size), size);
}

static void
set_roi_type (GstVitTokensMeta *meta, guint size)
{
  meta->roi_type = g_strnfill (size, '"');
}

static void
spoil_roi_type (GstVitTokensMeta *meta, guint byte)
{
  set_roi_type (meta, 3);
  meta->roi_type[2] = (gchar) byte;
}

/* Of the 64 x 48 pixels of the frame, and past them by one number. */
static void
set_roi_x (GstVitTokensMeta *meta, guint x)
{
  meta->roi_x = x;
  meta->roi_width = meta->roi_height = 1;
}

static void
set_roi_y (GstVitTokensMeta *meta, guint y)
{
  meta->roi_y = y;
  meta->roi_width = meta->roi_height = 1;
}

static void
set_roi_width (GstVitTokensMeta *meta, guint width)
{
  meta->roi_x = 32;
  meta->roi_width = width;
  meta->roi_height = 1;
}

static void
set_roi_height (GstVitTokensMeta *meta, guint height)
{
  meta->roi_y = 24;
  meta->roi_width = 1;
  meta->roi_height = height;
}

static void
set_roi_place (GstVitTokensMeta *meta, guint x)
{
  meta->roi_x = x;
}

#define REGION "roi_x, roi_y, roi_width, roi_height lead out of the frame"
#define KINDS "prefix_kinds is not a byte a prefix token"
#define SIZE "grid_width, grid_height or embed_dim is 0 or too large"
#define PIXELS "patch_size, frame_width or frame_height is 0 or too large"
#define COUNT "n_tokens is not n_prefix_tokens + grid_width * grid_height"
#define LENGTH "tokens is not n_tokens * embed_dim values long"
#define MAP "map leads to places that are not finite"
#define CHANGED "changed is not a bit a token"
#define POSITIONS "positions is neither empty nor as long as the patches' tokens"

const Forgery forgeries[] = {
  { "no-tokens", take_tokens, 0, "there are no tokens" },
  { "format-3", set_format, 3, "format is not known" },
  { "format-negative", set_format, G_MAXUINT, "format is not known" },
  { "format-of-half-the-size", set_format, 1, LENGTH },
  { "n-tokens-0", set_n_tokens, 0, COUNT },
  { "n-tokens-12", set_n_tokens, 12, COUNT },
  { "n-tokens-14", set_n_tokens, 14, COUNT },
  { "n-tokens-large", set_n_tokens, 1u << 31, COUNT },
  { "prefix-0", set_n_prefix_tokens, 0, COUNT },
  { "prefix-beyond-n-tokens", set_n_prefix_tokens, 14, COUNT },
  { "prefix-wraps", set_n_prefix_tokens, G_MAXUINT, SIZE },
  { "grid-width-0", set_grid_width, 0, SIZE },
  { "grid-width-5", set_grid_width, 5, COUNT },
  { "grid-width-large", set_grid_width, G_MAXUINT, SIZE },
  { "grid-height-0", set_grid_height, 0, SIZE },
  { "grid-height-large", set_grid_height, G_MAXUINT, SIZE },
  { "grid-wraps", wrap_grid, 0, SIZE },
  { "embed-dim-0", set_embed_dim, 0, SIZE },
  { "embed-dim-3", set_embed_dim, 3, LENGTH },
  { "embed-dim-large", set_embed_dim, G_MAXUINT, LENGTH },
  { "values-wrap", wrap_values, 0, LENGTH },
  { "size-wraps", wrap_size, 0, SIZE },
  { "patch-size-0", set_patch_size, 0, PIXELS },
  { "patch-size-large", set_patch_size, 1u << 31, PIXELS },
  { "frame-width-0", set_frame_width, 0, PIXELS },
  { "frame-width-large", set_frame_width, 1u << 31, PIXELS },
  { "frame-height-0", set_frame_height, 0, PIXELS },
  { "frame-height-large", set_frame_height, G_MAXUINT, PIXELS },
  { "n-blocks-negative", set_n_blocks, G_MAXUINT, "n_blocks is too large" },
  { "map-0-nan", set_map_nan, 0, MAP },
  { "map-5-nan", set_map_nan, 5, MAP },
  { "map-1-infinite", set_map_infinite, 1, MAP },
  { "map-2-infinite", set_map_infinite, 2, MAP },
  { "map-4-infinite", set_map_infinite, 4, MAP },
  { "map-0-large", set_map_large, 0, MAP },
  { "map-4-large", set_map_large, 4, MAP },
  { "tokens-empty", set_tokens, 0, LENGTH },
  { "tokens-short", set_tokens, 13 * 2 * 4 - 1, LENGTH },
  { "tokens-long", set_tokens, 13 * 2 * 4 + 1, LENGTH },
  { "changed-empty", set_changed, 0, CHANGED },
  { "changed-short", set_changed, 1, CHANGED },
  { "changed-long", set_changed, 3, CHANGED },
  { "positions-of-3-bytes", set_positions, 3, POSITIONS },
  { "positions-short", set_positions, 12 * 2 * 4 - 4, POSITIONS },
  { "positions-of-the-prefix-too", set_positions, 13 * 2 * 4, POSITIONS },
  { "model-id-long", set_model_id, 1025, "model_id is too long" },
  { "model-id-endless", set_model_id, 50000000, "model_id is too long" },
  { "model-id-not-utf-8", spoil_model_id, 0xff, "model_id is not UTF-8" },
  { "kinds-none", set_prefix_kinds, 0, KINDS },
  { "kinds-of-two", set_prefix_kinds, 2, KINDS },
  { "roi-x-64", set_roi_x, 64, REGION },
  { "roi-x-large", set_roi_x, G_MAXUINT, REGION },
  { "roi-y-48", set_roi_y, 48, REGION },
  { "roi-width-0", set_roi_width, 0, REGION },
  { "roi-width-33", set_roi_width, 33, REGION },
  { "roi-width-wraps", set_roi_width, G_MAXUINT - 31, REGION },
  { "roi-height-25", set_roi_height, 25, REGION },
  { "roi-height-wraps", set_roi_height, G_MAXUINT - 23, REGION },
  { "roi-of-no-size", set_roi_place, 1, REGION },
  { "roi-type-long", set_roi_type, 257, "roi_type is too long" },
  { "roi-type-endless", set_roi_type, 50000000, "roi_type is too long" },
  { "roi-type-not-utf-8", spoil_roi_type, 0xff, "roi_type is not UTF-8" },
};
const guint n_forgeries = G_N_ELEMENTS (forgeries);
