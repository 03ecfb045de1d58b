/* SPDX-License-Identifier: MIT
 *
 * Reading of the configs: a folder goes in, what its JSON files say about the
 * model comes out, each value checked for type and range where it is read.
 */
#include "config.h"

#include <math.h>

#include "file.h"
#include "refuse.h"
#include "section.h"

/* The largest list the names of 21841 classes twice, which is 2 MB; a tree of so
 * many values takes at most some tens of MB. */
#define MAX_CONFIG_BYTES (4 * 1024 * 1024)
#define MAX_CONFIG_VALUES (1 << 17)

/* A pixel in [0,1] is neither shifted nor scaled by more. */
#define MAX_SCALE 1e6

static gboolean
get_patch_size (const VitSection *section, VitConfig *config, GError **error)
{
  guint height = config->patch_size, width = config->patch_size;

  if (!vit_section_height_width (section, "patch_size", &height, &width, error))
    return FALSE;
  if (height != width)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path,
        "patch_size", "is %u x %u; only square patches can be used", height,
        width);
  config->patch_size = height;
  return TRUE;
}

/* `scale` is 255 times the factor by which the family multiplies a pixel:
 * (p scale / 255 - mean) / std = (p / 255 - mean / scale) / (std / scale). */
static gboolean
get_normalisation (const VitSection *section, const char *mean_key,
    const char *std_key, double scale, VitConfig *config, GError **error)
{
  double mean[3], std[3];
  gboolean has_mean, has_std;

  if (!vit_section_channels (section, mean_key, mean, &has_mean, error)
      || !vit_section_channels (section, std_key, std, &has_std, error))
    return FALSE;
  if (has_mean != has_std)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path,
        has_mean ? std_key : mean_key,
        "is missing, although the other of "
        "mean and std is given");
  if (!has_mean)
    return TRUE;
  for (guint c = 0; c < 3; c++) {
    if (!(std[c] > 0.0))
      return vit_refuse (error, VIT_ERROR_CONFIG, section->path, std_key,
          "is %g for channel %u; expected a number above 0", std[c], c);
    config->mean[c] = mean[c] / scale;
    config->std[c] = std[c] / scale;
    if (!(fabs (config->mean[c]) <= MAX_SCALE)
        || !(config->std[c] >= 1.0 / MAX_SCALE)
        || !(config->std[c] <= MAX_SCALE))
      return vit_refuse (error, VIT_ERROR_CONFIG, section->path, std_key,
          "gives a mean of %g and a deviation of %g for channel %u, of a pixel "
          "in [0,1]; expected numbers of a sensible size",
          config->mean[c], config->std[c], c);
  }
  g_free (config->normalisation_source);
  config->normalisation_source = g_strdup (section->path);
  return TRUE;
}

static gboolean
read_preprocessor (const VitSection *section, VitConfig *config, GError **error)
{
  gboolean normalize = TRUE, rescale = TRUE;
  json_t *factor = vit_section_value (section, "rescale_factor");
  double scale = 1.0;

  if (!vit_section_boolean (section, "do_normalize", &normalize, error)
      || !vit_section_boolean (section, "do_rescale", &rescale, error))
    return FALSE;
  if (factor && !json_is_number (factor))
    return vit_section_refuse (
        section, "rescale_factor", factor, "a number", error);
  if (!rescale)
    scale = 255.0;
  else if (factor)
    scale = 255.0 * json_number_value (factor);
  /* 1/255 in decimal digits is 1/255. */
  if (fabs (scale - 1.0) < 1e-9)
    scale = 1.0;
  if (!(scale > 1.0 / MAX_SCALE) || !(scale < MAX_SCALE))
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, "rescale_factor",
        "is %g; expected a number above 0, of a sensible size", scale / 255.0);

  if (normalize)
    return get_normalisation (
        section, "image_mean", "image_std", scale, config, error);
  for (guint c = 0; c < 3; c++) {
    config->mean[c] = 0.0;
    config->std[c] = 1.0 / scale;
  }
  config->normalisation_source = g_strdup (section->path);
  return TRUE;
}

