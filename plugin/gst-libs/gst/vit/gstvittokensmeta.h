/* SPDX-License-Identifier: MIT
 *
 * The patch tokens of a Vision Transformer as metadata on a video frame: the
 * values [n_tokens][embed_dim], what they are, and where in the frame each
 * patch lies.  A frame may carry several, for example one a region.
 *
 * Ownership: a meta belongs to its GstBuffer and lives no longer.  Everything
 * it points to is read-only and shared by reference between copies.
 * Thread-safety: as that of the buffer.  Reading needs no lock; a setter, or a
 * write to a field, needs a writable buffer (gst_buffer_is_writable()).
 */
#pragma once

#include "gst/vit/gstvit-prelude.h"

G_BEGIN_DECLS

/**
 * GstVitTokenFormat:
 * @GST_VIT_TOKEN_FORMAT_F32: IEEE 754 binary32
 * @GST_VIT_TOKEN_FORMAT_F16: IEEE 754 binary16
 * @GST_VIT_TOKEN_FORMAT_BF16: bfloat16, the upper half of a binary32
 *
 * The type of one value of a token, in the machine's byte order.
 *
 * Since: 0.1
 */
typedef enum {
  GST_VIT_TOKEN_FORMAT_F32,
  GST_VIT_TOKEN_FORMAT_F16,
  GST_VIT_TOKEN_FORMAT_BF16,
} GstVitTokenFormat;

#define GST_TYPE_VIT_TOKEN_FORMAT (gst_vit_token_format_get_type ())

GST_VIT_API
GType gst_vit_token_format_get_type (void);

GST_VIT_API
gsize gst_vit_token_format_get_size (GstVitTokenFormat format);

/**
 * GstVitPrefixKind:
 * @GST_VIT_PREFIX_KIND_UNKNOWN: not said
 * @GST_VIT_PREFIX_KIND_CLASS: a class token, or what a family has in its place
 * @GST_VIT_PREFIX_KIND_REGISTER: a register token, of no meaning of its own
 * @GST_VIT_PREFIX_KIND_DISTILLATION: DeiT's distillation token
 *
 * What a token that stands for no patch is for.
 *
 * Since: 0.1
 */
typedef enum {
  GST_VIT_PREFIX_KIND_UNKNOWN,
  GST_VIT_PREFIX_KIND_CLASS,
  GST_VIT_PREFIX_KIND_REGISTER,
  GST_VIT_PREFIX_KIND_DISTILLATION,
} GstVitPrefixKind;

#define GST_TYPE_VIT_PREFIX_KIND (gst_vit_prefix_kind_get_type ())

GST_VIT_API
GType gst_vit_prefix_kind_get_type (void);

GST_VIT_API
const gchar *gst_vit_prefix_kind_get_name (GstVitPrefixKind kind);

/**
 * GST_VIT_TOKENS_META_API_TYPE:
 *
 * The #GType of the API that #GstVitTokensMeta implements.  Its tags are
 * video, size and orientation: an element that changes one of these either
 * has the meta transformed or drops it.
 *
 * Since: 0.1
 */
#define GST_VIT_TOKENS_META_API_TYPE (gst_vit_tokens_meta_api_get_type ())

/**
 * GST_VIT_TOKENS_META_INFO:
 *
 * The #GstMetaInfo of #GstVitTokensMeta.
 *
 * Since: 0.1
 */
#define GST_VIT_TOKENS_META_INFO (gst_vit_tokens_meta_get_info ())

/**
 * GST_VIT_TOKENS_META_MAX_MODEL_ID_SIZE:
 *
 * The most bytes that a model id has, so that nothing it is copied into grows
 * with it.
 *
 * Since: 0.1
 */
#define GST_VIT_TOKENS_META_MAX_MODEL_ID_SIZE 1024

/**
 * GST_VIT_TOKENS_META_MAX_ROI_TYPE_SIZE:
 *
 * The most bytes that a region's type has.
 *
 * Since: 0.1
 */
#define GST_VIT_TOKENS_META_MAX_ROI_TYPE_SIZE 256

typedef struct _GstVitTokensMeta GstVitTokensMeta;

