/* SPDX-License-Identifier: MIT
 *
 * A stream through vitpatchembed and vitencoder with one small model of the golden
 * data, and what the library makes of the same tokens, each region by itself and on
 * one thread: what is attached must be that, to the last bit.
 */
#pragma once

#include "encoder/encoder.h"
#include "gst/vit/vit.h"
#include "support/frames.h"

/* A class token, a classifier of seven classes, patches of 16 pixels. */
#define SMALL_MODEL "hf-vit-classifier"

typedef struct {
  GstHarness *harness;
  GstElement *embed;
  GstElement *encoder;
  GstBus *bus;       /* the encoder's */
  GstVideoInfo info; /* of the caps set last */
} EncoderStream;

/* (transfer full): the path of a folder of golden features. */
gchar *encoder_model_path (const gchar *name);

/* (transfer full): the path of a new folder with copies of the small model's files;
 * encoder_remove_copy() removes it with all that is in it. */
gchar *encoder_copy_model (void);
void encoder_remove_copy (const gchar *folder);

/* Each element with these properties besides vitpatchembed's model; RGB of 96 x 64
 * is announced. */
void encoder_stream_init (
    EncoderStream *stream, const gchar *embed, const gchar *encoder);
void encoder_stream_clear (EncoderStream *stream);

void encoder_stream_set_size (EncoderStream *stream, gint width, gint height);

/* vitpatchembed alone is stopped, given the model at `path` and started again; RGB
 * of 96 x 64 is announced. */
void encoder_stream_restart_embed (EncoderStream *stream, const gchar *path);

/* (transfer full) (nullable): a random frame as it comes out, NULL with what was
 * returned upstream. */
GstBuffer *encoder_stream_push (
    EncoderStream *stream, guint32 seed, GstFlowReturn *result);

/* (transfer full) (nullable): the text of the oldest message of this type that was
 * not asked for yet, and its code: an error or a warning. */
gchar *encoder_stream_message (
    EncoderStream *stream, GstMessageType type, GQuark *domain, gint *code);

/* Whether the frame carries just what the library makes of its tokens with these
 * settings; `features`: those too. */
void encoder_check_frame (GstBuffer *frame, const gchar *model,
    const VitEncoderSettings *settings, gboolean features);

/* How many metas of tokens were taken after this many blocks. */
guint encoder_count_metas (GstBuffer *frame, guint n_blocks);

/* A number of `stats`. */
guint64 encoder_stat (const EncoderStream *stream, const gchar *field);
