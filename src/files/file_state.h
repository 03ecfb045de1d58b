/* SPDX-License-Identifier: MIT
 *
 * Which files something was read from, and whether they still are those: a
 * GArray of VitFileState, one for each.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include <glib.h>
#include <sys/stat.h>

G_BEGIN_DECLS

typedef struct {
  char *path;
  struct stat status; /* all zero where there was no such file */
} VitFileState;

/* (transfer full): g_array_unref(). */
GArray *vit_file_states_new (void);

/* `status`: of the file as it was opened, from before the first byte was read;
 * NULL: of what lies at `path` now. */
void vit_file_states_add (
    GArray *states, const char *path, const struct stat *status);
void vit_file_states_add_all (GArray *states, const GArray *others);

/* The same device, inode, size and time of change. */
gboolean vit_file_state_is_same (
    const struct stat *then, const struct stat *now);

/* Whether that is so for what lies at each of the paths now. */
gboolean vit_file_states_are_current (const GArray *states);

G_END_DECLS
