/* SPDX-License-Identifier: MIT */
#include "support/encoder_folder.h"

#include <math.h>
#include <string.h>

#define BLOCK "encoder.layer.%u."

static const struct {
  const char *name;
  int rows;
  int columns;
} block[] = {
  { "layernorm_before.weight", 12, 0 },
  { "layernorm_before.bias", 12, 0 },
  { "attention.attention.query.weight", 12, 12 },
  { "attention.attention.query.bias", 12, 0 },
  { "attention.attention.key.weight", 12, 12 },
  { "attention.attention.key.bias", 12, 0 },
  { "attention.attention.value.weight", 12, 12 },
  { "attention.attention.value.bias", 12, 0 },
  { "attention.output.dense.weight", 12, 12 },
  { "attention.output.dense.bias", 12, 0 },
  { "layernorm_after.weight", 12, 0 },
  { "layernorm_after.bias", 12, 0 },
  { "intermediate.dense.weight", 20, 12 },
  { "intermediate.dense.bias", 20, 0 },
  { "output.dense.weight", 12, 20 },
  { "output.dense.bias", 12, 0 },
};

void
weights_vary (Weights *weights, const char *name, gsize n)
{
  for (gsize i = 0; i < n; i++)
    weights_set (weights, name, i,
        0.3f * sinf ((float) (i * 7 + 3 * g_str_hash (name) % 1000)));
}

Weights *
weights_new_vit (void)
{
  Weights *weights = weights_new ();

  weights_add (
      weights, "embeddings.patch_embeddings.projection.weight", 4, 12, 3, 2, 2);
  weights_add (weights, "embeddings.patch_embeddings.projection.bias", 1, 12);
  weights_add (weights, "embeddings.cls_token", 3, 1, 1, 12);
  weights_add (weights, "embeddings.position_embeddings", 3, 1, 10, 12);
  for (guint i = 0; i < 2; i++)
    for (gsize k = 0; k < G_N_ELEMENTS (block); k++) {
      g_autofree char *name = g_strdup_printf (BLOCK "%s", i, block[k].name);
      int rows = block[k].rows, columns = block[k].columns;

      if (columns)
        weights_add (weights, name, 2, rows, columns);
      else
        weights_add (weights, name, 1, rows);
      weights_vary (weights, name, (gsize) rows * MAX (columns, 1));
    }
  weights_add (weights, "layernorm.weight", 1, 12);
  weights_add (weights, "layernorm.bias", 1, 12);
  return weights;
}

void
folder_write_vit_config (void)
{
  folder_write_text ("config.json",
      "{\"model_type\": \"vit\", \"num_attention_heads\": 2, "
      "\"hidden_act\": \"gelu\"}");
}

void
folder_write_vit (Weights *weights)
{
  folder_write_vit_config ();
  folder_write_weights (weights, "model.safetensors");
}

VitEncoderWeights *
folder_load_encoder (void)
{
  g_autofree char *path = folder_path (NULL);
  GError *error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_load (path, NULL, NULL, &error);

  g_assert_no_error (error);
  return weights;
}

void
assert_encoder_refused (int code, ...)
{
  g_autofree char *path = folder_path (NULL);
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights
      = vit_encoder_weights_load (path, NULL, NULL, &error);
  const char *text;
  va_list texts;

  g_assert_null (weights);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_error (error, VIT_ERROR, code);
  g_assert_true (g_str_has_prefix (error->message, path));
  va_start (texts, code);
  while ((text = va_arg (texts, const char *)))
    if (!strstr (error->message, text))
      g_error ("\"%s\" does not say \"%s\"", error->message, text);
  va_end (texts);
}
