/* SPDX-License-Identifier: MIT
 *
 * One block in double, from the formulas: each variation that a family has, on
 * random weights, against the C kernels, and these against every other
 * instruction set's.
 */
#include <math.h>
#include <string.h>

#include "encoder/encoder.h"
#include "support/features.h"
#include "support/model_folder.h"

#define D 24      /* embed_dim */
#define HEADS 2
#define HEAD_DIM (D / HEADS)
#define HIDDEN 540     /* more than is computed at once */
#define EPSILON 1e-6 /* of timm's plain ViTs */
#define PREFIX 1

/* Relative L2, of every instruction set against the definition, and so of one
 * against another. */
#define MAX_ERROR 1e-6

typedef enum { FUSED, SEPARATE, QUERY_VALUE_BIAS, NO_BIAS } Biases;
typedef enum { PLAIN, SPLIT, PACKED } Gate;
typedef enum { NO_NORM, HEAD_LAYER, HEAD_RMS, ALL_RMS } QueryNorm;

typedef struct {
  const char *name;
  Biases biases;
  gboolean rms;
  gboolean scales;
  gboolean attention_norm;
  gboolean mlp_norm;
  Gate gate;
  QueryNorm query_norm;
  VitActivation activation; /* AUTO: that of the architecture */
  VitRopeRule rope;
} Variation;

static const Variation variations[] = {
  { "plain" },
  { "separate-maps", SEPARATE },
  { "bias-of-queries-and-values", QUERY_VALUE_BIAS },
  { "no-bias", NO_BIAS },
  { "rms-norm", NO_BIAS, .rms = TRUE },
  { "layer-scale", .scales = TRUE },
  { "norm-of-attention", .attention_norm = TRUE },
  { "norm-in-mlp", .mlp_norm = TRUE },
  { "gate", .gate = SPLIT },
  { "gate-packed", .gate = PACKED },
  { "gate-and-norm", .gate = SPLIT, .mlp_norm = TRUE, .attention_norm = TRUE },
  { "norm-of-each-head", .query_norm = HEAD_LAYER },
  { "rms-norm-of-each-head", .query_norm = HEAD_RMS },
  { "norm-of-all-heads", .query_norm = ALL_RMS },
  { "gelu-tanh", .activation = VIT_ACTIVATION_GELU_TANH },
  { "quick-gelu", .activation = VIT_ACTIVATION_QUICK_GELU },
  { "silu", .activation = VIT_ACTIVATION_SILU },
  { "rope-dinov3", .rope = VIT_ROPE_DINOV3 },
  { "rope-eva", .rope = VIT_ROPE_EVA },
  { "rope-pe", .rope = VIT_ROPE_PE },
  { "rope-pe-grid", .rope = VIT_ROPE_PE_GRID },
  { "rope-vit", .rope = VIT_ROPE_ROPE_VIT },
  { "rope-without-key-bias", QUERY_VALUE_BIAS, .rope = VIT_ROPE_DINOV3 },
  { "rope-and-norm-of-each-head", .rope = VIT_ROPE_EVA,
      .query_norm = HEAD_LAYER },
  { "all", SEPARATE, .scales = TRUE, .attention_norm = TRUE, .mlp_norm = TRUE,
      .gate = SPLIT, .query_norm = HEAD_RMS, .rope = VIT_ROPE_PE },
};

/* The tensors by name, as they are in the file. */
static GHashTable *tensors;

static const float *
tensor (const char *name)
{
  return g_hash_table_lookup (tensors, name);
}

static double
at (const char *name, gsize i)
{
  const float *values = tensor (name);

  return values ? values[i] : 0.0;
}

/* Random values around `centre`. */
static void
add (Weights *weights, const char *name, gsize rows, gsize columns,
    double centre, double spread)
{
  gsize n = rows * MAX (columns, 1);
  float *values = g_new (float, n);

  if (columns > 0)
    weights_add (weights, name, 2, (int) rows, (int) columns);
  else
    weights_add (weights, name, 1, (int) rows);
  for (gsize i = 0; i < n; i++) {
    values[i]
        = (float) (centre + g_test_rand_double_range (-spread, spread));
    weights_set (weights, name, i, values[i]);
  }
  g_hash_table_insert (tensors, g_strdup (name), values);
}

