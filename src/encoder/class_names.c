/* SPDX-License-Identifier: MIT */
#include "encoder/class_names.h"

#include <string.h>

char *
vit_class_name_clean (const char *name)
{
  GString *text = g_string_new (NULL);

  for (const char *at = name; *at; at = g_utf8_next_char (at)) {
    gunichar character = g_utf8_get_char (at);

    if (text->len + 6 > VIT_CLASS_NAME_MAX)
      break;
    if (g_unichar_iscntrl (character))
      g_string_append_printf (text, "\\%03o", character);
    else
      g_string_append_unichar (text, character);
  }
  return g_string_free (text, FALSE);
}

/* (nullable): of number `i`, by either way of writing it down. */
static const char *
find (json_t *id2label, json_t *label_names, guint i)
{
  g_autofree char *key = NULL;

  if (json_is_array (label_names))
    return json_string_value (json_array_get (label_names, i));
  key = g_strdup_printf ("%u", i);
  return json_string_value (json_object_get (id2label, key));
}

char **
vit_class_names (const VitConfig *config, guint n_classes)
{
  json_t *pretrained = json_object_get (config->root, "pretrained_cfg");
  json_t *id2label = json_object_get (config->root, "id2label");
  json_t *label_names = json_object_get (config->root, "label_names");
  gsize n_known;
  char **names;

  if (!label_names)
    label_names = json_object_get (pretrained, "label_names");
  n_known = json_is_array (label_names) ? json_array_size (label_names)
                                        : json_object_size (id2label);
  if (n_classes == 0 || n_known < n_classes)
    return NULL;
  names = g_new0 (char *, n_classes + 1);
  for (guint i = 0; i < n_classes; i++) {
    const char *name = find (id2label, label_names, i);

    if (!name) {
      g_strfreev (names);
      return NULL;
    }
    names[i] = vit_class_name_clean (name);
  }
  return names;
}

gboolean
vit_is_fine_tuned_to_classes (const VitConfig *config, gboolean has_names)
{
  json_t *pretrained = json_object_get (config->root, "pretrained_cfg");
  const char *tag = json_string_value (json_object_get (pretrained, "tag"));

  return has_names || (config->name && strstr (config->name, "_ft"))
         || (tag && strstr (tag, "_ft"));
}

static gboolean
is_joint (const VitConfig *config, gboolean has_names)
{
  static const char *const patterns[]
      = { "vit_*_clip_*", "eva*_clip_*", "vit_pe_core_*" };

  if (!config->name || vit_is_fine_tuned_to_classes (config, has_names))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    if (g_pattern_match_simple (patterns[i], config->name))
      return TRUE;
  return FALSE;
}

VitLogitsMeaning
vit_logits_meaning (
    const VitConfig *config, guint n_classes, gboolean has_names)
{
  const char *problem
      = json_string_value (json_object_get (config->root, "problem_type"));

  if (g_strcmp0 (problem, "regression") == 0)
    return VIT_LOGITS_NUMBERS;
  if (is_joint (config, has_names))
    return VIT_LOGITS_JOINT;
  return g_strcmp0 (problem, "multi_label_classification") == 0
                 || n_classes == 1
             ? VIT_LOGITS_ANY_OF
             : VIT_LOGITS_ONE_OF;
}
