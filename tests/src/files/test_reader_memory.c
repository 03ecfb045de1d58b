/* SPDX-License-Identifier: MIT
 *
 * What reading a hostile file costs: never more memory than the file is long
 * and a constant beside it; and a model, from its file to the first frame, no
 * more than a few times the file.  Each file is read by a process of its own,
 * whose peak the kernel keeps.
 */
#include "model/config.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files/checkpoint.h"
#include "patch/patch_embed.h"
#include "support/peak_memory.h"
#include "support/sanitizer.h"

#define MIB ((gsize) 1 << 20)

typedef enum { CONTAINER, INDEX, CONFIG } Kind;

typedef struct {
  const char *name;
  Kind kind;
  const char *start;
  const char *repeated; /* %06x in it is a number of its own */
  gsize n_repeated;
  const char *end;
  gboolean is_valid;
} Hostile;

/* Beside the file's length: tables of as many tensors as may be, and sorting
 * them; a tree of as many values as a config may have. */
static const gsize most_beside[] = { 48 * MIB, 48 * MIB, 64 * MIB };

#define EMPTY "\"%06x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}"
#define TAIL "\"t\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"

static const Hostile hostile[] = {
  { "as-many-tensors-as-may-be", CONTAINER, "{", EMPTY ",", (1 << 18) - 1, TAIL,
      TRUE },
  { "more-tensors-than-may-be", CONTAINER, "{", EMPTY ",", 1 << 19, TAIL, FALSE },
  { "numbers-that-nobody-asked-for", CONTAINER, "{\"x\":{\"y\":[", "0,", 30 << 20,
      "0]}}", FALSE },
  { "objects-that-nobody-asked-for", CONTAINER, "{\"t\":{\"y\":[", "{},", 20 << 20,
      "0],\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", TRUE },
  { "brackets-in-brackets", CONTAINER, "{\"x\":[", "[[[[[[[[]]]]]]]],", 3 << 20,
      "0]}", FALSE },
  { "dimensions-without-end", CONTAINER, "{\"t\":{\"dtype\":\"U8\",\"shape\":[0",
      ",1", 30 << 20, "],\"data_offsets\":[0,0]}}", TRUE },
  { "metadata-without-end", CONTAINER, "{\"__metadata__\":{", "\"%06x\":\"\",",
      4 << 20, "\"\":\"\"}," TAIL, TRUE },
  { "a-string-without-end", CONTAINER, "{\"__metadata__\":{\"x\":\"",
      "\\u20ac", 10 << 20, "\"}," TAIL, TRUE },
  { "an-index-of-as-many-tensors-as-may-be", INDEX, "{\"weight_map\":{",
      "\"%06x\":\"a.safetensors\",", (1 << 20) - 1,
      "\"t\":\"a.safetensors\"}}", TRUE },
  { "an-index-with-numbers-without-end", INDEX, "{\"metadata\":[", "0,",
      30 << 20, "0],\"weight_map\":{\"t\":\"a.safetensors\"}}", TRUE },
  { "a-config-of-objects", CONFIG, "{\"x\":[", "{},", 130000, "0]}", TRUE },
  { "a-config-of-members", CONFIG, "{\"x\":{", "\"%06x\":[],", 130000,
      "\"y\":0}}", TRUE },
  { "a-config-of-too-many-numbers", CONFIG, "{\"x\":[", "0,", 2000000, "0]}",
      FALSE },
  { "a-config-of-one-string", CONFIG, "{\"x\":\"", "\\u20ac", 690000, "\"}",
      TRUE },
};

static gsize
write_file (const Hostile *test, const char *path)
{
  FILE *file = fopen (path, "wb");
  guint64 length = 0;

  g_assert_nonnull (file);
  if (test->kind == CONTAINER)
    g_assert_cmpuint (fwrite (&length, 1, 8, file), ==, 8);
  fputs (test->start, file);
  for (gsize i = 0; i < test->n_repeated; i++) {
    char text[100];

    g_snprintf (text, sizeof text, test->repeated, (guint) i);
    fputs (text, file);
  }
  fputs (test->end, file);
  length = (guint64) ftell (file);
  if (test->kind == CONTAINER) {
    guint64 header = length - 8;

    rewind (file);
    g_assert_cmpuint (fwrite (&header, 1, 8, file), ==, 8);
  }
  g_assert_cmpint (fclose (file), ==, 0);
  return length;
}

