/* SPDX-License-Identifier: MIT */
#include "patch/patch_embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/aligned.h"
#include "model/range.h"
#include "patch/fold.h"
#include "patch/input_norm.h"
#include "patch/predict.h"

struct _VitPatchEmbed {
  VitModel *model;
  VitPatchEmbedSettings settings; /* rule, mean, std and precision resolved */
  double predicted_error;
  char *precision_reason;
  float *prefix_tokens; /* [n_prefix_tokens][embed_dim], after the input norm */
  VitTokensShape shape;
  VitFormatEmbed made;
  VitIsStopped is_stopped; /* (nullable) */
  gpointer stop_data;
};

static gboolean
resolve_settings (VitPatchEmbed *embed, const VitPatchEmbedSettings *settings,
    GError **error)
{
  VitPatchEmbedSettings *resolved = &embed->settings;
  const VitModel *model = embed->model;

  *resolved = *settings;
  if (resolved->rule == VIT_POSITION_RULE_AUTO)
    resolved->rule = model->rule;
  if (model->table == NULL && resolved->rule != VIT_POSITION_RULE_NONE
      && resolved->rule != VIT_POSITION_RULE_SINCOS) {
    if (settings->rule != VIT_POSITION_RULE_AUTO) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
          "%s: position rule '%s' was asked for, but the model has no "
          "position table; use 'auto' or 'none'",
          model->id, vit_position_rule_name (settings->rule));
      return FALSE;
    }
    resolved->rule = VIT_POSITION_RULE_NONE;
  }
  if (!settings->override_mean)
    memcpy (resolved->mean, model->mean, sizeof model->mean);
  if (!settings->override_std)
    memcpy (resolved->std, model->std, sizeof model->std);
  for (guint c = 0; c < 3; c++) {
    if (!isfinite (resolved->mean[c]) || !isfinite (resolved->std[c])
        || resolved->std[c] <= 0.0) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
          "mean %g and std %g of channel %u: expected finite numbers, std "
          "greater than 0",
          resolved->mean[c], resolved->std[c], c);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_range (const VitPatchEmbed *embed, GError **error)
{
  const VitPatchEmbedSettings *settings = &embed->settings;

  if (vit_range_of_patches (embed->model, settings->mean, settings->std)
          <= G_MAXFLOAT
      && vit_range_of_prefix (embed->model) <= G_MAXFLOAT)
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
      "%s: weights, mean and std together may make numbers that float32 cannot "
      "hold",
      embed->model->id);
  return FALSE;
}

/* The type of the tokens may hold less than float32. */
static gboolean
check_type (const VitPatchEmbed *embed, GError **error)
{
  const VitPatchEmbedSettings *settings = &embed->settings;
  const VitModel *model = embed->model;
  gsize n_prefix = (gsize) model->n_prefix_tokens * model->embed_dim;
  double most = vit_token_type_largest (settings->type);
  double largest = vit_range_of_tokens (model, settings->mean, settings->std);

  /* No fmax() here: gcc 12 for aarch64 ends with an error of its own on it. */
  for (gsize i = 0; embed->prefix_tokens != NULL && i < n_prefix; i++) {
    double size = fabs ((double) embed->prefix_tokens[i]);

    if (size > largest)
      largest = size;
  }
  if (largest <= most)
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_SETTING,
      "%s: weights, mean and std together may make tokens of up to %.3g; "
      "%s holds at most %.6g: use another token format",
      model->id, largest, vit_token_type_name (settings->type), most);
  return FALSE;
}

/* Whether what a frame is padded with, the pixel 255 mean, has bytes. */
static gboolean
pads_with_bytes (const VitPatchEmbedSettings *settings)
{
  for (guint c = 0; c < 3 && settings->fit == VIT_FIT_PAD; c++) {
    if (settings->mean[c] < 0.0 || settings->mean[c] > 1.0)
      return FALSE;
  }
  return TRUE;
}

