/* SPDX-License-Identifier: MIT
 *
 * Bounded reading of files that someone else made: a path goes in, a regular
 * file of known size comes out, read with pread and never mapped (a file
 * truncated under a map is a SIGBUS).
 *
 * Thread-safety: a VitFile is not written to after it was opened, so several
 * threads may read from one.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "files/file_state.h"

G_BEGIN_DECLS

typedef struct _VitFile VitFile;

/* Whether there is anything at `path`, whatever it is.  What may be there but
 * cannot be looked at (a loop of symbolic links, a folder without permission) is
 * an error, never absent: what it says would silently not count.  Errors: READ. */
gboolean vit_file_exists (const char *path, gboolean *exists, GError **error);

/* Opens `path` (any encoding the file system takes) for reading.
 * Errors: NOT_FOUND; READ (no permission; a folder, a FIFO or a device: those
 * could block or never end).  Returns NULL on error; free with
 * vit_file_close(). */
VitFile *vit_file_open (const char *path, GError **error);
void vit_file_close (VitFile *file);

/* The name messages should use: the path as it was given.  Owned by `file`. */
const char *vit_file_path (const VitFile *file);

/* As it was when it was opened; of that its bytes. */
const struct stat *vit_file_status (const VitFile *file);
guint64 vit_file_size (const VitFile *file);

/* Whether the file that was opened is still as it was then, so that what was
 * read is of one piece; that another took its place meanwhile is no matter.
 * Errors: READ. */
gboolean vit_file_check_unchanged (const VitFile *file, GError **error);

/* Reads exactly `length` bytes from `offset`.  A file that has become shorter
 * since it was opened is an error (READ), never a short read. */
gboolean vit_file_read (const VitFile *file, guint64 offset, gsize length,
    void *out /* [length] */, GError **error);

/* Reads the whole file, which must be one JSON object by vit_json_check(), of
 * at most `limit` bytes and `max_values` values, and appends it to `files`.
 * Errors: those of vit_file_open() and vit_file_check_unchanged(); CONFIG,
 * naming file and line; NO_MEMORY.  Ends with a NUL.
 * (transfer full): g_free(). */
char *vit_file_load_json_text (const char *path, gsize limit, gsize max_values,
    GArray *files /* (nullable): of VitFileState */, GError **error);

/* The same as a tree, for which duplicate names are errors too.
 * (transfer full): json_decref(). */
json_t *vit_file_load_json (const char *path, gsize limit, gsize max_values,
    GArray *files /* likewise */, GError **error);

G_END_DECLS
