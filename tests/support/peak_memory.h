/* SPDX-License-Identifier: MIT
 *
 * The most memory that the process has held.  A sanitizer holds its own beside
 * it, and an emulator's is not the program's.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes, of this process since its start. */
gsize peak_memory (void);

/* Large blocks go back to the system as they are freed.  Else glibc keeps some,
 * and how many differs between runs: more than what a limit allows, while the
 * program holds less.  Call it first. */
void peak_memory_of_blocks_held (void);

G_END_DECLS
