/* SPDX-License-Identifier: MIT
 *
 * The types in which tokens are written: float32, or rounded to nearest even to
 * 16 bits of either kind.  Rounding is written out in whole numbers, the same
 * on every machine.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The type of one value of a token. */
typedef enum {
  VIT_TOKEN_F32,
  VIT_TOKEN_F16,  /* IEEE 754 binary16 */
  VIT_TOKEN_BF16, /* the upper half of a binary32 */
} VitTokenType;

/* Bytes: 4 or 2. */
gsize vit_token_type_size (VitTokenType type);

/* The largest finite number of the type. */
double vit_token_type_largest (VitTokenType type);

/* "float32", "float16", "bfloat16": for people. */
const char *vit_token_type_name (VitTokenType type);

/* And back, exactly; `values` at any alignment. */
void vit_token_type_read (
    VitTokenType type, gconstpointer values, gsize n, float *out);

/* values[i] as `type`; what is past vit_token_type_largest(), rounded, is infinite. */
void vit_token_type_write (
    VitTokenType type, const float *values, gsize n, gpointer out);

G_END_DECLS
