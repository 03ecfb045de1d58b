/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencodersizes.h"

#include "base/error.h"

/* As many sizes as are kept ready, each with working memory of its own; all but the
 * last are given up where that is more than so many bytes. */
#define MAX_SIZES 8
#define MAX_BYTES ((gsize) 256 << 20)

struct _GstVitEncoderSizes {
  VitEncoderWeights *weights;
  VitEncoderSettings settings;
  guint64 max_memory;  /* bytes; 0: no limit */
  guint *layers;       /* [n_layers], of the settings */
  VitEncoder *example; /* never configured */
  guint n_layers;      /* of the example: at least 1 */
  GPtrArray *all;      /* of GstVitEncoderSize */
  guint64 n_uses;
};

static void
size_free (gpointer data)
{
  GstVitEncoderSize *size = data;

  for (guint i = 0; i < size->n_grids; i++)
    g_free (size->converted[i]);
  vit_encoder_free (size->encoder);
  gst_vit_encoder_pools_free (size->pools);
  g_free (size->grids);
  g_free (size->converted);
  g_free (size->tokens);
  g_free (size->features);
  g_free (size->embedding);
  g_free (size->logits);
  g_free (size->attention);
  g_free (size);
}

GstVitEncoderSizes *
gst_vit_encoder_sizes_new (VitEncoderWeights *weights,
    const VitEncoderSettings *settings, guint64 max_memory, GError **error)
{
  VitEncoder *example = vit_encoder_new (weights, settings, error);
  GstVitEncoderSizes *sizes;

  if (example == NULL)
    return NULL;
  sizes = g_new0 (GstVitEncoderSizes, 1);
  sizes->weights = vit_encoder_weights_ref (weights);
  sizes->settings = *settings;
  sizes->max_memory = max_memory;
  sizes->layers = g_memdup2 (
      settings->layers, settings->n_layers * sizeof *settings->layers);
  sizes->settings.layers = sizes->layers;
  sizes->example = example;
  vit_encoder_layers (example, &sizes->n_layers);
  sizes->all = g_ptr_array_new_with_free_func (size_free);
  return sizes;
}

void
gst_vit_encoder_sizes_free (GstVitEncoderSizes *sizes)
{
  if (sizes == NULL)
    return;
  g_ptr_array_unref (sizes->all);
  vit_encoder_free (sizes->example);
  vit_encoder_weights_unref (sizes->weights);
  g_free (sizes->layers);
  g_free (sizes);
}

const VitEncoder *
gst_vit_encoder_sizes_peek (const GstVitEncoderSizes *sizes)
{
  return sizes->example;
}

void
gst_vit_encoder_sizes_clear (GstVitEncoderSizes *sizes)
{
  g_ptr_array_set_size (sizes->all, 0);
}

static gboolean
has_grids (const GstVitEncoderSize *size, const VitEncoderGrid *grids,
    guint n_grids)
{
  if (size->n_grids != n_grids)
    return FALSE;
  for (guint i = 0; i < n_grids; i++)
    if (size->grids[i].rows != grids[i].rows
        || size->grids[i].cols != grids[i].cols)
      return FALSE;
  return TRUE;
}

/* -1: there is none but `but`, which is nullable. */
static gint
find_oldest (const GstVitEncoderSizes *sizes, const GstVitEncoderSize *but)
{
  guint64 least = G_MAXUINT64;
  gint oldest = -1;

  for (guint i = 0; i < sizes->all->len; i++) {
    const GstVitEncoderSize *size = g_ptr_array_index (sizes->all, i);

    if (size != but && size->last_use < least) {
      least = size->last_use;
      oldest = (gint) i;
    }
  }
  return oldest;
}

/* Values of the tokens of one grid. */
static gsize
count_values (const VitEncoderWeights *weights, const VitEncoderGrid *grid)
{
  gsize n_patches = (gsize) grid->rows * grid->cols;

  return (weights->n_prefix_tokens + n_patches) * weights->embed_dim;
}

/* That all but one, which is nullable, keep. */
static guint64
count_bytes (const GstVitEncoderSizes *sizes, const GstVitEncoderSize *but)
{
  guint64 n_bytes = 0;

  for (guint i = 0; i < sizes->all->len; i++) {
    const GstVitEncoderSize *size = g_ptr_array_index (sizes->all, i);

    if (size == but)
      continue;
    n_bytes += vit_encoder_memory (size->encoder) + size->n_pooled;
    for (guint grid = 0; grid < size->n_grids; grid++)
      if (size->converted[grid] != NULL)
        n_bytes += count_values (sizes->weights, &size->grids[grid])
                   * sizeof (gfloat);
  }
  return n_bytes;
}

static gboolean
refuse (const GstVitEncoderSizes *sizes, const VitEncoderGrid *grids,
    guint n_grids, guint64 needed, GError **error)
{
  g_autofree gchar *text = g_format_size (needed);
  g_autofree gchar *most = g_format_size (sizes->max_memory);
  gsize n_values = 0;

  for (guint i = 0; i < n_grids; i++)
    n_values += count_values (sizes->weights, &grids[i]);
  g_set_error (error, VIT_ERROR, VIT_ERROR_LIMIT,
      "the features of %" G_GSIZE_FORMAT " tokens of %u numbers, and what "
      "computes them, take %s of memory, and 'max-memory' allows %s; set "
      "'max-tokens' of vitpatchembed to have fewer, or raise 'max-memory'",
      n_values / sizes->weights->embed_dim, sizes->weights->embed_dim, text,
      most);
  return FALSE;
}

