/* SPDX-License-Identifier: MIT */
#include "base/token_type.h"

#include <string.h>

#include "base/dtype.h"

gsize
vit_token_type_size (VitTokenType type)
{
  return type == VIT_TOKEN_F32 ? 4 : 2;
}

double
vit_token_type_largest (VitTokenType type)
{
  switch (type) {
    case VIT_TOKEN_F16:
      return 65504.0;
    case VIT_TOKEN_BF16:
      return 0x1.fep127;
    default:
      return G_MAXFLOAT;
  }
}

const char *
vit_token_type_name (VitTokenType type)
{
  static const char *const names[] = { "float32", "float16", "bfloat16" };

  return names[type];
}

static inline guint32
bits_of (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

/* A tie goes to the even neighbour: half of the last kept bit, less one, plus
 * that bit itself, carries exactly where it must. */
static inline guint16
to_bf16 (float value)
{
  guint32 bits = bits_of (value);

  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return (guint16) (bits >> 16 | 0x40);
  return (guint16) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Below 2^-14 the last kept bit is always worth 2^-24: added to 0.5, whose last
 * bit that is, the machine's own addition rounds to it. */
static inline guint16
to_f16 (float value)
{
  guint32 bits = bits_of (value), sign = bits >> 16 & 0x8000;
  guint32 magnitude = bits & 0x7fffffffu;

  if (magnitude > 0x7f800000u)
    return (guint16) (sign | 0x7e00);
  if (magnitude >= 0x477ff000u)
    return (guint16) (sign | 0x7c00);
  if (magnitude < 0x38800000u) {
    float small;

    memcpy (&small, &magnitude, sizeof small);
    return (guint16) (sign | (bits_of (small + 0.5f) - 0x3f000000u));
  }
  return (guint16) (sign
      | ((magnitude - 0x38000000u + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

void
vit_token_type_write (
    VitTokenType type, const float *values, gsize n, gpointer out)
{
  guint16 *half = out;

  switch (type) {
    case VIT_TOKEN_F32:
      memcpy (out, values, n * sizeof (float));
      return;
    case VIT_TOKEN_F16:
      for (gsize i = 0; i < n; i++)
        half[i] = to_f16 (values[i]);
      return;
    case VIT_TOKEN_BF16:
      for (gsize i = 0; i < n; i++)
        half[i] = to_bf16 (values[i]);
      return;
  }
}

void
vit_token_type_read (
    VitTokenType type, gconstpointer values, gsize n, float *out)
{
  static const VitDType dtypes[] = {
    [VIT_TOKEN_F32] = VIT_DTYPE_F32,
    [VIT_TOKEN_F16] = VIT_DTYPE_F16,
    [VIT_TOKEN_BF16] = VIT_DTYPE_BF16,
  };

  vit_dtype_to_float (dtypes[type], values, out, n);
}
