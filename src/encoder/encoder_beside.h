/* SPDX-License-Identifier: MIT
 *
 * What lies beside a model's tensors and would make others of its blocks: an adapter
 * in its folder, a quantisation that its config asks for.  The package applies
 * either when it loads the model; here neither is, so features would differ in
 * silence.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "encoder/encoder_plan.h"
#include "model/model_files.h"

G_BEGIN_DECLS

/* FALSE with UNSUPPORTED where there is such a thing; other errors as of
 * vit_adapter_check().  An adapter that is left alone is noted in the plan.  What
 * is read is appended to `files->config->files`. */
gboolean vit_encoder_check_beside (const VitStage *stage,
    VitEncoderPlan *plan, VitModelFiles *files, GError **error);

G_END_DECLS
