/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitquery.h"

#include "base/refuse.h"

void
gst_vit_query_clear (GstVitQuery *self)
{
  g_clear_pointer (&self->path, g_ref_string_release);
  g_clear_pointer (&self->npy, vit_npy_free);
  g_clear_pointer (&self->fault, g_free);
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
  GError *error = NULL;

  gst_vit_query_clear (self);
  self->n_reads++;
  if (!path)
    return;
  self->path = g_ref_string_acquire (path);
  self->npy = gst_vit_query_load (path, &error);
  if (error)
    self->fault = g_strdup (error->message);
  g_clear_error (&error);
}

const VitNpy *
gst_vit_query_get (GstVitQuery *self, GRefString *path, guint embed_dim,
    const gchar **fault)
{
  if (self->path != path)
    read_anew (self, path);
  if (self->npy && self->npy->dim == embed_dim)
    return self->npy;
  if (self->npy && !self->fault)
    self->fault = g_strdup_printf (
        "%s has vectors of %u numbers, the tokens have %u", self->path,
        self->npy->dim, embed_dim);
  *fault = self->fault;
  return NULL;
}