static void
set_family (VitConfig *config, const VitSection *section, const char *key,
    const char *name, const VitFamily *family)
{
  g_autofree char *start = g_strndup (name, 100);

  /* It is shown to people, and comes from a file of any make. */
  config->name = g_strescape (start, NULL);
  config->name_key = key;
  config->name_source = g_strdup (section->path);
  config->family = family;
  if (family) {
    config->rule = family->rule;
    config->family_normalisation = family->normalisation;
  }
}

static gboolean
read_sizes (const VitSection *section, VitConfig *config, GError **error)
{
  guint n_registers = G_MAXUINT;

  if (!vit_section_size (
          section, "num_register_tokens", 0, &n_registers, error))
    return FALSE;
  if (n_registers != G_MAXUINT)
    config->n_registers = (int) n_registers;
  return get_patch_size (section, config, error)
         && vit_section_size (
             section, "hidden_size", 1, &config->embed_dim, error)
         && vit_section_height_width (section, "image_size",
             &config->image_height, &config->image_width, error)
         && vit_section_fraction (
             section, "layer_norm_eps", &config->norm_epsilon, error)
         && vit_section_fraction (
             section, "rms_norm_eps", &config->norm_epsilon, error);
}

static gboolean
read_hugging_face (const VitSection *root, VitConfig *config, GError **error)
{
  const char *type = NULL, *inner_type = NULL;
  const VitFamily *family;
  VitSection tower = *root;

  if (!vit_section_string (root, "model_type", &type, error))
    return FALSE;
  if (!type)
    return TRUE;
  family = vit_family_find (VIT_ORIGIN_HUGGING_FACE, type);
  if (family && family->inside) {
    if (!vit_section_inner (root, family->inside, &tower, error)
        || (tower.object
            && !vit_section_string (&tower, "model_type", &inner_type, error)))
      return FALSE;
    if (!inner_type && !family->layouts[0])
      return vit_refuse (error, VIT_ERROR_CONFIG, root->path, family->inside,
          "does not say by model_type which vision tower is in this %s",
          family->name);
  }
  if (inner_type) {
    type = inner_type;
    family = vit_family_find (VIT_ORIGIN_HUGGING_FACE, type);
  }
  set_family (config, root, "model_type", type, family);
  if (!family || family->refusal || !tower.object)
    return TRUE;
  return read_sizes (&tower, config, error);
}

/* NaFlexVit's arguments; what it does without them goes by its name. */
static gboolean
read_timm_positions (
    const VitSection *arguments, VitConfig *config, GError **error)
{
  const char *mode_key = "pos_embed_interp_mode", *mode = NULL;
  const char *aspect_key = "pos_embed_ar_preserving";
  gboolean aspect = FALSE;

  if (!vit_section_string (arguments, mode_key, &mode, error)
      || !vit_section_boolean (arguments, aspect_key, &aspect, error))
    return FALSE;
  if (aspect)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, arguments->path,
        aspect_key, "is true; no position rule does that");
  if (g_strcmp0 (mode, "bilinear") == 0)
    config->rule = VIT_POSITION_RULE_BILINEAR_ANTIALIAS;
  else if (g_strcmp0 (mode, "bicubic") == 0)
    config->rule = VIT_POSITION_RULE_TIMM;
  else if (mode)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, arguments->path, mode_key,
        "is \"%.100s\"; expected bicubic or bilinear", mode);
  return TRUE;
}

static gboolean
read_timm (const VitSection *root, VitConfig *config, GError **error)
{
  const char *architecture = NULL;
  VitSection pretrained = { 0 }, arguments = { 0 };

  if (!vit_section_string (root, "architecture", &architecture, error)
      || !vit_section_inner (root, "pretrained_cfg", &pretrained, error)
      || !vit_section_inner (root, "model_args", &arguments, error))
    return FALSE;
  set_family (config, root, "architecture", architecture,
      vit_family_find (VIT_ORIGIN_TIMM, architecture));
  /* Older files have its members at the top. */
  if (!pretrained.object)
    pretrained = *root;
  if (!vit_section_height_width (&pretrained, "input_size",
          &config->image_height, &config->image_width, error)
      || !get_normalisation (&pretrained, "mean", "std", 1.0, config, error))
    return FALSE;
  return !arguments.object
         || (vit_section_height_width (&arguments, "img_size",
                 &config->image_height, &config->image_width, error)
             && read_timm_positions (&arguments, config, error));
}

