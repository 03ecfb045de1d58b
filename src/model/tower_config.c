/* SPDX-License-Identifier: MIT
 *
 * A walk over the objects of a config, two levels deep: models that search
 * documents nest a whole image-text model, which nests the tower.
 */
#include "model/tower_config.h"

#include <string.h>

#include "base/refuse.h"

#define MAX_DEPTH 2

/* The first towers that were met; keys and objects belong to the config. */
typedef struct {
  const char *path;
  const char *key;
  const char *type;
  json_t *object;
  const char *other_key; /* of a tower that differs from the first, or NULL */
  const char *refused_type;
  json_t *refused;
} Found;

/* What decides about the input stage; the rest may differ. */
static gboolean
is_same_tower (const char *type, json_t *object, const Found *found)
{
  static const char *const keys[] = { "image_size", "patch_size",
    "hidden_size", "num_register_tokens", "layer_norm_eps" };

  if (strcmp (type, found->type) != 0)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++) {
    json_t *one = json_object_get (object, keys[i]);
    json_t *other = json_object_get (found->object, keys[i]);

    if (one != other && !(one && other && json_equal (one, other)))
      return FALSE;
  }
  return TRUE;
}

static void
take (const char *key, const char *type, json_t *object, Found *found)
{
  if (!found->object) {
    found->key = key;
    found->type = type;
    found->object = object;
  } else if (!found->other_key && !is_same_tower (type, object, found)) {
    found->other_key = key;
  }
}

/* Texts are no towers, whatever their model_type. */
static gboolean
is_of_text (const char *key)
{
  static const char *const starts[]
      = { "text", "decoder", "language", "llm", "qformer", "audio", "generator" };

  for (gsize i = 0; i < G_N_ELEMENTS (starts); i++)
    if (g_str_has_prefix (key, starts[i]))
      return TRUE;
  return FALSE;
}

static gboolean
search (json_t *parent, guint depth, Found *found, GError **error)
{
  const char *key;
  json_t *object;

  json_object_foreach (parent, key, object) {
    VitSection section = { found->path, object };
    const VitFamily *family = NULL;
    const char *type = NULL;

    if (!json_is_object (object) || is_of_text (key))
      continue;
    if (!vit_section_string (&section, "model_type", &type, error))
      return FALSE;
    if (type)
      family = vit_family_find (VIT_ORIGIN_HUGGING_FACE, type);
    if (family && family->refusal && !found->refused) {
      found->refused_type = type;
      found->refused = object;
    } else if (family && !family->refusal && !family->inside) {
      take (key, type, object, found);
    } else if (type && depth < MAX_DEPTH) {
      if (!search (object, depth + 1, found, error))
        return FALSE;
    }
  }
  return TRUE;
}

gboolean
vit_tower_config_find (const VitSection *root, VitSection *tower,
    const char **type, GError **error)
{
  Found found = { .path = root->path };

  if (!search (root->object, 1, &found, error))
    return FALSE;
  if (found.other_key)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, root->path, found.key,
        "is a vision tower, \"%.100s\", and %.100s is another; give the file of "
        "the weights instead of the folder, with model-prefix, position rule, "
        "mean and std set",
        found.type, found.other_key);
  if (found.object) {
    tower->object = found.object;
    *type = found.type;
  } else if (found.refused) {
    tower->object = found.refused;
    *type = found.refused_type;
  }
  return TRUE;
}