/* Whether it was read; an error must be the file's, not the memory's. */
static gboolean
read_file (Kind kind, const char *folder, const char *path)
{
  int code = kind == CONTAINER ? VIT_ERROR_CONTAINER : VIT_ERROR_CONFIG;
  GError *error = NULL;
  gboolean valid;

  if (kind == CONFIG) {
    VitConfig *config = vit_config_load (folder, FALSE, &error);

    valid = config != NULL;
    vit_config_free (config);
  } else {
    VitCheckpoint *checkpoint = vit_checkpoint_open (path, &error);

    valid = checkpoint != NULL;
    vit_checkpoint_close (checkpoint);
  }
  if (!valid)
    g_assert_error (error, VIT_ERROR, code);
  g_clear_error (&error);
  return valid;
}

static void
test_hostile (gconstpointer data)
{
  static const char *const names[] = { "model.safetensors",
    "model.safetensors.index.json", "config.json" };
  const Hostile *test = data;
  g_autofree char *folder = NULL, *path = NULL;
  gsize length, before, grown;

#ifdef SANITIZER
  g_test_skip ("a sanitizer takes memory of its own");
  return;
#endif
  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDOUT
                                         | G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  folder = g_dir_make_tmp ("vit-memory-XXXXXX", NULL);
  path = g_build_filename (folder, names[test->kind], NULL);
  length = write_file (test, path);
  before = peak_memory ();
  g_assert_cmpint (read_file (test->kind, folder, path), ==, test->is_valid);
  grown = peak_memory () - before;
  g_test_message ("%" G_GSIZE_FORMAT " KiB of file, %" G_GSIZE_FORMAT
                  " KiB of memory",
      length / 1024, grown / 1024);
  g_unlink (path);
  g_rmdir (folder);
  g_assert_cmpuint (grown, <=, length + most_beside[test->kind]);
}

typedef struct {
  const char *dtype;
  VitPrecision precision;
  gsize value_bytes;
  double times; /* the file's length, at most */
} Cost;

/* float32 in memory, and what the kernels read of pixels and of samples, each in
 * 4 or 2 bytes a value. */
static const Cost costs[] = {
  { "F32", VIT_PRECISION_F32, 4, 3 },
  { "F32", VIT_PRECISION_INT16, 4, 2 },
  { "F32", VIT_PRECISION_AUTO, 4, 2 },
  { "F16", VIT_PRECISION_F32, 2, 6 },
  { "F16", VIT_PRECISION_INT16, 2, 4 },
  { "BF16", VIT_PRECISION_F32, 2, 6 },
  { "BF16", VIT_PRECISION_AUTO, 2, 4 },
};

/* Weights of the largest patches that are usual, all zero: on disk nothing. */
static gsize
write_model (const Cost *cost, const char *path)
{
  enum { D = 1024, P = 64 };
  gsize n = (gsize) D * 3 * P * P * cost->value_bytes;
  gsize vector = D * cost->value_bytes, end = n + 2 * vector;
  g_autofree char *header = g_strdup_printf (
      "{\"patch_embed.proj.weight\":{\"dtype\":\"%s\",\"shape\":[%d,3,%d,%d],"
      "\"data_offsets\":[0,%" G_GSIZE_FORMAT "]},"
      "\"patch_embed.proj.bias\":{\"dtype\":\"%s\",\"shape\":[%d],"
      "\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]},"
      "\"pos_embed\":{\"dtype\":\"%s\",\"shape\":[1,1,%d],"
      "\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]},"
      "\"blocks.0.attn.qkv.weight\":{\"dtype\":\"F32\",\"shape\":[0],"
      "\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}}",
      cost->dtype, D, P, P, n, cost->dtype, D, n, n + vector, cost->dtype, D,
      n + vector, end, end, end);
  guint64 length = strlen (header);
  FILE *file = fopen (path, "wb");

  g_assert_nonnull (file);
  g_assert_cmpuint (fwrite (&length, 1, 8, file), ==, 8);
  fputs (header, file);
  g_assert_cmpint (fclose (file), ==, 0);
  g_assert_cmpint (truncate (path, (off_t) (8 + length + end)), ==, 0);
  return 8 + length + end;
}

