/* SPDX-License-Identifier: MIT
 *
 * The grammar of RFC 8259 over bytes in memory.  Containers that are open are
 * kept as one bit each, so that nothing recurses.
 */
#include "files/json_text.h"

#include <string.h>

/* ------------------------------------------------------------ the check */

typedef struct {
  const char *at;
  const char *end;
  gsize n_values;
  gsize max_values;
  guint depth;
  guint8 is_object[VIT_JSON_MAX_NESTING];
  const char *expected; /* what the fault's reason says */
} Check;

static const char *
skip_space (const char *at)
{
  while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
    at++;
  return at;
}

static gboolean
fail (Check *check, const char *expected)
{
  check->expected = expected;
  return FALSE;
}

/* Four hexadecimal digits at `at`; -1 where they are not. */
static int
read_hex (const char *at)
{
  int code = 0;

  for (guint i = 0; i < 4; i++) {
    int digit = g_ascii_xdigit_value (at[i]);

    if (digit < 0)
      return -1;
    code = code * 16 + digit;
  }
  return code;
}

/* check->at is behind a backslash and is left behind the escape. */
static gboolean
check_escape (Check *check)
{
  int code, low;

  if (*check->at != 'u') {
    if (*check->at == '\0' || !strchr ("\"\\/bfnrt", *check->at))
      return fail (check, "an escape that JSON has");
    check->at++;
    return TRUE;
  }
  code = read_hex (check->at + 1);
  if (code < 0)
    return fail (check, "four hexadecimal digits");
  if (code == 0)
    return fail (check, "no \\u0000 in a string");
  if (code >= 0xdc00 && code <= 0xdfff)
    return fail (check, "a Unicode character, not a lone surrogate");
  check->at += 5;
  if (code < 0xd800 || code > 0xdbff)
    return TRUE;
  low = check->at[0] == '\\' && check->at[1] == 'u' ? read_hex (check->at + 2)
                                                    : -1;
  if (low < 0xdc00 || low > 0xdfff)
    return fail (check, "the second half of a Unicode character");
  check->at += 6;
  return TRUE;
}

/* check->at is at the opening quote and is left behind the closing one. */
static gboolean
check_string (Check *check)
{
  const char *start = ++check->at, *invalid;

  while (*check->at != '"') {
    if ((guint8) *check->at < 0x20)
      return fail (check, "the rest of a string");
    if (*check->at++ == '\\' && !check_escape (check))
      return FALSE;
  }
  if (!g_utf8_validate (start, check->at - start, &invalid)) {
    check->at = invalid;
    return fail (check, "UTF-8");
  }
  check->at++;
  return TRUE;
}

static const char *
skip_digits (const char *at)
{
  while (g_ascii_isdigit (*at))
    at++;
  return at;
}

/* As many digits as 2^63, which has 19, are compared as text. */
static gboolean
check_integer (Check *check, const char *digits, const char *end,
    gboolean negative)
{
  const char *largest = negative ? "9223372036854775808"
                                 : "9223372036854775807";

  if (negative && *digits == '0')
    return fail (check, "0, not -0");
  if (end - digits > 19
      || (end - digits == 19 && strncmp (digits, largest, 19) > 0))
    return fail (check, "no integer that is too big for 64 bits");
  check->at = end;
  return TRUE;
}

static gboolean
check_number (Check *check)
{
  gboolean negative = *check->at == '-';
  const char *digits = check->at + negative, *end = skip_digits (digits);

  if (end == digits || (*digits == '0' && end - digits > 1))
    return fail (check, "a value");
  if (*end != '.' && *end != 'e' && *end != 'E')
    return check_integer (check, digits, end, negative);
  if (*end == '.') {
    if (!g_ascii_isdigit (*++end))
      return fail (check, "a digit behind the point");
    end = skip_digits (end);
  }
  if (*end == 'e' || *end == 'E') {
    end++;
    end += *end == '+' || *end == '-';
    if (!g_ascii_isdigit (*end))
      return fail (check, "a digit in the exponent");
    end = skip_digits (end);
  }
  check->at = end;
  return TRUE;
}

