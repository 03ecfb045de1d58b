/* SPDX-License-Identifier: MIT
 *
 * Three numbers, of R, G and B, as a property: a GstValueArray of 3 doubles.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* (transfer floating): a GstParamSpecArray, readable and writable before the
 * element is started, of elements of any type: bindings for other languages write
 * ints and strings.  Takes static strings. */
GParamSpec *gst_vit_param_spec_triple (
    const gchar *name, const gchar *nick, const gchar *blurb);

/* FALSE if the array `value` is no three finite numbers. */
gboolean gst_vit_value_get_triple (const GValue *value, double triple[3]);

/* Appends to the array `value`. */
void gst_vit_value_set_triple (GValue *value, const double triple[3]);

G_END_DECLS
