/* SPDX-License-Identifier: MIT
 *
 * JSON read in its place, held against jansson: what one refuses the other
 * does, and what passes has the same members, strings and integers.
 */
#include "files/json_text.h"

#include <jansson.h>
#include <string.h>

/* One value and all that is in it.  The text is changed by it. */
static void
assert_same_value (char *value, const json_t *expected)
{
  VitJsonWalk walk;
  const char *name;
  guint64 number;
  char *inner;
  gsize n = 0;

  switch (json_typeof (expected)) {
    case JSON_OBJECT:
      g_assert_cmpuint (
          vit_json_count (value), ==, json_object_size (expected));
      walk = vit_json_walk (value);
      while (vit_json_next_member (&walk, &name, &inner))
        assert_same_value (inner, json_object_get (expected, name));
      return;
    case JSON_ARRAY:
      g_assert_cmpuint (vit_json_count (value), ==, json_array_size (expected));
      walk = vit_json_walk (value);
      while (vit_json_next_element (&walk, &inner))
        assert_same_value (inner, json_array_get (expected, n++));
      g_assert_cmpuint (n, ==, json_array_size (expected));
      return;
    case JSON_STRING:
      g_assert_cmpstr (vit_json_string (value), ==, json_string_value (expected));
      return;
    case JSON_INTEGER:
      g_assert_cmpint (vit_json_unsigned (value, &number), ==,
          json_integer_value (expected) >= 0);
      if (json_integer_value (expected) >= 0)
        g_assert_cmpuint (number, ==, (guint64) json_integer_value (expected));
      return;
    default:
      g_assert_false (vit_json_unsigned (value, &number));
      g_assert_null (vit_json_string (value));
  }
}

/* What the two differ in on purpose. */
static gboolean
may_differ (const char *text, const json_error_t *error)
{
  return strstr (text, "-0") || strstr (error->text, "duplicate object key")
         || strstr (error->text, "real number overflow");
}

/* jansson reads up to the length, and an array or nothing as well. */
static void
compare (const char *bytes, gsize length)
{
  g_autofree char *text = g_malloc (length + 1);
  VitJsonFault fault = { 0 };
  json_error_t error = { 0 };
  json_t *expected = json_loadb (bytes, length, JSON_REJECT_DUPLICATES, &error);
  gboolean valid, nul = memchr (bytes, '\0', length) != NULL;

  memcpy (text, bytes, length);
  text[length] = '\0';
  valid = vit_json_check (text, length, G_MAXSIZE, &fault);
  if (!nul && !may_differ (text, &error)
      && valid != (expected && json_is_object (expected)))
    g_error ("'%s': %s, but jansson says %s", text,
        valid ? "passed" : fault.reason, expected ? "yes" : error.text);
  if (!valid) {
    g_assert_cmpuint (fault.offset, <=, length);
    g_assert_cmpuint (fault.line, >=, 1);
    g_assert_true (g_str_has_prefix (fault.reason, "found "));
  } else if (expected) {
    assert_same_value (vit_json_root (text), expected);
  }
  json_decref (expected);
}

