/* SPDX-License-Identifier: MIT */
#include "base/dtype.h"

#include <string.h>

static const VitDTypeInfo dtypes[] = {
  { "F16", VIT_DTYPE_F16, 16 },
  { "BF16", VIT_DTYPE_BF16, 16 },
  { "F32", VIT_DTYPE_F32, 32 },
  { "F64", VIT_DTYPE_F64, 64 },
  { "BOOL", VIT_DTYPE_OTHER, 8 }, { "F4", VIT_DTYPE_OTHER, 4 },
  { "F6_E2M3", VIT_DTYPE_OTHER, 6 }, { "F6_E3M2", VIT_DTYPE_OTHER, 6 },
  { "F8_E4M3", VIT_DTYPE_OTHER, 8 }, { "F8_E5M2", VIT_DTYPE_OTHER, 8 },
  { "F8_E8M0", VIT_DTYPE_OTHER, 8 }, { "F8_E4M3FNUZ", VIT_DTYPE_OTHER, 8 },
  { "F8_E5M2FNUZ", VIT_DTYPE_OTHER, 8 }, { "C64", VIT_DTYPE_OTHER, 64 },
  { "I8", VIT_DTYPE_OTHER, 8 }, { "U8", VIT_DTYPE_OTHER, 8 },
  { "I16", VIT_DTYPE_OTHER, 16 }, { "U16", VIT_DTYPE_OTHER, 16 },
  { "I32", VIT_DTYPE_OTHER, 32 }, { "U32", VIT_DTYPE_OTHER, 32 },
  { "I64", VIT_DTYPE_OTHER, 64 }, { "U64", VIT_DTYPE_OTHER, 64 },
};

const VitDTypeInfo *
vit_dtype_find (const char *name)
{
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (dtypes); i++) {
    if (strcmp (dtypes[i].name, name) == 0)
      return &dtypes[i];
  }
  return NULL;
}

static float
float_from_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static float
float_from_half (guint16 half)
{
  guint32 sign = (guint32) (half & 0x8000) << 16;
  guint32 exponent = (half >> 10) & 0x1f;
  guint32 fraction = half & 0x3ff;

  if (exponent == 0x1f)
    return float_from_bits (sign | 0x7f800000 | fraction << 13);
  if (exponent == 0)
    return (sign != 0 ? -0x1p-24f : 0x1p-24f) * (float) fraction;
  return float_from_bits (sign | (exponent + 127 - 15) << 23 | fraction << 13);
}

static float
convert_f16 (const guint8 *bytes)
{
  guint16 half;

  memcpy (&half, bytes, sizeof half);
  return float_from_half (half);
}

static float
convert_bf16 (const guint8 *bytes)
{
  guint16 upper;

  memcpy (&upper, bytes, sizeof upper);
  return float_from_bits ((guint32) upper << 16);
}

static float
convert_f64 (const guint8 *bytes)
{
  double wide;

  memcpy (&wide, bytes, sizeof wide);
  return (float) wide;
}

void
vit_dtype_to_float (
    VitDType dtype, const guint8 *bytes, float *values, gsize n_values)
{
  switch (dtype) {
    case VIT_DTYPE_F16:
      for (gsize i = 0; i < n_values; i++)
        values[i] = convert_f16 (bytes + 2 * i);
      return;
    case VIT_DTYPE_BF16:
      for (gsize i = 0; i < n_values; i++)
        values[i] = convert_bf16 (bytes + 2 * i);
      return;
    case VIT_DTYPE_F32:
      memcpy (values, bytes, n_values * sizeof (float));
      return;
    case VIT_DTYPE_F64:
      for (gsize i = 0; i < n_values; i++)
        values[i] = convert_f64 (bytes + 8 * i);
      return;
    case VIT_DTYPE_OTHER:
      break;
  }
  g_return_if_reached ();
}