/**
 * GstVitTokensMeta:
 * @meta: parent #GstMeta
 * @tokens: exactly @n_tokens * @embed_dim values, row-major
 *   `[n_tokens][embed_dim]`: the prefix tokens first, then the patches in
 *   raster order, so that the patch in grid column c and row r is token
 *   @n_prefix_tokens + r * @grid_width + c.  Read-only.
 * @format: type of the values
 * @n_tokens: @n_prefix_tokens + @grid_width * @grid_height
 * @n_prefix_tokens: tokens that stand for no patch (class, registers,
 *   distillation); may be 0
 * @grid_width: patches in a row
 * @grid_height: rows of patches
 * @patch_size: side of a patch, in pixels of the model's input
 * @embed_dim: values in a token
 * @frame_width: width in pixels of the frame the tokens were computed from;
 *   not changed when the frame is scaled afterwards
 * @frame_height: its height
 * @map: from the grid to pixels of the frame that carries this meta:
 *   x = map[0] * column + map[1] * row + map[2],
 *   y = map[3] * column + map[4] * row + map[5].
 *   Patch (c, r) covers the columns `[c, c + 1)` and the rows `[r, r + 1)`.
 *   With 16 x 16 patches over the whole frame it is 16 0 0, 0 16 0; after the
 *   frame was scaled to half its width, 8 0 0, 0 16 0.
 * @model_id: (nullable): which model the tokens are of: UTF-8 of at most 1024
 *   bytes.  vitpatchembed writes its name and, after the last `#`, eight
 *   hexadecimal digits, by which models of one name are told apart:
 *   `facebook/dinov2-small#1a2b3c4d`.
 * @roi_id: id of the region that the tokens cover; -1 for the whole frame
 * @n_blocks: transformer blocks after which the tokens were taken; 0 is the
 *   input of the first
 * @changed: (nullable): one bit a token, least significant first: clear where
 *   the token is the same as in the last frame of the stream that had tokens of
 *   this region (@roi_id and place); for tokens of the whole frame, the last that
 *   had any.  Frames in between that have none do not count.  %NULL: any may
 *   differ, as in a first frame, after a gap, or of a region that frame did not
 *   have.  Who may have missed a frame with tokens (#GST_BUFFER_FLAG_DISCONT)
 *   takes all to have changed.
 * @positions: (nullable): what the position table added to the patches' tokens:
 *   float32 `[grid_height * grid_width][embed_dim]`, or empty if nothing was
 *   added.  %NULL: not known.  Read-only; see
 *   gst_vit_tokens_event_new_request_positions().
 * @prefix_kinds: (nullable): one byte a prefix token, a #GstVitPrefixKind;
 *   %NULL: not known
 * @roi_type: (nullable): what the region holds, such as "face": UTF-8 of at most
 *   256 bytes
 * @roi_x: the left edge of the region, in pixels of @frame_width x
 *   @frame_height; not changed when the frame is scaled afterwards
 * @roi_y: its upper edge
 * @roi_width: its width.  It has no part outside of the frame.  All four are 0
 *   for the whole frame, and where it is not known.
 * @roi_height: its height
 *
 * The patch tokens of one frame, or of one region of it.
 *
 * Of tokens of regions, no two on a frame that vitpatchembed made have one
 * @roi_id.  It is that of the region's #GstVideoRegionOfInterestMeta or
 * GstAnalyticsODMtd, and the former's is whatever a detector set.  Where these do
 * not tell the regions of the frame apart, as all are 0 where none are set, the
 * first of a number keeps it, and each other one has the lowest from 1 up that no
 * region has.  @roi_type and the rectangle say which region it is.
 *
 * A copy of the frame has a copy of the meta that shares the tokens.  On a
 * scaled frame the map is scaled with it.  Where an element moves pixels in
 * another way (crops, turns, adds borders), the map follows if the element
 * tells how, by the matrix transform of GStreamer 1.28; patches may then lie
 * outside of the frame.  If it does not tell, the meta is dropped.
 *
 * From GStreamer 1.24 on the meta can be serialised: unixfdsink and unixfdsrc
 * carry it to another process, all but @positions.  A program that is linked to
 * this library receives it from the first frame on.  Python and its like load
 * the library only when they first use it: they call
 * `GstVit.TokensMeta.get_info()` before the pipeline starts.
 *
 * The structure is always allocated by GStreamer, so that later versions may
 * append to it.  The pointers are for reading; use the setters to change them.
 * Who reads a meta that another process or an unknown element made asks
 * gst_vit_tokens_meta_is_valid() first.
 *
 * |[<!-- language="Python" -->
 * import gi, numpy
 * gi.require_version("Gst", "1.0")
 * gi.require_version("GstVit", "1.0")
 * from gi.repository import Gst, GstVit
 *
 * def tokens_of(buffer):  # a copy of their own: [n_tokens, embed_dim]
 *     meta = GstVit.buffer_get_vit_tokens_meta(buffer)
 *     values = meta.get_tokens()
 *     values = values.extract_dup(0, values.get_size())
 *     return numpy.frombuffer(values, numpy.float32).reshape(
 *         meta.n_tokens, meta.embed_dim)
 * ]|
 *
 * Since: 0.1
 */
struct _GstVitTokensMeta {
  GstMeta meta;

