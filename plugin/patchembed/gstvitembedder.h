/* SPDX-License-Identifier: MIT
 *
 * The tokens of pictures of one size: whole frames, or regions of frames.
 *
 *     picture -> scaled, if it has too many patches -> planned -> computed
 *
 * with the buffers that tokens go into, and the last tokens, which are given
 * again where the next picture is the same.
 *
 * Thread-safety: one picture at a time.
 */
#pragma once

#include "common/gstvitworkers.h"
#include "gst/vit/gstvittokensmeta.h"
#include "patch/patch_embed.h"
#include "patchembed/gstvitregions.h"
#include "patchembed/gstvitscaler.h"

G_BEGIN_DECLS

/* What stays the same for all sizes, from start to stop. */
typedef struct {
  const VitModel *model;
  gchar *model_id;       /* gst_vit_model_full_id() */
  guint n_prefix_tokens; /* that are emitted */
  GBytes *prefix_kinds;  /* of these; NULL: there are none */
  gboolean pad;          /* VIT_FIT_PAD */
  GstVitTokenFormat token_format;
  GstVitWorkers *workers;
  guint64 max_memory;    /* bytes, see GstVitSizes; 0: no limit */
} GstVitEmbedderSetup;

/* How a frame is treated. */
typedef struct {
  gboolean reuse;  /* keep tokens for the next frame */
  guint tolerance; /* see vit_patch_embed_plan() */
  guint64 serial;  /* counts the frames of the stream that have tokens */
  gboolean positions; /* attach them, too */
  GstPad *srcpad;     /* the element's: where it is flushing, nobody waits */
} GstVitEmbedderTask;

typedef struct {
  const GstVitEmbedderSetup *setup;
  VitPatchEmbed *embed;
  VitImageFormat format; /* of the pictures; pixel is NULL: not configured */
  VitTokensShape shape;
  guint64 memory;        /* bytes that it holds, see GstVitEmbedderSize */
  guint64 tokens_size;   /* bytes of one picture's */
  GstVitScaler *scaler;  /* NULL: pictures have the size of the model's input */
  double pixels_x;       /* of the frame, in one of the model's input */
  double pixels_y;
  GstBufferPool *pool;
  GstBuffer *last_tokens;   /* NULL: nothing is kept */
  GstVitRegion last_region; /* that they are of */
  guint64 last_serial;      /* of their frame */
  guint64 configured_serial; /* of the frame before it was made ready */
  GstBuffer *positions;     /* NULL: not made, or there are none */
  gboolean positions_known; /* they need not be tried again */
} GstVitEmbedder;

/* Takes `embed`, which may have been configured before. */
GstVitEmbedder *gst_vit_embedder_new (
    const GstVitEmbedderSetup *setup, VitPatchEmbed *embed);
void gst_vit_embedder_free (GstVitEmbedder *embedder);

/* Of pictures as they are, before they are scaled down. */
guint64 gst_vit_embedder_count_patches (
    const GstVitEmbedderSetup *setup, const VitImageFormat *format);

/* Whether pictures of this size have more patches than `max_tokens` allows,
 * prefix tokens counted; 0: any number is allowed. */
gboolean gst_vit_embedder_must_scale (const GstVitEmbedderSetup *setup,
    guint width, guint height, guint max_tokens);

/* What pictures of one size take. */
typedef struct {
  VitTokensShape shape;
  guint64 n_patches_unscaled; /* that the picture has before it is scaled down */
  guint64 tokens_size;      /* bytes of the tokens */
  guint64 memory;           /* bytes of being ready for them and of two pictures'
                               tokens, the last and those in the making */
} GstVitEmbedderSize;

/* Of pictures of `format` in frames of `info`, and whether there can be tokens
 * of them.  Allocates nothing.  Errors: FRAME_SIZE. */
gboolean gst_vit_embedder_measure (const GstVitEmbedder *embedder,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens,
    GstVitEmbedderSize *size, GError **error);

/* For pictures of `format` in frames of `info`; those that must be scaled are
 * in chroma phase 0.  After an error no picture may come.  Errors: as
 * vit_patch_embed_configure(). */
gboolean gst_vit_embedder_configure (GstVitEmbedder *embedder,
    const GstVideoInfo *info, const VitImageFormat *format, guint max_tokens,
    GError **error);

/* Gives up all that it holds of pictures of its size: no picture may come until it
 * is configured again. */
void gst_vit_embedder_release (GstVitEmbedder *embedder);

/* Forgets the last tokens: the next are new. */
void gst_vit_embedder_reset (GstVitEmbedder *embedder);

/* Computes the tokens of `image`, a picture of the configured format, and
 * attaches them to `frame`, of `frame_width` x `frame_height` pixels, in which
 * it covers `region`.  NULL where there is no memory for them; else the meta,
 * which says nothing yet of a region. */
GstVitTokensMeta *gst_vit_embedder_run (GstVitEmbedder *embedder,
    const GstVitEmbedderTask *task, VitImage *image,
    const GstVitRegion *region, GstBuffer *frame, guint frame_width,
    guint frame_height, VitFrameCounts *counts);

G_END_DECLS
