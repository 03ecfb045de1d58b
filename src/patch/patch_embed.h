/* SPDX-License-Identifier: MIT
 *
 * Frames in, patch tokens out: the front of the library.
 *
 *     vit_patch_embed_new ()         once a model: settings and model combined
 *     vit_patch_embed_measure ()     once a frame format: can it be done at all
 *     vit_patch_embed_configure ()   once a frame format: weights are folded and
 *                                    packed, positions resampled
 *     vit_patch_embed_plan ()        every frame: which tokens are new
 *     vit_patch_embed_run ()         every frame with new tokens: computes them
 *
 * Tokens are [n_tokens][embed_dim]: prefix tokens first, in the family's order,
 * then the patches in raster order.
 *
 * Thread-safety: one thread at a time may use a VitPatchEmbed; several of
 * them may share a model.
 */
#pragma once

#include "patch/format_embed.h"

G_BEGIN_DECLS

/* What becomes of pixels that no whole patch covers. */
typedef enum {
  VIT_FIT_CROP, /* right and bottom remainders are not seen, as by the convolution */
  VIT_FIT_PAD,  /* the frame grows right and down to whole patches of x = 0 */
} VitFit;

/* Relative to the tokens' rms, see vit_predict_error(). */
#define VIT_MAX_PREDICTED_ERROR 1e-4

typedef struct {
  VitPositionRule rule;  /* AUTO: the model's own */
  gboolean override_mean;
  gboolean override_std;
  double mean[3];        /* instead of the model's, where override_mean */
  double std[3];         /* likewise; each greater than 0 */
  VitPrecision precision; /* AUTO: INT16 where it is foreseen to be as exact as
                             VIT_MAX_PREDICTED_ERROR, else F32 */
  VitTokenType type;      /* of the tokens that are written */
  VitFit fit;
  gboolean prefix_tokens; /* FALSE: patch tokens only */
  guint n_workers;        /* at least 1; how many may work at once */
} VitPatchEmbedSettings;

typedef struct _VitPatchEmbed VitPatchEmbed;

/* Keeps a reference to `model`.  Errors: SETTING, NO_MEMORY. */
VitPatchEmbed *vit_patch_embed_new (VitModel *model,
    const VitPatchEmbedSettings *settings, GError **error);

/* Another of the same model and settings, for pictures of another size at the
 * same time.  The weights of `other`, if it was configured, are shared with
 * it where the format is the same.  Errors: NO_MEMORY. */
VitPatchEmbed *vit_patch_embed_new_like (
    const VitPatchEmbed *other, GError **error);
void vit_patch_embed_free (VitPatchEmbed *embed);

/* What a frame's tokens are. */
typedef struct {
  guint grid_width;  /* patches */
  guint grid_height; /* patches */
  guint n_prefix_tokens;
  guint n_tokens;    /* prefix tokens + grid_width * grid_height */
  guint embed_dim;
} VitTokensShape;

/* What vit_patch_embed_configure() would make ready for.  Allocates nothing
 * and changes nothing, so that a format can be refused before there is a frame.
 * Errors: FRAME_SIZE, as there. */
gboolean vit_patch_embed_measure (const VitPatchEmbed *embed,
    const VitImageFormat *format, VitTokensShape *shape, GError **error);

/* Must succeed before the first run; may be called again at any time.  After
 * an error the former configuration still stands.  Errors: FRAME_SIZE,
 * NO_MEMORY. */
gboolean vit_patch_embed_configure (VitPatchEmbed *embed,
    const VitImageFormat *format, GError **error);

/* Bytes that being configured for this format takes, beside the weights, which
 * are as large as the model: `shape` is what vit_patch_embed_measure() gave.  The
 * tokens, which are the caller's, come on top. */
guint64 vit_patch_embed_memory (const VitPatchEmbed *embed,
    const VitImageFormat *format, const VitTokensShape *shape);

/* Gives up all of that; the weights stay for the next configuration, without
 * which nothing may be run. */
void vit_patch_embed_release (VitPatchEmbed *embed);

/* As configured. */
VitTokensShape vit_patch_embed_shape (const VitPatchEmbed *embed);

/* The rule, mean and std in force, settings and model combined. */
VitPositionRule vit_patch_embed_rule (const VitPatchEmbed *embed);
const double *vit_patch_embed_mean (const VitPatchEmbed *embed); /* [3] */
const double *vit_patch_embed_std (const VitPatchEmbed *embed);  /* [3] */

/* F32 or INT16; and the error foreseen for INT16, whichever AUTO became, relative
 * to the tokens' rms: 0 where F32 was asked for by name. */
VitPrecision vit_patch_embed_precision (const VitPatchEmbed *embed);
double vit_patch_embed_predicted_error (const VitPatchEmbed *embed);

/* Why the precision is what it is, for people. */
const char *vit_patch_embed_precision_reason (const VitPatchEmbed *embed);

/* The name of the kernel in use: "c", "avx2", ... */
const char *vit_patch_embed_kernel (const VitPatchEmbed *embed);

/* Patches of a frame by what becomes of them. */
typedef struct {
  guint n_kept;    /* unchanged: the token stays */
  guint n_short;   /* product over stored samples, of Y'CbCr formats */
  guint n_full;    /* product over pixels */
} VitFrameCounts;

/* Takes a frame's samples and decides what is to be computed.  `keep`: the
 * caller still has the tokens of the frame before, and patches whose samples
 * differ from those of their token by at most `tolerance` keep it.
 * `parallel` may be NULL: then the calling thread does everything.
 * Allocates nothing and takes no lock, like vit_patch_embed_run(). */
VitFrameCounts vit_patch_embed_plan (VitPatchEmbed *embed,
    const VitImage *image, gboolean keep, guint tolerance,
    VitParallelFor parallel, gpointer user_data);

/* (nullable): every frame is wanted.  It holds for the runs from here on. */
void vit_patch_embed_set_stop (
    VitPatchEmbed *embed, VitIsStopped is_stopped, gpointer stop_data);

/* Computes the tokens of the frame that was planned last; `image` must be the
 * same.  `previous`: the tokens of the frame before, same shape and type; NULL
 * if nothing was to be kept.  FALSE: it was stopped, and the tokens are not all
 * there: nothing of them is to be kept for the next frame. */
gboolean vit_patch_embed_run (VitPatchEmbed *embed, const VitImage *image,
    gconstpointer previous, gpointer tokens, VitParallelFor parallel,
    gpointer user_data);

/* Bit i (byte i / 8, least significant first) is set where the frame planned
 * last has a new token i; prefix tokens never change. */
void vit_patch_embed_changed (
    const VitPatchEmbed *embed, guint8 *bits /* [ceil (n_tokens / 8)] */);

/* FALSE where a LayerNorm follows the positions: then nothing that could be
 * taken off a token again is theirs.  Else (*positions): what was added to the
 * patches' tokens, [grid_height * grid_width][embed_dim], free (); NULL if the
 * rule adds none.  Computed anew.  Errors, with FALSE: NO_MEMORY. */
gboolean vit_patch_embed_positions (
    const VitPatchEmbed *embed, float **positions, GError **error);

G_END_DECLS
