/* SPDX-License-Identifier: MIT
 *
 * Models as they are loaded: the golden folders, whose tokens must follow from
 * the loaded numbers in double precision; the same weights stored in other
 * ways.  VIT_TEST_DATA names another folder of golden cases.
 */
#include "model/model.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "patch/input_norm.h"
#include "support/npy.h"
#include "support/weights.h"

/* Of the tokens' rms: what float32 arithmetic on the other side costs. */
#define MAX_ERROR 2e-5

static const struct {
  const char *folder;
  const char *layout;
} expected_layouts[] = {
  { "dino-p8", "dino" },
  { "dino-p16", "dino" },
  { "dinov2-p14", "dinov2" },
  { "dinov2-reg4-p14", "dinov2-with-registers" },
  { "hf-vit", "hf-vit" },
  { "hf-msn", "hf-vit" },
  { "hf-mae", "hf-vit" },
  { "hf-ijepa", "hf-ijepa" },
  { "hf-deit-distilled", "hf-deit" },
  { "hf-dinov2", "hf-dinov2" },
  { "hf-dinov2-with-registers", "hf-dinov2-with-registers" },
  { "timm-vit", "timm-vit" },
  { "timm-vit-dino", "timm-vit" },
  { "timm-dinov2", "timm-vit" },
  { "timm-dinov2-reg4", "timm-vit" },
  { "timm-reg4-gap", "timm-vit" },
  { "timm-deit3", "timm-vit" },
  { "timm-deit-distilled", "timm-deit" },
  { "trained-dinov2-s14", "hf-dinov2" },
  { "hf-aimv2", "hf-aimv2" },
  { "hf-aimv2-native", "hf-aimv2-native" },
  { "hf-beit-abs", "hf-vit" },
  { "hf-clip", "hf-clip" },
  { "hf-dinov3", "hf-dinov3" },
  { "hf-llava", "hf-clip" },
  { "hf-sam", "hf-sam" },
  { "hf-siglip", "hf-siglip" },
  { "hf-siglip2-naflex", "hf-siglip2" },
  { "openclip", "openclip" },
  { "timm-clip", "timm-clip" },
  { "timm-dinov3", "timm-dinov3" },
  { "timm-eva02", "timm-vit" }, /* its blocks, which tell, are left out */
  { "timm-flexivit", "timm-vit" },
  { "timm-naflex", "timm-naflex" },
  { "timm-pe-core", "timm-clip" },
  { "timm-sam", "timm-sam" },
  { "timm-siglip", "timm-vit" },
};

static char *folder; /* for files made by the tests */

static char *
golden_path (const char *name, const char *file)
{
  const char *data = g_getenv ("VIT_TEST_DATA");

  return g_build_filename (data ? data : TEST_DATA_DIR, name, file, NULL);
}

