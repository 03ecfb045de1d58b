/* SPDX-License-Identifier: MIT
 *
 * The input stage of a whole model folder, which an input describes as
 * fuzz_write_model() says.  One that loads computes the tokens of a small frame:
 * what its weights allow must be finite.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "patch/patch_embed.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_folder ();
  return 0;
}

static void
check_tokens (VitPatchEmbed *embed, guint side, guint8 sample)
{
  g_autofree guint8 *pixels = g_malloc ((gsize) side * side);
  VitImage image = { { pixels }, { (gssize) side } };
  VitTokensShape shape = vit_patch_embed_shape (embed);
  gsize n = (gsize) shape.n_tokens * shape.embed_dim;
  float *tokens = g_aligned_alloc (n, sizeof (float), 64);

  memset (pixels, sample, (gsize) side * side);
  vit_patch_embed_plan (embed, &image, FALSE, 0, NULL, NULL);
  vit_patch_embed_run (embed, &image, NULL, tokens, NULL, NULL);
  for (gsize i = 0; i < n; i++)
    g_assert_true (isfinite (tokens[i]));
  g_aligned_free (tokens);
}

static void
use_model (VitModel *model, VitPrecision precision)
{
  VitPatchEmbedSettings settings = { .precision = precision,
    .std = { 1, 1, 1 }, .prefix_tokens = TRUE, .n_workers = 1 };
  VitImageFormat format = { .pixel = vit_pixel_format_find ("GRAY8") };
  GError *error = NULL;
  VitPatchEmbed *embed;

  format.width = format.height = 2 * model->patch_size;
  embed = vit_patch_embed_new (model, &settings, &error);
  if (!embed) {
    fuzz_check_error (error);
    return;
  }
  if (vit_patch_embed_configure (embed, &format, &error)) {
    check_tokens (embed, format.width, 0);
    check_tokens (embed, format.width, 255);
  } else {
    fuzz_check_error (error);
  }
  vit_patch_embed_free (embed);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path = fuzz_write_model (data, size);
  GError *error = NULL;
  VitModel *model = vit_model_load (path, NULL, &error);

  if (!model) {
    fuzz_check_error (error);
    return 0;
  }
  use_model (model, VIT_PRECISION_F32);
  use_model (model, VIT_PRECISION_INT16);
  vit_model_unref (model);
  return 0;
}
