/* SPDX-License-Identifier: MIT
 *
 * The frames of a stream, one after the other: which tokens on them are to be
 * encoded, whose features are known from the frame before, and what is attached.
 *
 *     look: tokens -> known | to be computed
 *     prepare: an encoder for the grids of the latter
 *     attach: computed, then features, embeddings and logits of all
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include "common/gstvitworkers.h"
#include "encoder/gstvitencoderinputs.h"
#include "encoder/gstvitencoderlabels.h"
#include "encoder/gstvitencodersettings.h"
#include "encoder/gstvitencodersizes.h"

G_BEGIN_DECLS

/* Tokens that are to be computed. */
typedef struct {
  VitEncoderGrid grid;
  guint input; /* which of the frame's */
} GstVitEncoderJob;

typedef struct {
  GstBuffer *buffer;
  GstMapInfo map;
} GstVitEncoderOutput;

/* With one model.  The fields are for reading. */
typedef struct {
  VitEncoderWeights *weights;
  VitTextClasses *texts;          /* (nullable): whose scores the logits are */
  gchar *model_id;                /* of them, as metadata have it */
  GstVitEncoderSettings settings; /* live ones: of the frame */
  GstVitEncoderSizes *sizes;
  GstVitWorkers *workers;
  GQuark *tensor_ids;         /* [layers]; 0: no tensor is attached; likewise: */
  GQuark embedding_id;
  GQuark logits_id;
  GQuark attention_id;
  GstVitEncoderClasses classes; /* of the logits */

  /* Of the frame in work. */
  GstVitEncoderInputs inputs; /* what look() found */
  GPtrArray *known;           /* of each input: its GstVitEncoderResult, or NULL */
  GArray *jobs;               /* of GstVitEncoderJob: inputs to be computed */
  GstVitEncoderSize *size;    /* for them */
  GPtrArray *readings;        /* of GstVitReading, of the jobs' tokens */
  GArray *grids;              /* of VitEncoderGrid, likewise */
  GArray *outputs;            /* of GstVitEncoderOutput: mapped to be written */
  GPtrArray *results;         /* of GstVitEncoderResult: of each input */

  GPtrArray *last;            /* likewise, of the frame before */
} GstVitEncoderStream;

/* Loads the encoder of the model at `path`, and the classes that are set, and keeps
 * a copy of the settings, whose own model is not looked at.  *model_info (transfer
 * full): what was loaded and decided.  Errors: as vit_encoder_weights_load(),
 * vit_text_classes_load() and vit_encoder_new(). */
GstVitEncoderStream *gst_vit_encoder_stream_new (
    const GstVitEncoderSettings *settings, const gchar *path,
    const gchar *prefix, GstStructure **model_info, GError **error);
void gst_vit_encoder_stream_free (GstVitEncoderStream *stream); /* (nullable) */

/* The classes, where they were set since the last frame.  *model_info (transfer
 * full): as above, where they are others now, else NULL.  Errors: as
 * vit_text_classes_load(); then those of before still stand. */
gboolean gst_vit_encoder_stream_set_classes (GstVitEncoderStream *stream,
    const GstVitEncoderLiveSettings *live, GstStructure **model_info,
    GError **error);

/* What else was set since the last frame takes effect.  Errors: SETTING for an
 * embedding or attention that the model cannot make; then what was set before still
 * stands. */
gboolean gst_vit_encoder_stream_set_live (GstVitEncoderStream *stream,
    const GstVitEncoderLiveSettings *live, GError **error);

/* Frames are of another size from here on: memory for the former is given back. */
void gst_vit_encoder_stream_begin (GstVitEncoderStream *stream);

/* Finds the tokens on `frame`: stream->inputs, none where nothing of them is
 * wanted, and of those stream->jobs.  Errors: as gst_vit_encoder_inputs_find(). */
gboolean gst_vit_encoder_stream_look (
    GstVitEncoderStream *stream, GstBuffer *frame, GError **error);

/* Makes ready for what is to be computed, once a size.  Errors: as
 * gst_vit_encoder_sizes_find(). */
gboolean gst_vit_encoder_stream_prepare (
    GstVitEncoderStream *stream, GError **error);

/* (transfer full): the labels of the first tokens of the last frame, as
 * gst_vit_encoder_labels_describe(). */
GstStructure *gst_vit_encoder_stream_describe_labels (
    const GstVitEncoderStream *stream);

/* Attaches to `frame`, which is writable, what the settings ask for.  `srcpad`: the
 * element's own; where that is flushing, nobody waits for the frame.  Errors:
 * NO_MEMORY, READ where tokens cannot be mapped, and STOPPED by a flush or the
 * element's end; nothing is attached then. */
gboolean gst_vit_encoder_stream_attach (GstVitEncoderStream *stream,
    GstBuffer *frame, GstPad *srcpad, GError **error);

G_END_DECLS
