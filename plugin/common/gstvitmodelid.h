/* SPDX-License-Identifier: MIT
 *
 * What metadata call a model: its name and a digest of its files, NAME#DIGEST, by
 * which two models of one name are told apart.
 *
 * Thread-safety: pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full): NAME where the digest is empty. */
gchar *gst_vit_model_id_new (const gchar *name, const gchar *digest);

/* Whether both are of one model: by the digests where both have one, as a copy may
 * have another name, else by the names. */
gboolean gst_vit_model_id_is_same (const gchar *a, const gchar *b);

G_END_DECLS