  GstBuffer *tokens;
  GstVitTokenFormat format;
  guint n_tokens;
  guint n_prefix_tokens;
  guint grid_width;
  guint grid_height;
  guint patch_size;
  guint embed_dim;
  guint frame_width;
  guint frame_height;
  gdouble map[6];
  gchar *model_id;
  gint roi_id;
  guint n_blocks;
  GBytes *changed;
  GstBuffer *positions;
  GBytes *prefix_kinds;
  gchar *roi_type;
  guint roi_x;
  guint roi_y;
  guint roi_width;
  guint roi_height;
};

GST_VIT_API
GType gst_vit_tokens_meta_api_get_type (void);

GST_VIT_API
const GstMetaInfo *gst_vit_tokens_meta_get_info (void);

/* On a buffer. */

GST_VIT_API
GstVitTokensMeta *gst_buffer_add_vit_tokens_meta (GstBuffer *buffer,
    GstBuffer *tokens, GstVitTokenFormat format, guint n_prefix_tokens,
    guint grid_width, guint grid_height, guint patch_size, guint embed_dim,
    guint frame_width, guint frame_height, const gchar *model_id);

GST_VIT_API
GstVitTokensMeta *gst_buffer_add_vit_features_meta (GstBuffer *buffer,
    const GstVitTokensMeta *tokens, GstBuffer *features,
    GstVitTokenFormat format, guint embed_dim, guint n_blocks);

GST_VIT_API
GstVitTokensMeta *gst_buffer_get_vit_tokens_meta (GstBuffer *buffer);

GST_VIT_API
GstVitTokensMeta *gst_buffer_get_vit_tokens_meta_roi (
    GstBuffer *buffer, gint roi_id);

GST_VIT_API
GstVitTokensMeta *gst_buffer_get_vit_tokens_meta_deepest (GstBuffer *buffer);

GST_VIT_API
GstVitTokensMeta *gst_buffer_get_vit_tokens_meta_at (
    GstBuffer *buffer, guint n_blocks);

GST_VIT_API
GstVitTokensMeta *gst_buffer_iterate_vit_tokens_meta (
    GstBuffer *buffer, gpointer *state);

GST_VIT_API
gboolean gst_vit_tokens_meta_is_valid (
    const GstVitTokensMeta *meta, const gchar **reason);

/* What a language binding cannot reach through the fields. */

GST_VIT_API
GstBuffer *gst_vit_tokens_meta_get_tokens (const GstVitTokensMeta *meta);

GST_VIT_API
const gchar *gst_vit_tokens_meta_get_model_id (const GstVitTokensMeta *meta);

GST_VIT_API
const gdouble *gst_vit_tokens_meta_get_map (const GstVitTokensMeta *meta);

GST_VIT_API
void gst_vit_tokens_meta_set_map (GstVitTokensMeta *meta, const gdouble map[6]);

GST_VIT_API
void gst_vit_tokens_meta_set_changed (GstVitTokensMeta *meta, GBytes *changed);

GST_VIT_API
gboolean gst_vit_tokens_meta_is_changed (
    const GstVitTokensMeta *meta, guint token);

GST_VIT_API
void gst_vit_tokens_meta_set_prefix_kinds (
    GstVitTokensMeta *meta, GBytes *prefix_kinds);

GST_VIT_API
GstVitPrefixKind gst_vit_tokens_meta_get_prefix_kind (
    const GstVitTokensMeta *meta, guint token);

GST_VIT_API
void gst_vit_tokens_meta_set_roi (GstVitTokensMeta *meta, gint roi_id,
    const gchar *roi_type, guint x, guint y, guint width, guint height);

GST_VIT_API
gboolean gst_vit_tokens_meta_get_roi_rect (const GstVitTokensMeta *meta,
    guint *x, guint *y, guint *width, guint *height);

GST_VIT_API
const gchar *gst_vit_tokens_meta_get_roi_type (const GstVitTokensMeta *meta);

GST_VIT_API
GstBuffer *gst_vit_tokens_meta_get_positions (const GstVitTokensMeta *meta);

GST_VIT_API
void gst_vit_tokens_meta_set_positions (
    GstVitTokensMeta *meta, GstBuffer *positions);

GST_VIT_API
GstEvent *gst_vit_tokens_event_new_request_positions (void);

GST_VIT_API
gboolean gst_vit_tokens_event_is_request_positions (const GstEvent *event);

/* Between the grid and the frame. */

GST_VIT_API
void gst_vit_tokens_meta_get_patch_rect (const GstVitTokensMeta *meta,
    guint column, guint row, gdouble *x, gdouble *y, gdouble *width,
    gdouble *height);

GST_VIT_API
gboolean gst_vit_tokens_meta_find_patch (const GstVitTokensMeta *meta,
    gdouble x, gdouble y, guint *column, guint *row);

G_END_DECLS
