/* SPDX-License-Identifier: MIT
 *
 * A line of JSON as vittokenenc writes it.
 */
#pragma once

#include <gst/check/gstharness.h>
#include <jansson.h>

#define JSON_ROW_CAPS "application/x-ndjson,framerate=25/1"

/* vittokenenc with this content, which takes the frames of tokenenc_frame.h. */
GstHarness *json_row_new_harness (const gchar *content);

/* (transfer full): what one buffer, which is taken, holds: one line of ASCII. */
json_t *json_row_read (GstBuffer *buffer);

/* `expected` is JSON, real numbers of 9 digits; NULL: there is no such field. */
void json_row_assert (json_t *row, const gchar *name, const gchar *expected);
