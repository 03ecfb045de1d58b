/* SPDX-License-Identifier: MIT
 *
 * Reading of the configs: a folder goes in, what its JSON files say about the
 * model comes out, each value checked for type and range where it is read.
 */
#include "model/config.h"

#include <string.h>

#include "base/refuse.h"
#include "files/file.h"
#include "files/section.h"
#include "model/image_processor.h"
#include "model/tower_config.h"

/* The largest list the names of 21841 classes twice, which is 2 MB; a tree of so
 * many values takes at most some tens of MB. */
#define MAX_CONFIG_BYTES (4 * 1024 * 1024)
#define MAX_CONFIG_VALUES (1 << 17)

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

static void
set_family (VitConfig *config, const VitSection *section,
    const VitSection *tower, const char *key, const char *name,
    const VitFamily *family)
{
  g_autofree char *start = g_strndup (name, 100);

  config->root = json_incref (section->object);
  config->tower = tower->object;
  /* It is shown to people, and comes from a file of any make. */
  config->name = g_strescape (start, NULL);
  config->name_key = key;
  config->family = family;
  if (family) {
    config->rule = family->rule;
    config->layer_norm_epsilon = family->norm_epsilon;
    config->family_normalisation = family->normalisation;
  }
}

/* What can be held against the tensors whatever the model is. */
static gboolean
read_input_sizes (const VitSection *section, VitConfig *config, GError **error)
{
  config->sizes_table = TRUE;
  return get_patch_size (section, config, error)
         && vit_section_height_width (section, "image_size",
             &config->image_height, &config->image_width, error)
         && vit_section_fraction (
             section, "layer_norm_eps", &config->layer_norm_epsilon, error)
         && vit_section_fraction (
             section, "rms_norm_eps", &config->rms_norm_epsilon, error);
}

static void
forget_sizes (VitConfig *config)
{
  config->patch_size = config->image_height = config->image_width = 0;
  config->layer_norm_epsilon = config->rms_norm_epsilon = 0.0;
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
  return vit_section_size (
             section, "hidden_size", 1, &config->embed_dim, error)
         && read_input_sizes (section, config, error);
}

/* Of CLIP's kin files of former times may have both; this one counts, whole. */
static gboolean
read_tower (const VitSection *root, const VitFamily *family,
    VitSection *tower, GError **error)
{
  if (family->inside_before
      && !vit_section_inner (root, family->inside_before, tower, error))
    return FALSE;
  return (family->inside_before && tower->object)
         || vit_section_inner (root, family->inside, tower, error);
}

/* Of no type that it must have: no number depends on it. */
static void
read_model_name (const VitSection *section, const char *key, VitConfig *config)
{
  json_t *value = vit_section_value (section, key);

  if (json_is_string (value) && json_string_length (value) > 0)
    config->model_name = g_strdup (json_string_value (value));
}

/* As timm writes it: vit_small_patch14_dinov2.lvd142m */
static void
name_timm_model (const VitSection *pretrained, const char *architecture,
    VitConfig *config)
{
  json_t *tag = vit_section_value (pretrained, "tag");

  config->model_name
      = json_is_string (tag) && json_string_length (tag) > 0
            ? g_strdup_printf ("%s.%s", architecture, json_string_value (tag))
            : g_strdup (architecture);
}

