/* SPDX-License-Identifier: MIT
 *
 * Mean and std of x = (pixel / 255 - mean) / std, channels R, G, B: the few
 * that all families share by name, and what a file says about them.
 *
 * A family that multiplies a pixel p in 0 to 255 by a factor f before it
 * normalises gives the same x with other numbers:
 *
 *     (p f - mean) / std = (p / 255 - mean / s) / (std / s),  s = 255 f
 *
 * Thread-safety: constant data; one thread at a time for what is read.
 */
#pragma once

#include "files/section.h"

G_BEGIN_DECLS

typedef struct {
  const char *name; /* whose, for messages */
  double mean[3];
  double std[3];
} VitNormalisation;

extern const VitNormalisation vit_normalisation_imagenet;
extern const VitNormalisation vit_normalisation_half;
extern const VitNormalisation vit_normalisation_clip;
extern const VitNormalisation vit_normalisation_unit; /* x = pixel / 255 */

/* What the files say. */
typedef struct {
  char *source;        /* for people: which file, and whose defaults it leaves
                          to; NULL: no file says */
  gboolean is_assumed; /* the file names code that is not known */
  double mean[3];      /* where there is a source; s is part of both */
  double std[3];
  double scale;        /* s, for mean and std that no file gives; 1 at first */
  char *note;          /* for people: what else is done to a picture; or NULL */
} VitStatedNormalisation;

/* Of a section that has `mean_key` and `std_key`, or lacks both.  Of one that it
 * lacks `defaults` count, which are `whose`; NULL: it is an error to lack
 * one, and without both `stated` stays as it is.  `source`: of the section, for
 * people.  Errors: CONFIG. */
gboolean vit_stated_normalisation_read (const VitSection *section,
    const char *mean_key, const char *std_key, double scale,
    const VitNormalisation *defaults, const char *whose, const char *source,
    VitStatedNormalisation *stated, GError **error);

void vit_stated_normalisation_clear (VitStatedNormalisation *stated);

G_END_DECLS
