/* SPDX-License-Identifier: MIT
 *
 * The one place where an error of src/ becomes an error message of an element.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Posts `error` as an element error and frees it.  No lock may be held. */
void gst_vit_error_post (GstElement *element, GError *error);

G_END_DECLS
