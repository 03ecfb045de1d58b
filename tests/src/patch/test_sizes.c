/* SPDX-License-Identifier: MIT
 *
 * Sizes near 2^31 and 2^32, wherever a file or a frame may say one: refused
 * with the reason, never wrapped round to something small.
 */
#include <string.h>

#include "patch/patch_embed.h"
#include "support/model_folder.h"

static void
assert_model_refused (guint patch_size, guint embed_dim, guint n_prefix,
    guint rows, guint columns)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (vit_model_alloc (
      patch_size, embed_dim, n_prefix, rows, columns, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_UNSUPPORTED);
}

static void
test_models (void)
{
  static const guint sizes[] = { 0x7fffffff, 0x80000000, 0xfffffff0,
    0xffffffff, 65537 };
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    assert_model_refused (sizes[i], 8, 0, 0, 0);
    assert_model_refused (16, sizes[i], 0, 0, 0);
    assert_model_refused (16, 8, sizes[i], 0, 0);
    assert_model_refused (16, 8, 0, sizes[i], 1);
    assert_model_refused (16, 8, 0, 1, sizes[i]);
    assert_model_refused (
        sizes[i], sizes[i], sizes[i], sizes[i], sizes[i]);
  }
  /* Each size for itself may be, but not all together. */
  assert_model_refused (64, 65536, 0, 0, 0);
  assert_model_refused (1, 4096, 0, 257, 256);
  assert_model_refused (256, 65536, 0, 0, 0);
  assert_model_refused (1, 65536, 0, 4096, 4096);
  assert_model_refused (0, 8, 0, 0, 0);
  assert_model_refused (16, 0, 0, 0, 0);
  g_assert_null (vit_model_new_builtin (16, 0x80000000, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
}

static void
test_frames (void)
{
  static const guint sides[][2] = { { 0xffffffff, 0xffffffff },
    { 0x80000000, 0x80000000 }, { 0x7fffffff, 0x7fffffff },
    { 0xffffffff, 4 }, { 4, 0xffffffff }, { 0xfffffffd, 0x10000 },
    { 0x10000, 0x10000 }, { 0, 0xffffffff }, { 0xffffffff, 0 } };
  VitPatchEmbedSettings settings = { .std = { 1, 1, 1 }, .n_workers = 1,
    .prefix_tokens = TRUE };
  VitModel *model = vit_model_new_builtin (4, 32, NULL);
  VitImageFormat format = { vit_pixel_format_find ("GRAY8"), 64, 64 };

  for (guint fit = VIT_FIT_CROP; fit <= VIT_FIT_PAD; fit++) {
    VitPatchEmbed *embed;

    settings.fit = (VitFit) fit;
    embed = vit_patch_embed_new (model, &settings, NULL);
    format.width = format.height = 64;
    g_assert_true (vit_patch_embed_configure (embed, &format, NULL));
    for (gsize i = 0; i < G_N_ELEMENTS (sides); i++) {
      g_autoptr (GError) error = NULL;

      format.width = sides[i][0];
      format.height = sides[i][1];
      g_assert_false (vit_patch_embed_configure (embed, &format, &error));
      g_assert_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE);
      /* What was before still stands. */
      g_assert_cmpuint (vit_patch_embed_shape (embed).n_tokens, ==, 257);
    }
    vit_patch_embed_free (embed);
  }
  vit_model_unref (model);
}

/* Of the largest frames that caps can name. */
static void
test_planes (void)
{
  VitImageFormat format = { vit_pixel_format_find ("RGBA"), 0xffffffff,
    0xffffffff };
  guint64 row_bytes, n_rows;

  vit_image_plane_extent (&format, 0, &row_bytes, &n_rows);
  g_assert_cmpuint (row_bytes, ==, G_GUINT64_CONSTANT (4) * 0xffffffff - 1);
  g_assert_cmpuint (n_rows, ==, 0xffffffff);
  format.pixel = vit_pixel_format_find ("P010_10LE");
  vit_image_plane_extent (&format, 1, &row_bytes, &n_rows);
  g_assert_cmpuint (row_bytes, ==, G_GUINT64_CONSTANT (0x200000000));
  g_assert_cmpuint (n_rows, ==, 0x80000000);
}

