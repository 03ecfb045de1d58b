/* SPDX-License-Identifier: MIT
 *
 * A file that changes while it is being read: every call of pread() that the program
 * makes passes here.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* `change` is called once, before the n-th call from here on, counted from 1. */
void file_change_set (guint n, void (*change) (void));

/* Whether it was; else it will not be any more. */
gboolean file_change_is_done (void);

/* Writes what the file at `other` says over the one at `path`, in place and to its
 * length, at a later time, however coarse the file system's clock is. */
void file_overwrite (const char *path, const char *other);

/* Cuts it to this length, likewise. */
void file_cut (const char *path, gsize length);

G_END_DECLS
