/* SPDX-License-Identifier: MIT
 *
 * How much a token attends to each patch, of one head or on average.
 *
 * Thread-safety: pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Owns nothing. */
typedef struct {
  gconstpointer values; /* float32 [n_heads][n_tokens], at any address */
  guint n_heads;
  guint n_tokens;
  guint n_prefix_tokens; /* that stand before the patches */
} VitAttentionView;

/* n_tokens - n_prefix_tokens */
guint vit_attention_view_n_patches (const VitAttentionView *view);

/* Of head `head`, less than n_heads, or with -1 the mean of all, whose sum is in
 * double. */
void vit_attention_view_read (const VitAttentionView *view, gint head,
    float *patches /* [n_patches] */);

G_END_DECLS
