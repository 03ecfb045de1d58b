/* SPDX-License-Identifier: MIT
 *
 * What vittokenenc says of frames without what is wanted, and of metas that do not
 * hold: each once.
 */
#pragma once

#include "common/gstvitbareframes.h"
#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

/* All zero at the start. */
typedef struct {
  GstVitBareFrames bare;
  gboolean has_warned; /* of a meta that is not valid */
} GstVitRecordWarnings;

/* A frame had nothing to write. */
void gst_vit_record_warnings_count_bare (GstVitRecordWarnings *warnings,
    GstVitContent content, GstElement *element);

/* The next record of a frame, past metas that do not hold; FALSE at the end. */
gboolean gst_vit_record_warnings_next (GstVitRecordWarnings *warnings,
    GstVitRecords *records, GstVitRecord *record, GstElement *element);

G_END_DECLS