/* What AUTO stands for, and for people why. */
static void
choose_precision (VitPatchEmbed *embed)
{
  VitPatchEmbedSettings *settings = &embed->settings;
  gboolean exact = embed->predicted_error <= VIT_MAX_PREDICTED_ERROR;

  if (settings->precision != VIT_PRECISION_AUTO) {
    embed->precision_reason = g_strdup ("asked for");
  } else if (exact && !pads_with_bytes (settings)) {
    settings->precision = VIT_PRECISION_F32;
    embed->precision_reason = g_strdup (
        "auto: in fixed point a frame can be padded only where mean is in "
        "[0,1]");
  } else {
    settings->precision = exact ? VIT_PRECISION_INT16 : VIT_PRECISION_F32;
    embed->precision_reason = g_strdup_printf (
        "auto: the error foreseen for fixed point, %.2g of the tokens' rms, "
        "is %s %g",
        embed->predicted_error, exact ? "at most" : "over",
        VIT_MAX_PREDICTED_ERROR);
  }
}

/* VitPixelWeights */
static void
fold_pixels (
    gconstpointer user_data, guint first, guint n_channels, double *weight)
{
  const VitPatchEmbed *embed = user_data;
  double bias[VIT_PREDICT_CHANNELS];

  vit_fold_pixels (embed->model, embed->settings.mean, embed->settings.std,
      128.0, first, n_channels, weight, bias);
}

static gboolean
resolve_precision (VitPatchEmbed *embed, GError **error)
{
  VitPatchEmbedSettings *settings = &embed->settings;

  if (settings->precision != VIT_PRECISION_F32
      && !vit_predict_error (fold_pixels, embed, embed->model->embed_dim,
          embed->model->patch_size, &embed->predicted_error, error))
    return FALSE;
  choose_precision (embed);
  if (settings->precision == VIT_PRECISION_INT16
      && !pads_with_bytes (settings)) {
    g_set_error_literal (error, VIT_ERROR, VIT_ERROR_SETTING,
        "in fixed point a frame can be padded only where mean is in [0,1]; "
        "use precision f32");
    return FALSE;
  }
  return TRUE;
}

static gboolean
prepare_prefix (VitPatchEmbed *embed, GError **error)
{
  const VitModel *model = embed->model;
  gsize n = (gsize) model->n_prefix_tokens * model->embed_dim;

  if (!embed->settings.prefix_tokens || n == 0)
    return TRUE;
  embed->prefix_tokens = vit_try_aligned (n, sizeof (float), error);
  if (embed->prefix_tokens == NULL)
    return FALSE;
  memcpy (embed->prefix_tokens, model->prefix_tokens, n * sizeof (float));
  if (model->norm == VIT_INPUT_NORM_LAYER)
    vit_input_norm (model, embed->prefix_tokens, model->n_prefix_tokens);
  return TRUE;
}

VitPatchEmbed *
vit_patch_embed_new (VitModel *model, const VitPatchEmbedSettings *settings,
    GError **error)
{
  VitPatchEmbed *embed = g_new0 (VitPatchEmbed, 1);

  embed->model = vit_model_ref (model);
  if (!resolve_settings (embed, settings, error) || !check_range (embed, error)
      || !prepare_prefix (embed, error) || !check_type (embed, error)
      || !resolve_precision (embed, error)) {
    vit_patch_embed_free (embed);
    return NULL;
  }
  return embed;
}

VitPatchEmbed *
vit_patch_embed_new_like (const VitPatchEmbed *other, GError **error)
{
  VitPatchEmbed *embed = g_new0 (VitPatchEmbed, 1);

  embed->model = vit_model_ref (other->model);
  embed->settings = other->settings;
  embed->predicted_error = other->predicted_error;
  embed->precision_reason = g_strdup (other->precision_reason);
  if (!prepare_prefix (embed, error)) {
    vit_patch_embed_free (embed);
    return NULL;
  }
  if (other->made.weights != NULL)
    embed->made.weights = vit_weights_ref (other->made.weights);
  return embed;
}

