/* SPDX-License-Identifier: MIT
 *
 * A whole model folder.  An input is up to eight files: a byte that says which,
 * two bytes of length, the text; of a safetensors file the text is the header.
 * A model that loads computes the tokens of one small frame.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "patch_embed.h"

static const char *const names[] = { "model.safetensors",
  "model.safetensors.index.json", "a.safetensors", "b.safetensors",
  "config.json", "preprocessor_config.json", "open_clip_config.json",
  "open_clip_model.safetensors" };

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_folder ();
  return 0;
}

static void
check_tokens (VitPatchEmbed *embed, guint side)
{
  g_autofree guint8 *pixels = g_malloc0 ((gsize) side * side);
  VitImage image = { { pixels }, { (gssize) side } };
  VitTokensShape shape = vit_patch_embed_shape (embed);
  gsize n = (gsize) shape.n_tokens * shape.embed_dim;
  float *tokens = g_aligned_alloc (n, sizeof (float), 64);

  vit_patch_embed_plan (embed, &image, FALSE, 0, NULL, NULL);
  vit_patch_embed_run (embed, &image, NULL, tokens, NULL, NULL);
  for (gsize i = 0; i < n; i++)
    g_assert_true (isfinite (tokens[i]));
  g_aligned_free (tokens);
}

static void
use_model (VitModel *model)
{
  VitPatchEmbedSettings settings = { .precision = VIT_PRECISION_F32,
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
  if (vit_patch_embed_configure (embed, &format, &error))
    check_tokens (embed, format.width);
  else
    fuzz_check_error (error);
  vit_patch_embed_free (embed);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, size };
  GError *error = NULL;
  VitModel *model;

  fuzz_folder_clear ();
  for (guint i = 0; i < G_N_ELEMENTS (names) && input.size > 0; i++) {
    const char *name = names[input_take (&input, 1) % G_N_ELEMENTS (names)];
    gsize length = input_take (&input, 2);

    length = MIN (length, input.size);
    if (g_str_has_suffix (name, ".safetensors"))
      fuzz_write_container (name, (const char *) input.data, length);
    else
      fuzz_write (name, input.data, length);
    input.data += length;
    input.size -= length;
  }
  model = vit_model_load (fuzz_folder (), NULL, &error);
  if (!model) {
    fuzz_check_error (error);
    return 0;
  }
  use_model (model);
  vit_model_unref (model);
  return 0;
}
