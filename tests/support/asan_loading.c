/* SPDX-License-Identifier: MIT
 *
 * What libraries allocate while they are loaded is theirs for good: GLib leaves
 * behind its first table of quarks where that grows.  LeakSanitizer is to pass
 * over it, whatever stack it sees.
 */
#include <sanitizer/lsan_interface.h>

/* Before any library's own constructors. */
__attribute__ ((section (".preinit_array"), used))
static void (*const disable) (void) = __lsan_disable;

/* After them all. */
__attribute__ ((constructor)) static void
enable (void)
{
  __lsan_enable ();
}
