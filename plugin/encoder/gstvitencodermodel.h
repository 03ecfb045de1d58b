/* SPDX-License-Identifier: MIT
 *
 * The model that vitencoder has loaded, from start to stop: the one that is set, or
 * that of the tokens, which may change.
 *
 * Thread-safety: the streaming thread's, or any while no data flows.
 */
#pragma once

#include "common/gstvitmodelevent.h"
#include "encoder/gstvitencoderstream.h"

G_BEGIN_DECLS

/* All zero before the first start.  The fields are for reading. */
typedef struct {
  GstVitEncoderSettings settings; /* of the start; the live ones of set_live() */
  GstVitEncoderStream *stream;    /* (nullable): none is loaded */
  GstVitModelSource *source;      /* (nullable): that it was loaded from */
  GstVitModelSource *tokens;      /* (nullable): what the stream says */
  gboolean is_settled;            /* what is loaded is what these ask for */
} GstVitEncoderModel;

/* Takes `settings`; nothing is loaded yet. */
void gst_vit_encoder_model_start (
    GstVitEncoderModel *model, GstVitEncoderSettings *settings);
void gst_vit_encoder_model_stop (GstVitEncoderModel *model);

/* What was set since the last frame: for a model that is loaded from here on. */
void gst_vit_encoder_model_set_live (
    GstVitEncoderModel *model, const GstVitEncoderLiveSettings *live);

/* The classes that were set were refused by the stream: a model that is loaded from
 * here on has those that stand, until others are set. */
void gst_vit_encoder_model_keep_classes (GstVitEncoderModel *model);

/* What the stream says its tokens are of, from here on.  Where it says what it said
 * before, nothing changes. */
void gst_vit_encoder_model_tell (GstVitEncoderModel *model,
    GstVitModelSource *tokens /* (transfer full) */);

/* Another stream begins: its tokens are to be this model's, whatever came before. */
void gst_vit_encoder_model_begin_stream (GstVitEncoderModel *model);

/* Loads what the settings and the stream ask for, if it is another or its files
 * are.  *model_info
 * (transfer full): what was loaded, or NULL where nothing was.  Where nothing was
 * told, `sinkpad` and its peer are asked.  Errors: as gst_vit_encoder_choose_source()
 * and gst_vit_encoder_stream_new(); nothing is loaded then. */
gboolean gst_vit_encoder_model_settle (GstVitEncoderModel *model,
    GstPad *sinkpad, GstStructure **model_info, GError **error);

G_END_DECLS
