/* SPDX-License-Identifier: MIT
 *
 * The values of one object of a JSON file, each checked for type and range where
 * it is read.  A value that is not there, or null, which Python writes for "not
 * set", leaves what it would have gone to as it was; one of a wrong kind is an
 * error that names file, key, what was found and what was expected.
 *
 * Thread-safety: one thread at a time for one file.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"

G_BEGIN_DECLS

/* Where values are looked up, and what errors name; owns nothing. */
typedef struct {
  const char *path;
  json_t *object; /* not NULL where values are asked for */
} VitSection;

/* All functions below that return gboolean: errors: CONFIG. */

/* (nullable) (transfer none) */
json_t *vit_section_value (const VitSection *section, const char *key);

/* Always FALSE: "FILE: KEY: is an array; expected ..." */
gboolean vit_section_refuse (const VitSection *section, const char *key,
    const json_t *value, const char *expected, GError **error);

/* *string: NULL where there is none; lives as long as the file's values. */
gboolean vit_section_string (const VitSection *section, const char *key,
    const char **string, GError **error);

/* inner->object: NULL where there is none. */
gboolean vit_section_inner (const VitSection *section, const char *key,
    VitSection *inner, GError **error);
gboolean vit_section_boolean (const VitSection *section, const char *key,
    gboolean *boolean, GError **error);

/* A whole number, `least` to 2^31 - 1. */
gboolean vit_section_size (const VitSection *section, const char *key,
    guint least, guint *size, GError **error);

/* A side or [height, width]; [channels, height, width] of timm's input_size. */
gboolean vit_section_height_width (const VitSection *section, const char *key,
    guint *height, guint *width, GError **error);

/* Above 0, at most 1. */
gboolean vit_section_fraction (const VitSection *section, const char *key,
    double *fraction, GError **error);

/* A number for all channels, or one for each. */
gboolean vit_section_channels (const VitSection *section, const char *key,
    double channels[3], gboolean *found, GError **error);

G_END_DECLS