static gboolean
check_word (Check *check)
{
  static const char *const words[] = { "true", "false", "null" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_has_prefix (check->at, words[i])) {
      check->at += strlen (words[i]);
      return TRUE;
    }
  return fail (check, "a value");
}

static gboolean
check_name (Check *check)
{
  check->at = skip_space (check->at);
  if (*check->at != '"')
    return fail (check, "a name in quotes");
  if (!check_string (check))
    return FALSE;
  check->at = skip_space (check->at);
  if (*check->at != ':')
    return fail (check, "':'");
  check->at++;
  return TRUE;
}

/* Goes into the container whose bracket check->at is at: to its first value,
 * or behind it where it is empty. */
static gboolean
open_container (Check *check, gboolean *is_empty)
{
  gboolean is_object = *check->at == '{';

  if (check->depth == VIT_JSON_MAX_NESTING)
    return fail (check, "nothing nested deeper than 127 levels");
  check->at = skip_space (check->at + 1);
  *is_empty = *check->at == (is_object ? '}' : ']');
  if (*is_empty) {
    check->at++;
    return TRUE;
  }
  check->is_object[check->depth++] = (guint8) is_object;
  return !is_object || check_name (check);
}

/* After a value: over the ends of containers, to the next value. */
static gboolean
close_containers (Check *check)
{
  while (check->depth > 0) {
    gboolean is_object = check->is_object[check->depth - 1];

    check->at = skip_space (check->at);
    if (*check->at == ',') {
      check->at++;
      return !is_object || check_name (check);
    }
    if (*check->at != (is_object ? '}' : ']'))
      return fail (check, is_object ? "',' or '}'" : "',' or ']'");
    check->at++;
    check->depth--;
  }
  return TRUE;
}

static gboolean
check_values (Check *check)
{
  do {
    gboolean opened = FALSE, is_empty = FALSE, valid;

    check->at = skip_space (check->at);
    if (check->n_values++ == check->max_values)
      return fail (check, "fewer values in all");
    if (*check->at == '{' || *check->at == '[') {
      opened = TRUE;
      valid = open_container (check, &is_empty);
    } else if (*check->at == '"') {
      valid = check_string (check);
    } else if (*check->at == '-' || g_ascii_isdigit (*check->at)) {
      valid = check_number (check);
    } else {
      valid = check_word (check);
    }
    if (!valid)
      return FALSE;
    if ((!opened || is_empty) && !close_containers (check))
      return FALSE;
  } while (check->depth > 0);

  check->at = skip_space (check->at);
  return check->at == check->end || fail (check, "the end");
}

static void
describe (const Check *check, const char *text, VitJsonFault *fault)
{
  guint8 byte = (guint8) *check->at;
  char found[16];

  fault->offset = (gsize) (check->at - text);
  fault->line = 1;
  for (const char *at = text; at < check->at; at++)
    fault->line += *at == '\n';
  if (check->at == check->end)
    g_strlcpy (found, "the end", sizeof found);
  else if (byte == 0)
    g_strlcpy (found, "a NUL", sizeof found);
  else if (byte < 0x80)
    g_snprintf (found, sizeof found, "'%c'", byte);
  else
    g_snprintf (found, sizeof found, "0x%02x", byte);
  g_snprintf (fault->reason, sizeof fault->reason, "found %s; expected %s",
      found, check->expected);
}

gboolean
vit_json_check (const char *text, gsize length, gsize max_values,
    VitJsonFault *fault)
{
  Check check = { .end = text + length, .max_values = max_values };
  const char *nul = memchr (text, '\0', length);
  gboolean valid;

  /* Without one before the end no step can lead past the end. */
  if (nul) {
    check.at = nul;
    valid = fail (&check, "JSON");
  } else {
    check.at = skip_space (text);
    valid = *check.at == '{' ? check_values (&check)
                             : fail (&check, "an object");
  }
  if (!valid)
    describe (&check, text, fault);
  return valid;
}