static void
make_ready (const char *path, VitPrecision precision)
{
  VitPatchEmbedSettings settings
      = { .precision = precision, .prefix_tokens = TRUE, .n_workers = 1 };
  VitImageFormat format = { .pixel = vit_pixel_format_find ("Y444"),
    .width = 64, .height = 64, .kr = 0.2126, .kb = 0.0722 };
  GError *error = NULL;
  VitModel *model = vit_model_load (path, NULL, &error);
  VitPatchEmbed *embed;

  g_assert_no_error (error);
  embed = vit_patch_embed_new (model, &settings, &error);
  g_assert_no_error (error);
  g_assert_true (vit_patch_embed_configure (embed, &format, &error));
  vit_patch_embed_free (embed);
  vit_model_unref (model);
}

static void
test_cost (gconstpointer data)
{
  const Cost *cost = data;
  g_autofree char *folder = NULL, *path = NULL;
  gsize length, before, grown;

#ifdef SANITIZER
  g_test_skip ("a sanitizer takes memory of its own");
  return;
#endif
  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDOUT
                                         | G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  folder = g_dir_make_tmp ("vit-memory-XXXXXX", NULL);
  path = g_build_filename (folder, "model.safetensors", NULL);
  length = write_model (cost, path);
  before = peak_memory ();
  make_ready (path, cost->precision);
  grown = peak_memory () - before;
  g_test_message ("%" G_GSIZE_FORMAT " KiB of file, %.2f times as much memory",
      length / 1024, (double) grown / (double) length);
  g_unlink (path);
  g_rmdir (folder);
  g_assert_cmpfloat ((double) grown, <=,
      cost->times * (double) length + 10.0 * (double) MIB);
}

/* Every size by itself may be; refused by its header, before a value is read. */
static void
test_too_many_weights (void)
{
  const char *header
      = "{\"patch_embed.proj.weight\":{\"dtype\":\"F16\","
        "\"shape\":[65536,3,32,32],\"data_offsets\":[0,402653184]},"
        "\"patch_embed.proj.bias\":{\"dtype\":\"F16\",\"shape\":[65536],"
        "\"data_offsets\":[402653184,402784256]},"
        "\"pos_embed\":{\"dtype\":\"F16\",\"shape\":[1,1,65536],"
        "\"data_offsets\":[402784256,402915328]},"
        "\"blocks.0.attn.qkv.weight\":{\"dtype\":\"F16\",\"shape\":[0],"
        "\"data_offsets\":[402915328,402915328]}}";
  g_autofree char *folder = g_dir_make_tmp ("vit-memory-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "model.safetensors", NULL);
  guint64 length = strlen (header);
  FILE *file = fopen (path, "wb");
  G_GNUC_UNUSED gsize before = peak_memory ();
  GError *error = NULL;

  g_assert_cmpuint (fwrite (&length, 1, 8, file), ==, 8);
  fputs (header, file);
  g_assert_cmpint (fclose (file), ==, 0);
  g_assert_cmpint (truncate (path, (off_t) (8 + length + 402915328)), ==, 0);
  g_assert_null (vit_model_load (path, NULL, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "[65536,3,32,32] but a projection"));
  g_clear_error (&error);
#ifndef SANITIZER
  g_assert_cmpuint (peak_memory () - before, <=, MIB);
#endif
  g_unlink (path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  peak_memory_of_blocks_held ();
  for (gsize i = 0; i < G_N_ELEMENTS (hostile); i++) {
    g_autofree char *path
        = g_strconcat ("/reader-memory/", hostile[i].name, NULL);

    g_test_add_data_func (path, &hostile[i], test_hostile);
  }
  g_test_add_func ("/reader-memory/too-many-weights", test_too_many_weights);
  for (gsize i = 0; i < G_N_ELEMENTS (costs); i++) {
    g_autofree char *path = g_strdup_printf (
        "/reader-memory/%s-model-as-%d", costs[i].dtype, costs[i].precision);

    g_test_add_data_func (path, &costs[i], test_cost);
  }
  return g_test_run ();
}
