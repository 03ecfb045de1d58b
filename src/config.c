/* SPDX-License-Identifier: MIT
 *
 * Reading of the configs: a folder goes in, what its JSON files say about the
 * model comes out, each value checked for type and range where it is read.
 */
#include "config.h"

#include <math.h>

#include "file.h"
#include "refuse.h"

/* Tokenizers aside, no config comes near this. */
#define MAX_CONFIG_BYTES (16 * 1024 * 1024)

/* A pixel in [0,1] is neither shifted nor scaled by more. */
#define MAX_SCALE 1e6

/* One object of one file: where values are looked up, and what errors name. */
typedef struct {
  const char *path;
  json_t *object; /* not NULL */
} Section;

static const char *
json_type_name (const json_t *value)
{
  static const char *const names[] = { "an object", "an array", "a string",
    "an integer", "a real number", "true", "false", "null" };

  return names[json_typeof (value)];
}

static gboolean
refuse_type (const Section *section, const char *key, const json_t *value,
    const char *expected, GError **error)
{
  return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
      "is %s; expected %s", json_type_name (value), expected);
}

/* Python writes None for "not set". */
static json_t *
get_value (const Section *section, const char *key)
{
  json_t *value = json_object_get (section->object, key);

  return json_is_null (value) ? NULL : value;
}

static gboolean
get_string (const Section *section, const char *key, const char **string,
    GError **error)
{
  json_t *value = get_value (section, key);

  if (value && !json_is_string (value))
    return refuse_type (section, key, value, "a string", error);
  *string = json_string_value (value);
  return TRUE;
}

static gboolean
get_section (
    const Section *section, const char *key, Section *inner, GError **error)
{
  json_t *value = get_value (section, key);

  if (value && !json_is_object (value))
    return refuse_type (section, key, value, "an object", error);
  inner->path = section->path;
  inner->object = value;
  return TRUE;
}

static gboolean
get_boolean (
    const Section *section, const char *key, gboolean *boolean, GError **error)
{
  json_t *value = get_value (section, key);

  if (value && !json_is_boolean (value))
    return refuse_type (section, key, value, "true or false", error);
  if (value)
    *boolean = json_is_true (value);
  return TRUE;
}

static gboolean
check_size (const Section *section, const char *key, const json_t *value,
    json_int_t least, guint *size, GError **error)
{
  if (!json_is_integer (value))
    return refuse_type (section, key, value, "an integer", error);
  if (json_integer_value (value) < least
      || json_integer_value (value) > G_MAXINT32)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "is %" JSON_INTEGER_FORMAT "; expected %" JSON_INTEGER_FORMAT
        " to %d",
        json_integer_value (value), least, G_MAXINT32);
  *size = (guint) json_integer_value (value);
  return TRUE;
}

/* A side or [height, width]; [channels, height, width] of timm's input_size. */
static gboolean
get_height_width (const Section *section, const char *key, guint *height,
    guint *width, GError **error)
{
  json_t *value = get_value (section, key);
  gsize n = json_array_size (value);

  if (!value)
    return TRUE;
  if (!json_is_array (value))
    return check_size (section, key, value, 1, height, error)
           && check_size (section, key, value, 1, width, error);
  if (n < 2 || n > 3)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "has %" G_GSIZE_FORMAT " values; expected height and width", n);
  return check_size (
             section, key, json_array_get (value, n - 2), 1, height, error)
         && check_size (
             section, key, json_array_get (value, n - 1), 1, width, error);
}

static gboolean
get_patch_size (const Section *section, VitConfig *config, GError **error)
{
  guint height = config->patch_size, width = config->patch_size;

  if (!get_height_width (section, "patch_size", &height, &width, error))
    return FALSE;
  if (height != width)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path,
        "patch_size", "is %u x %u; only square patches can be used", height,
        width);
  config->patch_size = height;
  return TRUE;
}

static gboolean
get_size (const Section *section, const char *key, guint *size, GError **error)
{
  json_t *value = get_value (section, key);

  return !value || check_size (section, key, value, 1, size, error);
}

static gboolean
get_epsilon (
    const Section *section, const char *key, double *epsilon, GError **error)
{
  json_t *value = get_value (section, key);

  if (!value)
    return TRUE;
  if (!json_is_number (value))
    return refuse_type (section, key, value, "a number", error);
  if (json_number_value (value) <= 0.0 || json_number_value (value) > 1.0)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "is %g; expected a number above 0, at most 1",
        json_number_value (value));
  *epsilon = json_number_value (value);
  return TRUE;
}

/* A number for all channels, or one for each. */
static gboolean
get_channels (const Section *section, const char *key, double channels[3],
    gboolean *found, GError **error)
{
  json_t *value = get_value (section, key);

  *found = value != NULL;
  if (!value)
    return TRUE;
  if (json_is_array (value) && json_array_size (value) != 3)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "has %" G_GSIZE_FORMAT " values; expected one for each of R, G, B",
        json_array_size (value));
  for (guint c = 0; c < 3; c++) {
    json_t *number = json_is_array (value) ? json_array_get (value, c) : value;

    if (!json_is_number (number))
      return refuse_type (section, key, number, "three numbers", error);
    channels[c] = json_number_value (number);
  }
  return TRUE;
}

/* `scale` is 255 times the factor by which the family multiplies a pixel:
 * (p scale / 255 - mean) / std = (p / 255 - mean / scale) / (std / scale). */
