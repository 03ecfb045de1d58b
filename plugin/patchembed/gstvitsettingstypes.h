/* SPDX-License-Identifier: MIT
 *
 * What vitpatchembed's properties of several named values may be: the library's
 * enumerations as GTypes, with the nicks that gst-launch takes.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define GST_TYPE_VIT_POSITION_RULE (gst_vit_position_rule_get_type ())
GType gst_vit_position_rule_get_type (void);

#define GST_TYPE_VIT_PRECISION (gst_vit_precision_get_type ())
GType gst_vit_precision_get_type (void);

#define GST_TYPE_VIT_FIT (gst_vit_fit_get_type ())
GType gst_vit_fit_get_type (void);

#define GST_TYPE_VIT_REGIONS (gst_vit_regions_get_type ())
GType gst_vit_regions_get_type (void);

G_END_DECLS
