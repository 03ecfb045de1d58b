/* SPDX-License-Identifier: MIT
 *
 * Every way in which a field of a GstVitTokensMeta can be forged so that it does
 * not fit the others.  Of the meta of 4 x 3 patches, one prefix token and
 * embed_dim 2 that meta_frame.h makes.
 */
#pragma once

#include "gst/vit/gstvittokensmeta.h"

typedef struct {
  const gchar *name;
  void (*forge) (GstVitTokensMeta *meta, guint number);
  guint number; /* what the function is given */
  const gchar *reason;
} Forgery;

extern const Forgery forgeries[];
extern const guint n_forgeries;
