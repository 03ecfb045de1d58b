/* SPDX-License-Identifier: MIT
 *
 * Why tokens could not go on as other/tensors, in one sentence that names both
 * sides and, where a property of vitpatchembed would make them fit, that.
 */
#pragma once

#include "gst/vit/gstvittokensmeta.h"

G_BEGIN_DECLS

/* (transfer full).  `meta` is that of the tokens; framerate (nullable): of their
 * frames; `accepted`: the caps that downstream takes. */
gchar *gst_vit_tensor_refusal_describe (const GstVitTokensMeta *meta,
    const GValue *framerate, const GstCaps *accepted);

G_END_DECLS
