/* SPDX-License-Identifier: MIT
 *
 * What an encoder takes of memory: while it is read hardly more than what stays,
 * for a frame's size what it says before, and nothing while it runs.
 */
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encoder/encoder.h"
#include "support/encoder_folder.h"
#include "support/peak_memory.h"
#include "support/sanitizer.h"

#define MIB ((gsize) 1 << 20)

/* Beside the folded maps. */
#define MAX_BESIDE (64 * MIB)

/* A ViT-L's, of few blocks. */
#define WIDTH 1024
#define HIDDEN 4096
#define DEPTH 4

static gint n_allocations; /* atomic */
static gsize largest;      /* allocation; while one thread runs */

#ifndef SANITIZER
static void
count_allocation (size_t n)
{
  g_atomic_int_inc (&n_allocations);
  largest = MAX (largest, n);
}

/* Every allocation of this process passes here. */
extern void *__libc_malloc (size_t n);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t n);
extern void *__libc_memalign (size_t alignment, size_t n);

void *
malloc (size_t n)
{
  count_allocation (n);
  return __libc_malloc (n);
}

void *
calloc (size_t n, size_t size)
{
  count_allocation (n * size);
  return __libc_calloc (n, size);
}

void *
realloc (void *memory, size_t n)
{
  count_allocation (n);
  return __libc_realloc (memory, n);
}

int
posix_memalign (void **memory, size_t alignment, size_t n)
{
  count_allocation (n);
  *memory = __libc_memalign (alignment, n);
  return *memory == NULL;
}
#endif

static void
test_run_allocates_nothing (void)
{
  static const VitEncoderGrid grids[] = { { 9, 31 }, { 2, 2 } };
  static const guint layers[] = { 1, 2 };
  const VitEncoderSettings settings
      = { .layers = layers, .n_layers = 2, .attention = TRUE, .n_workers = 2 };
  VitEncoderWeights *weights;
  VitEncoder *encoder;
  float tokens[2][12 * 300], features[4][12 * 300], embedding[2][12];
  float attention[2][2 * 300];
  const float *in[] = { tokens[0], tokens[1] };
  float *out[] = { features[0], features[1], features[2], features[3] };
  float *vectors[] = { embedding[0], embedding[1] };
  float *shares[] = { attention[0], attention[1] };
  VitEncoderFrame frame = { in, out, vectors, NULL, shares };
  gint before;

  folder_write_vit (weights_new_vit ());
  weights = folder_load_encoder ();
  encoder = vit_encoder_new (weights, &settings, NULL);
  memset (tokens, 0, sizeof tokens);
  g_assert_true (vit_encoder_configure (encoder, grids, 2, 1, NULL));
  before = g_atomic_int_get (&n_allocations);
  vit_encoder_run (encoder, &frame, NULL, NULL);
  g_assert_cmpint (g_atomic_int_get (&n_allocations), ==, before);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
}

/* What is measured is what is taken then, and measuring takes next to nothing: of
 * one grid and of two, with vectors and without. */
static void
test_measured_is_what_is_taken (void)
{
  static const VitEncoderGrid grids[] = { { 300, 400 }, { 3, 70 } };
  VitEncoderWeights *weights;

  folder_write_vit (weights_new_vit ());
  weights = folder_load_encoder ();
  for (guint i = 0; i < 4; i++) {
    const VitEncoderSettings settings = { .n_workers = 1 + i,
      .embedding = i < 2 ? VIT_EMBEDDING_NONE : VIT_EMBEDDING_MEAN };
    VitEncoder *encoder = vit_encoder_new (weights, &settings, NULL);
    gsize n_bytes = 0;

    largest = 0;
    g_assert_true (
        vit_encoder_measure (encoder, grids, 1 + i % 2, 1, &n_bytes, NULL));
    g_assert_cmpuint (largest, <, MIB);
    g_assert_cmpuint (n_bytes, >, (gsize) 5 * 300 * 400 * 12 * sizeof (float));
    g_assert_cmpuint (vit_encoder_memory (encoder), ==, 0);
    g_assert_true (
        vit_encoder_configure (encoder, grids, 1 + i % 2, 1, NULL));
    g_assert_cmpuint (vit_encoder_memory (encoder), ==, n_bytes);
    vit_encoder_free (encoder);
  }
  vit_encoder_weights_unref (weights);
}

static void
test_measuring_refuses (void)
{
  static const VitEncoderGrid few = { 2, 2 }, huge = { 100000, 100000 };
  const VitEncoderSettings settings = { .n_workers = 1 };
  VitEncoderWeights *weights;
  g_autoptr (GError) error = NULL;
  VitEncoder *encoder;
  gsize n_bytes;

  folder_write_vit (weights_new_vit ());
  weights = folder_load_encoder ();
  encoder = vit_encoder_new (weights, &settings, NULL);
  g_assert_false (vit_encoder_measure (encoder, &huge, 1, 1, &n_bytes, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE);
  g_clear_error (&error);
  g_assert_false (vit_encoder_measure (encoder, &few, 1, 5, &n_bytes, &error));
  g_assert_error (error, VIT_ERROR, VIT_ERROR_SETTING);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
}

static void
add_tensor (GString *header, gsize *offset, const char *name, gsize rows,
    gsize columns)
{
  gsize n = rows * MAX (columns, 1) * 2;
  g_autofree char *shape
      = columns ? g_strdup_printf ("%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT,
                      rows, columns)
                : g_strdup_printf ("%" G_GSIZE_FORMAT, rows);

  g_string_append_printf (header,
      "%c\"%s\":{\"dtype\":\"F16\",\"shape\":[%s],\"data_offsets\":[%"
      G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}",
      header->len ? ',' : '{', name, shape, *offset, *offset + n);
  *offset += n;
}

