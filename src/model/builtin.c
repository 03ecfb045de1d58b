/* SPDX-License-Identifier: MIT
 *
 * The built-in model: see the header for its numbers.  Everything is computed
 * in double and rounded once.
 */
#include "model/builtin.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
  guint u, v;    /* horizontal and vertical frequency */
  guint channel; /* of the decorrelated colour channels */
} Frequency;

static int
compare_frequencies (const void *left, const void *right)
{
  const Frequency *a = left, *b = right;
  guint a_radius = a->u * a->u + a->v * a->v;
  guint b_radius = b->u * b->u + b->v * b->v;

  if (a_radius != b_radius)
    return a_radius < b_radius ? -1 : 1;
  if (a->channel != b->channel)
    return a->channel < b->channel ? -1 : 1;
  if (a->v != b->v)
    return a->v < b->v ? -1 : 1;
  return a->u < b->u ? -1 : a->u > b->u;
}

static Frequency *
new_frequencies (guint size /* of the result: [3 * size * size] */)
{
  Frequency *frequencies = g_new (Frequency, 3 * size * size);
  gsize n = 0;

  for (guint channel = 0; channel < 3; channel++)
    for (guint v = 0; v < size; v++)
      for (guint u = 0; u < size; u++)
        frequencies[n++] = (Frequency){ u, v, channel };
  qsort (frequencies, n, sizeof (Frequency), compare_frequencies);
  return frequencies;
}

static void
fill_dct (double *dct /* [size][size] */, guint size)
{
  for (guint u = 0; u < size; u++)
    for (guint x = 0; x < size; x++)
      dct[u * size + x]
          = sqrt ((u ? 2.0 : 1.0) / size) * cos (G_PI * (x + 0.5) * u / size);
}

static void
fill_weight (VitModel *model)
{
  guint size = model->patch_size;
  guint n_rows = MIN (model->embed_dim, 3 * size * size);
  double *dct = g_new (double, size *size);
  double opponent[9];
  Frequency *frequencies = new_frequencies (size);
  float *weight = model->weight;

  fill_dct (dct, size);
  fill_dct (opponent, 3);
  for (guint d = 0; d < n_rows; d++) {
    const Frequency *f = &frequencies[d];
    for (guint c = 0; c < 3; c++)
      for (guint y = 0; y < size; y++)
        for (guint x = 0; x < size; x++)
          *weight++ = (float) (opponent[f->channel * 3 + c]
                               * dct[f->v * size + y] * dct[f->u * size + x]);
  }
  g_free (frequencies);
  g_free (dct);
}

/* Its values are by these two alone, but for a last bit of a machine's cosine,
 * which is to make no other model of it. */
static void
name_sizes (VitModel *model)
{
  g_autofree char *sizes = g_strdup_printf (
      "builtin %u %u", model->patch_size, model->embed_dim);
  g_autofree char *digest
      = g_compute_checksum_for_string (G_CHECKSUM_SHA256, sizes, -1);

  g_strlcpy (model->digest, digest, sizeof model->digest);
}

VitModel *
vit_model_new_builtin (guint patch_size, guint embed_dim, GError **error)
{
  VitModel *model;

  if (patch_size < 1 || patch_size > VIT_BUILTIN_MAX_PATCH_SIZE || embed_dim < 1
      || embed_dim > VIT_BUILTIN_MAX_EMBED_DIM) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
        "the built-in model has a patch size of 1 to %u and an embed_dim of 1 "
        "to %u, not %u and %u",
        VIT_BUILTIN_MAX_PATCH_SIZE, VIT_BUILTIN_MAX_EMBED_DIM, patch_size,
        embed_dim);
    return NULL;
  }
  model = vit_model_alloc (patch_size, embed_dim, 1, VIT_BUILTIN_TABLE_SIDE,
      VIT_BUILTIN_TABLE_SIDE, error);
  if (!model)
    return NULL;

  model->id = g_strdup ("builtin");
  name_sizes (model);
  model->layout = "builtin";
  model->rule_reason = g_strdup ("the built-in model's own");
  model->normalisation_reason = g_strdup ("the built-in model's own");
  model->files = g_new0 (char *, 1);
  model->prefix_names[0] = "cls";
  model->rule = VIT_POSITION_RULE_SIZE;
  model->reason
      = vit_model_explain (model, VIT_POSITION_RULE_AUTO, FALSE, FALSE);
  for (guint c = 0; c < 3; c++)
    model->mean[c] = model->std[c] = 0.5;
  fill_weight (model);
  vit_pos_embed_compute (embed_dim, VIT_BUILTIN_TABLE_SIDE,
      VIT_BUILTIN_TABLE_SIDE, model->table);
  return model;
}
