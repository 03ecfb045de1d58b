/* SPDX-License-Identifier: MIT
 *
 * A tensor's values, from their place in a checked safetensors file to float32.
 * The format is little-endian and so is every host this builds on: no value is
 * byte-swapped.
 */
#include "files/safetensors.h"

#include <string.h>

#include "base/refuse.h"

#define CHUNK_BYTES (16 * 1024) /* on the stack, so not larger */

/* By their bits: isfinite() is always true under -ffast-math.  `values` are
 * those from number `first` on. */
static gboolean
check_finite (const char *path, const VitTensor *tensor, const float *values,
    guint64 first, gsize n, GError **error)
{
  for (gsize i = 0; i < n; i++) {
    guint32 bits;

    memcpy (&bits, &values[i], sizeof bits);
    if ((bits & 0x7f800000) == 0x7f800000)
      return vit_refuse (error, VIT_ERROR_VALUE, path, tensor->name,
          "value %" G_GUINT64_FORMAT " is %s; expected a finite float32",
          first + i, (bits & 0x7fffff) != 0 ? "NaN"
          : tensor->dtype == VIT_DTYPE_F64 ? "infinite or too large"
                                           : "infinite");
  }
  return TRUE;
}

gboolean
vit_safetensors_read (const VitSafetensors *file, const VitTensor *tensor,
    guint64 first, gsize n_values, float *values, GError **error)
{
  const VitFile *source = vit_safetensors_file (file);
  const char *path = vit_file_path (source);
  guint8 chunk[CHUNK_BYTES];
  gsize value_bytes, n;

  g_return_val_if_fail (first <= tensor->n_values
      && n_values <= tensor->n_values - first, FALSE);

  if (tensor->dtype == VIT_DTYPE_OTHER)
    return vit_refuse (error, VIT_ERROR_TENSOR, path, tensor->name,
        "has dtype %s; expected F16, BF16, F32 or F64: if the model was "
        "quantised, give it as it was before, or dequantise it and save that",
        tensor->dtype_name);
  if (n_values == 0)
    return TRUE;

  value_bytes = (gsize) (tensor->n_bytes / tensor->n_values);
  for (gsize i = 0; i < n_values; i += n) {
    n = MIN (n_values - i, CHUNK_BYTES / value_bytes);
    if (!vit_file_read (source, tensor->offset + (first + i) * value_bytes,
            n * value_bytes, chunk, error))
      return FALSE;
    vit_dtype_to_float (tensor->dtype, chunk, values + i, n);
    if (!check_finite (path, tensor, values + i, first + i, n, error))
      return FALSE;
  }
  return TRUE;
}
