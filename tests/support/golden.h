/* SPDX-License-Identifier: MIT
 *
 * The golden data: folders of a checkpoint in some family's own layout, frames,
 * and the tokens that the family's own package makes of them.  They are looked
 * for in the folder that the environment variable VIT_TEST_DATA names, or else
 * beside the tests.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

G_BEGIN_DECLS

/* One folder. */
typedef struct {
  gchar *name;
  gchar *folder;
  json_t *description; /* its case.json */
  gboolean trained;    /* the weights are a trained network's */
  guint n_cases;
} Golden;

/* One frame of it. */
typedef struct {
  gint width;
  gint height;
  gchar *frame;        /* the path of the RGB file */
  const gchar *tokens; /* the name of the file of tokens */
  gdouble *expected;   /* [n_values] */
  gsize n_values;
} GoldenCase;

/* (transfer full): a path inside the golden data. */
gchar *golden_path (const gchar *name);

/* Adds a test for each folder, its name after `prefix`; its data is a Golden.
 * Fails if there are fewer folders than there should be. */
void golden_add_tests (const gchar *prefix, GTestDataFunc function);

/* (transfer full): the element with all that makes it give these tokens, on RGB
 * frames. */
gchar *golden_launch (const Golden *golden, const gchar *precision);

GoldenCase golden_read_case (const Golden *golden, guint i);
void golden_case_clear (GoldenCase *one);

G_END_DECLS
