/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitsimilarity.h"

#include <string.h>

void
gst_vit_similarity_clear (GstVitSimilarity *self)
{
  gst_vit_query_clear (&self->query);
  g_clear_pointer (&self->vectors, g_free);
}

guint
gst_vit_similarity_n_vectors (const GstVitSimilarity *self)
{
  return self->n_framed + (self->npy ? self->npy->n_vectors : 0);
}

/* How many there are. */
static guint
list_points (const GstVitDrawingSettings *settings, guint width, guint height,
    gint points[2 * GST_VIT_SIMILARITY_MAX_POINTS])
{
  guint n = 0;

  if (settings->x >= 0 || settings->y >= 0
      || (settings->n_points == 0 && !settings->query)) {
    points[0] = settings->x < 0 ? (gint) width / 2 : settings->x;
    points[1] = settings->y < 0 ? (gint) height / 2 : settings->y;
    n = 1;
  }
  memcpy (points + 2 * n, settings->points,
      2 * settings->n_points * sizeof *points);
  return n + settings->n_points;
}

/* FALSE if no grid has a patch there. */
static gboolean
find_patch (
    const GstVitGrids *grids, gint x, gint y, GstVitOutline *outline)
{
  for (guint i = 0; i < grids->grids->len; i++) {
    outline->layer = i;
    if (gst_vit_tokens_meta_find_patch (gst_vit_grids_get (grids, i)->meta, x,
            y, &outline->column, &outline->row))
      return TRUE;
  }
  return FALSE;
}

/* FALSE where there is not the memory. */
static gboolean
collect_vectors (GstVitSimilarity *self, const GstVitGrids *grids)
{
  const VitTokenView *views = gst_vit_grids_views (grids);
  gsize dim = views[0].embed_dim;
  gsize n_values = gst_vit_similarity_n_vectors (self) * dim;

  if (n_values > self->n_room) {
    g_free (self->vectors);
    self->vectors = g_try_new (gfloat, n_values);
    self->n_room = self->vectors ? n_values : 0;
    if (!self->vectors)
      return FALSE;
  }
  for (guint i = 0; i < self->n_framed; i++) {
    const GstVitOutline *at = &self->framed[i];
    const VitTokenView *view = &views[at->layer];

    vit_token_view_read (view, at->row * view->grid_width + at->column,
        self->vectors + i * dim);
  }
  if (self->npy)
    memcpy (self->vectors + self->n_framed * dim, self->npy->values,
        self->npy->n_vectors * dim * sizeof (gfloat));
  return TRUE;
}

gboolean
gst_vit_similarity_find (GstVitSimilarity *self,
    const GstVitDrawingSettings *settings, const GstVitGrids *grids,
    guint width, guint height, gboolean *is_new)
{
  gint points[2 * GST_VIT_SIMILARITY_MAX_POINTS];
  guint n_points = list_points (settings, width, height, points);
  gboolean had_npy = self->npy != NULL;
  guint n_reads = self->query.n_reads;

  self->npy = gst_vit_query_get (&self->query, settings->query,
      gst_vit_grids_views (grids)[0].embed_dim);
  *is_new = self->query.n_reads != n_reads || (self->npy != NULL) != had_npy
            || n_points != self->n_points
            || memcmp (points, self->points, 2 * n_points * sizeof *points) != 0;
  memcpy (self->points, points, 2 * n_points * sizeof *points);
  self->n_points = n_points;
  self->n_framed = 0;
  for (guint i = 0; i < n_points; i++) {
    if (find_patch (grids, points[2 * i], points[2 * i + 1],
            &self->framed[self->n_framed]))
      self->n_framed++;
  }
  return collect_vectors (self, grids);
}

gchar *
gst_vit_similarity_describe (const GstVitSimilarity *self)
{
  guint n_framed = self->n_framed;
  guint n_read = gst_vit_similarity_n_vectors (self) - n_framed;

  if (n_framed > 0 && n_read > 0)
    return g_strdup_printf (
        "the best of %u framed and %u of the query", n_framed, n_read);
  if (n_framed > 1)
    return g_strdup_printf ("the best of %u framed patches", n_framed);
  if (n_framed == 1)
    return g_strdup ("the framed patch");
  if (n_read > 1)
    return g_strdup_printf ("the best of %u of the query", n_read);
  if (n_read == 1)
    return g_strdup ("the query");
  if (self->n_points == 0)
    return g_strdup ("no query to compare with");
  if (self->n_points == 1)
    return g_strdup_printf (
        "no patch at %d, %d", self->points[0], self->points[1]);
  return g_strdup ("no patch at any of the points");
}
