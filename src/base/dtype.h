/* SPDX-License-Identifier: MIT
 *
 * The types of number in a safetensors file: what they are called, how wide
 * they are, and the floating-point ones as float32.  Names and widths are those
 * of https://github.com/huggingface/safetensors, `safetensors/src/tensor.rs`;
 * values are little-endian, at any alignment.
 *
 * Thread-safety: the table is const; the functions are pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  VIT_DTYPE_F16,
  VIT_DTYPE_BF16,
  VIT_DTYPE_F32,
  VIT_DTYPE_F64,
  VIT_DTYPE_OTHER, /* known to the format, not readable as numbers here */
} VitDType;

typedef struct {
  const char *name; /* as in the file: "F32", "F8_E4M3", ... */
  VitDType dtype;
  guint n_bits;     /* of a value; not always whole bytes */
} VitDTypeInfo;

/* (nullable): the type of this name, which may be NULL. */
const VitDTypeInfo *vit_dtype_find (const char *name);

/* Any type but OTHER; F64 is rounded to nearest.  Nothing is checked: NaN,
 * infinity and what is too large come out as they are in float32. */
void vit_dtype_to_float (VitDType dtype, const guint8 *bytes,
    float *values /* [n_values] */, gsize n_values);

G_END_DECLS
