/* SPDX-License-Identifier: MIT
 *
 * The encoder on tokens from a file, for parity.py:
 *
 *     encode MODEL TOKENS.npy ROWS COLS FOLDER
 *
 * MODEL is what `model=` takes; TOKENS is [n_tokens][embed_dim], prefix tokens
 * first, then the patches of ROWS x COLS.  Writes features.npy [n_tokens]
 * [embed_dim] into FOLDER, and embedding.npy and logits.npy, [dim], where the model
 * has them.  What is refused is said on standard error; the exit status is 1.
 */
#include <stdio.h>
#include <stdlib.h>

#include "encoder/encoder.h"
#include "support/npy.h"

#define HEADER_BYTES 128

static void
npy_write (const char *folder, const char *name, const float *values,
    gsize rows, gsize cols)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = g_strdup_printf (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (%" G_GSIZE_FORMAT
      ", %" G_GSIZE_FORMAT "), }",
      rows, cols);
  FILE *file = fopen (path, "wb");

  if (!file)
    g_error ("%s cannot be written", path);
  /* The magic bytes, version 1.0, the length of what follows less the numbers. */
  fwrite ("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
  fprintf (file, "%-*s\n", HEADER_BYTES - 11, text);
  fwrite (values, sizeof (float), rows * cols, file);
  if (fclose (file) != 0)
    g_error ("%s cannot be written", path);
}

static void
run (VitEncoder *encoder, const Npy *tokens, const char *folder)
{
  guint embedding_dim = vit_encoder_embedding_dim (encoder);
  guint n_classes = vit_encoder_n_classes (encoder);
  g_autofree float *features = g_new (float, tokens->n_values);
  g_autofree float *embedding = g_new (float, embedding_dim + 1);
  g_autofree float *logits = g_new (float, n_classes + 1);
  const float *values = tokens->values;
  VitEncoderFrame frame = { &values, &features, &embedding, &logits, NULL };

  vit_encoder_run (encoder, &frame, NULL, NULL);
  npy_write (
      folder, "features.npy", features, tokens->shape[0], tokens->shape[1]);
  if (embedding_dim > 0)
    npy_write (folder, "embedding.npy", embedding, 1, embedding_dim);
  if (n_classes > 0)
    npy_write (folder, "logits.npy", logits, 1, n_classes);
}

int
main (int argc, char **argv)
{
  const VitEncoderSettings settings = { .logits = TRUE, .n_workers = 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (Npy) tokens = NULL;
  VitEncoderWeights *weights;
  VitEncoder *encoder = NULL;
  VitEncoderGrid grid;
  guint n_prefix;

  if (argc != 6)
    g_error ("encode MODEL TOKENS.npy ROWS COLS FOLDER");
  grid.rows = (guint) strtoul (argv[3], NULL, 10);
  grid.cols = (guint) strtoul (argv[4], NULL, 10);
  tokens = npy_read (argv[2]);
  g_assert_cmpuint (tokens->n_dims, ==, 2);
  g_assert_cmpuint (tokens->shape[0], >=, (gsize) grid.rows * grid.cols);
  n_prefix = (guint) (tokens->shape[0] - (gsize) grid.rows * grid.cols);

  weights = vit_encoder_weights_load (argv[1], NULL, NULL, &error);
  if (weights)
    encoder = vit_encoder_new (weights, &settings, &error);
  if (encoder && vit_encoder_configure (encoder, &grid, 1, n_prefix, &error)) {
    g_assert_cmpuint (tokens->shape[1], ==, weights->embed_dim);
    run (encoder, tokens, argv[5]);
  }
  vit_encoder_free (encoder);
  if (weights)
    vit_encoder_weights_unref (weights);
  if (error) {
    fprintf (stderr, "%s\n", error->message);
    return 1;
  }
  return 0;
}
