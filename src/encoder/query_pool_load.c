/* SPDX-License-Identifier: MIT */
#include "encoder/query_pool_load.h"

#include <string.h>

#include "encoder/block_load.h"
#include "encoder/block_tensors.h"
#include "encoder/row_reader.h"
#include "base/refuse.h"

/* The names of one kind of pool, after the tower's prefix; NULL: it has no such
 * part.  Where key and value lie in the tensor of the query they follow it. */
typedef struct {
  const char *prefix; /* of all its tensors, none of which may be left over */
  const char *query;  /* [...][width], of which the first row counts */
  const char *query_norm;
  const char *query_weight;
  const char *query_bias;
  const char *key_weight;
  guint key_rows;     /* that stand before, in widths */
  const char *key_bias;
  const char *value_weight;
  guint value_rows;
  const char *value_bias;
  guint value_bias_rows;
  const char *projection;
  const char *input_norm;
  const char *norm;
  const char *up;
  const char *down;
} PoolNames;

static const PoolNames names_of[] = {
  [VIT_QUERY_HUGGING_FACE] = {
      "head.", "head.probe", NULL, "head.attention.in_proj_weight",
      "head.attention.in_proj_bias", "head.attention.in_proj_weight", 1, NULL,
      "head.attention.in_proj_weight", 2, "head.attention.in_proj_bias", 2,
      "head.attention.out_proj", NULL, "head.layernorm", "head.mlp.fc1",
      "head.mlp.fc2" },
  [VIT_QUERY_TIMM] = {
      "attn_pool.", "attn_pool.latent", NULL, "attn_pool.q.weight",
      "attn_pool.q.bias", "attn_pool.kv.weight", 0, NULL, "attn_pool.kv.weight",
      1, "attn_pool.kv.bias", 1, "attn_pool.proj", NULL, "attn_pool.norm",
      "attn_pool.mlp.fc1", "attn_pool.mlp.fc2" },
  [VIT_QUERY_AIMV2] = {
      "head.", "head.cls_token", NULL, NULL, NULL, "head.k_proj.weight", 0,
      "head.k_proj.bias", "head.v_proj.weight", 0, "head.v_proj.bias", 0,
      "head.output_proj", NULL, NULL, NULL, NULL },
  [VIT_QUERY_COCA] = {
      "attn_pool.", "attn_pool.query", "attn_pool.ln_q",
      "attn_pool.attn.q_proj_weight", "attn_pool.attn.in_proj_bias",
      "attn_pool.attn.k_proj_weight", 0, NULL, "attn_pool.attn.v_proj_weight",
      0, "attn_pool.attn.in_proj_bias", 2, "attn_pool.attn.out_proj",
      "attn_pool.ln_k", NULL, NULL, NULL },
};

/* CoCa's where the pool is as wide as the tower. */
static const PoolNames coca_joint = {
  "attn_pool.", "attn_pool.query", "attn_pool.ln_q",
  "attn_pool.attn.in_proj_weight", "attn_pool.attn.in_proj_bias",
  "attn_pool.attn.in_proj_weight", 1, NULL, "attn_pool.attn.in_proj_weight", 2,
  "attn_pool.attn.in_proj_bias", 2, "attn_pool.attn.out_proj", "attn_pool.ln_k",
  NULL, NULL, NULL
};

typedef struct {
  VitEncoderWeights *weights;
  const VitStage *stage;
  const VitEncoderPlan *plan;
  const PoolNames *names;
  VitAttentionPool *pool;
  GHashTable *used; /* names of tensors */
  guint width;      /* channels of the query and of all heads */
  float *learned;   /* [width]: the query's tensor, normed */
  double *query;    /* [width]: mapped and scaled */
} Loading;

/* (transfer full) */
static char *
full_name (const Loading *loading, const char *name)
{
  return g_strconcat (loading->stage->tower.prefix, name, NULL);
}

/* *tensor is NULL where there is none and `needed` is FALSE. */
static gboolean
find (Loading *loading, const char *name, gboolean needed,
    const VitTensor **tensor, GError **error)
{
  g_autofree char *full = full_name (loading, name);

  *tensor = NULL;
  if (!needed && !vit_checkpoint_has (loading->stage->checkpoint, full))
    return TRUE;
  *tensor = vit_require_tensor (loading->stage, full, error);
  if (*tensor)
    g_hash_table_add (loading->used, (gpointer) (*tensor)->name);
  return *tensor != NULL;
}