static char *
temporary (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static VitModel *
load (const char *path)
{
  GError *error = NULL;
  VitModel *model = vit_model_load (path, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (model);
  g_test_message ("%s: %s", model->layout, model->reason);
  return model;
}

static json_t *
read_case (const char *name)
{
  g_autofree char *path = golden_path (name, "case.json");
  json_t *description = json_load_file (path, 0, NULL);

  g_assert_nonnull (description);
  return description;
}

static void
assert_triple (const double found[3], const json_t *expected)
{
  for (guint c = 0; c < 3; c++)
    g_assert_cmpfloat (
        found[c], ==, json_number_value (json_array_get (expected, c)));
}

static void
assert_matches_case (const VitModel *model, const json_t *description)
{
  const json_t *prefix = json_object_get (description, "prefix");
  const char *rule = json_string_value (json_object_get (description, "rule"));

  if (strcmp (rule, "auto") != 0)
    g_assert_cmpstr (vit_position_rule_name (model->rule), ==, rule);
  g_assert_cmpint (model->patch_size, ==,
      json_integer_value (json_object_get (description, "patch_size")));
  g_assert_cmpint (model->embed_dim, ==,
      json_integer_value (json_object_get (description, "embed_dim")));
  assert_triple (model->mean, json_object_get (description, "mean"));
  assert_triple (model->std, json_object_get (description, "std"));
  g_assert_cmpuint (model->n_prefix_tokens, ==, json_array_size (prefix));
  for (guint i = 0; i < model->n_prefix_tokens; i++)
    g_assert_true (g_str_has_prefix (model->prefix_names[i],
        json_string_value (json_array_get (prefix, i))));
}

/* W x + b of the patch at (row, col); x = 0 channels never occur here, since
 * only whole patches are taken. */
static void
project (const VitModel *model, const guint8 *frame, gsize width, gsize row,
    gsize col, double *token)
{
  gsize size = model->patch_size;

  for (gsize d = 0; d < model->embed_dim; d++) {
    const float *weight = model->weight + d * 3 * size * size;

    token[d] = model->bias[d];
    for (gsize c = 0; c < 3; c++)
      for (gsize y = 0; y < size; y++)
        for (gsize x = 0; x < size; x++) {
          gsize at = ((row * size + y) * width + col * size + x) * 3 + c;
          double value = (frame[at] / 255.0 - model->mean[c]) / model->std[c];

          token[d] += weight[(c * size + y) * size + x] * value;
        }
  }
}

/* The positions of a frame; NULL for a model without. */
static float *
new_positions (const VitModel *model, gsize width, gsize height)
{
  guint rows = (guint) height / model->patch_size;
  guint cols = (guint) width / model->patch_size;
  gsize n_values = (gsize) rows * cols * model->embed_dim;
  float *positions;

  if (model->rule == VIT_POSITION_RULE_NONE)
    return NULL;
  positions = g_new (float, n_values);
  if (model->rule == VIT_POSITION_RULE_SINCOS)
    vit_pos_embed_compute (model->embed_dim, rows, cols, positions);
  else if (vit_pos_embed_is_kept (model->rule, model->table_rows, model->table_cols,
          rows, cols, width == height))
    memcpy (positions, model->table, n_values * sizeof (float));
  else
    g_assert_true (
        vit_pos_embed_resample (model->rule, model->table, model->table_rows,
            model->table_cols, model->embed_dim, rows, cols, positions, NULL));
  return positions;
}

/* max |token - expected| / rms, of one golden frame. */
static double
frame_error (const VitModel *model, const guint8 *frame, gsize width,
    gsize height, const Npy *expected)
{
  gsize rows = height / model->patch_size, cols = width / model->patch_size;
  gsize n_dims = model->embed_dim, n_prefix = model->n_prefix_tokens;
  g_autofree float *positions = new_positions (model, width, height);
  g_autofree float *token = g_new (float, n_dims);
  g_autofree double *projected = g_new (double, n_dims);
  double worst = 0.0, square = 0.0;

  g_assert_cmpuint (expected->shape[0], ==, n_prefix + rows * cols);
  g_assert_cmpuint (expected->shape[1], ==, n_dims);
  for (gsize i = 0; i < expected->shape[0]; i++) {
    gboolean is_patch = i >= n_prefix;
    gsize patch = is_patch ? i - n_prefix : 0;

    if (is_patch)
      project (model, frame, width, patch / cols, patch % cols, projected);
    for (gsize d = 0; d < n_dims; d++)
      token[d] = is_patch ? (float) projected[d]
                          : model->prefix_tokens[i * n_dims + d];
    if (is_patch && model->norm == VIT_INPUT_NORM_RMS)
      vit_input_norm (model, token, 1);
    for (gsize d = 0; d < n_dims && is_patch && positions; d++)
      token[d] += positions[patch * n_dims + d];
    if (model->norm == VIT_INPUT_NORM_LAYER)
      vit_input_norm (model, token, 1);
    for (gsize d = 0; d < n_dims; d++) {
      double value = expected->values[i * n_dims + d];

      worst = MAX (worst, fabs (token[d] - value));
      square += value * value;
    }
  }
  return worst / sqrt (square / expected->n_values);
}

static void
check_golden_frame (const VitModel *model, const char *name, const json_t *one)
{
  const char *frame_name = json_string_value (json_object_get (one, "frame"));
  const char *tokens_name = json_string_value (json_object_get (one, "tokens"));
  g_autofree char *frame_path = golden_path (name, frame_name);
  g_autofree char *tokens_path = golden_path (name, tokens_name);
  gsize width = (gsize) json_integer_value (json_object_get (one, "width"));
  gsize height = (gsize) json_integer_value (json_object_get (one, "height"));
  g_autoptr (Npy) expected = npy_read (tokens_path);
  g_autofree char *frame = NULL;
  gsize n_bytes;
  double worst;

  g_assert_true (g_file_get_contents (frame_path, &frame, &n_bytes, NULL));
  g_assert_cmpuint (n_bytes, ==, width * height * 3);
  worst = frame_error (model, (const guint8 *) frame, width, height, expected);
  g_test_message ("%s: max error %.2g of the rms", tokens_name, worst);
  g_assert_cmpfloat (worst, <=, MAX_ERROR);
}

static void
test_golden (gconstpointer data)
{
  const char *name = data;
  json_t *description = read_case (name), *one;
  g_autofree char *path = golden_path (name, NULL);
  VitModel *model;
  size_t i;

  if (strcmp (name, "trained-dinov2-s14") == 0) {
    g_free (path);
    path = g_build_filename (EXAMPLES_DIR, "models", "dinov2-small", NULL);
  }
  model = load (path);
  for (i = 0; i < G_N_ELEMENTS (expected_layouts); i++)
    if (strcmp (expected_layouts[i].folder, name) == 0)
      g_assert_cmpstr (model->layout, ==, expected_layouts[i].layout);
  assert_matches_case (model, description);
  json_array_foreach (json_object_get (description, "cases"), i, one)
      check_golden_frame (model, name, one);
  g_assert_cmpuint (i, >, 0);
  vit_model_unref (model);
  json_decref (description);
}

static void
assert_same_numbers (const VitModel *a, const VitModel *b)
{
  gsize n_weights = (gsize) a->embed_dim * 3 * a->patch_size * a->patch_size;
  gsize n_table = (gsize) a->table_rows * a->table_cols * a->embed_dim;
  gsize n_prefix = (gsize) a->n_prefix_tokens * a->embed_dim;

  g_assert_cmpstr (a->layout, ==, b->layout);
  g_assert_cmpuint (a->patch_size, ==, b->patch_size);
  g_assert_cmpuint (a->embed_dim, ==, b->embed_dim);
  g_assert_cmpuint (a->table_rows, ==, b->table_rows);
  g_assert_cmpuint (a->table_cols, ==, b->table_cols);
  g_assert_cmpuint (a->n_prefix_tokens, ==, b->n_prefix_tokens);
  g_assert_cmpmem (a->weight, n_weights * 4, b->weight, n_weights * 4);
  g_assert_cmpmem (a->bias, a->embed_dim * 4, b->bias, b->embed_dim * 4);
  g_assert_cmpmem (a->table, n_table * 4, b->table, n_table * 4);
  g_assert_cmpmem (
      a->prefix_tokens, n_prefix * 4, b->prefix_tokens, n_prefix * 4);
}

static void
test_stored_otherwise (gconstpointer data)
{
  const char *dtype = data;
  g_autofree char *source = golden_path ("dinov2-p14", "model.safetensors");
  g_autofree char *stored_path = temporary ("stored.safetensors");
  g_autofree char *rounded_path = temporary ("rounded.safetensors");
  Weights *stored = weights_read (source), *rounded = weights_read (source);
  VitModel *a, *b;

  weights_convert (stored, dtype, rounded);
  weights_write (stored, stored_path);
  weights_write (rounded, rounded_path);
  a = load (stored_path);
  b = load (rounded_path);
  assert_same_numbers (a, b);
  vit_model_unref (a);
  vit_model_unref (b);
  weights_free (stored);
  weights_free (rounded);
}

static void
test_prefix_is_found (gconstpointer data)
{
  g_autofree char *source = golden_path ("dinov2-p14", "model.safetensors");
  g_autofree char *path = temporary ("prefixed.safetensors");
  Weights *weights = weights_read (source);
  VitModel *a = load (source), *b;

  weights_add_prefix (weights, data);
  weights_add (weights, "decoder_pos_embed", 3, 1, 10, 7);
  weights_add (weights, "text.pos_embed", 3, 1, 77, 5);
  weights_write (weights, path);
  b = load (path);
  assert_same_numbers (a, b);
  vit_model_unref (a);
  vit_model_unref (b);
  weights_free (weights);
}

static void
test_shards_are_put_together (void)
{
  g_autofree char *source = golden_path ("dinov2-p14", "model.safetensors");
  g_autofree char *first = temporary ("a.safetensors");
  g_autofree char *second = temporary ("b.safetensors");
  g_autofree char *index_path = temporary ("model.safetensors.index.json");
  Weights *weights = weights_read (source);
  json_t *map = json_object (), *index;
  guint n = weights_count (weights);
  VitModel *a = load (source), *b, *c;

  weights_write_some (weights, 0, 2, first);
  weights_write_some (weights, 2, n, second);
  for (guint i = 0; i < n; i++)
    json_object_set_new (map, weights_name (weights, i),
        json_string (i < 2 ? "a.safetensors" : "b.safetensors"));
  /* A shard that no wanted tensor is in need not even be there. */
  json_object_set_new (
      map, "blocks.0.norm1.weight", json_string ("absent.safetensors"));
  index = json_pack ("{s:o}", "weight_map", map);
  g_assert_cmpint (json_dump_file (index, index_path, 0), ==, 0);
  b = load (index_path);
  c = load (folder);
  assert_same_numbers (a, b);
  assert_same_numbers (a, c);
  g_assert_cmpuint (g_strv_length (b->files), ==, 3);
  vit_model_unref (a);
  vit_model_unref (b);
  vit_model_unref (c);
  json_decref (index);
  weights_free (weights);
  g_remove (index_path);
  g_remove (first);
  g_remove (second);
}

static void
test_file_and_folder_agree (void)
{
  g_autofree char *file = golden_path ("timm-vit-dino", "model.safetensors");
  g_autofree char *path = golden_path ("timm-vit-dino", NULL);
  VitModel *a = load (path), *b = load (file);

  assert_same_numbers (a, b);
  g_assert_cmpint (a->rule, ==, b->rule);
  g_assert_cmpmem (a->mean, sizeof a->mean, b->mean, sizeof b->mean);
  g_assert_cmpmem (a->std, sizeof a->std, b->std, sizeof b->std);
  /* The architecture that config.json names. */
  g_assert_cmpstr (a->id, ==, "vit_small_patch8_224.dino");
  g_assert_cmpstr (b->id, ==, a->id);
  g_assert_cmpstr (b->digest, ==, a->digest);
  vit_model_unref (a);
  vit_model_unref (b);
}

static void
test_reference_keeps_the_model (void)
{
  VitModel *model = vit_model_new_builtin (2, 5, NULL);

  g_assert_true (vit_model_ref (model) == model);
  vit_model_unref (model);
  g_assert_cmpuint (model->embed_dim, ==, 5);
  vit_model_unref (model);
}

/* Every folder with a case; those of the table must all be there. */
static void
add_golden_tests (void)
{
  g_autofree char *root = golden_path ("", NULL);
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  for (gsize i = 0; i < G_N_ELEMENTS (expected_layouts); i++) {
    g_autofree char *path
        = golden_path (expected_layouts[i].folder, "case.json");

    if (!g_file_test (path, G_FILE_TEST_EXISTS))
      g_error ("%s is missing", path);
  }
  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = golden_path (name, "case.json");
    g_autofree char *test = g_strconcat ("/model/golden/", name, NULL);

    if (g_file_test (path, G_FILE_TEST_EXISTS))
      g_test_add_data_func_full (test, g_strdup (name), test_golden, g_free);
  }
}

int
main (int argc, char **argv)
{
  int failed;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("vit-model-XXXXXX", NULL);
  add_golden_tests ();
  g_test_add_data_func (
      "/model/f16-equals-its-values-as-f32", "F16", test_stored_otherwise);
  g_test_add_data_func (
      "/model/bf16-equals-its-values-as-f32", "BF16", test_stored_otherwise);
  g_test_add_data_func (
      "/model/f64-equals-its-values-as-f32", "F64", test_stored_otherwise);
  g_test_add_data_func (
      "/model/prefix-of-one-is-found", "backbone.", test_prefix_is_found);
  g_test_add_data_func ("/model/prefix-of-two-is-found", "module.vision_tower.",
      test_prefix_is_found);
  g_test_add_func (
      "/model/shards-are-put-together", test_shards_are_put_together);
  g_test_add_func ("/model/file-and-folder-agree", test_file_and_folder_agree);
  g_test_add_func (
      "/model/reference-keeps-the-model", test_reference_keeps_the_model);
  failed = g_test_run ();
  g_rmdir (folder);
  g_free (folder);
  return failed;
}
