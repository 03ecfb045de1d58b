/* SPDX-License-Identifier: MIT
 *
 * The frames of a stream, one after the other: on which tokens are due, of what
 * in them, and computed with what.
 *
 * Thread-safety: one frame at a time.
 */
#pragma once

#include "patchembed/gstvitsettings.h"
#include "patchembed/gstvitsizes.h"

G_BEGIN_DECLS

/* What was done for one frame. */
typedef struct {
  VitFrameCounts counts; /* of all regions */
  guint n_tokens;        /* of all regions; 0: the frame has none */
  VitTokensShape shape;  /* of the last with tokens */
} GstVitFrameResult;

/* From start to stop of the element.  The fields are for reading. */
typedef struct {
  VitModel *model;
  GstVitSizes *sizes;
  GstVitWorkers *workers;
  GQuark tensor_id; /* 0: no tensor is attached */

  GstVitLiveSettings live; /* of the frame */
  GstVideoInfo info;
  VitImageFormat format; /* pixel is NULL: none yet */

  GArray *regions;       /* of GstVitRegion, of the frame in work */
  guint64 n_with_tokens; /* frames */
  guint n_since;         /* frames since the last with tokens, that included */
  gboolean warned_of_regions;   /* that there are too many */
  gboolean warned_of_cost;      /* that they, or frames, cost too much */
  gboolean warned_of_memory;    /* and no frame had all its tokens since */
  guint64 last_short_of_memory; /* n_with_tokens of the last without; 0: none */
  gboolean said_small_frame;  /* that frames have no tokens for their size */
  gboolean said_small_region;
} GstVitStream;

/* Loads the model.  *model_info (transfer full): what was loaded and decided.
 * Errors: as gst_vit_settings_load_model() and vit_patch_embed_new(). */
GstVitStream *gst_vit_stream_new (const GstVitSettings *settings,
    GstStructure **model_info, GError **error);
void gst_vit_stream_free (GstVitStream *stream);

/* The next frame is a first one: its tokens are due, and new.  NULL: nothing was
 * started. */
void gst_vit_stream_begin (GstVitStream *stream);

/* The next frame does not follow the last: its tokens are new.  NULL as above. */
void gst_vit_stream_break (GstVitStream *stream);

/* Frames are of this format from here on; `format` is that of `info`.  Sizes of
 * whole frames that cannot be computed are refused here; regions are seen only
 * when they come.  Allocates nothing of a frame's size, as caps are but numbers:
 * that waits for a frame, whose own bytes then exist.  *shape, all zero where
 * it is not known, is that of a frame's tokens.  Errors: FRAME_SIZE, LIMIT. */
gboolean gst_vit_stream_set_format (GstVitStream *stream,
    const GstVideoInfo *info, const VitImageFormat *format,
    const GstVitLiveSettings *live, VitTokensShape *shape, GError **error);

/* What was set since the last frame takes effect. */
void gst_vit_stream_set_live (
    GstVitStream *stream, const GstVitLiveSettings *live);

/* Called for every frame: whether its turn has come.  Where no tokens are
 * attached then, it is that of the next. */
gboolean gst_vit_stream_is_due (GstVitStream *stream);

/* There is a frame: makes ready, once a format, for whole frames.  Their tokens
 * are attached without that, too; it is for who takes the time of it. */
void gst_vit_stream_prepare (GstVitStream *stream);

/* Attaches the tokens of `frame`, which is writable and whose pixels are
 * `image`: of the whole, or of each of its regions; and the same as tensors.  A
 * frame or region that is smaller than a patch, where pictures are not padded, is
 * left out, the first of a stream with a message on the bus of `element`; those
 * for which there is no memory with a warning, one until a frame has all.  Where
 * the frame would cost more than it may (GstVitSizes), the rest of its regions is
 * passed over, with one warning a stream.  The caller holds no lock.
 * `positions`: they are wanted too. */
void gst_vit_stream_attach (GstVitStream *stream, GstElement *element,
    const VitImage *image, GstBuffer *frame, gboolean positions,
    GstVitFrameResult *result);

G_END_DECLS
