/* SPDX-License-Identifier: MIT */
#include "view/token_similarity.h"

#include <math.h>

#include "view/vec.h"

void
vit_token_cosines (const VitTokenView *view, const float *query, float *cosines)
{
  gsize n = view->embed_dim;
  float *token = g_new (float, n);
  float query_norm = sqrtf (vit_vec_dot (query, query, n));

  for (guint i = 0; i < vit_token_view_n_patches (view); i++) {
    float norm;

    vit_token_view_read (view, i, token);
    norm = query_norm * sqrtf (vit_vec_dot (token, token, n));
    cosines[i] = norm > 0.0f ? vit_vec_dot (token, query, n) / norm : NAN;
    cosines[i] = CLAMP (cosines[i], -1.0f, 1.0f);
  }
  g_free (token);
}

void
vit_token_norms (const VitTokenView *view, float *norms)
{
  gsize n = view->embed_dim;
  float *token = g_new (float, n);

  for (guint i = 0; i < vit_token_view_n_patches (view); i++) {
    vit_token_view_read (view, i, token);
    norms[i] = sqrtf (vit_vec_dot (token, token, n));
  }
  g_free (token);
}