/* NAME.weight and, where it is there, NAME.bias. */
static gboolean
find_both (Loading *loading, const char *name, VitRows *rows, GError **error)
{
  g_autofree char *weight = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias = g_strconcat (name, ".bias", NULL);

  memset (rows, 0, sizeof *rows);
  return find (loading, weight, TRUE, &rows->weight, error)
         && find (loading, bias, FALSE, &rows->bias, error);
}

static gboolean
load_norm (Loading *loading, const char *name, guint64 n, VitEncoderNorm *norm,
    GError **error)
{
  g_autofree char *full = full_name (loading, name);
  VitRows rows;

  return find_both (loading, name, &rows, error)
         && vit_encoder_norm_load (norm, loading->stage, full, n, FALSE,
             loading->plan->epsilon, error);
}

/* `linear` of `rows`, of which it is to have `n_terms` terms. */
static gboolean
load_map (Loading *loading, const char *name, guint64 n_terms,
    VitLinear *linear, GError **error)
{
  VitFold fold = { 0 };
  VitRows rows;
  guint64 n;

  if (!find_both (loading, name, &rows, error))
    return FALSE;
  n = rows.weight->shape[0];
  if (rows.weight->rank != 2 || n == 0 || n > VIT_ENCODER_MAX_HIDDEN)
    return vit_stage_refuse (loading->stage, rows.weight, VIT_ERROR_TENSOR,
        error, "but a map of 1 to %d channels is expected",
        VIT_ENCODER_MAX_HIDDEN);
  return vit_encoder_check_shape (
             loading->stage, rows.weight, n, n_terms, error)
         && (!rows.bias
             || vit_encoder_check_shape (
                 loading->stage, rows.bias, n, 0, error))
         && vit_linear_init (linear, (guint) n, (gsize) n_terms,
             VIT_LINEAR_WHOLE, loading->weights->kernel, error)
         && vit_rows_load (
             loading->stage, &rows, (guint) n, &fold, linear, 0, error);
}

/* The first row of the learned queries, normed where they are. */
static gboolean
load_learned (Loading *loading, GError **error)
{
  const VitStage *stage = loading->stage;
  VitEncoderNorm norm = { 0 };
  const VitTensor *tensor;
  gboolean done = TRUE;

  if (!find (loading, loading->names->query, TRUE, &tensor, error))
    return FALSE;
  if (tensor->rank < 2 || tensor->rank > 3
      || tensor->shape[tensor->rank - 1] == 0
      || tensor->shape[tensor->rank - 1] > VIT_ENCODER_MAX_WIDTH
      || tensor->n_values < tensor->shape[tensor->rank - 1]
      || (loading->plan->query != VIT_QUERY_COCA
          && tensor->n_values != tensor->shape[tensor->rank - 1]))
    return vit_stage_refuse (stage, tensor, VIT_ERROR_TENSOR, error,
        "but a learned query is [1,1,width]");
  loading->width = (guint) tensor->shape[tensor->rank - 1];
  if (loading->plan->n_query_heads == 0
      || loading->plan->n_query_heads > VIT_ENCODER_MAX_QUERY_HEADS
      || loading->width % loading->plan->n_query_heads != 0)
    return vit_stage_refuse (stage, tensor, VIT_ERROR_UNSUPPORTED, error,
        "but attention of %u heads cannot divide %u channels; expected a divisor "
        "of it, at most %d",
        loading->plan->n_query_heads, loading->width,
        VIT_ENCODER_MAX_QUERY_HEADS);
  loading->learned = g_new (float, loading->width);
  loading->query = g_new0 (double, loading->width);
  if (!vit_checkpoint_read (stage->checkpoint, tensor, 0, loading->width,
          loading->learned, error))
    return FALSE;
  if (loading->names->query_norm) {
    done = load_norm (
        loading, loading->names->query_norm, loading->width, &norm, error);
    if (done)
      vit_kernel_rows_c.norm (norm.kind, loading->learned, loading->width,
          norm.epsilon, norm.weight, norm.bias, loading->learned);
    vit_encoder_norm_clear (&norm);
  }
  return done;
}

static void
map_query (gpointer data, guint row, const float *values)
{
  Loading *loading = data;

  for (guint k = 0; k < loading->width; k++)
    loading->query[row] += (double) values[k] * loading->learned[k];
}