static gboolean
read_hugging_face (const VitSection *root, VitConfig *config, GError **error)
{
  const char *type = NULL, *inner_type = NULL;
  const VitFamily *family;
  VitSection tower = *root;

  read_model_name (root, "_name_or_path", config);
  if (!vit_section_string (root, "model_type", &type, error))
    return FALSE;
  if (!type)
    return read_input_sizes (root, config, error);
  family = vit_family_find (VIT_ORIGIN_HUGGING_FACE, type);
  if (family)
    config->processor = family->processor;
  else if (!vit_tower_config_find (root, &tower, &inner_type, error))
    return FALSE;
  if (family && family->inside) {
    if (!read_tower (root, family, &tower, error)
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
  set_family (config, root, &tower, "model_type", type, family);
  if (family && family->refusal)
    return TRUE;
  if (!tower.object)
    tower = *root;
  if (family)
    return read_sizes (&tower, config, error);
  /* What cannot be read may mean something else there. */
  if (!read_input_sizes (&tower, config, NULL))
    forget_sizes (config);
  return TRUE;
}

static gboolean
refuse_if_true (const VitSection *section, const char *key, GError **error)
{
  gboolean flag = FALSE;

  if (!vit_section_boolean (section, key, &flag, error))
    return FALSE;
  return !flag
         || vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path, key,
             "is true; no position rule does that");
}

/* NaFlexVit's arguments; what it does without them goes by its name. */
static gboolean
read_timm_positions (
    const VitSection *arguments, VitConfig *config, GError **error)
{
  const char *mode_key = "pos_embed_interp_mode", *mode = NULL;
  gboolean antialias = TRUE, bilinear;

  if (!vit_section_string (arguments, mode_key, &mode, error)
      || !vit_section_boolean (
          arguments, "pos_embed_antialias", &antialias, error)
      || !refuse_if_true (arguments, "pos_embed_ar_preserving", error)
      || !refuse_if_true (arguments, "pos_embed_align_corners", error)
      || !refuse_if_true (arguments, "pos_embed_use_grid_sample", error))
    return FALSE;
  bilinear = mode ? strcmp (mode, "bilinear") == 0
                  : config->rule == VIT_POSITION_RULE_BILINEAR_ANTIALIAS;
  if (mode && !bilinear && strcmp (mode, "bicubic") != 0)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, arguments->path, mode_key,
        "is \"%.100s\"; expected bicubic or bilinear", mode);
  if (bilinear)
    config->rule = antialias ? VIT_POSITION_RULE_BILINEAR_ANTIALIAS
                             : VIT_POSITION_RULE_BILINEAR;
  else if (mode || !antialias)
    config->rule
        = antialias ? VIT_POSITION_RULE_TIMM : VIT_POSITION_RULE_SIZE;
  return TRUE;
}

/* A norm given by name has the epsilon of that name, not the architecture's. */
static gboolean
read_timm_norms (
    const VitSection *arguments, VitConfig *config, GError **error)
{
  const char *norm = NULL, *embed_norm = NULL;

  if (!vit_section_string (arguments, "norm_layer", &norm, error)
      || !vit_section_string (
          arguments, "embed_norm_layer", &embed_norm, error))
    return FALSE;
  if (norm)
    config->layer_norm_epsilon = 1e-6;
  if (embed_norm)
    config->rms_norm_epsilon = 1e-6;
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
  set_family (config, root, root, "architecture", architecture,
      vit_family_find (VIT_ORIGIN_TIMM, architecture));
  /* Older files have its members at the top. */
  if (!pretrained.object)
    pretrained = *root;
  name_timm_model (&pretrained, architecture, config);
  if (!vit_section_height_width (&pretrained, "input_size",
          &config->image_height, &config->image_width, error)
      || !vit_stated_normalisation_read (&pretrained, "mean", "std", 1.0,
          &vit_normalisation_imagenet, "timm", "config.json", &config->stated,
          error))
    return FALSE;
  return !arguments.object
         || (vit_section_height_width (&arguments, "img_size",
                 &config->image_height, &config->image_width, error)
             && read_timm_positions (&arguments, config, error)
             && read_timm_norms (&arguments, config, error));
}

/* Arguments of every LayerNorm of the tower, ln_pre among them. */
static gboolean
read_open_clip_norm (
    const VitSection *vision, VitConfig *config, GError **error)
{
  VitSection norm = { 0 };
  const char *key;
  json_t *value;

  if (!vit_section_inner (vision, "norm_kwargs", &norm, error))
    return FALSE;
  if (!norm.object)
    return TRUE;
  json_object_foreach (norm.object, key, value)
    if (strcmp (key, "eps") != 0 && !json_is_true (value))
      return vit_refuse (error, VIT_ERROR_UNSUPPORTED, vision->path,
          "norm_kwargs", "sets %.100s, of which only eps is understood", key);
  return vit_section_fraction (
      &norm, "eps", &config->layer_norm_epsilon, error);
}

