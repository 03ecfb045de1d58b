/* SPDX-License-Identifier: MIT
 *
 * Why values could not go on as other/tensors, in one sentence that names both
 * sides and, where a property of vitpatchembed would make tokens fit, that.
 */
#pragma once

#include <gst/base/gstbasetransform.h>

#include "tokenenc/gstvitrecord.h"

G_BEGIN_DECLS

/* Posts the error, by the caps of the element's pads. */
void gst_vit_tensor_refusal_post (
    GstBaseTransform *element, const GstVitRecord *record);

G_END_DECLS