static void
add_norm (Weights *weights, const char *name, gsize n, gboolean bias)
{
  g_autofree char *weight_name = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (name, ".bias", NULL);

  add (weights, weight_name, n, 0, 1.0, 0.5);
  if (bias)
    add (weights, bias_name, n, 0, 0.0, 0.3);
}

static void
add_map (Weights *weights, const char *name, gsize rows, gsize columns,
    gboolean bias)
{
  g_autofree char *weight_name = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (name, ".bias", NULL);

  add (weights, weight_name, rows, columns, 0.0, 0.4);
  if (bias)
    add (weights, bias_name, rows, 0, 0.0, 0.3);
}

static void
add_attention (Weights *weights, const Variation *v)
{
  if (v->biases == SEPARATE) {
    add_map (weights, "blocks.0.attn.q_proj", D, D, TRUE);
    add_map (weights, "blocks.0.attn.k_proj", D, D, TRUE);
    add_map (weights, "blocks.0.attn.v_proj", D, D, TRUE);
  } else {
    add_map (weights, "blocks.0.attn.qkv", 3 * D, D, v->biases == FUSED);
  }
  if (v->biases == QUERY_VALUE_BIAS) {
    add (weights, "blocks.0.attn.q_bias", D, 0, 0.0, 0.3);
    add (weights, "blocks.0.attn.v_bias", D, 0, 0.0, 0.3);
  }
  if (v->query_norm != NO_NORM) {
    gsize n = v->query_norm == ALL_RMS ? D : HEAD_DIM;

    add_norm (weights, "blocks.0.attn.q_norm", n, v->query_norm == HEAD_LAYER);
    add_norm (weights, "blocks.0.attn.k_norm", n, v->query_norm == HEAD_LAYER);
  }
  if (v->attention_norm)
    add_norm (weights, "blocks.0.attn.norm", D, TRUE);
  add_map (weights, "blocks.0.attn.proj", D, D, TRUE);
}

static void
add_mlp (Weights *weights, const Variation *v)
{
  if (v->gate == SPLIT) {
    add_map (weights, "blocks.0.mlp.fc1_g", HIDDEN, D, TRUE);
    add_map (weights, "blocks.0.mlp.fc1_x", HIDDEN, D, TRUE);
  } else {
    add_map (weights, "blocks.0.mlp.fc1",
        v->gate == PACKED ? 2 * HIDDEN : HIDDEN, D, TRUE);
  }
  if (v->mlp_norm)
    add_norm (weights, "blocks.0.mlp.norm", HIDDEN, TRUE);
  add_map (weights, "blocks.0.mlp.fc2", D, HIDDEN, TRUE);
}

/* A timm model of one block and no norm behind it. */
static void
write_model (const Variation *v)
{
  Weights *weights = weights_new ();
  gboolean pe = v->rope == VIT_ROPE_PE || v->rope == VIT_ROPE_PE_GRID;
  g_autofree char *config = g_strdup_printf (
      "{\"architecture\": \"%s\", \"global_pool\": \"token\", "
      "\"model_args\": {\"embed_dim\": %d, \"num_heads\": %d}}",
      pe ? "vit_pe_core_small_patch16_384" : "vit_small_patch16_224", D, HEADS);

  tensors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  weights_add (weights, "patch_embed.proj.weight", 4, D, 3, 2, 2);
  weights_add (weights, "patch_embed.proj.bias", 1, D);
  weights_add (weights, "cls_token", 3, 1, 1, D);
  weights_add (weights, "pos_embed", 3, 1, 10, D);
  add_norm (weights, "blocks.0.norm1", D, !v->rms);
  add_attention (weights, v);
  if (v->scales)
    add (weights, "blocks.0.ls1.gamma", D, 0, 0.5, 0.5);
  add_norm (weights, "blocks.0.norm2", D, !v->rms);
  add_mlp (weights, v);
  if (v->scales)
    add (weights, "blocks.0.ls2.gamma", D, 0, 0.5, 0.5);
  folder_write_weights (weights, "model.safetensors");
  folder_write_text ("config.json", config);
}

