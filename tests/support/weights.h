/* SPDX-License-Identifier: MIT
 *
 * Checkpoints for tests: a safetensors file is read into a list, changed and
 * written again, or made from nothing.  A test that asks for a tensor that is
 * not there has an error of its own and ends.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _Weights Weights;

Weights *weights_new (void);
Weights *weights_read (const char *path);
void weights_free (Weights *weights);

/* Adds a float32 tensor of `rank` dimensions, all values 0.5. */
void weights_add (Weights *weights, const char *name, guint rank, ...);

/* Makes one tensor `dtype`, of one byte a value, whatever its values then are.
 */
void weights_set_float8 (
    Weights *weights, const char *name, const char *dtype);

void weights_remove (Weights *weights, const char *name);
void weights_rename (Weights *weights, const char *name, const char *new_name);

/* Puts `prefix` before every name. */
void weights_add_prefix (Weights *weights, const char *prefix);

/* Appends all tensors of `other`. */
void weights_join (Weights *weights, Weights *other /* (transfer full) */);

/* Sets one value of a float32 tensor. */
void weights_set (Weights *weights, const char *name, gsize index, float value);

/* Turns every float32 tensor into "F16" or "BF16", rounded to nearest even, or
 * into "F64", a little beside a float32; `rounded`, a copy of `weights`, gets
 * the float32 nearest to the same values. */
void weights_convert (Weights *weights, const char *dtype, Weights *rounded);

/* Writes all tensors, or those with an index from `first` to before `end`. */
void weights_write (const Weights *weights, const char *path);
void weights_write_some (
    const Weights *weights, guint first, guint end, const char *path);

guint weights_count (const Weights *weights);
const char *weights_name (const Weights *weights, guint index);

G_END_DECLS
