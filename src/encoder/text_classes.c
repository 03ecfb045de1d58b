/* SPDX-License-Identifier: MIT */
#include "encoder/text_classes.h"

#include <math.h>
#include <string.h>

#include "base/refuse.h"
#include "encoder/joint_space.h"
#include "encoder/text_class_names.h"
#include "files/safetensors_metadata.h"

#define MATRIX "text_features"

static const char *const keys[] = { "names", "scale", "bias" };
enum { NAMES, SCALE, BIAS, N_KEYS };

static void
classes_clear (gpointer data)
{
  VitTextClasses *classes = data;

  g_free (classes->vectors);
  g_strfreev (classes->names);
  g_free (classes->reason);
}

VitTextClasses *
vit_text_classes_ref (VitTextClasses *classes)
{
  return g_atomic_rc_box_acquire (classes);
}

void
vit_text_classes_unref (VitTextClasses *classes)
{
  if (classes)
    g_atomic_rc_box_release_full (classes, classes_clear);
}

/* (nullable): the one that is called so, or the only one. */
static const VitTensor *
find_matrix (const VitSafetensors *file, const char *path, GError **error)
{
  const VitTensor *found = vit_safetensors_find (file, MATRIX), *list;
  guint n_tensors, n_matrices = found ? 1 : 0;

  list = vit_safetensors_list (file, &n_tensors);
  for (guint i = 0; i < n_tensors && !vit_safetensors_find (file, MATRIX); i++)
    if (list[i].rank == 2) {
      found = &list[i];
      n_matrices++;
    }
  if (n_matrices == 1)
    return found;
  vit_refuse (error, VIT_ERROR_TENSOR, path, NULL,
      "has %u matrices; expected one, [n_classes][dim], or one that is called "
      MATRIX,
      n_matrices);
  return NULL;
}

static gboolean
check_matrix (const VitTensor *matrix, const char *path,
    const VitEncoderWeights *weights, GError **error)
{
  guint dim = vit_encoder_weights_joint_dim (weights);
  g_autofree char *shape = vit_tensor_shape_string (matrix);

  if (dim == 0)
    return vit_refuse (error, VIT_ERROR_SETTING, path, NULL,
        "is of vectors of texts, but the model %s, as its files describe it, "
        "shares no space with texts; expected one such as CLIP or SigLIP, with "
        "its projection and its config",
        weights->id);
  if (matrix->rank != 2 || matrix->shape[0] == 0)
    return vit_refuse (error, VIT_ERROR_TENSOR, path, matrix->name,
        "is %s; expected [n_classes][dim], of a class or more", shape);
  if (matrix->n_values > VIT_TEXT_CLASSES_MAX_VALUES
      || matrix->shape[0] > VIT_TEXT_CLASSES_MAX)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, matrix->name,
        "is %s; expected at most %d vectors, and %d numbers in all", shape,
        VIT_TEXT_CLASSES_MAX, VIT_TEXT_CLASSES_MAX_VALUES);
  if (matrix->shape[1] != dim)
    return vit_refuse (error, VIT_ERROR_SETTING, path, matrix->name,
        "is %s, but the model %s shares a space of %u dimensions with texts; "
        "expected vectors by the text tower of this same model",
        shape, weights->id, dim);
  return TRUE;
}

/* Each of length 1, in double before it is rounded. */
static gboolean
normalise (VitTextClasses *classes, const VitTensor *matrix, const char *path,
    GError **error)
{
  for (guint i = 0; i < classes->n; i++) {
    float *vector = classes->vectors + (gsize) i * classes->dim;
    double length, squares = 0.0;

    for (guint k = 0; k < classes->dim; k++)
      squares += (double) vector[k] * vector[k];
    length = sqrt (squares);
    if (length == 0.0)
      return vit_refuse (error, VIT_ERROR_VALUE, path, matrix->name,
          "is all zeros in row %u; expected vectors with a direction", i);
    for (guint k = 0; k < classes->dim; k++)
      vector[k] = (float) (vector[k] / length);
  }
  return TRUE;
}

static gboolean
read_vectors (VitTextClasses *classes, const VitSafetensors *file,
    const VitTensor *matrix, const char *path, GError **error)
{
  classes->n = (guint) matrix->shape[0];
  classes->dim = (guint) matrix->shape[1];
  classes->vectors = g_try_new (float, matrix->n_values);
  if (!classes->vectors)
    return vit_refuse (error, VIT_ERROR_NO_MEMORY, path, matrix->name,
        "no memory for %" G_GUINT64_FORMAT " numbers", matrix->n_values);
  return vit_safetensors_read (file, matrix, 0, (gsize) matrix->n_values,
             classes->vectors, error)
         && normalise (classes, matrix, path, error);
}