static gboolean
load_query (Loading *loading, GError **error)
{
  const PoolNames *names = loading->names;
  guint width = loading->width;
  double scale = vit_encoder_query_scale (width / loading->pool->n_heads);
  const VitTensor *weight = NULL, *bias = NULL;
  VitRows rows = { 0 };

  if (names->query_weight
      && (!find (loading, names->query_weight, TRUE, &weight, error)
          || !find (loading, names->query_bias, FALSE, &bias, error)))
    return FALSE;
  rows.weight = weight;
  if (weight) {
    guint n = strcmp (names->query_weight, names->value_weight) == 0 ? 3 : 1;

    if (!vit_encoder_check_shape (
            loading->stage, weight, (guint64) n * width, width, error)
        || !vit_rows_each (
            loading->stage, &rows, width, map_query, loading, error))
      return FALSE;
  } else {
    for (guint d = 0; d < width; d++)
      loading->query[d] = loading->learned[d];
  }
  if (bias) {
    g_autofree float *values = g_new (float, width);

    if (bias->rank != 1 || bias->n_values < width)
      return vit_stage_refuse (loading->stage, bias, VIT_ERROR_TENSOR, error,
          "but the query has %u channels", width);
    if (!vit_checkpoint_read (
            loading->stage->checkpoint, bias, 0, width, values, error))
      return FALSE;
    for (guint d = 0; d < width; d++)
      loading->query[d] += values[d];
  }
  for (guint d = 0; d < width; d++)
    loading->query[d] *= scale;
  return TRUE;
}

typedef struct {
  const Loading *loading;
  double *scores; /* [n_heads][D] */
} Scores;

static void
add_key (gpointer data, guint row, const float *values)
{
  Scores *scores = data;
  gsize d = scores->loading->weights->embed_dim;
  guint head = row / (scores->loading->width / scores->loading->pool->n_heads);

  for (gsize k = 0; k < d; k++)
    scores->scores[head * d + k] += scores->loading->query[row] * values[k];
}

static gboolean
load_scores (Loading *loading, GError **error)
{
  VitAttentionPool *pool = loading->pool;
  const VitStage *stage = loading->stage;
  guint d = loading->weights->embed_dim;
  const float *norm = pool->input_norm.weight;
  VitRows rows = { 0 };
  Scores scores = { loading, NULL };
  const VitTensor *bias;
  gboolean done, fits = TRUE;

  /* A bias of all keys is none: it is only marked as used. */
  if (!find (loading, loading->names->key_weight, TRUE, &rows.weight, error)
      || (loading->names->key_bias
          && !find (loading, loading->names->key_bias, FALSE, &bias, error)))
    return FALSE;
  rows.first = (guint64) loading->names->key_rows * loading->width;
  if (rows.weight->rank != 2 || rows.weight->shape[1] != d
      || rows.weight->shape[0] < rows.first + loading->width)
    return vit_stage_refuse (stage, rows.weight, VIT_ERROR_TENSOR, error,
        "but the pool's keys are %u channels of %u", loading->width, d);
  scores.scores = g_try_new0 (double, (gsize) pool->n_heads *d);
  if (!scores.scores)
    return vit_stage_refuse (stage, rows.weight, VIT_ERROR_NO_MEMORY, error,
        "and there is no memory to fold it");
  done = vit_linear_init (&pool->scores, pool->n_heads, d, VIT_LINEAR_WHOLE,
             loading->weights->kernel, error)
         && vit_rows_each (
             stage, &rows, loading->width, add_key, &scores, error);
  for (guint head = 0; head < pool->n_heads && done; head++) {
    for (guint k = 0; k < d && norm; k++)
      scores.scores[(gsize) head * d + k] *= norm[k];
    fits &= vit_linear_set_row (
        &pool->scores, head, scores.scores + (gsize) head * d, 0.0);
  }
  g_free (scores.scores);
  if (done && !fits)
    return vit_stage_refuse (stage, rows.weight, VIT_ERROR_VALUE, error,
        "and with the query makes weights that float32 cannot hold");
  return done;
}