/* ------------------------------------------- what is known to be well-formed */

static const char *
skip_string (const char *at)
{
  for (at++; *at != '"'; at++)
    at += *at == '\\';
  return at + 1;
}

static const char *
skip_value (const char *at)
{
  guint depth = 0;

  do {
    switch (*at) {
      case '"':
        at = skip_string (at);
        break;
      case '{':
      case '[':
        depth++;
        at++;
        break;
      case '}':
      case ']':
        depth--;
        at++;
        break;
      case ',':
      case ':':
        at++;
        break;
      default:
        at += strcspn (at, ",:]} \t\r\n");
    }
    if (depth > 0)
      at = skip_space (at);
  } while (depth > 0);
  return at;
}

char *
vit_json_root (char *text)
{
  return (char *) skip_space (text);
}

VitJsonWalk
vit_json_walk (char *container)
{
  char *first = (char *) skip_space (container + 1);

  return (VitJsonWalk) { *first == ']' || *first == '}' ? NULL : container };
}

/* Leaves the walk before what comes after `value`. */
static void
step_over (VitJsonWalk *walk, const char *value)
{
  const char *end = skip_space (skip_value (value));

  walk->next = *end == ',' ? (char *) end : NULL;
}

gboolean
vit_json_next_element (VitJsonWalk *walk, char **value)
{
  if (!walk->next)
    return FALSE;
  *value = (char *) skip_space (walk->next + 1);
  step_over (walk, *value);
  return TRUE;
}

gboolean
vit_json_next_member (VitJsonWalk *walk, const char **name, char **value)
{
  char *quote;

  if (!walk->next)
    return FALSE;
  quote = (char *) skip_space (walk->next + 1);
  *value = (char *) skip_space (skip_string (quote));
  *value = (char *) skip_space (*value + 1);
  step_over (walk, *value);
  *name = vit_json_string (quote);
  return TRUE;
}

gsize
vit_json_count (const char *container)
{
  const char *at = skip_space (container + 1);
  gboolean is_object = *container == '{';
  gsize n = 0;

  if (*at == ']' || *at == '}')
    return 0;
  for (;; at = skip_space (at + 1)) {
    if (is_object)
      at = skip_space (skip_space (skip_string (at)) + 1);
    at = skip_space (skip_value (at));
    n++;
    if (*at != ',')
      return n;
  }
}

/* *at is behind the backslash and is left behind the escape. */
static gunichar
read_escape (const char **at)
{
  static const char letters[] = "bfnrt", codes[] = "\b\f\n\r\t";
  const char *letter;
  gunichar code;

  if (**at != 'u') {
    letter = strchr (letters, **at);
    code = (guint8) (letter ? codes[letter - letters] : **at);
    *at += 1;
    return code;
  }
  code = (gunichar) read_hex (*at + 1);
  *at += 5;
  if (code < 0xd800 || code > 0xdbff)
    return code;
  code = 0x10000 + ((code - 0xd800) << 10)
         + ((gunichar) read_hex (*at + 2) - 0xdc00);
  *at += 6;
  return code;
}

/* No character takes more bytes than its escape. */
const char *
vit_json_string (char *value)
{
  const char *at = value + 1;
  char *out = value;

  if (*value != '"')
    return NULL;
  while (*at != '"') {
    if (*at != '\\') {
      *out++ = *at++;
      continue;
    }
    at++;
    out += g_unichar_to_utf8 (read_escape (&at), out);
  }
  *out = '\0';
  return value;
}

gboolean
vit_json_unsigned (const char *value, guint64 *number)
{
  const char *end = skip_digits (value);

  if (end == value || *end == '.' || *end == 'e' || *end == 'E')
    return FALSE;
  *number = 0;
  for (; value < end; value++)
    *number = *number * 10 + (guint64) (*value - '0');
  return TRUE;
}