/* A folder whose table, say, has this shape; without values, as a shape with a
 * zero in it may say what it likes. */
static void
assert_shape_refused (const char *tensor, const char *shape, int code)
{
  g_autofree char *header = g_strdup_printf (
      "{\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[0,0]}}",
      tensor, shape);
  g_autofree char *path = folder_path ("extra.safetensors");
  g_autoptr (GString) map = g_string_new ("{\"weight_map\":{");
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  Weights *weights = weights_new_dinov2 ();
  guint64 length = strlen (header);

  g_byte_array_append (bytes, (const guint8 *) &length, 8);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) length);
  g_assert_true (g_file_set_contents (
      path, (const char *) bytes->data, bytes->len, NULL));
  weights_remove (weights, tensor);
  for (guint i = 0; i < weights_count (weights); i++)
    g_string_append_printf (
        map, "\"%s\":\"rest.safetensors\",", weights_name (weights, i));
  g_string_append_printf (map, "\"%s\":\"extra.safetensors\"}}", tensor);
  folder_write_weights (weights, "rest.safetensors");
  folder_write_text ("model.safetensors.index.json", map->str);
  assert_refused (NULL, code, tensor, NULL);
}

static void
test_tensors (void)
{
  static const char *const sizes[]
      = { "2147483647", "2147483648", "4294967295", "4294967296", "4294967302",
          "9223372036854775807" };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    static const char *const shapes[][2] = {
      { "patch_embed.proj.weight", "[%s,3,0,0]" },
      { "patch_embed.proj.weight", "[0,3,%s,%s]" },
      { "patch_embed.proj.weight", "[0,%s,2,2]" },
      { "patch_embed.proj.bias", "[0,%s]" },
      { "cls_token", "[0,1,%s]" },
      { "cls_token", "[1,%s,0]" },
      { "pos_embed", "[1,%s,0]" },
      { "pos_embed", "[%s,0,6]" },
      { "pos_embed", "[0,%s,6]" },
    };

    for (gsize k = 0; k < G_N_ELEMENTS (shapes); k++) {
      g_auto (GStrv) parts = g_strsplit (shapes[k][1], "%s", -1);
      g_autofree char *shape = g_strjoinv (sizes[i], parts);
      /* Three times the largest is too much even with a zero behind it. */
      gboolean is_huge = i == 5 && k == 0;

      assert_shape_refused (shapes[k][0], shape,
          is_huge  ? VIT_ERROR_CONTAINER
          : k == 1 ? VIT_ERROR_UNSUPPORTED
                   : VIT_ERROR_TENSOR);
    }
  }
}

/* 2^32 + 2 is no patch size of 2. */
static void
test_configs (void)
{
  static const char *const keys[] = { "patch_size", "hidden_size",
    "image_size", "num_register_tokens" };
  static const char *const sizes[] = { "2147483648", "4294967296",
    "4294967298", "4294967302", "9223372036854775807", "-1", "-4294967294" };

  for (gsize k = 0; k < G_N_ELEMENTS (keys); k++)
    for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
      g_autofree char *text
          = g_strdup_printf ("{\"model_type\":\"dinov2\",\"%s\":%s}", keys[k],
              sizes[i]);

      folder_write_weights (weights_new_hugging_face (), "model.safetensors");
      folder_write_text ("config.json", text);
      assert_refused (NULL, VIT_ERROR_CONFIG, keys[k], NULL);
    }
}

static const FolderTest tests[] = {
  { "models", test_models },
  { "frames", test_frames },
  { "planes", test_planes },
  { "tensors", test_tensors },
  { "configs", test_configs },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/sizes/", tests, G_N_ELEMENTS (tests));
}
