/* SPDX-License-Identifier: MIT
 *
 * An allocator that fails once, at the n-th call: of those by which the project
 * asks for memory that it can do without.  They are g_try_...() and
 * posix_memalign() at a cache line.  g_malloc() and g_new(), for what is small and
 * of a size that no file decides, end the process where there is no memory: that is
 * GLib's way, and these never fail here.  Calls that other libraries make, and what
 * the test itself asks for, do not count; but Jansson's do where a test says so.
 *
 * Works under the sanitizers too, which then tell of leaks.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The n-th call from here on fails, counted from 1; 0: none does. */
void failing_memory_set (guint n);

/* Calls since then. */
guint failing_memory_count (void);

/* To be called first in a program: Jansson then asks here.  In test_file.c alone,
 * whose text has short strings alone: of a longer one lex_save() of Jansson ignores
 * that its buffer failed to grow. */
void failing_memory_watch_jansson (void);

typedef gboolean (*FailingMemoryTry) (gpointer data, GError **error);

/* Calls `try` with the first call failing, then with the second and so on, until
 * one goes through; how many there were.  Each must come to NO_MEMORY and a
 * message of one line, and the last must succeed. */
guint failing_memory_each (FailingMemoryTry try, gpointer data);

G_END_DECLS