static gboolean
read_open_clip (const VitSection *root, VitConfig *config, GError **error)
{
  const char *timm_name = NULL;
  VitSection model = { 0 }, vision = *root, preprocess = { 0 };
  json_t *none = json_object ();
  gboolean valid;

  if (!vit_section_inner (root, "model_cfg", &model, error)
      || !vit_section_inner (root, "preprocess_cfg", &preprocess, error)
      || (model.object
          && !vit_section_inner (&model, "vision_cfg", &vision, error)))
    return FALSE;
  if (!preprocess.object)
    preprocess.object = none;
  valid = vit_stated_normalisation_read (&preprocess, "mean", "std", 1.0,
      &vit_normalisation_clip, "OpenCLIP", "open_clip_config.json",
      &config->stated, error);
  json_decref (none);
  if (!valid)
    return FALSE;
  if (!model.object || !vision.object)
    return TRUE;

  if (!vit_section_string (&vision, "timm_model_name", &timm_name, error)
      || !vit_section_height_width (&vision, "image_size",
          &config->image_height, &config->image_width, error))
    return FALSE;
  if (timm_name) {
    set_family (config, root, &vision, "timm_model_name", timm_name,
        vit_family_find (VIT_ORIGIN_TIMM, timm_name));
    return TRUE;
  }
  set_family (config, root, &vision, "model_cfg", "vision_cfg",
      vit_family_find (VIT_ORIGIN_OPEN_CLIP, "vision_cfg"));
  return get_patch_size (&vision, config, error)
         && vit_section_size (&vision, "width", 1, &config->embed_dim, error)
         && read_open_clip_norm (&vision, config, error);
}

static gboolean
read_quantisation (const VitSection *root, VitConfig *config, GError **error)
{
  VitSection quantisation = { 0 };
  const char *method = NULL;

  if (!vit_section_inner (root, "quantization_config", &quantisation, error)
      || (quantisation.object
          && !vit_section_string (&quantisation, "quant_method", &method, error)))
    return FALSE;
  if (quantisation.object) {
    g_autofree char *start
        = g_strndup (method ? method : "a method without a name", 100);

    config->quantised_by = g_strescape (start, NULL);
  }
  return TRUE;
}

static gboolean
read_config (const VitSection *root, VitConfig *config, GError **error)
{
  if (json_is_string (vit_section_value (root, "architecture")))
    return read_timm (root, config, error);
  return read_hugging_face (root, config, error)
         && read_quantisation (root, config, error);
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
  config->source = g_strdup (path);
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
  config->stated.scale = 1.0;
  config->files = vit_file_states_new ();
  return config;
}

void
vit_config_free (VitConfig *config)
{
  if (!config)
    return;
  json_decref (config->root);
  g_array_unref (config->files);
  g_free (config->source);
  g_free (config->name);
  g_free (config->model_name);
  vit_stated_normalisation_clear (&config->stated);
  g_free (config->quantised_by);
  g_free (config);
}

const char *const *
vit_config_file_names (void)
{
  static const char *const names[]
      = { "config.json", "preprocessor_config.json", "processor_config.json",
          "open_clip_config.json", "adapter_config.json",
          "adapter_model.safetensors", NULL };

  return names;
}

void
vit_config_add_files (GArray *files, const char *path)
{
  const char *const *names = vit_config_file_names ();
  g_autofree char *folder = g_file_test (path, G_FILE_TEST_IS_DIR)
                                ? g_strdup (path)
                                : g_path_get_dirname (path);

  for (gsize i = 0; names[i]; i++) {
    g_autofree char *config = g_build_filename (folder, names[i], NULL);

    vit_file_states_add (files, config, NULL);
  }
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
  return found
         || read_file (folder, "open_clip_config.json", read_open_clip, config,
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

gboolean
vit_config_read_image_processor (
    VitConfig *config, const char *folder, GError **error)
{
  /* timm and OpenCLIP read their own config alone. */
  return config->stated.source
         || vit_image_processor_read (
             folder, config->processor, config->files, &config->stated, error);
}
