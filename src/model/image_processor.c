/* SPDX-License-Identifier: MIT
 *
 * The classes are those of transformers 5.23; each was run with every
 * combination of its fields absent, null and set.
 */
#include "model/image_processor.h"

#include <math.h>
#include <string.h>

#include "base/refuse.h"
#include "files/file.h"

#define MAX_BYTES (4 * 1024 * 1024)
#define MAX_VALUES (1 << 17)

/* 255 rescale_factor is no further from 1. */
#define MAX_SCALE 1e6

typedef struct {
  const char *name; /* without "ImageProcessor" */
  const VitNormalisation *defaults; /* NULL: it has none */
  gboolean pads;       /* do_pad, where the file does not say */
  gboolean normalizes; /* do_normalize, likewise */
  const char *refusal; /* what it does to a pixel besides */
} ProcessorClass;

#define PLAIN(name, defaults) { name, &vit_normalisation_##defaults, FALSE, TRUE, NULL }
#define PADS(name, defaults) { name, &vit_normalisation_##defaults, TRUE, TRUE, NULL }
#define UNIT(name) { name, NULL, FALSE, FALSE, NULL }
#define OTHER(name, why) { name, NULL, FALSE, FALSE, why }

#define GREY "makes the picture grey"
#define BGR "exchanges red and blue"
#define OFFSET "takes 1 off a pixel, or normalises twice"

static const ProcessorClass classes[] = {
  PLAIN ("Aria", half), PLAIN ("Beit", half), PLAIN ("Bit", clip),
  PLAIN ("Blip", clip), PADS ("BridgeTower", clip), PLAIN ("CLIP", clip),
  PLAIN ("ChineseCLIP", clip), PADS ("ConditionalDetr", imagenet),
  PLAIN ("ConvNext", half), PLAIN ("DINOv3ViT", imagenet), PLAIN ("DPT", half),
  PADS ("DeepseekVL", clip), PADS ("DeformableDetr", imagenet),
  PLAIN ("DeiT", half), PLAIN ("DepthPro", half), PADS ("Detr", imagenet),
  PADS ("Donut", half), PLAIN ("Eomt", imagenet), PLAIN ("Gemma3", half),
  PLAIN ("GotOcr2", clip), PADS ("GroundingDino", imagenet),
  PADS ("Idefics2", half), PADS ("Idefics3", half), PADS ("Janus", clip),
  PLAIN ("Levit", imagenet), PLAIN ("Llava", clip), PADS ("LlavaNext", clip),
  PADS ("LlavaOnevision", clip), PLAIN ("Mask2Former", imagenet),
  PLAIN ("MaskFormer", imagenet), PLAIN ("OneFormer", imagenet),
  PLAIN ("OwlViT", clip), PADS ("Owlv2", clip), PLAIN ("Perceiver", imagenet),
  PLAIN ("PerceptionLM", half), PADS ("Pixtral", clip),
  PLAIN ("PoolFormer", imagenet), PLAIN ("PromptDepthAnything", half),
  PLAIN ("Pvt", imagenet), PADS ("RfDetr", imagenet),
  { "RTDetr", &vit_normalisation_imagenet, FALSE, FALSE, NULL },
  PADS ("Sam", imagenet), PLAIN ("Sam2", imagenet), PLAIN ("Sam3", half),
  PLAIN ("SegGpt", imagenet), PLAIN ("Segformer", imagenet),
  PLAIN ("Siglip", half), PLAIN ("Siglip2", half), PADS ("SmolVLM", half),
  UNIT ("Tipsv2"), UNIT ("Tipsv2Dpt"), PLAIN ("ViT", half),
  PLAIN ("VideoMAE", half), PADS ("Vilt", half), PADS ("VitMatte", half),
  PLAIN ("VitPose", imagenet), PADS ("Yolos", imagenet), PADS ("ZoeDepth", half),

  OTHER ("EfficientLoFTR", GREY), OTHER ("EfficientNet", OFFSET),
  OTHER ("ImageGPT", "makes colours the words of a text"),
  OTHER ("Kosmos2_5", "normalises each picture by its own mean"),
  OTHER ("LightGlue", GREY), OTHER ("MobileViT", BGR),
  OTHER ("Pix2Struct", "normalises each picture by its own mean"),
  OTHER ("SuperGlue", GREY), OTHER ("SuperPoint", GREY), OTHER ("Tvp", BGR),
  OTHER ("Vivit", OFFSET),
};

