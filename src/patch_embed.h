/* SPDX-License-Identifier: MIT
 *
 * Frames in, patch tokens out: the front of the library.
 *
 *     vit_patch_embed_new ()         once a model: folds and packs the weights
 *     vit_patch_embed_configure ()   once a frame size: resamples positions
 *     vit_patch_embed_run ()         every frame
 *
 * Tokens are float32 [n_tokens][embed_dim]: prefix tokens first, in the
 * family's order, then the patches in raster order.
 *
 * Thread-safety: one thread at a time may use a VitPatchEmbed; several of
 * them may share a model.
 */
#pragma once

#include "image.h"
#include "model.h"

G_BEGIN_DECLS

/* What becomes of pixels that no whole patch covers. */
typedef enum {
  VIT_FIT_CROP, /* right and bottom remainders are not seen, as by the convolution */
  VIT_FIT_PAD,  /* the frame grows right and down to whole patches of x = 0 */
} VitFit;

typedef struct {
  VitPositionRule rule;  /* AUTO: the model's own */
  gboolean override_mean;
  gboolean override_std;
  double mean[3];        /* instead of the model's, where override_mean */
  double std[3];         /* likewise; each greater than 0 */
  VitFit fit;
  gboolean prefix_tokens; /* FALSE: patch tokens only */
  guint n_workers;        /* at least 1; how many may work at once */
} VitPatchEmbedSettings;

typedef struct _VitPatchEmbed VitPatchEmbed;

/* Keeps a reference to `model`.  Errors: SETTING, NO_MEMORY. */
VitPatchEmbed *vit_patch_embed_new (VitModel *model,
    const VitPatchEmbedSettings *settings, GError **error);
void vit_patch_embed_free (VitPatchEmbed *embed);

/* Must succeed before the first run; may be called again at any time.  After
 * an error the former configuration still stands.  Errors: FRAME_SIZE,
 * NO_MEMORY. */
gboolean vit_patch_embed_configure (VitPatchEmbed *embed,
    const VitImageFormat *format, GError **error);

/* What was configured. */
typedef struct {
  guint grid_width;  /* patches */
  guint grid_height; /* patches */
  guint n_prefix_tokens;
  guint n_tokens;    /* prefix tokens + grid_width * grid_height */
  guint embed_dim;
} VitTokensShape;

VitTokensShape vit_patch_embed_shape (const VitPatchEmbed *embed);

/* The rule, mean and std in force, settings and model combined. */
VitPositionRule vit_patch_embed_rule (const VitPatchEmbed *embed);
const double *vit_patch_embed_mean (const VitPatchEmbed *embed); /* [3] */
const double *vit_patch_embed_std (const VitPatchEmbed *embed);  /* [3] */

/* The name of the kernel in use: "c", "avx2", ... */
const char *vit_patch_embed_kernel (const VitPatchEmbed *embed);

/* The caller's threads: calls work (data, i) once for each i < n_workers, in
 * any order, on any threads, and returns when all have returned.  A worker
 * that starts late or never runs beside another costs time, nothing else. */
typedef void (*VitWork) (gpointer data, guint worker);
typedef void (*VitParallelFor) (
    gpointer user_data, guint n_workers, VitWork work, gpointer data);

/* Computes all tokens of one frame.  `parallel` may be NULL: then the calling
 * thread does everything.  Allocates nothing and takes no lock. */
void vit_patch_embed_run (VitPatchEmbed *embed, const VitImage *image,
    float *tokens /* [n_tokens][embed_dim] */, VitParallelFor parallel,
    gpointer user_data);

G_END_DECLS
