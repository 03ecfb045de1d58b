/* SPDX-License-Identifier: MIT */
#include "tokenenc/gstvitrecordwarnings.h"

/* The element's own. */
GST_DEBUG_CATEGORY_EXTERN (gst_vit_token_enc_debug);
#define GST_CAT_DEFAULT gst_vit_token_enc_debug

void
gst_vit_record_warnings_count_bare (GstVitRecordWarnings *warnings,
    GstVitContent content, GstElement *element)
{
  GstVitBareWords words = { gst_vit_content_name (content),
    "nothing was written", gst_vit_content_maker (content) };

  gst_vit_bare_frames_count (&warnings->bare, &words, element);
}

/* Whoever made it is not this element's user: the stream goes on without it. */
static void
warn_of_fault (GstVitRecordWarnings *warnings, const GstVitRecords *records,
    const gchar *reason, GstElement *element)
{
  GST_DEBUG_OBJECT (element, "meta passed over: %s", reason);
  if (warnings->has_warned)
    return;
  warnings->has_warned = TRUE;
  /* It also explains frames that give nothing. */
  warnings->bare.is_explained = TRUE;
  GST_ELEMENT_WARNING (element, STREAM, FORMAT,
      ("%s are passed over, as what is said of them does not hold: %s",
          records->content < GST_VIT_CONTENT_EMBEDDING ? "Tokens"
                                                       : "Embeddings",
          reason),
      ("%" GST_PTR_FORMAT, records->frame));
}

gboolean
gst_vit_record_warnings_next (GstVitRecordWarnings *warnings,
    GstVitRecords *records, GstVitRecord *record, GstElement *element)
{
  const gchar *fault;

  while (gst_vit_records_next (records, record, &fault)) {
    if (!fault)
      return TRUE;
    warn_of_fault (warnings, records, fault, element);
  }
  return FALSE;
}