/* Fields by which a class that is not known may change a pixel. */
static const struct {
  const char *key;
  const char *what;
} other_fields[] = {
  { "rescale_offset", "takes 1 off a pixel" },
  { "offset", "takes 1 off a pixel" },
  { "do_flip_channel_order", BGR },
  { "do_grayscale", GREY },
  { "do_color_quantize", "makes colours the words of a text" },
};

/* (nullable): the class as transformers finds it by a name of today or of
 * former times: ViTFeatureExtractor, ViTImageProcessorFast. */
static const ProcessorClass *
find_class (const char *name)
{
  static const char *const ends[] = { "ImageProcessor", "ImageProcessorFast",
    "ImageProcessorPil", "FeatureExtractor" };

  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++) {
    gsize length = strlen (classes[i].name);

    if (strncmp (name, classes[i].name, length) != 0)
      continue;
    for (gsize k = 0; k < G_N_ELEMENTS (ends); k++)
      if (strcmp (name + length, ends[k]) == 0)
        return &classes[i];
  }
  return NULL;
}

/* *name: as the file gives it, else `of_model`; NULL where neither does, or
 * where the file has code of its own. */
static gboolean
read_class_name (const VitSection *section, const char *of_model,
    const char **name, gboolean *own_code, GError **error)
{
  VitSection map = { 0 };

  if (!vit_section_string (section, "image_processor_type", name, error)
      || !vit_section_inner (section, "auto_map", &map, error))
    return FALSE;
  *own_code = map.object
              && (vit_section_value (&map, "AutoImageProcessor")
                  || vit_section_value (&map, "AutoFeatureExtractor"));
  if (*name || *own_code)
    return TRUE;
  if (!vit_section_string (section, "feature_extractor_type", name, error))
    return FALSE;
  if (!*name)
    *name = of_model;
  return TRUE;
}

/* Null is false, as in Python. */
static gboolean
read_flag (const VitSection *section, const char *key, gboolean by_default,
    gboolean *flag, GError **error)
{
  *flag = json_object_get (section->object, key) ? FALSE : by_default;
  return vit_section_boolean (section, key, flag, error);
}

/* 255 times what a pixel is multiplied by. */
static gboolean
read_scale (const VitSection *section, double *scale, GError **error)
{
  json_t *factor = json_object_get (section->object, "rescale_factor");
  gboolean rescale;

  if (!read_flag (section, "do_rescale", TRUE, &rescale, error))
    return FALSE;
  *scale = rescale ? 1.0 : 255.0;
  if (!rescale || !factor)
    return TRUE;
  if (!json_is_number (factor))
    return vit_section_refuse (
        section, "rescale_factor", factor, "a number", error);
  *scale = 255.0 * json_number_value (factor);
  /* 1/255 in decimal digits is 1/255. */
  if (fabs (*scale - 1.0) < 1e-9)
    *scale = 1.0;
  if (!(*scale > 1.0 / MAX_SCALE) || !(*scale < MAX_SCALE))
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, "rescale_factor",
        "is %g; expected a number above 0, of a sensible size", *scale / 255.0);
  return TRUE;
}

static gboolean
refuse_class (const VitSection *section, const char *name, const char *what,
    GError **error)
{
  return vit_refuse (error, VIT_ERROR_UNSUPPORTED, section->path, name,
      "%s, which mean and std cannot express; give the file with the weights "
      "instead of the folder, with mean and std set for frames to which that "
      "was done",
      what);
}

static gboolean
check_other_fields (const VitSection *section, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (other_fields); i++)
    if (json_is_true (vit_section_value (section, other_fields[i].key)))
      return refuse_class (
          section, other_fields[i].key, other_fields[i].what, error);
  return TRUE;
}

/* Nothing where a number is needed: the class's own code stops there. */
static gboolean
check_numbers (const VitSection *section, const ProcessorClass *class,
    const char *key, GError **error)
{
  json_t *value = json_object_get (section->object, key);

  if (json_is_null (value))
    return vit_section_refuse (section, key, value,
        "numbers, since do_normalize is not false", error);
  if (!value && class && !class->defaults)
    return vit_refuse (error, VIT_ERROR_CONFIG, section->path, key,
        "is missing, and %sImageProcessor has no default for it", class->name);
  return TRUE;
}

