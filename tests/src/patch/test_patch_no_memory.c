/* SPDX-License-Identifier: MIT
 *
 * Memory that is gone at each allocation of failing_memory.h in turn, none of them
 * Jansson's: while an input stage is loaded, and while it is made ready for a frame,
 * another for a region of it, and for the positions that were added.  Each is an
 * error.  The frames themselves take none.
 */
#include <stdlib.h>

#include "base/aligned.h"
#include "patch/patch_embed.h"
#include "support/failing_memory.h"

static gboolean
load_stage (gpointer data, GError **error)
{
  VitModel *model = vit_model_load (data, NULL, error);

  if (!model)
    return FALSE;
  vit_model_unref (model);
  return TRUE;
}

typedef struct {
  VitModel *model;
  VitPatchEmbedSettings settings;
  VitImageFormat format;
} Stage;

static VitPatchEmbed *
make_stage (const Stage *stage, GError **error)
{
  VitPatchEmbed *embed
      = vit_patch_embed_new (stage->model, &stage->settings, error);

  if (embed && !vit_patch_embed_configure (embed, &stage->format, error))
    g_clear_pointer (&embed, vit_patch_embed_free);
  return embed;
}

/* One for a frame and one like it for a region; and the positions. */
static gboolean
use_stage (gpointer data, GError **error)
{
  const Stage *stage = data;
  VitPatchEmbed *first = make_stage (stage, error), *second = NULL;
  GError *reason = NULL;
  float *positions = NULL;
  gboolean is_done = FALSE;

  if (first)
    second = vit_patch_embed_new_like (first, error);
  if (second && vit_patch_embed_configure (second, &stage->format, error)) {
    /* FALSE without an error: a norm follows the positions. */
    vit_patch_embed_positions (first, &positions, &reason);
    is_done = reason == NULL;
    free (positions);
  }
  if (reason)
    g_propagate_error (error, reason);
  vit_patch_embed_free (first);
  vit_patch_embed_free (second);
  return is_done;
}

static void
run_stage (Stage *stage)
{
  g_autoptr (GError) error = NULL;
  VitPatchEmbed *embed = make_stage (stage, &error);
  gsize n_pixels = (gsize) stage->format.width * stage->format.height;
  g_autofree guint8 *pixels = g_malloc (n_pixels);
  VitImage image = { { pixels }, { (gssize) stage->format.width } };
  VitTokensShape shape;
  void *tokens;

  g_assert_no_error (error);
  for (gsize i = 0; i < n_pixels; i++)
    pixels[i] = (guint8) (i * 7);
  shape = vit_patch_embed_shape (embed);
  tokens = vit_try_aligned (
      (gsize) shape.n_tokens * shape.embed_dim, sizeof (float), NULL);
  failing_memory_set (1);
  vit_patch_embed_plan (embed, &image, FALSE, 0, NULL, NULL);
  vit_patch_embed_run (embed, &image, NULL, tokens, NULL, NULL);
  g_assert_cmpuint (failing_memory_count (), ==, 0);
  failing_memory_set (0);
  free (tokens);
  vit_patch_embed_free (embed);
}

static void
test_each_call (gconstpointer data)
{
  static const VitPrecision precisions[]
      = { VIT_PRECISION_F32, VIT_PRECISION_INT16 };
  g_autofree char *path
      = g_build_filename (TEST_DATA_DIR, "features", data, NULL);
  g_autoptr (GError) error = NULL;
  VitModel *model;

  g_assert_cmpuint (failing_memory_each (load_stage, path), >, 5);
  model = vit_model_load (path, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (precisions); i++) {
    Stage stage = { .model = model,
      .settings = { .precision = precisions[i],
          .std = { 1, 1, 1 },
          .prefix_tokens = TRUE,
          .n_workers = 2 },
      .format = { .pixel = vit_pixel_format_find ("GRAY8"),
          .width = 5 * model->patch_size,
          .height = 3 * model->patch_size } };
    guint n_calls = failing_memory_each (use_stage, &stage);

    g_test_message ("precision %u: %u calls", i, n_calls);
    g_assert_cmpuint (n_calls, >, 10);
    run_stage (&stage);
  }
  vit_model_unref (model);
}

int
main (int argc, char **argv)
{
  /* Positions of a table, of none, and of a table made smoothly smaller; a class
   * token, none, registers; a norm behind the projection. */
  static const char *const models[] = { "hf-vit-classifier", "hf-dinov3-gated",
    "hf-siglip2-naflex", "hf-aimv2" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    g_autofree char *name = g_strconcat ("/patch/no-memory/", models[i], NULL);

    g_test_add_data_func (name, models[i], test_each_call);
  }
  return g_test_run ();
}