static gboolean
load_values (Loading *loading, GError **error)
{
  VitAttentionPool *pool = loading->pool;
  const PoolNames *names = loading->names;
  guint d = loading->weights->embed_dim, width = loading->width;
  VitFold fold = { .in_weight = pool->input_norm.weight,
    .in_bias = pool->input_norm.bias };
  VitRows rows = { 0 };

  if (!find (loading, names->value_weight, TRUE, &rows.weight, error)
      || !find (loading, names->value_bias, FALSE, &rows.bias, error))
    return FALSE;
  rows.first = (guint64) names->value_rows * width;
  rows.first_bias = (guint64) names->value_bias_rows * width;
  if (!vit_encoder_check_shape (
          loading->stage, rows.weight, rows.first + width, d, error)
      || (rows.bias
          && !vit_encoder_check_shape (
              loading->stage, rows.bias, rows.first_bias + width, 0, error)))
    return FALSE;
  return vit_linear_init (&pool->value, width, d, VIT_LINEAR_WHOLE,
             loading->weights->kernel, error)
         && vit_rows_load (
             loading->stage, &rows, width, &fold, &pool->value, 0, error);
}

/* y + mlp (norm (y)) behind the projection, where there is one. */
static gboolean
load_mlp (Loading *loading, GError **error)
{
  VitAttentionPool *pool = loading->pool;
  guint n = pool->projection.n_channels;

  if (!loading->names->norm)
    return TRUE;
  if (!load_norm (loading, loading->names->norm, n, &pool->mlp_norm, error)
      || !load_map (loading, loading->names->up, n, &pool->up, error)
      || !load_map (loading, loading->names->down, pool->up.n_channels,
          &pool->down, error))
    return FALSE;
  if (pool->down.n_channels != n)
    return vit_refuse (error, VIT_ERROR_TENSOR,
        vit_checkpoint_path (loading->stage->checkpoint), loading->names->down,
        "has %u channels; expected %u", pool->down.n_channels, n);
  return TRUE;
}

static gboolean
check_used (const Loading *loading, GError **error)
{
  g_autofree char *prefix = full_name (loading, loading->names->prefix);
  gsize n_names;
  const char *const *names
      = vit_checkpoint_names (loading->stage->checkpoint, &n_names);

  for (gsize i = 0; i < n_names; i++)
    if (g_str_has_prefix (names[i], prefix)
        && !g_hash_table_contains (loading->used, names[i]))
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED,
          vit_checkpoint_path (loading->stage->checkpoint), names[i],
          "is a tensor of the pool that the encoder does not know");
  return TRUE;
}

static gboolean
load (Loading *loading, GError **error)
{
  VitAttentionPool *pool = loading->pool;
  const PoolNames *names = loading->names;

  return load_learned (loading, error)
         && (!names->input_norm
             || load_norm (loading, names->input_norm,
                 loading->weights->embed_dim, &pool->input_norm, error))
         && load_query (loading, error) && load_scores (loading, error)
         && load_values (loading, error)
         && load_map (loading, names->projection, loading->width,
             &pool->projection, error)
         && load_mlp (loading, error) && check_used (loading, error);
}

gboolean
vit_query_pool_load (VitEncoderWeights *weights, const VitStage *stage,
    const VitEncoderPlan *plan, GError **error)
{
  Loading loading = { weights, stage, plan, &names_of[plan->query],
    &weights->attention_pool, NULL, 0, NULL, NULL };
  gboolean done;

  if (plan->query == VIT_QUERY_COCA
      && vit_plan_has (stage, coca_joint.query_weight))
    loading.names = &coca_joint;
  loading.used = g_hash_table_new (g_str_hash, g_str_equal);
  loading.pool->n_heads = plan->n_query_heads;
  loading.pool->patches_only = plan->query_patches_only;
  loading.pool->activation = plan->query_activation != VIT_ACTIVATION_AUTO
                                 ? plan->query_activation
                                 : weights->choices.activation;
  done = load (&loading, error);
  g_hash_table_unref (loading.used);
  g_free (loading.learned);
  g_free (loading.query);
  return done;
}

void
vit_query_pool_clear (VitAttentionPool *pool)
{
  vit_encoder_norm_clear (&pool->input_norm);
  vit_linear_clear (&pool->scores);
  vit_linear_clear (&pool->value);
  vit_linear_clear (&pool->projection);
  vit_encoder_norm_clear (&pool->mlp_norm);
  vit_linear_clear (&pool->up);
  vit_linear_clear (&pool->down);
}
