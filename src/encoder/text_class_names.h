/* SPDX-License-Identifier: MIT
 *
 * The names of classes that are told by texts: a JSON array of strings, in the
 * metadata of the file of their vectors or in a file beside it.
 *
 * Thread-safety: pure.
 */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* (transfer full, nullable): [n], NULL-terminated; g_strfreev().  `array`: JSON, or
 * NULL for that in the file that is called as `path`, but with the extension
 * ".json".  Each is cleaned by vit_class_name_clean().  Errors: CONFIG for what is
 * not n strings; UNSUPPORTED for too much of it; those of vit_file_open(). */
char **vit_text_class_names (
    const char *path, const char *array, guint n, GError **error);

#define VIT_TEXT_CLASS_NAMES_MAX (32 << 20) /* bytes of JSON */

G_END_DECLS
