/* SPDX-License-Identifier: MIT
 *
 * All that is made ready for frames of one format and size, and the tokens of
 * such a frame computed from it, a block of patches at a time.
 *
 * Thread-safety: one frame at a time; its rows and blocks are spread over as
 * many workers as were asked for.
 */
#pragma once

#include "base/parallel.h"
#include "base/token_type.h"
#include "patch/addend.h"
#include "patch/pixels.h"
#include "patch/plan.h"
#include "patch/weights.h"

G_BEGIN_DECLS

/* What a frame is made ready for. */
typedef struct {
  const VitModel *model;
  VitImageFormat format;
  double mean[3];
  double std[3];
  VitPositionRule rule;   /* not AUTO */
  VitPrecision precision; /* F32 or INT16 */
  VitTokenType type;
  guint grid_width;
  guint grid_height;
  gboolean square;        /* see vit_pos_embed_is_kept() */
  guint n_workers;
} VitFormatEmbedRequest;

typedef struct {
  VitFormatEmbedRequest request;
  VitPlan plan;
  VitPixels pixels;
  VitWeights *weights;
  VitAddend addend;
  guint block;           /* patches that a worker multiplies at once, at most */
  gsize worker_scratch;  /* bytes */
  guint n_scratches;     /* at most n_workers */
  void *scratch_memory;
  guint8 *scratch;       /* [n_scratches][worker_scratch], in that memory */
  VitIsStopped is_stopped; /* (nullable): see vit_patch_embed_set_stop() */
  gpointer stop_data;
} VitFormatEmbed;

/* `like` (nullable): of a frame made ready before, used again where they serve.
 * Errors: NO_MEMORY, SETTING.  Clear with vit_format_embed_clear(), also after
 * an error.  Keeps no reference to the model. */
gboolean vit_format_embed_init (VitFormatEmbed *self,
    const VitFormatEmbedRequest *request, VitWeights *like, GError **error);
void vit_format_embed_clear (VitFormatEmbed *self);

/* Bytes that it takes, the weights aside. */
guint64 vit_format_embed_memory (const VitFormatEmbedRequest *request);

/* See vit_patch_embed_plan(). */
void vit_format_embed_plan (VitFormatEmbed *self, const VitImage *image,
    gboolean keep, guint tolerance, VitParallelFor parallel,
    gpointer user_data);

/* See vit_patch_embed_run(); both point at the first patch's token. */
gboolean vit_format_embed_run (VitFormatEmbed *self, const VitImage *image,
    const guint8 *previous, guint8 *tokens, VitParallelFor parallel,
    gpointer user_data);

G_END_DECLS
