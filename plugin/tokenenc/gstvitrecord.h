/* SPDX-License-Identifier: MIT
 *
 * What one buffer of vittokenenc is made of, the values of one meta, and which
 * metas of a frame are wanted.
 */
#pragma once

#include "gst/vit/vit.h"

G_BEGIN_DECLS

/* The property `content`. */
typedef enum {
  GST_VIT_CONTENT_AUTO, /* tokens or features, those after most blocks */
  GST_VIT_CONTENT_TOKENS,
  GST_VIT_CONTENT_FEATURES, /* after any block */
  GST_VIT_CONTENT_EMBEDDING,
  GST_VIT_CONTENT_LOGITS,
} GstVitContent;

#define GST_TYPE_VIT_CONTENT (gst_vit_content_get_type ())
GType gst_vit_content_get_type (void);

/* The plural of what is wanted, and the element that makes it, for messages. */
const gchar *gst_vit_content_name (GstVitContent content);
const gchar *gst_vit_content_maker (GstVitContent content);

/* One valid meta; one of the two is NULL. */
typedef struct {
  const GstVitTokensMeta *tokens;       /* or features */
  const GstVitEmbeddingMeta *embedding; /* or scores of classes */
} GstVitRecord;

/* What the record holds: tokens, features, embedding or logits. */
const gchar *gst_vit_record_name (const GstVitRecord *record);

/* (transfer none) */
GstBuffer *gst_vit_record_values (const GstVitRecord *record);

/* What a frame carries of the region, or the whole frame, that a record is of,
 * by the same model where that is said; the record's own meta is among it. */
typedef struct {
  const GstVitTokensMeta *tokens; /* (nullable): or features: any of them */
  const GstVitEmbeddingMeta *embedding; /* (nullable) */
  const GstVitEmbeddingMeta *logits;    /* (nullable) */
} GstVitRecordBeside;

/* All are valid, and the first of their kind on `frame`, but for the record's
 * own. */
GstVitRecordBeside gst_vit_record_find_beside (
    const GstVitRecord *record, GstBuffer *frame);

/* The records of one frame, which outlives this. */
typedef struct {
  GstBuffer *frame;
  GstVitContent content;
  guint n_blocks; /* of GST_VIT_CONTENT_AUTO: what is deepest */
  gpointer state;
} GstVitRecords;

void gst_vit_records_begin (
    GstVitRecords *records, GstBuffer *frame, GstVitContent content);

/* In the order in which they were attached; FALSE at the end.  *fault
 * (nullable): what does not hold of a meta, where there is no record. */
gboolean gst_vit_records_next (
    GstVitRecords *records, GstVitRecord *record, const gchar **fault);

G_END_DECLS