/* y = W x + b with rows first and on of the tensor. */
static void
map (const char *name, gsize first, gsize rows, const double *x, gsize columns,
    double *y)
{
  g_autofree char *weight_name = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (name, ".bias", NULL);
  const float *weight = tensor (weight_name);

  for (gsize d = 0; d < rows; d++) {
    y[d] = at (bias_name, first + d);
    for (gsize k = 0; k < columns; k++)
      y[d] += weight[(first + d) * columns + k] * x[k];
  }
}

/* A LayerNorm, or an RMS norm where it has no bias. */
static void
norm (const char *name, double epsilon, double *x, gsize n)
{
  g_autofree char *weight_name = g_strconcat (name, ".weight", NULL);
  g_autofree char *bias_name = g_strconcat (name, ".bias", NULL);
  double mean = 0.0, square = 0.0;

  for (gsize i = 0; i < n && tensor (bias_name); i++)
    mean += x[i] / (double) n;
  for (gsize i = 0; i < n; i++)
    square += (x[i] - mean) * (x[i] - mean) / (double) n;
  for (gsize i = 0; i < n; i++)
    x[i] = (x[i] - mean) / sqrt (square + epsilon) * at (weight_name, i)
           + at (bias_name, i);
}

static double
activation (VitActivation kind, double x)
{
  switch (kind) {
    case VIT_ACTIVATION_GELU_TANH:
      return 0.5 * x
             * (1.0 + tanh (sqrt (2.0 / G_PI) * (x + 0.044715 * x * x * x)));
    case VIT_ACTIVATION_QUICK_GELU:
      return x / (1.0 + exp (-1.702 * x));
    case VIT_ACTIVATION_SILU:
      return x / (1.0 + exp (-x));
    default:
      return 0.5 * x * erfc (-x / sqrt (2.0));
  }
}

/* Turns one head of a patch, in the family's own pairs. */
static void
rotate (VitRopeRule rule, double *head, guint row, guint col, guint rows,
    guint cols)
{
  const guint k = HEAD_DIM / 4;
  double base = rule == VIT_ROPE_DINOV3 || rule == VIT_ROPE_ROPE_VIT ? 100.0
                                                                     : 10000.0;

  for (guint pair = 0; pair < 2 * k; pair++) {
    gboolean second = pair >= k;
    gboolean is_x = rule == VIT_ROPE_DINOV3 || rule == VIT_ROPE_EVA ? second
                                                                   : !second;
    double i = is_x ? col : row, n = is_x ? cols : rows, angle, x, y;
    guint a = rule == VIT_ROPE_DINOV3 ? pair : 2 * pair;
    guint b = rule == VIT_ROPE_DINOV3 ? pair + 2 * k : 2 * pair + 1;

    switch (rule) {
      case VIT_ROPE_DINOV3:
        angle = 2.0 * G_PI * ((i + 0.5) / n * 2.0 - 1.0);
        break;
      case VIT_ROPE_EVA:
        angle = i / n * 16.0;
        break;
      case VIT_ROPE_PE:
        angle = (i + 1.0) / n * 24.0;
        break;
      case VIT_ROPE_PE_GRID:
        angle = i + 1.0;
        break;
      default:
        angle = i;
    }
    angle *= pow (base, -(double) (pair % k) / k);
    x = head[a];
    y = head[b];
    head[a] = x * cos (angle) - y * sin (angle);
    head[b] = y * cos (angle) + x * sin (angle);
  }
}

/* Queries, keys or values (which 0, 1, 2) of a normed row. */
static void
project (const Variation *v, guint which, const double *x, double *y)
{
  static const char *const names[]
      = { "blocks.0.attn.q_proj", "blocks.0.attn.k_proj",
          "blocks.0.attn.v_proj" };
  static const char *const biases[]
      = { "blocks.0.attn.q_bias", "none", "blocks.0.attn.v_bias" };
  static const char *const norms[]
      = { "blocks.0.attn.q_norm", "blocks.0.attn.k_norm" };
  gsize n = v->query_norm == ALL_RMS ? D : HEAD_DIM;

  if (v->biases == SEPARATE)
    map (names[which], 0, D, x, D, y);
  else
    map ("blocks.0.attn.qkv", which * D, D, x, D, y);
  for (gsize d = 0; d < D; d++)
    y[d] += at (biases[which], d);
  for (gsize d = 0; d < D && which < 2 && v->query_norm != NO_NORM; d += n)
    norm (norms[which], v->rope == VIT_ROPE_PE ? 1e-5 : EPSILON, y + d, n);
}

