/* SPDX-License-Identifier: MIT
 *
 * What a Vision Transformer says of a whole picture as metadata on a video
 * frame: one vector, an embedding or the scores of classes.  A frame may carry
 * several, for example one a region, or an embedding and scores.
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
 * GstVitEmbeddingKind:
 * @GST_VIT_EMBEDDING_KIND_EMBEDDING: a vector whose direction says what is
 *   seen: pictures, and texts where the model has both, are compared by it
 * @GST_VIT_EMBEDDING_KIND_LOGITS: a score a class, before any softmax
 *
 * What a #GstVitEmbeddingMeta holds.
 *
 * Since: 0.1
 */
typedef enum {
  GST_VIT_EMBEDDING_KIND_EMBEDDING,
  GST_VIT_EMBEDDING_KIND_LOGITS,
} GstVitEmbeddingKind;

#define GST_TYPE_VIT_EMBEDDING_KIND (gst_vit_embedding_kind_get_type ())

GST_VIT_API
GType gst_vit_embedding_kind_get_type (void);

/**
 * GST_VIT_EMBEDDING_META_API_TYPE:
 *
 * The #GType of the API that #GstVitEmbeddingMeta implements.  Its tags are
 * video, size and orientation: an element that changes one of these either
 * asks whether the frame still shows the same, or drops the meta.
 *
 * Since: 0.1
 */
#define GST_VIT_EMBEDDING_META_API_TYPE (gst_vit_embedding_meta_api_get_type ())

/**
 * GST_VIT_EMBEDDING_META_INFO:
 *
 * The #GstMetaInfo of #GstVitEmbeddingMeta.
 *
 * Since: 0.1
 */
#define GST_VIT_EMBEDDING_META_INFO (gst_vit_embedding_meta_get_info ())

/**
 * GST_VIT_EMBEDDING_META_MAX_LABELS:
 *
 * The most labels of one #GstVitEmbeddingMeta.
 *
 * Since: 0.1
 */
#define GST_VIT_EMBEDDING_META_MAX_LABELS 100

/**
 * GST_VIT_EMBEDDING_META_MAX_LABEL_SIZE:
 *
 * The longest name of a label, in bytes of UTF-8.
 *
 * Since: 0.1
 */
#define GST_VIT_EMBEDDING_META_MAX_LABEL_SIZE 256

typedef struct _GstVitEmbeddingMeta GstVitEmbeddingMeta;

/**
 * GstVitEmbeddingMeta:
 * @meta: parent #GstMeta
 * @values: exactly @dim values, float32 in the machine's byte order.  Read-only.
 * @kind: what they are
 * @dim: how many there are, at least 1
 * @normalized: whether an embedding was divided by its length, so that it has
 *   length 1 (or is 0 where all was 0)
 * @roi_id: id of the region that was looked at; -1 for the whole frame
 * @roi_type: (nullable): what the region holds, such as "face": UTF-8 of at most
 *   256 bytes
 * @roi_x: the left edge of the region, in pixels of @frame_width x
 *   @frame_height; not changed when the frame is scaled afterwards
 * @roi_y: its upper edge
 * @roi_width: its width.  It has no part outside of the frame.  All four are 0
 *   for the whole frame, and where it is not known.
 * @roi_height: its height
 * @frame_width: width in pixels of the frame that was looked at; not changed
 *   when the frame is scaled afterwards; 0 if it is not known
 * @frame_height: its height
 * @model_id: (nullable): a short name of the model, UTF-8 of at most 1024 bytes
 * @labels: (nullable): of logits, the best classes with their names and
 *   probabilities, as gst_vit_embedding_meta_add_label() writes and
 *   gst_vit_embedding_meta_get_label() reads them; %NULL: none is told of
 *
 * One vector of a frame, or of one region of it.
 *
 * It is of a picture, so it is kept as long as a frame shows all of that picture
 * and nothing else: a copy of the frame has a copy of the meta, which shares the
 * values, and so has a frame that was converted, encoded, or scaled without
 * borders; where GStreamer says how (by the matrix transform of 1.28), also one
 * that was turned or flipped.  Where a part of the picture was cut off, or a
 * border or another picture added, the meta is dropped.
 *
 * From GStreamer 1.24 on the meta can be serialised: unixfdsink and unixfdsrc
 * carry it to another process, under the same conditions as #GstVitTokensMeta.
 *
 * The structure is always allocated by GStreamer, so that later versions may
 * append to it.  Who reads a meta that another process or an unknown element
 * made asks gst_vit_embedding_meta_is_valid() first.
 *
 * |[<!-- language="Python" -->
 * def embedding_of(buffer):  # a copy of its own: [dim]
 *     meta = GstVit.buffer_get_vit_embedding_meta(
 *         buffer, GstVit.EmbeddingKind.EMBEDDING)
 *     values = meta.get_values()
 *     values = values.extract_dup(0, values.get_size())
 *     return numpy.frombuffer(values, numpy.float32)
 * ]|
 *
 * Since: 0.1
 */
struct _GstVitEmbeddingMeta {
  GstMeta meta;

  GstBuffer *values;
  GstVitEmbeddingKind kind;
  guint dim;
  gboolean normalized;
  gint roi_id;
  gchar *roi_type;
  guint roi_x;
  guint roi_y;
  guint roi_width;
  guint roi_height;
  guint frame_width;
  guint frame_height;
  gchar *model_id;
  GBytes *labels;
};

GST_VIT_API
GType gst_vit_embedding_meta_api_get_type (void);

GST_VIT_API
const GstMetaInfo *gst_vit_embedding_meta_get_info (void);

/* On a buffer. */

GST_VIT_API
GstVitEmbeddingMeta *gst_buffer_add_vit_embedding_meta (GstBuffer *buffer,
    GstVitEmbeddingKind kind, GstBuffer *values, guint dim, gboolean normalized,
    const GstVitTokensMeta *like);

GST_VIT_API
GstVitEmbeddingMeta *gst_buffer_get_vit_embedding_meta (
    GstBuffer *buffer, GstVitEmbeddingKind kind);

GST_VIT_API
GstVitEmbeddingMeta *gst_buffer_iterate_vit_embedding_meta (
    GstBuffer *buffer, gpointer *state);

GST_VIT_API
gboolean gst_vit_embedding_meta_is_valid (
    const GstVitEmbeddingMeta *meta, const gchar **reason);

/* The best classes. */

GST_VIT_API
void gst_vit_embedding_meta_add_label (GstVitEmbeddingMeta *meta,
    guint class_id, const gchar *name, gfloat probability);

GST_VIT_API
guint gst_vit_embedding_meta_get_n_labels (const GstVitEmbeddingMeta *meta);

GST_VIT_API
gboolean gst_vit_embedding_meta_get_label (const GstVitEmbeddingMeta *meta,
    guint i, guint *class_id, const gchar **name, gfloat *probability);

/* What a language binding cannot reach through the fields. */

GST_VIT_API
GstBuffer *gst_vit_embedding_meta_get_values (const GstVitEmbeddingMeta *meta);

GST_VIT_API
const gchar *gst_vit_embedding_meta_get_model_id (
    const GstVitEmbeddingMeta *meta);

GST_VIT_API
gboolean gst_vit_embedding_meta_get_roi_rect (const GstVitEmbeddingMeta *meta,
    guint *x, guint *y, guint *width, guint *height);

GST_VIT_API
const gchar *gst_vit_embedding_meta_get_roi_type (
    const GstVitEmbeddingMeta *meta);

G_END_DECLS
