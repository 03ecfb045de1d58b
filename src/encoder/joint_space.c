/* SPDX-License-Identifier: MIT */
#include "encoder/joint_space.h"

#include <math.h>

#include "encoder/row_reader.h"

/* *tensor: NULL where there is none of this name. */
static gboolean
read_number (const VitStage *stage, const char *name, const VitTensor **tensor,
    double *number, GError **error)
{
  g_autofree char *whole = vit_plan_outer_name (stage, name);
  float value;

  *tensor = NULL;
  if (!whole)
    return TRUE;
  *tensor = vit_require_tensor (stage, whole, error);
  if (!*tensor)
    return FALSE;
  if ((*tensor)->n_values != 1)
    return vit_stage_refuse (
        stage, *tensor, VIT_ERROR_TENSOR, error, "but one number is expected");
  if (!vit_checkpoint_read (stage->checkpoint, *tensor, 0, 1, &value, error))
    return FALSE;
  *number = value;
  return TRUE;
}

static gboolean
read_scale (VitJointSpace *space, const VitStage *stage,
    const VitEncoderPlan *plan, GError **error)
{
  const VitTensor *scale, *temperature;
  double logarithm = 0.0, divisor = 1.0;

  if (!read_number (stage, "logit_scale", &scale, &logarithm, error)
      || !read_number (stage, "temperature", &temperature, &divisor, error))
    return FALSE;
  if (!scale && !temperature)
    return TRUE;
  if (plan->max_joint_scale > 0.0)
    logarithm = CLAMP (logarithm, 0.0, log (plan->max_joint_scale));
  space->scale = scale ? exp (logarithm) : 1.0 / divisor;
  space->has_scale = TRUE;
  return (space->scale > 0.0 && space->scale <= VIT_JOINT_MAX)
         || vit_stage_refuse (stage, scale ? scale : temperature,
             VIT_ERROR_VALUE, error,
             "and makes a scale of %g; expected one above 0, up to %g",
             space->scale, VIT_JOINT_MAX);
}

gboolean
vit_joint_space_load (VitJointSpace *space, const VitStage *stage,
    const VitEncoderPlan *plan, GError **error)
{
  const VitTensor *bias;

  space->vector = plan->joint;
  if (plan->joint == VIT_JOINT_NONE)
    return TRUE;
  if (!read_scale (space, stage, plan, error)
      || !read_number (stage, "logit_bias", &bias, &space->bias, error))
    return FALSE;
  space->has_bias = bias != NULL;
  return fabs (space->bias) <= VIT_JOINT_MAX
         || vit_stage_refuse (stage, bias, VIT_ERROR_VALUE, error,
             "and is %g; expected at most %g, or as much below 0", space->bias,
             VIT_JOINT_MAX);
}
