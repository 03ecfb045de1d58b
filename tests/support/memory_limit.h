/* SPDX-License-Identifier: MIT
 *
 * Memory that runs out, as it does for the process as a whole.  No sanitizer
 * lives with it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Lets the process have at most so many bytes more than it has now. */
void memory_limit_set (gsize n_bytes);
void memory_limit_lift (void);

G_END_DECLS
