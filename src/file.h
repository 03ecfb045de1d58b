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

#include "error.h"

G_BEGIN_DECLS

typedef struct _VitFile VitFile;

/* Opens `path` (any encoding the file system takes) for reading.
 * Errors: NOT_FOUND; READ (no permission; a folder, a FIFO or a device: those
 * could block or never end).  Returns NULL on error; free with
 * vit_file_close(). */
VitFile *vit_file_open (const char *path, GError **error);
void vit_file_close (VitFile *file);

/* The name messages should use: the path as it was given.  Owned by `file`. */
const char *vit_file_path (const VitFile *file);

/* Bytes in the file when it was opened. */
guint64 vit_file_size (const VitFile *file);

/* Reads exactly `length` bytes from `offset`.  A file that has become shorter
 * since it was opened is an error (READ), never a short read. */
gboolean vit_file_read (const VitFile *file, guint64 offset, gsize length,
    void *out /* [length] */, GError **error);

/* Reads the whole file, which must be one JSON object by vit_json_check(), of
 * at most `limit` bytes and `max_values` values.  Errors: those of
 * vit_file_open(); CONFIG, naming file and line; NO_MEMORY.  Ends with a NUL.
 * (transfer full): g_free(). */
char *vit_file_load_json_text (
    const char *path, gsize limit, gsize max_values, GError **error);

/* The same as a tree, for which duplicate names are errors too.
 * (transfer full): json_decref(). */
json_t *vit_file_load_json (
    const char *path, gsize limit, gsize max_values, GError **error);

G_END_DECLS