static gboolean
read_padding (const VitSection *section, gboolean by_default,
    VitStatedNormalisation *stated, GError **error)
{
  guint height = 0, width = 0;
  VitSection size = { 0 };
  gboolean pads;

  if (!read_flag (section, "do_pad", by_default, &pads, error))
    return FALSE;
  if (!pads)
    return TRUE;
  if (json_is_object (vit_section_value (section, "pad_size"))) {
    if (!vit_section_inner (section, "pad_size", &size, error)
        || !vit_section_size (&size, "height", 1, &height, error)
        || !vit_section_size (&size, "width", 1, &width, error))
      return FALSE;
  }
  stated->note = height && width
      ? g_strdup_printf ("do_pad, to %u x %u", width, height)
      : g_strdup ("do_pad");
  return TRUE;
}

/* (transfer full): "preprocessor_config.json", and what is not known about it. */
static char *
describe (const char *source, const char *name, gboolean own_code)
{
  g_autofree char *start = g_strndup (name ? name : "", 100);
  g_autofree char *escaped = g_strescape (start, NULL);

  if (own_code)
    return g_strdup_printf (
        "%s, assumed to say all, although it names code of its own", source);
  if (name)
    return g_strdup_printf ("%s, assumed to say all, although %s is no image "
                            "processor that is known",
        source, escaped);
  return g_strdup (source);
}

/* `source`: what to call the section. */
static gboolean
read_processor (const VitSection *section, const char *of_model,
    const char *source, VitStatedNormalisation *stated, GError **error)
{
  const ProcessorClass *class = NULL;
  const char *name = NULL;
  g_autofree char *description = NULL;
  gboolean own_code = FALSE, normalize;
  double scale;

  if (!read_class_name (section, of_model, &name, &own_code, error))
    return FALSE;
  class = name && !own_code ? find_class (name) : NULL;
  if (class && class->refusal)
    return refuse_class (section, name, class->refusal, error);
  if ((!class && !check_other_fields (section, error))
      || !read_scale (section, &scale, error)
      || !read_flag (section, "do_normalize", class ? class->normalizes : TRUE,
          &normalize, error)
      || !read_padding (section, class && class->pads, stated, error))
    return FALSE;

  description = class ? g_strdup (source) : describe (source, name, own_code);
  stated->is_assumed = !class && (name || own_code);
  if (!normalize) {
    for (guint c = 0; c < 3; c++) {
      stated->mean[c] = 0.0;
      stated->std[c] = 1.0 / scale;
    }
    stated->source = g_steal_pointer (&description);
    return TRUE;
  }
  if (!check_numbers (section, class, "image_mean", error)
      || !check_numbers (section, class, "image_std", error))
    return FALSE;
  return vit_stated_normalisation_read (section, "image_mean", "image_std",
      scale, class ? class->defaults : NULL, name, description, stated, error);
}

static gboolean
load (const char *folder, const char *name, GArray *files, VitSection *root,
    char **path, GError **error)
{
  gboolean exists;

  *path = g_build_filename (folder, name, NULL);
  root->path = *path;
  root->object = NULL;
  if (!vit_file_exists (*path, &exists, error))
    return FALSE;
  if (!exists)
    return TRUE;
  root->object
      = vit_file_load_json (*path, MAX_BYTES, MAX_VALUES, files, error);
  return root->object != NULL;
}

gboolean
vit_image_processor_read (const char *folder, const char *class_name,
    GArray *files, VitStatedNormalisation *stated, GError **error)
{
  g_autofree char *path = NULL, *nested_path = NULL;
  VitSection root, nested, images = { 0 };
  gboolean valid;

  if (!load (folder, "processor_config.json", files, &nested, &nested_path,
          error))
    return FALSE;
  valid = !nested.object
          || vit_section_inner (&nested, "image_processor", &images, error);
  if (valid && images.object)
    valid = read_processor (
        &images, class_name, "processor_config.json", stated, error);
  else if (valid) {
    valid = load (
        folder, "preprocessor_config.json", files, &root, &path, error);
    if (root.object)
      valid = read_processor (
          &root, class_name, "preprocessor_config.json", stated, error);
    json_decref (root.object);
  }
  json_decref (nested.object);
  return valid;
}
