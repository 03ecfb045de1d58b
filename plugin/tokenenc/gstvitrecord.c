/* SPDX-License-Identifier: MIT
 *
 * A meta that is not valid says nothing that could be relied on, not even
 * whether it is one of those that are wanted: each is told of.
 */
#include "tokenenc/gstvitrecord.h"

#include <string.h>

/**
 * GstVitTokenEncContent:
 * @GST_VIT_CONTENT_AUTO: what was computed last: the features after most blocks
 *     where a frame has some, else its tokens
 * @GST_VIT_CONTENT_TOKENS: the tokens that go into the first block
 * @GST_VIT_CONTENT_FEATURES: the features after a block, of every block there
 *     are some of
 * @GST_VIT_CONTENT_EMBEDDING: the vector of the frame or region
 * @GST_VIT_CONTENT_LOGITS: the scores of classes of the frame or region
 *
 * What a buffer of #vittokenenc holds: auto, tokens, features, embedding, logits.
 *
 * Since: 0.1
 */
GType
gst_vit_content_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_VIT_CONTENT_AUTO, "Features after most blocks, else tokens", "auto" },
    { GST_VIT_CONTENT_TOKENS, "Tokens that go into the first block", "tokens" },
    { GST_VIT_CONTENT_FEATURES, "Features after a block", "features" },
    { GST_VIT_CONTENT_EMBEDDING, "One vector a frame or region", "embedding" },
    { GST_VIT_CONTENT_LOGITS, "Scores of classes", "logits" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitTokenEncContent", values));
  return type;
}

const gchar *
gst_vit_content_name (GstVitContent content)
{
  switch (content) {
    case GST_VIT_CONTENT_FEATURES:
      return "features";
    case GST_VIT_CONTENT_EMBEDDING:
      return "embeddings";
    case GST_VIT_CONTENT_LOGITS:
      return "logits";
    default:
      return "tokens";
  }
}

const gchar *
gst_vit_content_maker (GstVitContent content)
{
  switch (content) {
    case GST_VIT_CONTENT_AUTO:
    case GST_VIT_CONTENT_TOKENS:
      return "vitpatchembed";
    case GST_VIT_CONTENT_LOGITS:
      return "vitencoder, of a model with a classifier or with classes set, and "
             "without embedding=none,";
    case GST_VIT_CONTENT_FEATURES:
      return "vitencoder, without features=false,";
    default:
      return "vitencoder that makes them";
  }
}

const gchar *
gst_vit_record_name (const GstVitRecord *record)
{
  if (record->tokens)
    return record->tokens->n_blocks > 0 ? "features" : "tokens";
  return record->embedding->kind == GST_VIT_EMBEDDING_KIND_LOGITS ? "logits"
                                                                  : "embedding";
}

GstBuffer *
gst_vit_record_values (const GstVitRecord *record)
{
  return record->tokens ? record->tokens->tokens : record->embedding->values;
}

static guint
find_depth (GstBuffer *frame)
{
  GstVitTokensMeta *meta;
  gpointer state = NULL;
  guint n_blocks = 0;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (frame, &state)))
    if (meta->n_blocks > n_blocks && gst_vit_tokens_meta_is_valid (meta, NULL))
      n_blocks = meta->n_blocks;
  return n_blocks;
}

void
gst_vit_records_begin (
    GstVitRecords *records, GstBuffer *frame, GstVitContent content)
{
  *records = (GstVitRecords){ .frame = frame, .content = content };
  if (content == GST_VIT_CONTENT_AUTO)
    records->n_blocks = find_depth (frame);
}

static gboolean
is_wanted (const GstVitRecords *records, const GstVitTokensMeta *tokens)
{
  switch (records->content) {
    case GST_VIT_CONTENT_AUTO:
      return tokens->n_blocks == records->n_blocks;
    case GST_VIT_CONTENT_TOKENS:
      return tokens->n_blocks == 0;
    default:
      return tokens->n_blocks > 0;
  }
}