void
vit_patch_embed_free (VitPatchEmbed *embed)
{
  if (embed == NULL)
    return;
  vit_format_embed_clear (&embed->made);
  vit_model_unref (embed->model);
  free (embed->prefix_tokens);
  g_free (embed->precision_reason);
  g_free (embed);
}

gboolean
vit_patch_embed_measure (const VitPatchEmbed *embed,
    const VitImageFormat *format, VitTokensShape *shape, GError **error)
{
  guint size = embed->model->patch_size;
  guint rest = embed->settings.fit == VIT_FIT_PAD ? size - 1 : 0;
  guint64 width = ((guint64) format->width + rest) / size;
  guint64 height = ((guint64) format->height + rest) / size;
  guint n_prefix
      = embed->settings.prefix_tokens ? embed->model->n_prefix_tokens : 0;

  if (width == 0 || height == 0) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE,
        "the frame is %ux%u pixels, smaller than one patch of %ux%u",
        format->width, format->height, size, size);
    return FALSE;
  }
  if (width * height + n_prefix
      > G_MAXINT32 / sizeof (float) / embed->model->embed_dim) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE,
        "a frame of %ux%u pixels has too many patches of %ux%u", format->width,
        format->height, size, size);
    return FALSE;
  }
  shape->grid_width = (guint) width;
  shape->grid_height = (guint) height;
  shape->n_prefix_tokens = n_prefix;
  shape->n_tokens = n_prefix + (guint) (width * height);
  shape->embed_dim = embed->model->embed_dim;
  return TRUE;
}

static VitFormatEmbedRequest
make_request (const VitPatchEmbed *embed, const VitImageFormat *format,
    const VitTokensShape *shape)
{
  const VitPatchEmbedSettings *settings = &embed->settings;
  VitFormatEmbedRequest request = {
    .model = embed->model,
    .format = *format,
    .rule = settings->rule,
    .precision = settings->precision,
    .type = settings->type,
    .grid_width = shape->grid_width,
    .grid_height = shape->grid_height,
    .square = settings->fit == VIT_FIT_PAD
        ? shape->grid_width == shape->grid_height
        : format->width == format->height,
    .n_workers = settings->n_workers,
  };

  memcpy (request.mean, settings->mean, sizeof request.mean);
  memcpy (request.std, settings->std, sizeof request.std);
  return request;
}

guint64
vit_patch_embed_memory (const VitPatchEmbed *embed,
    const VitImageFormat *format, const VitTokensShape *shape)
{
  VitFormatEmbedRequest request = make_request (embed, format, shape);

  return vit_format_embed_memory (&request);
}

gboolean
vit_patch_embed_configure (VitPatchEmbed *embed, const VitImageFormat *format,
    GError **error)
{
  VitFormatEmbedRequest request;
  VitTokensShape shape;
  VitFormatEmbed made;

  if (!vit_patch_embed_measure (embed, format, &shape, error))
    return FALSE;
  request = make_request (embed, format, &shape);
  if (!vit_format_embed_init (
          &made, &request, embed->made.weights, error)) {
    vit_format_embed_clear (&made);
    return FALSE;
  }
  vit_format_embed_clear (&embed->made);
  embed->made = made;
  embed->shape = shape;
  return TRUE;
}

void
vit_patch_embed_release (VitPatchEmbed *embed)
{
  VitWeights *weights = embed->made.weights;

  embed->made.weights = NULL;
  vit_format_embed_clear (&embed->made);
  embed->made.weights = weights;
}

VitTokensShape
vit_patch_embed_shape (const VitPatchEmbed *embed)
{
  return embed->shape;
}

VitPositionRule
vit_patch_embed_rule (const VitPatchEmbed *embed)
{
  return embed->settings.rule;
}