static void
add_block (GString *header, gsize *offset, guint i)
{
  static const struct {
    const char *name;
    gsize rows;
    gsize columns;
  } parts[] = {
    { "norm1.weight", WIDTH, 0 },
    { "norm1.bias", WIDTH, 0 },
    { "attn.qkv.weight", 3 * WIDTH, WIDTH },
    { "attn.qkv.bias", 3 * WIDTH, 0 },
    { "attn.proj.weight", WIDTH, WIDTH },
    { "attn.proj.bias", WIDTH, 0 },
    { "norm2.weight", WIDTH, 0 },
    { "norm2.bias", WIDTH, 0 },
    { "mlp.fc1.weight", HIDDEN, WIDTH },
    { "mlp.fc1.bias", HIDDEN, 0 },
    { "mlp.fc2.weight", WIDTH, HIDDEN },
    { "mlp.fc2.bias", WIDTH, 0 },
  };

  for (gsize k = 0; k < G_N_ELEMENTS (parts); k++) {
    g_autofree char *name = g_strdup_printf ("blocks.%u.%s", i, parts[k].name);

    add_tensor (header, offset, name, parts[k].rows, parts[k].columns);
  }
}

/* All values zero, of a file that is nearly all hole. */
static void
write_large (void)
{
  g_autofree char *path = folder_path ("model.safetensors");
  GString *header = g_string_new (NULL);
  gsize offset = 0;
  guint64 length;
  FILE *file = fopen (path, "wb");

  g_assert_nonnull (file);
  add_tensor (header, &offset, "patch_embed.proj.bias", WIDTH, 0);
  add_tensor (header, &offset, "norm.weight", WIDTH, 0);
  add_tensor (header, &offset, "norm.bias", WIDTH, 0);
  for (guint i = 0; i < DEPTH; i++)
    add_block (header, &offset, i);
  g_string_append_printf (header,
      ",\"patch_embed.proj.weight\":{\"dtype\":\"F16\",\"shape\":[%d,3,16,16],"
      "\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}",
      WIDTH, offset, offset + WIDTH * 3 * 16 * 16 * 2);
  offset += WIDTH * 3 * 16 * 16 * 2;
  g_string_append_printf (header,
      ",\"cls_token\":{\"dtype\":\"F16\",\"shape\":[1,1,%d],\"data_offsets\":"
      "[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}",
      WIDTH, offset, offset + WIDTH * 2);
  offset += WIDTH * 2;
  g_string_append_printf (header,
      ",\"pos_embed\":{\"dtype\":\"F16\",\"shape\":[1,197,%d],\"data_offsets\":"
      "[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}}",
      WIDTH, offset, offset + 197 * WIDTH * 2);
  offset += 197 * WIDTH * 2;
  length = header->len;
  g_assert_cmpuint (fwrite (&length, 1, 8, file), ==, 8);
  fputs (header->str, file);
  g_assert_cmpint (fclose (file), ==, 0);
  g_assert_cmpint (truncate (path, (off_t) (8 + length + offset)), ==, 0);
  g_string_free (header, TRUE);
  folder_write_text (
      "config.json", "{\"architecture\": \"vit_large_patch16_224\"}");
}

static void
test_loading_takes_what_stays (void)
{
  const gsize panels = (gsize) DEPTH * sizeof (float)
                       * (4 * WIDTH * WIDTH + 2 * WIDTH * HIDDEN);
  VitEncoderWeights *weights;
  gsize before, after;

  write_large ();
  before = peak_memory ();
  weights = folder_load_encoder ();
  after = peak_memory ();
  g_assert_cmpuint (weights->depth, ==, DEPTH);
  g_test_message ("panels %" G_GSIZE_FORMAT " MiB, peak %" G_GSIZE_FORMAT
                  " MiB more than before",
      panels / MIB, (after - before) / MIB);
#ifndef SANITIZER
  g_assert_cmpuint (after - before, >=, panels / 2);
  g_assert_cmpuint (after - before, <=, panels + MAX_BESIDE);
#endif
  vit_encoder_weights_unref (weights);
}

int
main (int argc, char **argv)
{
  static const FolderTest tests[] = {
    { "run-allocates-nothing", test_run_allocates_nothing },
    /* Before what takes more. */
    { "loading-takes-what-stays", test_loading_takes_what_stays },
    { "measured-is-what-is-taken", test_measured_is_what_is_taken },
    { "measuring-refuses", test_measuring_refuses },
  };

  g_test_init (&argc, &argv, NULL);
  peak_memory_of_blocks_held ();
  return folder_run_tests ("/encoder/memory/", tests, G_N_ELEMENTS (tests));
}
