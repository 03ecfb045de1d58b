/* SPDX-License-Identifier: MIT */
#include "model/normalisation.h"

#include <math.h>
#include <string.h>

#include "base/refuse.h"

/* A pixel in [0,1] is neither shifted nor scaled by more. */
#define MAX_SCALE 1e6

const VitNormalisation vit_normalisation_imagenet = {
  "ImageNet", { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }
};
const VitNormalisation vit_normalisation_half = {
  "Inception", { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }
};
const VitNormalisation vit_normalisation_clip = {
  "OpenAI CLIP", { 0.48145466, 0.4578275, 0.40821073 },
  { 0.26862954, 0.26130258, 0.27577711 }
};
const VitNormalisation vit_normalisation_unit = {
  "none", { 0.0, 0.0, 0.0 }, { 1.0, 1.0, 1.0 }
};

static gboolean
set_channels (const VitSection *section, const char *std_key, double scale,
    const double mean[3], const double std[3], VitStatedNormalisation *stated,
    GError **error)
{
  for (guint c = 0; c < 3; c++) {
    if (!(std[c] > 0.0))
      return vit_refuse (error, VIT_ERROR_CONFIG, section->path, std_key,
          "is %g for channel %u; expected a number above 0", std[c], c);
    stated->mean[c] = mean[c] / scale;
    stated->std[c] = std[c] / scale;
    if (!(fabs (stated->mean[c]) <= MAX_SCALE)
        || !(stated->std[c] >= 1.0 / MAX_SCALE)
        || !(stated->std[c] <= MAX_SCALE))
      return vit_refuse (error, VIT_ERROR_CONFIG, section->path, std_key,
          "gives a mean of %g and a deviation of %g for channel %u, of a pixel "
          "in [0,1]; expected numbers of a sensible size",
          stated->mean[c], stated->std[c], c);
  }
  return TRUE;
}

/* (transfer full): "preprocessor_config.json; std: the default of X" */
static char *
name_source (const char *source, gboolean has_mean, gboolean has_std,
    const char *whose)
{
  if (has_mean && has_std)
    return g_strdup (source);
  if (has_mean || has_std)
    return g_strdup_printf ("%s, which has no %s: that of %s", source,
        has_mean ? "std" : "mean", whose);
  return g_strdup_printf ("%s, which has none: those of %s", source, whose);
}

gboolean
vit_stated_normalisation_read (const VitSection *section,
    const char *mean_key, const char *std_key, double scale,
    const VitNormalisation *defaults, const char *whose, const char *source,
    VitStatedNormalisation *stated, GError **error)
{
  double mean[3], std[3];
  gboolean has_mean, has_std;

  if (!vit_section_channels (section, mean_key, mean, &has_mean, error)
      || !vit_section_channels (section, std_key, std, &has_std, error))
    return FALSE;
  if (!defaults && !has_mean && !has_std) {
    stated->scale = scale;
    return TRUE;
  }
  if (!defaults && has_mean != has_std)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path,
        has_mean ? std_key : mean_key,
        "is missing, although the other of "
        "mean and std is given");
  if (!has_mean)
    memcpy (mean, defaults->mean, sizeof mean);
  if (!has_std)
    memcpy (std, defaults->std, sizeof std);
  if (!set_channels (section, std_key, scale, mean, std, stated, error))
    return FALSE;
  g_free (stated->source);
  stated->source = name_source (source, has_mean, has_std, whose);
  return TRUE;
}

void
vit_stated_normalisation_clear (VitStatedNormalisation *stated)
{
  g_clear_pointer (&stated->source, g_free);
  g_clear_pointer (&stated->note, g_free);
}