static const char *const texts[] = {
  "{}", " \t\r\n{ }\n", "", " ", "[]", "1", "{", "}", "{]", "{}}", "{},", "{}{}",
  "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\" : 1 , \"b\" : 2}", "{a:1}",
  "{\"a\":[]}", "{\"a\":[ ]}", "{\"a\":[1,]}", "{\"a\":[,1]}", "{\"a\":[1 2]}",
  "{\"a\":[1,[2,[3]],{\"b\":[{}]}],\"c\":{\"d\":{}}}", "{\"a\":[1}", "{\"a\":1]",
  "{\"a\":true,\"b\":false,\"c\":null}", "{\"a\":tru}", "{\"a\":nul}",
  "{\"a\":truex}", "{\"a\":nullnull}", "{\"a\":True}", "{\"a\":NaN}",
  "{\"a\":Infinity}", "{\"a\":-Infinity}", "{\"a\":.5}", "{\"a\":5.}",
  "{\"a\":+5}", "{\"a\":5}", "{\"a\":-5}", "{\"a\":-}", "{\"a\":--5}", "{\"a\":01}",
  "{\"a\":00}", "{\"a\":0}", "{\"a\":-01}", "{\"a\":0x10}", "{\"a\":1e5}",
  "{\"a\":1E+5}", "{\"a\":1e-5}", "{\"a\":1e}", "{\"a\":1e+}", "{\"a\":1.5e3}",
  "{\"a\":1.e3}", "{\"a\":1 .5}", "{\"a\":9223372036854775807}",
  "{\"a\":9223372036854775808}", "{\"a\":-9223372036854775808}",
  "{\"a\":-9223372036854775809}", "{\"a\":99999999999999999999}",
  "{\"a\":18446744073709551615}", "{\"a\":99999999999999999999.5}",
  "{\"\":\"\"}", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "{\"a\":\"\\x\"}",
  "{\"a\":\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"}", "{\"\\u0061b\":\"\\uffff\"}",
  "{\"a\":\"\\u0000\"}", "{\"a\":\"\\u00g0\"}", "{\"a\":\"\\u00\"}",
  "{\"a\":\"\\ud83d\"}", "{\"a\":\"\\ud83dx\"}", "{\"a\":\"\\ud83d\\n\"}",
  "{\"a\":\"\\ud83d\\u0041\"}", "{\"a\":\"\\ude00\"}", "{\"a\":\"\\ud83d\\ud83d\"}",
  "{\"a\":\"\\", "{\"a\":\"\\u", "{\"a\":\"\\ud83d\\", "{\"a\":\"\\ud83d\\u",
  "{\"a\":\"\n\"}", "{\"a\":\"\x1f\"}", "{\"a\":\"\x7f\"}", "{\"a\":\"\t\"}",
  "{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}", "{\"a\":\"\xff\"}",
  "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}",
  "{\"a\":\"\xe2\x82\"}", "{\"a\":\"\xef\xbf\xbf\"}", "{\"a\":\"x", "{\"a\":\"x}",
  "{\"a\":1}x", "{\"a\":1} x", "\xef\xbb\xbf{}", "{\"a\":1,\"a\":2}", "{'a':1}",
  "{\"a\"\f:1}", "{\"a\":1}\v", "/**/{}", "{\"a\":1//\n}",
};

static void
test_texts_are_judged_as_by_jansson (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    compare (texts[i], strlen (texts[i]));
}

/* A byte is changed, taken out or put in, or the text is cut. */
static void
test_damaged_texts_are_judged_as_by_jansson (void)
{
  static const char bytes[] = "{}[]\",:\\u0123456789abcdef-+.eE tfn\n\xc3\xa9\xff";

  for (gsize i = 0; i < 200000; i++) {
    const char *from = texts[g_test_rand_int_range (0, G_N_ELEMENTS (texts))];
    g_autoptr (GString) text = g_string_new (from);

    for (int k = g_test_rand_int_range (1, 4); k > 0; k--) {
      gssize at = g_test_rand_int_range (0, (gint32) text->len + 1);
      char byte = bytes[g_test_rand_int_range (0, sizeof bytes - 1)];

      if (g_test_rand_bit ())
        g_string_insert_c (text, at, byte);
      else if (at < (gssize) text->len && g_test_rand_bit ())
        g_string_erase (text, at, 1);
      else if (at < (gssize) text->len)
        text->str[at] = byte;
    }
    compare (text->str, text->len);
  }
}

static void
test_faults_say_where_and_what (void)
{
  static const struct {
    const char *text;
    gsize offset;
    guint line;
    const char *reason;
  } faults[] = {
    { "{\n\"a\": 1,\n}", 10, 3, "found '}'; expected a name in quotes" },
    { "{\"a\":1", 6, 1, "found the end; expected ',' or '}'" },
    { "{\"a\":\"\xff\"}", 6, 1, "found 0xff; expected UTF-8" },
    { "{\"a\" 1}", 5, 1, "found '1'; expected ':'" },
  };
  VitJsonFault fault;

  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_assert_false (vit_json_check (
        faults[i].text, strlen (faults[i].text), G_MAXSIZE, &fault));
    g_assert_cmpuint (fault.offset, ==, faults[i].offset);
    g_assert_cmpuint (fault.line, ==, faults[i].line);
    g_assert_cmpstr (fault.reason, ==, faults[i].reason);
  }
}

/* The root and each element count, a name does not. */
static void
test_values_are_counted (void)
{
  static const char text[] = "{\"a\":[1,2,{}],\"b\":null}";
  VitJsonFault fault;

  g_assert_false (vit_json_check (text, strlen (text), 5, &fault));
  g_assert_true (strstr (fault.reason, "fewer values") != NULL);
  g_assert_true (vit_json_check (text, strlen (text), 6, &fault));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-text/texts-are-judged-as-by-jansson",
      test_texts_are_judged_as_by_jansson);
  g_test_add_func ("/json-text/damaged-texts-are-judged-as-by-jansson",
      test_damaged_texts_are_judged_as_by_jansson);
  g_test_add_func (
      "/json-text/faults-say-where-and-what", test_faults_say_where_and_what);
  g_test_add_func ("/json-text/values-are-counted", test_values_are_counted);
  return g_test_run ();
}