/* Whether more is kept than may be beside a frame that takes `needed` bytes;
 * `found`: its size is among them. */
static gboolean
is_too_much (const GstVitEncoderSizes *sizes, const GstVitEncoderSize *found,
    guint64 needed)
{
  guint64 kept = count_bytes (sizes, found);

  if (found == NULL && (sizes->all->len >= MAX_SIZES || kept > MAX_BYTES))
    return TRUE;
  return sizes->max_memory > 0 && kept + needed > sizes->max_memory;
}

/* For a frame, of whose size one may be `found`. */
static gboolean
make_room (GstVitEncoderSizes *sizes, const GstVitEncoderSize *found,
    const VitEncoderGrid *grids, guint n_grids, const GstVitEncoderCost *cost,
    GError **error)
{
  guint64 needed = cost->pooled + cost->passing;
  gsize working;
  gint oldest;

  if (!vit_encoder_measure (sizes->example, grids, n_grids,
          sizes->weights->n_prefix_tokens, &working, error))
    return FALSE;
  needed += working;
  if (sizes->max_memory > 0 && needed > sizes->max_memory)
    return refuse (sizes, grids, n_grids, needed, error);
  while ((oldest = find_oldest (sizes, found)) >= 0
         && is_too_much (sizes, found, needed))
    g_ptr_array_remove_index_fast (sizes->all, (guint) oldest);
  return TRUE;
}

/* Where there is no memory for it beside the others, they are given up. */
static gboolean
configure (GstVitEncoderSizes *sizes, VitEncoder *encoder,
    const VitEncoderGrid *grids, guint n_grids, GError **error)
{
  guint n_prefix_tokens = sizes->weights->n_prefix_tokens;
  GError *first = NULL;

  if (vit_encoder_configure (
          encoder, grids, n_grids, n_prefix_tokens, &first))
    return TRUE;
  if (sizes->all->len == 0
      || !g_error_matches (first, VIT_ERROR, VIT_ERROR_NO_MEMORY)) {
    g_propagate_error (error, first);
    return FALSE;
  }
  g_error_free (first);
  g_ptr_array_set_size (sizes->all, 0);
  return vit_encoder_configure (
      encoder, grids, n_grids, n_prefix_tokens, error);
}

static GstVitEncoderSize *
make_size (GstVitEncoderSizes *sizes, const VitEncoderGrid *grids,
    guint n_grids, GError **error)
{
  VitEncoder *encoder;
  GstVitEncoderSize *size;

  encoder = vit_encoder_new (sizes->weights, &sizes->settings, error);
  if (encoder == NULL || !configure (sizes, encoder, grids, n_grids, error)) {
    vit_encoder_free (encoder);
    return NULL;
  }
  size = g_new0 (GstVitEncoderSize, 1);
  size->encoder = encoder;
  size->pools = gst_vit_encoder_pools_new ();
  size->n_grids = n_grids;
  size->grids = g_memdup2 (grids, n_grids * sizeof *grids);
  size->converted = g_new0 (gfloat *, n_grids);
  size->tokens = g_new0 (const gfloat *, n_grids);
  size->features = g_new0 (gfloat *, (gsize) n_grids * sizes->n_layers);
  size->embedding = g_new0 (gfloat *, n_grids);
  size->logits = g_new0 (gfloat *, n_grids);
  size->attention = g_new0 (gfloat *, n_grids);
  g_ptr_array_add (sizes->all, size);
  return size;
}

GstVitEncoderSize *
gst_vit_encoder_sizes_find (GstVitEncoderSizes *sizes,
    const VitEncoderGrid *grids, guint n_grids, const GstVitEncoderCost *cost,
    GError **error)
{
  GstVitEncoderSize *found = NULL;

  for (guint i = 0; i < sizes->all->len && found == NULL; i++) {
    GstVitEncoderSize *size = g_ptr_array_index (sizes->all, i);

    if (has_grids (size, grids, n_grids))
      found = size;
  }
  if (!make_room (sizes, found, grids, n_grids, cost, error))
    return NULL;
  if (found == NULL)
    found = make_size (sizes, grids, n_grids, error);
  if (found == NULL)
    return NULL;
  found->n_pooled = cost->pooled;
  found->last_use = ++sizes->n_uses;
  return found;
}

const gfloat *
gst_vit_encoder_size_convert (GstVitEncoderSize *size,
    const VitEncoderWeights *weights, guint grid, VitTokenType type,
    gconstpointer values)
{
  gsize n = count_values (weights, &size->grids[grid]);

  if (type == VIT_TOKEN_F32 && (guintptr) values % sizeof (gfloat) == 0)
    return values;
  if (size->converted[grid] == NULL)
    size->converted[grid] = g_try_new (gfloat, n);
  if (size->converted[grid] != NULL)
    vit_token_type_read (type, values, n, size->converted[grid]);
  return size->converted[grid];
}