static gboolean
get_normalisation (const Section *section, const char *mean_key,
    const char *std_key, double scale, VitConfig *config, GError **error)
{
  double mean[3], std[3];
  gboolean has_mean, has_std;

  if (!get_channels (section, mean_key, mean, &has_mean, error)
      || !get_channels (section, std_key, std, &has_std, error))
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
read_preprocessor (const Section *section, VitConfig *config, GError **error)
{
  gboolean normalize = TRUE, rescale = TRUE;
  json_t *factor = get_value (section, "rescale_factor");
  double scale = 1.0;

  if (!get_boolean (section, "do_normalize", &normalize, error)
      || !get_boolean (section, "do_rescale", &rescale, error))
    return FALSE;
  if (factor && !json_is_number (factor))
    return refuse_type (section, "rescale_factor", factor, "a number", error);
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
set_family (VitConfig *config, const Section *section, const char *key,
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
read_sizes (const Section *section, VitConfig *config, GError **error)
{
  guint n_registers;
  json_t *value = get_value (section, "num_register_tokens");

  if (value) {
    if (!check_size (
            section, "num_register_tokens", value, 0, &n_registers, error))
      return FALSE;
    config->n_registers = (int) n_registers;
  }
  return get_patch_size (section, config, error)
         && get_size (section, "hidden_size", &config->embed_dim, error)
         && get_height_width (section, "image_size", &config->image_height,
             &config->image_width, error)
         && get_epsilon (
             section, "layer_norm_eps", &config->norm_epsilon, error)
         && get_epsilon (section, "rms_norm_eps", &config->norm_epsilon, error);
}

static gboolean
read_hugging_face (const Section *root, VitConfig *config, GError **error)
{
  const char *type = NULL, *inner_type = NULL;
  const VitFamily *family;
  Section tower = *root;

  if (!get_string (root, "model_type", &type, error))
    return FALSE;
  if (!type)
    return TRUE;
  family = vit_family_find (VIT_ORIGIN_HUGGING_FACE, type);
  if (family && family->inside) {
    if (!get_section (root, family->inside, &tower, error)
        || (tower.object
            && !get_string (&tower, "model_type", &inner_type, error)))
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
    const Section *arguments, VitConfig *config, GError **error)
{
  const char *mode_key = "pos_embed_interp_mode", *mode = NULL;
  const char *aspect_key = "pos_embed_ar_preserving";
  gboolean aspect = FALSE;

  if (!get_string (arguments, mode_key, &mode, error)
      || !get_boolean (arguments, aspect_key, &aspect, error))
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
read_timm (const Section *root, VitConfig *config, GError **error)
{
  const char *architecture = NULL;
  Section pretrained = { 0 }, arguments = { 0 };

  if (!get_string (root, "architecture", &architecture, error)
      || !get_section (root, "pretrained_cfg", &pretrained, error)
      || !get_section (root, "model_args", &arguments, error))
    return FALSE;
  set_family (config, root, "architecture", architecture,
      vit_family_find (VIT_ORIGIN_TIMM, architecture));
  /* Older files have its members at the top. */
  if (!pretrained.object)
    pretrained = *root;
  if (!get_height_width (&pretrained, "input_size", &config->image_height,
          &config->image_width, error)
      || !get_normalisation (&pretrained, "mean", "std", 1.0, config, error))
    return FALSE;
  return !arguments.object
         || (get_height_width (&arguments, "img_size", &config->image_height,
                 &config->image_width, error)
             && read_timm_positions (&arguments, config, error));
}

static gboolean
read_open_clip (const Section *root, VitConfig *config, GError **error)
{
  const char *timm_name = NULL;
  Section model = { 0 }, vision = *root, preprocess = { 0 };

  if (!get_section (root, "model_cfg", &model, error)
      || !get_section (root, "preprocess_cfg", &preprocess, error)
      || (model.object && !get_section (&model, "vision_cfg", &vision, error)))
    return FALSE;
  if (preprocess.object
      && !get_normalisation (&preprocess, "mean", "std", 1.0, config, error))
    return FALSE;
  if (!model.object || !vision.object)
    return TRUE;

  if (!get_string (&vision, "timm_model_name", &timm_name, error)
      || !get_height_width (&vision, "image_size", &config->image_height,
          &config->image_width, error))
    return FALSE;
  if (timm_name) {
    set_family (config, root, "timm_model_name", timm_name,
        vit_family_find (VIT_ORIGIN_TIMM, timm_name));
    return TRUE;
  }
  set_family (config, root, "model_cfg", "vision_cfg",
      vit_family_find (VIT_ORIGIN_OPEN_CLIP, "vision_cfg"));
  return get_patch_size (&vision, config, error)
         && get_size (&vision, "width", &config->embed_dim, error);
}

static gboolean
read_config (const Section *root, VitConfig *config, GError **error)
{
  if (json_is_string (get_value (root, "architecture")))
    return read_timm (root, config, error);
  return read_hugging_face (root, config, error);
}

/* Processors of text and images together nest the one that counts. */
static gboolean
read_processor (const Section *root, VitConfig *config, GError **error)
{
  Section images = { 0 };

  if (!get_section (root, "image_processor", &images, error))
    return FALSE;
  return !images.object || read_preprocessor (&images, config, error);
}

typedef gboolean (*ReadSection) (const Section *, VitConfig *, GError **);

static gboolean
read_file (const char *folder, const char *name, ReadSection read,
    VitConfig *config, gboolean *found, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  Section root = { path, NULL };
  gboolean valid;

  *found = g_file_test (path, G_FILE_TEST_EXISTS);
  if (!*found)
    return TRUE;
  root.object = vit_file_load_json (path, MAX_CONFIG_BYTES, error);
  if (!root.object)
    return FALSE;
  g_ptr_array_add (config->files, g_strdup (path));
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
  config->files = g_ptr_array_new_with_free_func (g_free);
  return config;
}

void
vit_config_free (VitConfig *config)
{
  if (!config)
    return;
  g_ptr_array_unref (config->files);
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
