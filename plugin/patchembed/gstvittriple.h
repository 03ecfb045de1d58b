/* SPDX-License-Identifier: MIT
 *
 * Three numbers, of R, G and B, as a property: a GstValueArray of 3 doubles.
 *
 * GStreamer's own GParamSpec of an array puts 0 in place of every element that
 * is not of the element's type, where bindings for other languages write ints
 * and strings.  Here these become what they say.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* (transfer floating): a GstParamSpecArray of doubles, readable and writable
 * before the element is started.  What is no number stays what it is, for
 * gst_vit_value_get_triple() to refuse.  Takes static strings. */
GParamSpec *gst_vit_param_spec_triple (
    const gchar *name, const gchar *nick, const gchar *blurb);

/* FALSE if the array `value` is no three finite numbers. */
gboolean gst_vit_value_get_triple (const GValue *value, double triple[3]);

/* Appends to the array `value`. */
void gst_vit_value_set_triple (GValue *value, const double triple[3]);

G_END_DECLS
