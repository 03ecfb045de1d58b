/* SPDX-License-Identifier: MIT
 *
 * JSON read where it stands: a text goes in, its members and elements come out
 * one after another, and nothing is allocated.  jansson takes 20 to 75 times a
 * text's length for its tree, which headers and indexes of any length would
 * make a way to take all memory.
 *
 * A text is checked as a whole first: RFC 8259 with UTF-8, and what jansson
 * refuses too: NUL, also as \u0000, and integers beyond 64 bits with their sign.
 * Duplicate names are left to who knows which of them count.
 *
 * A limit on the number of values bounds what a tree of them would take.
 *
 * Everything after vit_json_check() relies on it; its functions take the text
 * that passed and positions in it that they gave.
 *
 * Thread-safety: pure functions of the caller's text.
 */
#pragma once

#include "base/error.h"

G_BEGIN_DECLS

/* As deep as the reference reader of safetensors goes. */
#define VIT_JSON_MAX_NESTING 127

/* What breaks the rules, and where. */
typedef struct {
  gsize offset;     /* bytes from the start of the text */
  guint line;       /* from 1 */
  char reason[80];  /* "found 'x'; expected a value": bytes as they are */
} VitJsonFault;

/* Whether text[0] to text[length - 1] is one object of at most `max_values`
 * values, all levels together, with nothing but space around it; text[length]
 * must be a NUL. */
gboolean vit_json_check (const char *text, gsize length, gsize max_values,
    VitJsonFault *fault);

/* The only value of a text that was checked: its '{'. */
char *vit_json_root (char *text);

/* How many members or elements the object or array at `container` has. */
gsize vit_json_count (const char *container);

/* A walk over the members of an object or the elements of an array. */
typedef struct {
  char *next; /* what stands before the next one; NULL: there is none */
} VitJsonWalk;

VitJsonWalk vit_json_walk (char *container);

/* FALSE where there is none left.  The name becomes a string in its place in
 * the text, and so the container cannot be walked a second time. */
gboolean vit_json_next_member (
    VitJsonWalk *walk, const char **name, char **value);
gboolean vit_json_next_element (VitJsonWalk *walk, char **value);

/* (nullable): NULL where the value is no string.  It becomes one in its place:
 * to be called once, and only after the walk has gone on to it. */
const char *vit_json_string (char *value);

/* FALSE where the value is no integer, or one below 0 or above 2^63-1. */
gboolean vit_json_unsigned (const char *value, guint64 *number);

G_END_DECLS