static gboolean
read_open_clip (const VitSection *root, VitConfig *config, GError **error)
{
  const char *timm_name = NULL;
  VitSection model = { 0 }, vision = *root, preprocess = { 0 };

  if (!vit_section_inner (root, "model_cfg", &model, error)
      || !vit_section_inner (root, "preprocess_cfg", &preprocess, error)
      || (model.object
          && !vit_section_inner (&model, "vision_cfg", &vision, error)))
    return FALSE;
  if (preprocess.object
      && !get_normalisation (&preprocess, "mean", "std", 1.0, config, error))
    return FALSE;
  if (!model.object || !vision.object)
    return TRUE;

  if (!vit_section_string (&vision, "timm_model_name", &timm_name, error)
      || !vit_section_height_width (&vision, "image_size",
          &config->image_height, &config->image_width, error))
    return FALSE;
  if (timm_name) {
    set_family (config, root, "timm_model_name", timm_name,
        vit_family_find (VIT_ORIGIN_TIMM, timm_name));
    return TRUE;
  }
  set_family (config, root, "model_cfg", "vision_cfg",
      vit_family_find (VIT_ORIGIN_OPEN_CLIP, "vision_cfg"));
  return get_patch_size (&vision, config, error)
         && vit_section_size (&vision, "width", 1, &config->embed_dim, error);
}

static gboolean
read_config (const VitSection *root, VitConfig *config, GError **error)
{
  if (json_is_string (vit_section_value (root, "architecture")))
    return read_timm (root, config, error);
  return read_hugging_face (root, config, error);
}

/* Processors of text and images together nest the one that counts. */
static gboolean
read_processor (const VitSection *root, VitConfig *config, GError **error)
{
  VitSection images = { 0 };

  if (!vit_section_inner (root, "image_processor", &images, error))
    return FALSE;
  return !images.object || read_preprocessor (&images, config, error);
}

typedef gboolean (*ReadSection) (const VitSection *, VitConfig *, GError **);

static gboolean
read_file (const char *folder, const char *name, ReadSection read,
    VitConfig *config, gboolean *found, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  VitSection root = { path, NULL };
  gboolean valid;

  if (!vit_file_exists (path, found, error))
    return FALSE;
  if (!*found)
    return TRUE;
  root.object = vit_file_load_json (
      path, MAX_CONFIG_BYTES, MAX_CONFIG_VALUES, config->files, error);
  if (!root.object)
    return FALSE;
  valid = read (&root, config, error);
  json_decref (root.object);
  return valid;
}

VitConfig *
vit_config_new (void)
{
  VitConfig *config = g_new0 (VitConfig, 1);

  config->n_registers = -1;
  config->rule = VIT_POSITION_RULE_AUTO;
  config->files = vit_file_states_new ();
  return config;
}

void
vit_config_free (VitConfig *config)
{
  if (!config)
    return;
  g_array_unref (config->files);
  g_free (config->name);
  g_free (config->name_source);
  g_free (config->normalisation_source);
  g_free (config);
}

const char *const *
vit_config_file_names (void)
{
  static const char *const names[]
      = { "config.json", "preprocessor_config.json", "processor_config.json",
          "open_clip_config.json", NULL };

  return names;
}

static gboolean
read_folder (
    const char *folder, gboolean open_clip, VitConfig *config, GError **error)
{
  gboolean found = FALSE;

  if (open_clip
      && !read_file (folder, "open_clip_config.json", read_open_clip, config,
          &found, error))
    return FALSE;
  if (found)
    return TRUE;
  if (!read_file (folder, "config.json", read_config, config, &found, error))
    return FALSE;
  if (!found
      && !read_file (folder, "open_clip_config.json", read_open_clip, config,
          &found, error))
    return FALSE;
  if (config->normalisation_source)
    return TRUE;
  if (!read_file (folder, "preprocessor_config.json", read_preprocessor, config,
          &found, error))
    return FALSE;
  return found
         || read_file (folder, "processor_config.json", read_processor, config,
             &found, error);
}

VitConfig *
vit_config_load (const char *folder, gboolean open_clip, GError **error)
{
  VitConfig *config = vit_config_new ();

  if (read_folder (folder, open_clip, config, error))
    return config;
  vit_config_free (config);
  return NULL;
}
