/* SPDX-License-Identifier: MIT
 *
 * A whole model folder.  An input is up to eight files: a byte that says which,
 * two bytes of length, the text; of a safetensors file the text is the header.
 * The higher bits of a file's byte say what its tensors are filled with, and
 * those of the first what is given as the model: the folder or a file in it.
 * A model that loads computes the tokens of one small frame, and an encoder
 * features of some: what its weights allow must be finite.
 *
 *     bit 0-2: the file   3-5: FuzzFill   6-7, of the first: what is loaded
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "encoder/encoder.h"
#include "patch/patch_embed.h"

static const char *const names[] = { "model.safetensors",
  "model.safetensors.index.json", "a.safetensors", "b.safetensors",
  "config.json", "preprocessor_config.json", "open_clip_config.json",
  "open_clip_model.safetensors" };

#define N_NAMES 8
G_STATIC_ASSERT (G_N_ELEMENTS (names) == N_NAMES);

/* What is given as the model, by the upper two bits of the first byte. */
static const char *const loaded[] = { NULL, "model.safetensors",
  "model.safetensors.index.json", "open_clip_model.safetensors" };

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

static void
check_features (VitEncoder *encoder, const VitEncoderWeights *weights)
{
  gsize n = (4 + (gsize) weights->n_prefix_tokens) * weights->embed_dim;
  gsize n_vector = vit_encoder_embedding_dim (encoder);
  gsize n_classes = vit_encoder_n_classes (encoder);
  g_autofree float *tokens = g_new (float, n);
  g_autofree float *features = g_new (float, n);
  g_autofree float *vector = g_new (float, n_vector + 1);
  g_autofree float *logits = g_new (float, n_classes + 1);
  const float *in = tokens;
  VitEncoderFrame frame = { &in, &features, &vector, &logits, NULL };

  for (gsize i = 0; i < n; i++)
    tokens[i] = (float) (i % 7) - 3.0f;
  vit_encoder_run (encoder, &frame, NULL, NULL);
  for (gsize i = 0; i < n; i++)
    g_assert_true (isfinite (features[i]));
  for (gsize i = 0; i < n_vector; i++)
    g_assert_true (isfinite (vector[i]));
  for (gsize i = 0; i < n_classes; i++)
    g_assert_true (isfinite (logits[i]));
}

static void
use_encoder (const char *path)
{
  VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  VitEncoderGrid grid = { 2, 2 };
  GError *error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_load (path, NULL, NULL, &error);
  VitEncoder *encoder;

  if (!weights) {
    fuzz_check_error (error);
    return;
  }
  encoder = vit_encoder_new (weights, &settings, &error);
  if (encoder
      && vit_encoder_configure (
          encoder, &grid, 1, weights->n_prefix_tokens, &error))
    check_features (encoder, weights);
  else
    fuzz_check_error (error);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, size };
  const char *given = loaded[size > 0 ? data[0] >> 6 : 0];
  g_autofree char *path = g_build_filename (fuzz_folder (), given, NULL);
  GError *error = NULL;
  VitModel *model;

  fuzz_folder_clear ();
  for (guint i = 0; i < N_NAMES && input.size > 0; i++) {
    guint which = input_take (&input, 1);
    const char *name = names[which % N_NAMES];
    gsize length = input_take (&input, 2);

    length = MIN (length, input.size);
    if (g_str_has_suffix (name, ".safetensors"))
      fuzz_write_container (name, (const char *) input.data, length,
          (FuzzFill) (which / N_NAMES % FUZZ_N_FILLS));
    else
      fuzz_write (name, input.data, length);
    input.data += length;
    input.size -= length;
  }
  model = vit_model_load (path, NULL, &error);
  if (!model) {
    fuzz_check_error (error);
    return 0;
  }
  use_model (model, VIT_PRECISION_F32);
  use_model (model, VIT_PRECISION_INT16);
  vit_model_unref (model);
  use_encoder (path);
  return 0;
}
