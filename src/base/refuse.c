/* SPDX-License-Identifier: MIT
 *
 * Wording of errors: path, tensor and text in, a GError with nothing in it
 * that a terminal or a log could trip over out.
 */
#include "base/refuse.h"

gboolean
vit_refuse (GError **error, VitError code, const char *path, const char *tensor,
    const char *format, ...)
{
  g_autofree char *valid_path = g_utf8_make_valid (path, -1);
  g_autofree char *escaped = NULL;
  g_autoptr (GString) message = g_string_new (NULL);
  va_list arguments;

  if (tensor)
    g_string_append_printf (message, "%.200s: ", tensor);
  va_start (arguments, format);
  g_string_append_vprintf (message, format, arguments);
  va_end (arguments);
  escaped = g_strescape (message->str, "\"\\");
  g_set_error (error, VIT_ERROR, code, "%s: %s", valid_path, escaped);
  return FALSE;
}