typedef double Row[D];

static void
attend (const Variation *v, Row *tokens, guint rows, guint cols)
{
  guint n = PREFIX + rows * cols;
  double epsilon = v->rope == VIT_ROPE_PE || v->rope == VIT_ROPE_PE_GRID
                       ? 1e-5
                       : EPSILON;
  g_autofree Row *maps = g_new (Row, 3 * n);
  Row *out = g_new (Row, n);

  for (guint i = 0; i < n; i++) {
    Row x;

    memcpy (x, tokens[i], sizeof x);
    norm ("blocks.0.norm1", epsilon, x, D);
    for (guint which = 0; which < 3; which++)
      project (v, which, x, maps[which * n + i]);
    for (guint head = 0; head < 2 * HEADS && i >= PREFIX; head++)
      if (v->rope != VIT_ROPE_AUTO)
        rotate (v->rope, maps[head / HEADS * n + i] + head % HEADS * HEAD_DIM,
            (i - PREFIX) / cols, (i - PREFIX) % cols, rows, cols);
  }
  for (guint i = 0; i < n; i++)
    for (guint head = 0; head < HEADS; head++) {
      g_autofree double *shares = g_new (double, n);
      double sum = 0.0, most = -INFINITY;
      const gsize first = head * HEAD_DIM;

      for (guint k = 0; k < n; k++) {
        shares[k] = 0.0;
        for (guint d = 0; d < HEAD_DIM; d++)
          shares[k] += maps[i][first + d] * maps[n + k][first + d];
        shares[k] /= sqrt (HEAD_DIM);
        most = fmax (most, shares[k]);
      }
      for (guint k = 0; k < n; k++)
        sum += shares[k] = exp (shares[k] - most);
      for (guint d = 0; d < HEAD_DIM; d++) {
        out[i][first + d] = 0.0;
        for (guint k = 0; k < n; k++)
          out[i][first + d] += shares[k] / sum * maps[2 * n + k][first + d];
      }
    }
  for (guint i = 0; i < n; i++) {
    Row y;

    if (v->attention_norm)
      norm ("blocks.0.attn.norm", epsilon, out[i], D);
    map ("blocks.0.attn.proj", 0, D, out[i], D, y);
    for (guint d = 0; d < D; d++)
      tokens[i][d] += y[d] * (v->scales ? at ("blocks.0.ls1.gamma", d) : 1.0);
  }
  g_free (out);
}

static void
apply_mlp (const Variation *v, double *token)
{
  double epsilon = v->rope == VIT_ROPE_PE || v->rope == VIT_ROPE_PE_GRID
                       ? 1e-5
                       : EPSILON;
  VitActivation kind = v->activation != VIT_ACTIVATION_AUTO ? v->activation
                       : v->gate != PLAIN ? VIT_ACTIVATION_SILU
                                          : VIT_ACTIVATION_GELU;
  double gate[HIDDEN], hidden[HIDDEN];
  Row x, y;

  memcpy (x, token, sizeof x);
  norm ("blocks.0.norm2", epsilon, x, D);
  if (v->gate == SPLIT) {
    map ("blocks.0.mlp.fc1_g", 0, HIDDEN, x, D, gate);
    map ("blocks.0.mlp.fc1_x", 0, HIDDEN, x, D, hidden);
  } else {
    map ("blocks.0.mlp.fc1", 0, HIDDEN, x, D, gate);
    if (v->gate == PACKED)
      map ("blocks.0.mlp.fc1", HIDDEN, HIDDEN, x, D, hidden);
  }
  for (guint d = 0; d < HIDDEN; d++)
    hidden[d]
        = activation (kind, gate[d]) * (v->gate == PLAIN ? 1.0 : hidden[d]);
  if (v->mlp_norm)
    norm ("blocks.0.mlp.norm", epsilon, hidden, HIDDEN);
  map ("blocks.0.mlp.fc2", 0, D, hidden, HIDDEN, y);
  for (guint d = 0; d < D; d++)
    token[d] += y[d] * (v->scales ? at ("blocks.0.ls2.gamma", d) : 1.0);
}