static gboolean
next_tokens (GstVitRecords *records, GstVitRecord *record, const gchar **fault)
{
  GstVitTokensMeta *meta;

  while ((meta = gst_buffer_iterate_vit_tokens_meta (
              records->frame, &records->state))) {
    if (!gst_vit_tokens_meta_is_valid (meta, fault))
      return TRUE;
    if (is_wanted (records, meta)) {
      record->tokens = meta;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
next_embedding (
    GstVitRecords *records, GstVitRecord *record, const gchar **fault)
{
  GstVitEmbeddingKind kind = records->content == GST_VIT_CONTENT_LOGITS
                                 ? GST_VIT_EMBEDDING_KIND_LOGITS
                                 : GST_VIT_EMBEDDING_KIND_EMBEDDING;
  GstVitEmbeddingMeta *meta;

  while ((meta = gst_buffer_iterate_vit_embedding_meta (
              records->frame, &records->state))) {
    if (!gst_vit_embedding_meta_is_valid (meta, fault))
      return TRUE;
    if (meta->kind == kind) {
      record->embedding = meta;
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
gst_vit_records_next (
    GstVitRecords *records, GstVitRecord *record, const gchar **fault)
{
  *record = (GstVitRecord){ NULL, NULL };
  *fault = NULL;
  return records->content < GST_VIT_CONTENT_EMBEDDING
             ? next_tokens (records, record, fault)
             : next_embedding (records, record, fault);
}

/* Where a meta says that it belongs, in the words of both kinds. */
typedef struct {
  gint id;
  guint rect[4];
  const gchar *model_id; /* (nullable): not said */
} Place;

static Place
place_of_tokens (const GstVitTokensMeta *meta)
{
  return (Place){ meta->roi_id,
    { meta->roi_x, meta->roi_y, meta->roi_width, meta->roi_height },
    meta->model_id };
}

static Place
place_of_vector (const GstVitEmbeddingMeta *meta)
{
  return (Place){ meta->roi_id,
    { meta->roi_x, meta->roi_y, meta->roi_width, meta->roi_height },
    meta->model_id };
}

static gboolean
is_same_region (const Place *a, const Place *b)
{
  return a->id == b->id && memcmp (a->rect, b->rect, sizeof a->rect) == 0;
}

/* Of metas that are valid; in others it may lie about its end. */
static gboolean
is_same_model (const Place *a, const Place *b)
{
  return !a->model_id || !b->model_id
         || strcmp (a->model_id, b->model_id) == 0;
}

static void
find_tokens (GstVitRecordBeside *beside, const Place *place, GstBuffer *frame)
{
  GstVitTokensMeta *meta;
  gpointer state = NULL;

  while (!beside->tokens
         && (meta = gst_buffer_iterate_vit_tokens_meta (frame, &state))) {
    const Place its = place_of_tokens (meta);

    if (is_same_region (place, &its)
        && gst_vit_tokens_meta_is_valid (meta, NULL)
        && is_same_model (place, &its))
      beside->tokens = meta;
  }
}

static void
find_vectors (GstVitRecordBeside *beside, const Place *place, GstBuffer *frame)
{
  GstVitEmbeddingMeta *meta;
  gpointer state = NULL;

  while ((!beside->embedding || !beside->logits)
         && (meta = gst_buffer_iterate_vit_embedding_meta (frame, &state))) {
    const Place its = place_of_vector (meta);

    if (!is_same_region (place, &its)
        || !gst_vit_embedding_meta_is_valid (meta, NULL)
        || !is_same_model (place, &its))
      continue;
    if (meta->kind == GST_VIT_EMBEDDING_KIND_LOGITS && !beside->logits)
      beside->logits = meta;
    if (meta->kind == GST_VIT_EMBEDDING_KIND_EMBEDDING && !beside->embedding)
      beside->embedding = meta;
  }
}

GstVitRecordBeside
gst_vit_record_find_beside (const GstVitRecord *record, GstBuffer *frame)
{
  GstVitRecordBeside beside = { record->tokens, NULL, NULL };
  const Place place = record->tokens ? place_of_tokens (record->tokens)
                                     : place_of_vector (record->embedding);

  if (record->embedding
      && record->embedding->kind == GST_VIT_EMBEDDING_KIND_LOGITS)
    beside.logits = record->embedding;
  else if (record->embedding)
    beside.embedding = record->embedding;
  find_tokens (&beside, &place, frame);
  find_vectors (&beside, &place, frame);
  return beside;
}
