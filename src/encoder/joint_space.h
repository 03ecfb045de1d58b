/* SPDX-License-Identifier: MIT
 *
 * The space that a model's pictures and texts share, from its checkpoint: the scale
 * and bias that were learnt with it, which stand outside of both towers.
 *
 *     logit_scale   its exponential is the scale: CLIP, OpenCLIP, SigLIP, AIMv2 ...
 *     temperature   one by it is: TIPSv2
 *     logit_bias    SigLIP, and OpenCLIP's models that were trained like it
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "encoder/encoder_plan.h"

G_BEGIN_DECLS

/* No model comes near; larger scales and biases are taken for damage. */
#define VIT_JOINT_MAX 1e6

/* Which vector it is, the plan says; a tower without the rest of its model has no
 * scale.  Errors: TENSOR for a scale or bias that is not one number; VALUE for one
 * that makes no sense. */
gboolean vit_joint_space_load (VitJointSpace *space, const VitStage *stage,
    const VitEncoderPlan *plan, GError **error);

G_END_DECLS
