/* SPDX-License-Identifier: MIT
 *
 * The vectors that patches are compared with, of a file: read once, before the
 * first frame that they are drawn on.
 */
#pragma once

#include <gst/gst.h>

#include "files/npy.h"

G_BEGIN_DECLS

/* More vectors, or more numbers, would take a frame's time; 16 MB at most. */
#define GST_VIT_QUERY_MAX_VECTORS 256
#define GST_VIT_QUERY_MAX_VALUES (1u << 22)

/* All zeros: none read yet.  Of one thread. */
typedef struct {
  GRefString *path;   /* (nullable): of the file that was read last */
  VitNpy *npy;        /* (nullable): what is in it */
  GError *error;      /* (nullable): why nothing of it counts, until it is taken */
  gboolean has_error; /* there was one since it was read */
  guint n_reads;      /* of files, and of none: whether npy is another */
} GstVitQuery;

void gst_vit_query_clear (GstVitQuery *query);

/* (transfer full) (nullable): the vectors of the file.  Errors: those of
 * vit_npy_load(). */
VitNpy *gst_vit_query_load (const gchar *path, GError **error);

/* (transfer none) (nullable): the vectors of the file at `path` (nullable), which
 * is read where it is another string than the last one, not only another text.
 * NULL with an error to be taken, the first since it was read, where they cannot be
 * read, or have not `embed_dim` numbers. */
const VitNpy *gst_vit_query_get (
    GstVitQuery *query, GRefString *path, guint embed_dim);

/* (transfer full) (nullable): that error, once: those of gst_vit_query_load(), and
 * SETTING. */
GError *gst_vit_query_take_error (GstVitQuery *query);

G_END_DECLS
