/* SPDX-License-Identifier: MIT */
#include "view/token_attention.h"

#include <string.h>

guint
vit_attention_view_n_patches (const VitAttentionView *view)
{
  return view->n_tokens - view->n_prefix_tokens;
}

static float
read_value (const VitAttentionView *view, guint head, guint patch)
{
  gsize i = (gsize) head * view->n_tokens + view->n_prefix_tokens + patch;
  float value;

  memcpy (&value, (const guint8 *) view->values + i * sizeof value,
      sizeof value);
  return value;
}

void
vit_attention_view_read (
    const VitAttentionView *view, gint head, float *patches)
{
  guint first = head < 0 ? 0 : (guint) head;
  guint n = head < 0 ? view->n_heads : 1;

  for (guint i = 0; i < vit_attention_view_n_patches (view); i++) {
    double sum = 0.0;

    for (guint k = first; k < first + n; k++)
      sum += read_value (view, k, i);
    patches[i] = (float) (sum / n);
  }
}