/* (transfer full): [n][D], by the definition. */
static float *
define (const Variation *v, const float *tokens, guint rows, guint cols)
{
  guint n = PREFIX + rows * cols;
  g_autofree Row *x = g_new (Row, n);
  float *out = g_new (float, (gsize) n *D);

  for (guint i = 0; i < n * D; i++)
    x[i / D][i % D] = tokens[i];
  attend (v, x, rows, cols);
  for (guint i = 0; i < n; i++)
    apply_mlp (v, x[i]);
  for (guint i = 0; i < n * D; i++)
    out[i] = (float) x[i / D][i % D];
  return out;
}

/* (transfer full): the same by the encoder, with the instruction sets of
 * `mask`. */
static float *
compute (const Variation *v, const float *tokens, guint rows, guint cols,
    const char *mask)
{
  const VitEncoderOverrides overrides = { v->activation, v->rope };
  const VitEncoderSettings settings = { .n_workers = 1 };
  const VitEncoderGrid grid = { rows, cols };
  g_autofree char *path = folder_path (NULL);
  g_autoptr (GError) error = NULL;
  VitEncoderWeights *weights;
  VitEncoder *encoder;
  float *out = g_new (float, (PREFIX + rows * cols) * D), vector[D];
  float *pointer = vector;
  VitEncoderFrame frame = { .tokens = &tokens, .features = &out,
    .embedding = &pointer };

  g_setenv ("VIT_CPU_MASK", mask, TRUE);
  weights = vit_encoder_weights_load (path, NULL, &overrides, &error);
  g_assert_no_error (error);
  g_test_message ("%s: %s", weights->kernel->name, weights->choices.reason);
  encoder = vit_encoder_new (weights, &settings, &error);
  g_assert_no_error (error);
  vit_encoder_configure (encoder, &grid, 1, PREFIX, &error);
  g_assert_no_error (error);
  vit_encoder_run (encoder, &frame, NULL, NULL);
  /* Nothing norms what the last block gives. */
  g_assert_cmpmem (out, sizeof vector, vector, sizeof vector);
  vit_encoder_free (encoder);
  vit_encoder_weights_unref (weights);
  return out;
}

static void
test_variation (gconstpointer data)
{
  /* Fewer tokens than a tile, and more than a block of keys. */
  static const guint grids[][2] = { { 2, 3 }, { 14, 20 } };
  static const char *const masks[] = { "1", "3", "7", "16" };
  const Variation *v = data;

  write_model (v);
  for (guint i = 0; i < G_N_ELEMENTS (grids); i++) {
    guint rows = grids[i][0], cols = grids[i][1];
    gsize n = (PREFIX + rows * cols) * D;
    g_autofree float *tokens = g_new (float, n);
    g_autofree float *expected = NULL, *c = NULL;

    for (gsize k = 0; k < n; k++)
      tokens[k] = (float) g_test_rand_double_range (-0.2, 0.2);
    expected = define (v, tokens, rows, cols);
    c = compute (v, tokens, rows, cols, "0");
    g_test_message ("C: %.2g", relative_l2 (c, expected, n));
    g_assert_cmpfloat (relative_l2 (c, expected, n), <=, MAX_ERROR);
    for (guint k = 0; k < G_N_ELEMENTS (masks); k++) {
      g_autofree float *other = compute (v, tokens, rows, cols, masks[k]);

      g_assert_cmpfloat (relative_l2 (other, expected, n), <=, MAX_ERROR);
      g_assert_cmpfloat (relative_l2 (other, c, n), <=, MAX_ERROR);
    }
  }
  g_hash_table_unref (tensors);
}

static const Variation *current;

static void
run_current (void)
{
  test_variation (current++);
}

int
main (int argc, char **argv)
{
  FolderTest tests[G_N_ELEMENTS (variations)];

  g_test_init (&argc, &argv, NULL);
  current = variations;
  for (guint i = 0; i < G_N_ELEMENTS (variations); i++)
    tests[i] = (FolderTest) { variations[i].name, run_current };
  return folder_run_tests ("/encoder/block/", tests, G_N_ELEMENTS (tests));
}
