/* SPDX-License-Identifier: MIT
 *
 * Tokens that come as bytes from another process.  What is taken for a meta
 * lies wholly inside the bytes and is written as the same bytes again.
 */
#include "fuzz.h"

#include <string.h>

#include "gstvittokensbytes.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  GstVitTokensFields fields;
  guint8 *bytes = g_memdup2 (data, size);
  gsize head;

  if (gst_vit_tokens_bytes_read (bytes, size, &fields)) {
    guint8 *again;

    head = gst_vit_tokens_bytes_head_size (&fields);
    g_assert_cmpuint (head + fields.values_size, ==, size);
    g_assert_true (fields.values == bytes + head);
    if (fields.model_id)
      g_assert_true (g_utf8_validate (
          fields.model_id, (gssize) fields.model_id_size, NULL));
    again = g_malloc (head);
    gst_vit_tokens_bytes_write_head (&fields, again);
    g_assert_cmpint (memcmp (again, data, head), ==, 0);
    g_free (again);
  }
  g_free (bytes);
  return 0;
}
