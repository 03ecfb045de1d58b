/* SPDX-License-Identifier: MIT
 *
 * Where in a picture a Vision Transformer looks, as metadata on a video frame: how
 * much its class token attends to each token, by head.  A frame may carry several,
 * for example one a region.
 *
 * Ownership: a meta belongs to its GstBuffer and lives no longer.  Everything
 * it points to is read-only and shared by reference between copies.
 * Thread-safety: as that of the buffer.  Reading needs no lock; a write to a
 * field needs a writable buffer (gst_buffer_is_writable()).
 */
#pragma once

#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

/**
 * GST_VIT_ATTENTION_META_API_TYPE:
 *
 * The #GType of the API that #GstVitAttentionMeta implements.  Its tags are
 * video, size and orientation: an element that changes one of these either
 * has the meta transformed or drops it.
 *
 * Since: 0.1
 */
#define GST_VIT_ATTENTION_META_API_TYPE (gst_vit_attention_meta_api_get_type ())

/**
 * GST_VIT_ATTENTION_META_INFO:
 *
 * The #GstMetaInfo of #GstVitAttentionMeta.
 *
 * Since: 0.1
 */
#define GST_VIT_ATTENTION_META_INFO (gst_vit_attention_meta_get_info ())

typedef struct _GstVitAttentionMeta GstVitAttentionMeta;

/**
 * GstVitAttentionMeta:
 * @meta: parent #GstMeta
 * @values: exactly @n_heads * @n_tokens values, float32 in the machine's byte
 *   order, row-major `[n_heads][n_tokens]`: how much the class token attends to
 *   each token.  Those of a head are not negative, and their sum is 1.  The order
 *   of the tokens is that of #GstVitTokensMeta: of the patch in grid column c and
 *   row r it is value @n_prefix_tokens + r * @grid_width + c of each head.
 *   Read-only.
 * @n_heads: heads of the block
 * @n_tokens: @n_prefix_tokens + @grid_width * @grid_height
 * @n_prefix_tokens: tokens that stand for no patch, the class token first
 * @grid_width: patches in a row
 * @grid_height: rows of patches
 * @patch_size: side of a patch, in pixels of the model's input
 * @frame_width: width in pixels of the frame that was looked at; not changed when
 *   the frame is scaled afterwards
 * @frame_height: its height
 * @map: from the grid to pixels of the frame that carries this meta, as that of
 *   #GstVitTokensMeta
 * @model_id: (nullable): a short name of the model, UTF-8 of at most 1024 bytes
 * @roi_id: id of the region that was looked at; -1 for the whole frame
 * @block: the block whose attention it is, from 1
 * @roi_type: (nullable): what the region holds, such as "face": UTF-8 of at most
 *   256 bytes
 * @roi_x: the left edge of the region, in pixels of @frame_width x
 *   @frame_height; not changed when the frame is scaled afterwards
 * @roi_y: its upper edge
 * @roi_width: its width.  It has no part outside of the frame.  All four are 0
 *   for the whole frame, and where it is not known.
 * @roi_height: its height
 *
 * The attention of one frame, or of one region of it.
 *
 * A copy of the frame has a copy of the meta that shares the values.  On a scaled
 * or moved frame the map follows, or the meta is dropped, as #GstVitTokensMeta,
 * and under the same conditions unixfdsink and unixfdsrc carry it to another
 * process.
 *
 * The structure is always allocated by GStreamer, so that later versions may
 * append to it.  Who reads a meta that another process or an unknown element
 * made asks gst_vit_attention_meta_is_valid() first.
 *
 * |[<!-- language="Python" -->
 * def attention_of(buffer):  # mean of the heads, as a picture of the grid
 *     meta = GstVit.buffer_get_vit_attention_meta(buffer)
 *     values = meta.get_values()
 *     values = values.extract_dup(0, values.get_size())
 *     heads = numpy.frombuffer(values, numpy.float32).reshape(
 *         meta.n_heads, meta.n_tokens)[:, meta.n_prefix_tokens:]
 *     return heads.mean(0).reshape(meta.grid_height, meta.grid_width)
 * ]|
 *
 * Since: 0.1
 */
struct _GstVitAttentionMeta {
  GstMeta meta;

  GstBuffer *values;
  guint n_heads;
  guint n_tokens;
  guint n_prefix_tokens;
  guint grid_width;
  guint grid_height;
  guint patch_size;
  guint frame_width;
  guint frame_height;
  gdouble map[6];
  gchar *model_id;
  gint roi_id;
  guint block;
  gchar *roi_type;
  guint roi_x;
  guint roi_y;
  guint roi_width;
  guint roi_height;
};

GST_VIT_API
GType gst_vit_attention_meta_api_get_type (void);

GST_VIT_API
const GstMetaInfo *gst_vit_attention_meta_get_info (void);

/* On a buffer. */

GST_VIT_API
GstVitAttentionMeta *gst_buffer_add_vit_attention_meta (GstBuffer *buffer,
    const GstVitTokensMeta *tokens, GstBuffer *values, guint n_heads,
    guint block);

GST_VIT_API
GstVitAttentionMeta *gst_buffer_get_vit_attention_meta (GstBuffer *buffer);

GST_VIT_API
GstVitAttentionMeta *gst_buffer_iterate_vit_attention_meta (
    GstBuffer *buffer, gpointer *state);

GST_VIT_API
gboolean gst_vit_attention_meta_is_valid (
    const GstVitAttentionMeta *meta, const gchar **reason);

/* What a language binding cannot reach through the fields. */

GST_VIT_API
GstBuffer *gst_vit_attention_meta_get_values (const GstVitAttentionMeta *meta);

GST_VIT_API
const gchar *gst_vit_attention_meta_get_model_id (
    const GstVitAttentionMeta *meta);

GST_VIT_API
const gdouble *gst_vit_attention_meta_get_map (
    const GstVitAttentionMeta *meta);

GST_VIT_API
gboolean gst_vit_attention_meta_get_roi_rect (const GstVitAttentionMeta *meta,
    guint *x, guint *y, guint *width, guint *height);

GST_VIT_API
const gchar *gst_vit_attention_meta_get_roi_type (
    const GstVitAttentionMeta *meta);

G_END_DECLS