const double *
vit_patch_embed_mean (const VitPatchEmbed *embed)
{
  return embed->settings.mean;
}

const double *
vit_patch_embed_std (const VitPatchEmbed *embed)
{
  return embed->settings.std;
}

VitPrecision
vit_patch_embed_precision (const VitPatchEmbed *embed)
{
  return embed->settings.precision;
}

double
vit_patch_embed_predicted_error (const VitPatchEmbed *embed)
{
  return embed->predicted_error;
}

const char *
vit_patch_embed_precision_reason (const VitPatchEmbed *embed)
{
  return embed->precision_reason;
}

const char *
vit_patch_embed_kernel (const VitPatchEmbed *embed)
{
  if (embed->settings.precision == VIT_PRECISION_F32)
    return vit_kernel_choose_f32 (vit_cpu_mask ())->name;
  return vit_kernel_choose_fixed (vit_cpu_mask ())->name;
}

VitFrameCounts
vit_patch_embed_plan (VitPatchEmbed *embed, const VitImage *image,
    gboolean keep, guint tolerance, VitParallelFor parallel,
    gpointer user_data)
{
  const VitPlan *plan = &embed->made.plan;
  VitFrameCounts counts;
  guint n_samples;

  vit_format_embed_plan (
      &embed->made, image, keep, tolerance, parallel, user_data);
  vit_plan_patches (plan, VIT_PATCH_KEPT, &counts.n_kept);
  vit_plan_patches (plan, VIT_PATCH_PIXELS, &counts.n_full);
  vit_plan_patches (plan, VIT_PATCH_SAMPLES, &n_samples);
  counts.n_short = plan->may_clamp ? n_samples : 0;
  counts.n_full += n_samples - counts.n_short;
  return counts;
}

void
vit_patch_embed_set_stop (
    VitPatchEmbed *embed, VitIsStopped is_stopped, gpointer stop_data)
{
  embed->is_stopped = is_stopped;
  embed->stop_data = stop_data;
}

gboolean
vit_patch_embed_run (VitPatchEmbed *embed, const VitImage *image,
    gconstpointer previous, gpointer tokens, VitParallelFor parallel,
    gpointer user_data)
{
  VitTokenType type = embed->settings.type;
  gsize n_prefix
      = (gsize) embed->shape.n_prefix_tokens * embed->shape.embed_dim;
  gsize n_bytes = n_prefix * vit_token_type_size (type);
  const guint8 *from = previous;

  if (n_prefix > 0)
    vit_token_type_write (type, embed->prefix_tokens, n_prefix, tokens);
  embed->made.is_stopped = embed->is_stopped;
  embed->made.stop_data = embed->stop_data;
  return vit_format_embed_run (&embed->made, image,
      from ? from + n_bytes : NULL, (guint8 *) tokens + n_bytes, parallel,
      user_data);
}

void
vit_patch_embed_changed (const VitPatchEmbed *embed, guint8 *bits)
{
  const VitPlan *plan = &embed->made.plan;
  guint n_patches = plan->grid_width * plan->grid_height;

  memset (bits, 0, (embed->shape.n_tokens + (gsize) 7) / 8);
  for (guint i = 0; i < n_patches; i++) {
    guint token = embed->shape.n_prefix_tokens + i;

    if (plan->kind[i] != VIT_PATCH_KEPT)
      bits[token / 8] |= (guint8) (1 << token % 8);
  }
}

gboolean
vit_patch_embed_positions (
    const VitPatchEmbed *embed, float **positions, GError **error)
{
  const VitFormatEmbedRequest *request = &embed->made.request;

  *positions = NULL;
  if (embed->model->norm == VIT_INPUT_NORM_LAYER)
    return FALSE;
  if (request->rule == VIT_POSITION_RULE_NONE)
    return TRUE;
  *positions = vit_addend_positions (embed->model, request->rule,
      request->grid_width, request->grid_height, request->square, error);
  return *positions != NULL;
}
