/* SPDX-License-Identifier: MIT
 *
 * One way to word an error about a file that someone else made:
 *
 *     path: tensor: what was found; what was expected
 *
 * Text from such a file may be of any length and hold codes that a terminal
 * obeys: formats take "%.100s" of it, and all but the path is escaped.
 */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* Always FALSE.  `tensor` may be NULL; `path` is made valid UTF-8. */
gboolean vit_refuse (GError **error, VitError code, const char *path,
    const char *tensor, const char *format, ...) G_GNUC_PRINTF (5, 6);

G_END_DECLS
