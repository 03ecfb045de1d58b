/* SPDX-License-Identifier: MIT
 *
 * What follows from the name of a timm architecture, against what timm's own
 * constructors get for each of its names: golden/timm-architectures.txt.
 */
#include <string.h>

#include "base/error.h"
#include "encoder/class_names.h"
#include "encoder/encoder_plan.h"
#include "support/model_folder.h"

enum { NAME, WIDTH, HEADS, EPSILON, NORM, ACTIVATION, POOL, ROPE, BASE,
  REFERENCE, POOL_HEADS, UNLIKE, N_FIELDS };

/* A checkpoint of which only the names matter: with a class token and a pool. */
static void
open_stage (VitStage *stage, VitConfig *config)
{
  g_autofree char *path = folder_path ("model.safetensors");
  Weights *weights = weights_new_dinov2 ();

  weights_remove (weights, "mask_token");
  weights_add (weights, "attn_pool.latent", 3, 1, 1, 6);
  weights_add (weights, "norm_pre.weight", 1, 6);
  weights_add (weights, "norm_pre.bias", 1, 6);
  folder_write_weights (weights, "model.safetensors");
  stage->config = config;
  stage->checkpoint = vit_checkpoint_open (path, NULL);
  g_assert_nonnull (stage->checkpoint);
  g_assert_true (vit_stage_measure (stage, NULL, NULL));
}

static const char *
pool_of (const VitEncoderPlan *plan)
{
  switch (plan->embedding.pool) {
    case VIT_POOL_MEAN_PATCHES:
      return "avg";
    case VIT_POOL_ATTENTION:
      return "map";
    default:
      return "token";
  }
}

static void
compare (char **fields, const VitEncoderPlan *plan)
{
  g_assert_cmpuint (plan->n_heads, ==, atoi (fields[HEADS]));
  g_assert_cmpfloat (plan->epsilon, ==, g_ascii_strtod (fields[EPSILON], NULL));
  g_assert_cmpint (plan->rms, ==, strcmp (fields[NORM], "rms") == 0);
  /* A SiLU is always a gate's. */
  g_assert_cmpstr (vit_activation_name (strcmp (fields[ACTIVATION], "silu") == 0
                                            ? plan->gated_activation
                                            : plan->activation),
      ==, fields[ACTIVATION]);
  g_assert_cmpstr (pool_of (plan), ==, fields[POOL]);
  g_assert_cmpstr (
      vit_rope_rule_name (plan->rope.rule), ==, fields[ROPE]);
  if (plan->rope.rule != VIT_ROPE_NONE)
    g_assert_cmpfloat (
        plan->rope.base, ==, g_ascii_strtod (fields[BASE], NULL));
  if (plan->rope.rule == VIT_ROPE_PE)
    g_assert_cmpfloat (
        plan->rope.reference, ==, g_ascii_strtod (fields[REFERENCE], NULL));
  if (plan->embedding.pool == VIT_POOL_ATTENTION)
    g_assert_cmpuint (plan->n_query_heads, ==, atoi (fields[POOL_HEADS]));
}

static void
test_architectures (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  VitConfig *config = vit_config_new ();
  VitStage stage = { 0 };
  guint n = 0;

  g_assert_true (g_file_get_contents (
      TEST_DATA_DIR "/timm-architectures.txt", &text, NULL, NULL));
  config->source = g_strdup ("config.json");
  open_stage (&stage, config);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 1; lines[i] && lines[i][0]; i++, n++) {
    g_auto (GStrv) fields = g_strsplit (lines[i], " ", -1);
    g_autoptr (GError) error = NULL;
    VitEncoderPlan plan;
    gboolean done;

    g_assert_cmpuint (g_strv_length (fields), ==, N_FIELDS);
    g_test_message ("%s", fields[NAME]);
    g_free (config->name);
    config->name = g_strdup (fields[NAME]);
    config->name_key = "architecture";
    config->family = vit_family_find (VIT_ORIGIN_TIMM, fields[NAME]);
    g_assert_nonnull (config->family);
    stage.embed_dim = (guint) atoi (fields[WIDTH]);
    done = vit_encoder_plan_init (&plan, &stage, &error);
    if (strcmp (fields[UNLIKE], "-") != 0) {
      g_assert_error (error, VIT_ERROR, VIT_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, fields[NAME]));
    } else {
      g_assert_no_error (error);
      g_assert_true (done);
      compare (fields, &plan);
    }
    vit_encoder_plan_clear (&plan);
  }
  g_assert_cmpuint (n, ==, 251);
  vit_stage_clear (&stage);
  vit_checkpoint_close (stage.checkpoint);
  vit_config_free (config);
}

