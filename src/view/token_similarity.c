/* SPDX-License-Identifier: MIT */
#include "view/token_similarity.h"

#include <math.h>

#include "view/vec.h"

/* The queries at length 1; those without a direction NaN. */
static float *
find_directions (const float *queries, gsize n_queries, gsize n)
{
  float *directions = g_new (float, n_queries *n);

  for (gsize q = 0; q < n_queries; q++) {
    const float *query = queries + q * n;
    float norm = sqrtf (vit_vec_dot (query, query, n));

    for (gsize d = 0; d < n; d++)
      directions[q * n + d]
          = norm > 0.0f && isfinite (norm) ? query[d] / norm : NAN;
  }
  return directions;
}

void
vit_token_cosines (const VitTokenView *view, const float *queries,
    guint n_queries, float *cosines)
{
  gsize n = view->embed_dim;
  float *token = g_new (float, n);
  float *directions = find_directions (queries, n_queries, n);

  for (guint i = 0; i < vit_token_view_n_patches (view); i++) {
    float norm;

    vit_token_view_read (view, i, token);
    norm = sqrtf (vit_vec_dot (token, token, n));
    cosines[i] = NAN;
    for (guint q = 0; norm > 0.0f && isfinite (norm) && q < n_queries; q++) {
      float cosine = vit_vec_dot (token, directions + q * n, n) / norm;

      /* Written so that NaN is never taken, and never stays. */
      if (!(cosines[i] >= cosine) && !isnan (cosine))
        cosines[i] = CLAMP (cosine, -1.0f, 1.0f);
    }
  }
  g_free (directions);
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
