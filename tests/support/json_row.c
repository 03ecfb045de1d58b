/* SPDX-License-Identifier: MIT */
#include "support/json_row.h"

#include <string.h>

#include "support/tokenenc_frame.h"

GstHarness *
json_row_new_harness (const gchar *content)
{
  GstHarness *harness = tokenenc_new_harness (JSON_ROW_CAPS);

  gst_util_set_object_arg (G_OBJECT (harness->element), "content", content);
  return harness;
}

json_t *
json_row_read (GstBuffer *buffer)
{
  json_error_t error;
  json_t *row;
  GstMapInfo map;

  g_assert_nonnull (buffer);
  g_assert_cmpuint (gst_buffer_n_memory (buffer), ==, 1);
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_assert_true (memchr (map.data, '\n', map.size) == map.data + map.size - 1);
  for (gsize i = 0; i + 1 < map.size; i++)
    g_assert_true (map.data[i] >= ' ' && map.data[i] < 128);
  row = json_loadb (
      (const char *) map.data, map.size, JSON_REJECT_DUPLICATES, &error);
  if (!row)
    g_error ("%s: %.*s", error.text, (int) map.size, (char *) map.data);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  return row;
}

void
json_row_assert (json_t *row, const gchar *name, const gchar *expected)
{
  json_t *field = json_object_get (row, name);
  g_autofree gchar *text = NULL;

  if (field)
    text = json_dumps (field,
        JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION (9));
  g_assert_cmpstr (text, ==, expected);
}