/* As timm's table of checkpoints has them: CLIP's and PE's heads are projections,
 * unless they were trained anew. */
static void
test_joint_logits (void)
{
  static const struct {
    const char *name, *tag;
    gboolean is_joint;
  } cases[] = {
    { "vit_base_patch16_clip_224", "openai", TRUE },
    { "vit_base_patch16_clip_224", "openai_ft_in1k", FALSE },
    { "vit_base_patch16_clip_224", "laion2b_ft_in12k_in1k", FALSE },
    { "vit_base_patch16_clip_224.laion2b_ft_in1k", NULL, FALSE },
    { "vit_base_patch16_clip_quickgelu_224", "metaclip_400m", TRUE },
    { "eva02_large_patch14_clip_336", "merged2b", TRUE },
    { "eva02_large_patch14_clip_336", "merged2b_ft_inat21", FALSE },
    { "eva_giant_patch14_clip_224", NULL, TRUE },
    { "vit_pe_core_base_patch16_224", "fb", TRUE },
    { "vit_pe_spatial_base_patch16_512", "fb", FALSE },
    { "vit_base_patch16_224", "augreg2_in21k_ft_in1k", FALSE },
    { "vit_base_patch16_224", NULL, FALSE },
    { "deit_tiny_distilled_patch16_224", "fb_in1k", FALSE },
    { NULL, NULL, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    VitConfig config = { .name = (char *) cases[i].name,
      .root = json_pack ("{s:{s:s?}}", "pretrained_cfg", "tag", cases[i].tag) };

    g_assert_cmpint (vit_logits_meaning (&config, 5, FALSE), ==,
        cases[i].is_joint ? VIT_LOGITS_JOINT : VIT_LOGITS_ONE_OF);
    g_assert_cmpint (
        vit_logits_meaning (&config, 5, TRUE), ==, VIT_LOGITS_ONE_OF);
    json_decref (config.root);
  }
}

/* As transformers' image-classification pipeline decides. */
static void
test_problem_types (void)
{
  static const struct {
    const char *problem;
    guint n_classes;
    VitLogitsMeaning meaning;
  } cases[] = {
    { NULL, 5, VIT_LOGITS_ONE_OF },
    { NULL, 1, VIT_LOGITS_ANY_OF },
    { "single_label_classification", 5, VIT_LOGITS_ONE_OF },
    { "single_label_classification", 1, VIT_LOGITS_ANY_OF },
    { "multi_label_classification", 5, VIT_LOGITS_ANY_OF },
    { "regression", 5, VIT_LOGITS_NUMBERS },
    { "regression", 1, VIT_LOGITS_NUMBERS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    VitConfig config = { .name = (char *) "vit",
      .root = json_pack ("{s:s?}", "problem_type", cases[i].problem) };

    g_assert_cmpint (vit_logits_meaning (&config, cases[i].n_classes, TRUE),
        ==, cases[i].meaning);
    json_decref (config.root);
  }
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[]
      = { { "architectures", test_architectures },
          { "joint-logits", test_joint_logits },
          { "problem-types", test_problem_types } };

  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/encoder/names/", tests, G_N_ELEMENTS (tests));
}
