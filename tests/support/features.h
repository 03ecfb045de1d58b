/* SPDX-License-Identifier: MIT
 *
 * The golden data of encoders: folders of a whole model as its package saves it,
 * and for some frames what that package computes in float64.  Those kept with the
 * tests are one frame a family; more are looked for in the folder that the
 * environment variable VIT_TEST_FEATURES names, or else in shared/features beside
 * the project.
 */
#pragma once

#include <glib.h>
#include <jansson.h>

#include "encoder/encoder.h"
#include "model/model.h"
#include "support/npy.h"

G_BEGIN_DECLS

typedef struct {
  char *name;
  char *folder; /* of case.json and the arrays */
  char *model;  /* what `model=` is given */
  json_t *description; /* its case.json */
} Features;

/* Adds a test for each folder, its name after `prefix`; its data is a Features.
 * Fails if there are fewer than there should be. */
void features_add_tests (const char *prefix, GTestDataFunc function);

/* The same for pictures beside texts: tests/golden/zero-shot, whose `model` may lie
 * elsewhere. */
void features_add_zero_shot_tests (const char *prefix, GTestDataFunc function);

/* The same for those folders alone that are kept with the tests and whose first
 * case has the array `key`; at least `least` of them. */
void features_add_kept_tests (const char *prefix, const char *key, guint least,
    GTestDataFunc function);

/* (nullable) (transfer full): the trained model, which lies among the examples;
 * NULL where its arrays are not there; features_free(). */
Features *features_trained (void);
void features_free (gpointer features);

/* Frames, and what one of them says. */
guint features_n_cases (const Features *features);
const json_t *features_case (const Features *features, guint i);

/* (transfer full, nullable): an array of a case, "tokens", "block1", ...; NULL
 * where it has none. */
Npy *features_array (const Features *features, guint i, const char *key);

/* The relative L2 error of [n_tokens][dim] values, and the greatest of any: beside
 * an array of a case, which may have the last rows alone, the patches'.  FALSE where
 * the case has no such array. */
gboolean features_compare (const Features *features, guint i, const char *key,
    const float *found, gsize n_values, double *relative, double *greatest);

/* (transfer full): the pixels of the frame, RGB, tightly packed. */
char *features_frame (
    const Features *features, guint i, guint *width, guint *height);

/* (transfer full): the frame's tokens by the input stage, [n_tokens][D], and
 * their grid. */
float *features_tokens (const Features *features, VitModel *model, guint i,
    VitEncoderGrid *grid, guint *n_tokens);

/* |a - b| / |b| */
double relative_l2 (const float *a, const float *b, gsize n);

G_END_DECLS
