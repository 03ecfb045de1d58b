/* SPDX-License-Identifier: MIT
 *
 * What the meta of a record says besides its values, as JSON: the metadata of a
 * .safetensors file, and most of a JSON line.
 */
#pragma once

#include <jansson.h>

#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

/* Kinds of more prefix tokens than this are left out. */
#define GST_VIT_RECORD_FIELDS_MAX_KINDS 1024

/* (transfer full): an object of numbers, strings, booleans and lists of numbers
 * or strings, by the names of the meta's fields; what is not known is not there.
 * Real numbers take 17 digits.  No labels.  `changed`, a character a token, is
 * left out where there are more than `max_changed`: any may have changed then. */
json_t *gst_vit_record_fields_new (
    const GstVitRecord *record, gsize max_changed);

/* Adds what is told of the patches of tokens: the grid, where it lies, and what
 * stands before it. */
void gst_vit_record_fields_add_grid (
    json_t *fields, const GstVitTokensMeta *tokens);

/* (transfer full): what is no UTF-8 becomes U+FFFD, as JSON takes nothing else. */
json_t *gst_vit_record_fields_text (const gchar *text);

G_END_DECLS