static gboolean
parse_number (const char *path, const char *key, const char *text, double least,
    double *number, GError **error)
{
  char *end;

  *number = g_ascii_strtod (text, &end);
  return (end != text && *end == '\0' && *number > least
             && *number <= VIT_JOINT_MAX)
         || vit_refuse (error, VIT_ERROR_CONFIG, path, key,
             "is \"%.100s\"; expected a number above %g, up to %g", text, least,
             VIT_JOINT_MAX);
}

/* The file's, where it says them: it may be for a tower alone, or for other
 * probabilities on purpose. */
static gboolean
set_scale (VitTextClasses *classes, const char *path, char **metadata,
    const VitEncoderWeights *weights, GError **error)
{
  const VitJointSpace *joint = &weights->joint;

  if (metadata[SCALE] && !metadata[BIAS] && joint->has_bias)
    return vit_refuse (error, VIT_ERROR_SETTING, path, keys[SCALE],
        "is there without bias, but the model %s has a logit_bias of its own; "
        "expected scale and bias, or neither",
        weights->id);
  if (metadata[SCALE]) {
    classes->has_bias = metadata[BIAS] != NULL;
    return parse_number (path, keys[SCALE], metadata[SCALE], 0.0,
               &classes->scale, error)
           && (!metadata[BIAS]
               || parse_number (path, keys[BIAS], metadata[BIAS],
                   -VIT_JOINT_MAX, &classes->bias, error));
  }
  if (metadata[BIAS])
    return vit_refuse (error, VIT_ERROR_CONFIG, path, keys[BIAS],
        "is there without scale; expected scale, scale and bias, or neither");
  if (!joint->has_scale)
    return vit_refuse (error, VIT_ERROR_SETTING, path, keys[SCALE],
        "is not there, and the files of the model %s have no logit_scale; "
        "expected it in the metadata, as examples/make_classes.py writes it",
        weights->id);
  classes->scale = joint->scale;
  classes->bias = joint->bias;
  classes->has_bias = joint->has_bias;
  return TRUE;
}

static char *
describe (const VitTextClasses *classes, const char *source)
{
  if (classes->has_bias)
    return g_strdup_printf (
        "scale %g, bias %g: %s", classes->scale, classes->bias, source);
  return g_strdup_printf ("scale %g: %s", classes->scale, source);
}

static gboolean
load (VitTextClasses *classes, const VitSafetensors *file, const char *path,
    const VitEncoderWeights *weights, GError **error)
{
  const VitTensor *matrix = find_matrix (file, path, error);
  char *metadata[N_KEYS];
  gboolean is_loaded = FALSE;

  if (!matrix || !check_matrix (matrix, path, weights, error)
      || !vit_safetensors_read_metadata (file, keys, N_KEYS, metadata, error))
    return FALSE;
  if (set_scale (classes, path, metadata, weights, error)
      && read_vectors (classes, file, matrix, path, error)
      && vit_file_check_unchanged (vit_safetensors_file (file), error)) {
    classes->names
        = vit_text_class_names (path, metadata[NAMES], classes->n, error);
    classes->reason = describe (
        classes, metadata[SCALE] ? "the classes' file" : "the model's own");
    is_loaded = classes->names != NULL;
  }
  for (guint i = 0; i < N_KEYS; i++)
    g_free (metadata[i]);
  return is_loaded;
}

VitTextClasses *
vit_text_classes_load (
    const char *path, const VitEncoderWeights *weights, GError **error)
{
  VitSafetensors *file = vit_safetensors_open (path, error);
  VitTextClasses *classes;
  gboolean is_loaded;

  if (!file)
    return NULL;
  classes = g_atomic_rc_box_new0 (VitTextClasses);
  is_loaded = load (classes, file, path, weights, error);
  vit_safetensors_close (file);
  if (is_loaded)
    return classes;
  vit_text_classes_unref (classes);
  return NULL;
}

/* Eight sums, which a processor can add up side by side. */
static double
dot (const float *a, const float *b, gsize n)
{
  double sums[8] = { 0.0 };
  gsize i = 0;

  for (; i + 8 <= n; i += 8)
    for (guint k = 0; k < 8; k++)
      sums[k] += (double) a[i + k] * b[i + k];
  for (; i < n; i++)
    sums[0] += (double) a[i] * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3]))
         + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

void
vit_text_classes_score (
    const VitTextClasses *classes, const float *vector, float *scores)
{
  double length = sqrt (dot (vector, vector, classes->dim));
  double scale = length > 0.0 ? classes->scale / length : 0.0;

  for (guint i = 0; i < classes->n; i++)
    scores[i] = (float) (scale
                             * dot (classes->vectors + (gsize) i * classes->dim,
                                 vector, classes->dim)
                         + classes->bias);
}
