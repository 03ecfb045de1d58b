/* SPDX-License-Identifier: MIT */
#include "encoder/text_class_names.h"

#include <string.h>

#include "base/refuse.h"
#include "encoder/class_names.h"
#include "files/file.h"
#include "files/json_text.h"

#define KEY "names"
#define EXPECTED "expected an array of %u strings, as many as there are vectors"

static gboolean
check_length (const char *path, guint64 length, GError **error)
{
  return length <= VIT_TEXT_CLASS_NAMES_MAX
         || vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, KEY,
             "have %" G_GUINT64_FORMAT " bytes; expected at most %d", length,
             VIT_TEXT_CLASS_NAMES_MAX);
}

/* (transfer full, nullable): the text of the file beside, and *beside its path. */
static char *
read_beside (const char *path, char **beside, GError **error)
{
  const char *end = g_str_has_suffix (path, ".safetensors")
                        ? path + strlen (path) - strlen (".safetensors")
                        : path + strlen (path);
  g_autofree char *stem = g_strndup (path, (gsize) (end - path));
  char *text = NULL;
  gboolean exists;
  VitFile *file;

  *beside = g_strconcat (stem, ".json", NULL);
  if (!vit_file_exists (*beside, &exists, error))
    return NULL;
  if (!exists) {
    vit_refuse (error, VIT_ERROR_CONFIG, path, "__metadata__",
        "has no names, and there is no file %s", *beside);
    return NULL;
  }
  file = vit_file_open (*beside, error);
  if (file && check_length (*beside, vit_file_size (file), error)) {
    gsize length = vit_file_size (file);

    text = g_malloc (length + 1);
    text[length] = '\0';
    if (!vit_file_read (file, 0, length, text, error)
        || !vit_file_check_unchanged (file, error))
      g_clear_pointer (&text, g_free);
  }
  vit_file_close (file);
  return text;
}

/* (nullable): the '[' in `object`, of which the array is to be the one member:
 * objects are what can be checked. */
static char *
find_array (const char *path, char *object, guint n, GError **error)
{
  VitJsonFault fault;
  VitJsonWalk walk;
  const char *name;
  char *value = NULL;

  if (!vit_json_check (object, strlen (object), G_MAXSIZE, &fault)) {
    vit_refuse (error, VIT_ERROR_CONFIG, path, KEY, "%s; " EXPECTED,
        fault.reason, n);
    return NULL;
  }
  if (vit_json_count (vit_json_root (object)) == 1) {
    walk = vit_json_walk (vit_json_root (object));
    vit_json_next_member (&walk, &name, &value);
  }
  if (!value || *value != '[') {
    vit_refuse (
        error, VIT_ERROR_CONFIG, path, KEY, "are no array; " EXPECTED, n);
    return NULL;
  }
  if (vit_json_count (value) == n)
    return value;
  vit_refuse (error, VIT_ERROR_CONFIG, path, KEY,
      "are %" G_GSIZE_FORMAT "; " EXPECTED, vit_json_count (value), n);
  return NULL;
}

static char **
take_names (const char *path, char *array, guint n, GError **error)
{
  char **names = g_new0 (char *, n + 1);
  VitJsonWalk walk = vit_json_walk (array);
  char *value;

  for (guint i = 0; vit_json_next_element (&walk, &value); i++) {
    const char *name = vit_json_string (value);

    if (!name) {
      vit_refuse (error, VIT_ERROR_CONFIG, path, KEY,
          "have no string at [%u]; " EXPECTED, i, n);
      g_strfreev (names);
      return NULL;
    }
    names[i] = vit_class_name_clean (name);
  }
  return names;
}

char **
vit_text_class_names (
    const char *path, const char *array, guint n, GError **error)
{
  g_autofree char *beside = NULL, *text = NULL, *object = NULL;

  if (!array) {
    text = read_beside (path, &beside, error);
    if (!text)
      return NULL;
    array = text;
    path = beside;
  } else if (!check_length (path, strlen (array), error)) {
    return NULL;
  }
  object = g_strconcat ("{\"" KEY "\":", array, "}", NULL);
  array = find_array (path, object, n, error);
  return array ? take_names (path, (char *) array, n, error) : NULL;
}
