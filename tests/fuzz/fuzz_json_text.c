/* SPDX-License-Identifier: MIT
 *
 * JSON read in its place against jansson: an input is a text, which both refuse
 * or both read the same way.
 */
#include "fuzz.h"

#include <jansson.h>
#include <string.h>

#include "files/json_text.h"

static void
compare (char *value, const json_t *expected)
{
  VitJsonWalk walk;
  const char *name;
  guint64 number;
  char *inner;
  gsize n = 0;

  if (json_is_object (expected)) {
    g_assert_cmpuint (vit_json_count (value), ==, json_object_size (expected));
    walk = vit_json_walk (value);
    while (vit_json_next_member (&walk, &name, &inner))
      compare (inner, json_object_get (expected, name));
  } else if (json_is_array (expected)) {
    g_assert_cmpuint (vit_json_count (value), ==, json_array_size (expected));
    walk = vit_json_walk (value);
    while (vit_json_next_element (&walk, &inner))
      compare (inner, json_array_get (expected, n++));
    g_assert_cmpuint (n, ==, json_array_size (expected));
  } else if (json_is_string (expected)) {
    g_assert_cmpstr (vit_json_string (value), ==, json_string_value (expected));
  } else if (vit_json_unsigned (value, &number)) {
    g_assert_true (json_is_integer (expected));
    g_assert_cmpint (json_integer_value (expected), ==, (json_int_t) number);
  } else {
    g_assert_false (
        json_is_integer (expected) && json_integer_value (expected) >= 0);
  }
}

/* -0, duplicates, reals beyond a double's range and depth: on purpose. */
static gboolean
may_differ (const char *text, const json_error_t *error)
{
  return strstr (text, "-0") || strstr (error->text, "duplicate object key")
         || strstr (error->text, "real number overflow");
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  char *text = g_malloc (size + 1);
  VitJsonFault fault;
  json_error_t error;
  json_t *expected = json_loadb (
      (const char *) data, size, JSON_REJECT_DUPLICATES, &error);
  gboolean valid;

  memcpy (text, data, size);
  text[size] = '\0';
  valid = vit_json_check (text, size, G_MAXSIZE, &fault);
  if (valid && expected)
    compare (vit_json_root (text), expected);
  else if (valid)
    g_assert_true (may_differ (text, &error));
  else if (json_is_object (expected))
    g_assert_true (strlen (text) < size || may_differ (text, &error)
                   || strstr (fault.reason, "nested"));
  json_decref (expected);
  g_free (text);
  return 0;
}
