/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitquery.h"

#include "base/refuse.h"

void
gst_vit_query_clear (GstVitQuery *self)
{
  g_clear_pointer (&self->path, g_ref_string_release);
  g_clear_pointer (&self->npy, vit_npy_free);
  g_clear_error (&self->error);
  self->has_error = FALSE;
}

VitNpy *
gst_vit_query_load (const gchar *path, GError **error)
{
  VitNpy *npy = vit_npy_load (path, GST_VIT_QUERY_MAX_VALUES, error);

  if (npy && npy->n_vectors > GST_VIT_QUERY_MAX_VECTORS) {
    vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "has %u vectors; expected at most %u", npy->n_vectors,
        GST_VIT_QUERY_MAX_VECTORS);
    g_clear_pointer (&npy, vit_npy_free);
  }
  return npy;
}

static void
read_anew (GstVitQuery *self, GRefString *path)
{
  gst_vit_query_clear (self);
  self->n_reads++;
  if (!path)
    return;
  self->path = g_ref_string_acquire (path);
  self->npy = gst_vit_query_load (path, &self->error);
  self->has_error = self->npy == NULL;
}

const VitNpy *
gst_vit_query_get (GstVitQuery *self, GRefString *path, guint embed_dim)
{
  if (self->path != path)
    read_anew (self, path);
  if (self->npy && self->npy->dim == embed_dim)
    return self->npy;
  if (self->npy && !self->has_error) {
    vit_refuse (&self->error, VIT_ERROR_SETTING, self->path, NULL,
        "has vectors of %u numbers, the tokens have %u", self->npy->dim,
        embed_dim);
    self->has_error = TRUE;
  }
  return NULL;
}

GError *
gst_vit_query_take_error (GstVitQuery *self)
{
  return g_steal_pointer (&self->error);
}
