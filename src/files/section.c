/* SPDX-License-Identifier: MIT */
#include "files/section.h"

#include "base/refuse.h"

static const char *
json_type_name (const json_t *value)
{
  static const char *const names[] = { "an object", "an array", "a string",
    "an integer", "a real number", "true", "false", "null" };

  return names[json_typeof (value)];
}

gboolean
vit_section_refuse (const VitSection *section, const char *key,
    const json_t *value, const char *expected, GError **error)
{
  return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
      "is %s; expected %s", json_type_name (value), expected);
}

json_t *
vit_section_value (const VitSection *section, const char *key)
{
  json_t *value = json_object_get (section->object, key);

  return json_is_null (value) ? NULL : value;
}

gboolean
vit_section_string (const VitSection *section, const char *key,
    const char **string, GError **error)
{
  json_t *value = vit_section_value (section, key);

  if (value && !json_is_string (value))
    return vit_section_refuse (section, key, value, "a string", error);
  *string = json_string_value (value);
  return TRUE;
}

gboolean
vit_section_inner (const VitSection *section, const char *key,
    VitSection *inner, GError **error)
{
  json_t *value = vit_section_value (section, key);

  if (value && !json_is_object (value))
    return vit_section_refuse (section, key, value, "an object", error);
  inner->path = section->path;
  inner->object = value;
  return TRUE;
}

gboolean
vit_section_boolean (const VitSection *section, const char *key,
    gboolean *boolean, GError **error)
{
  json_t *value = vit_section_value (section, key);

  if (value && !json_is_boolean (value))
    return vit_section_refuse (section, key, value, "true or false", error);
  if (value)
    *boolean = json_is_true (value);
  return TRUE;
}

static gboolean
check_size (const VitSection *section, const char *key, const json_t *value,
    json_int_t least, guint *size, GError **error)
{
  if (!json_is_integer (value))
    return vit_section_refuse (section, key, value, "an integer", error);
  if (json_integer_value (value) < least
      || json_integer_value (value) > G_MAXINT32)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "is %" JSON_INTEGER_FORMAT "; expected %" JSON_INTEGER_FORMAT " to %d",
        json_integer_value (value), least, G_MAXINT32);
  *size = (guint) json_integer_value (value);
  return TRUE;
}

gboolean
vit_section_height_width (const VitSection *section, const char *key,
    guint *height, guint *width, GError **error)
{
  json_t *value = vit_section_value (section, key);
  gsize n = json_array_size (value);

  if (!value)
    return TRUE;
  if (!json_is_array (value))
    return check_size (section, key, value, 1, height, error)
           && check_size (section, key, value, 1, width, error);
  if (n < 2 || n > 3)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "has %" G_GSIZE_FORMAT " values; expected height and width", n);
  return check_size (
             section, key, json_array_get (value, n - 2), 1, height, error)
         && check_size (
             section, key, json_array_get (value, n - 1), 1, width, error);
}

gboolean
vit_section_size (const VitSection *section, const char *key, guint least,
    guint *size, GError **error)
{
  json_t *value = vit_section_value (section, key);

  return !value || check_size (section, key, value, least, size, error);
}

gboolean
vit_section_fraction (const VitSection *section, const char *key,
    double *fraction, GError **error)
{
  json_t *value = vit_section_value (section, key);

  if (!value)
    return TRUE;
  if (!json_is_number (value))
    return vit_section_refuse (section, key, value, "a number", error);
  if (json_number_value (value) <= 0.0 || json_number_value (value) > 1.0)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "is %g; expected a number above 0, at most 1",
        json_number_value (value));
  *fraction = json_number_value (value);
  return TRUE;
}

gboolean
vit_section_channels (const VitSection *section, const char *key,
    double channels[3], gboolean *found, GError **error)
{
  json_t *value = vit_section_value (section, key);

  *found = value != NULL;
  if (!value)
    return TRUE;
  if (json_is_array (value) && json_array_size (value) != 3)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "has %" G_GSIZE_FORMAT " values; expected one for each of R, G, B",
        json_array_size (value));
  for (guint c = 0; c < 3; c++) {
    json_t *number = json_is_array (value) ? json_array_get (value, c) : value;

    if (!json_is_number (number))
      return vit_section_refuse (section, key, number, "three numbers", error);
    channels[c] = json_number_value (number);
  }
  return TRUE;
}
