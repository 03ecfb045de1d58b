/* SPDX-License-Identifier: MIT
 *
 * What a file is that should be a safetensors file or JSON and is not: told by
 * its name or by how it begins, in a sentence that says what to do instead.
 * People come with files of other frameworks, with archives, and with what a
 * server or a repository put in a file's place.
 *
 * Thread-safety: pure functions, but for the file that is read.
 */
#pragma once

#include "files/file.h"

G_BEGIN_DECLS

/* (nullable): the sentence about a file that ends in a name of another format,
 * ".pth", ".onnx", ...; it completes "FILE: ". */
const char *vit_not_weights_by_name (const char *path);

/* The same by the first bytes.  NULL where they may be a safetensors file's, or
 * of no known kind, or cannot be read.  Text of the file that is quoted is
 * short, valid UTF-8 and not escaped.  (nullable) (transfer full): g_free(). */
char *vit_not_weights_by_content (const VitFile *file);

/* The same for a file that should be JSON and does not begin as an object. */
char *vit_not_json_by_content (const VitFile *file);

G_END_DECLS
