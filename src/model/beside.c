/* SPDX-License-Identifier: MIT
 *
 * By names alone.  A module that holds a weight holds its bias and nothing
 * else, so whatever other name begins with the module's changes it, of known
 * kind or not; of a parameter without a module only known endings count, since
 * "pos_embed" may begin other names.
 *
 * The names are those that peft, bitsandbytes, compressed-tensors, AutoGPTQ,
 * AutoAWQ, optimum-quanto, torchao, HQQ, MLX and transformers' fp8 write.
 */
#include "model/beside.h"

#include <string.h>

#include "base/refuse.h"

typedef enum {
  NOT_KNOWN,
  QUANTISED,
  ADAPTER,
} Kind;

/* Of a component of a name: all of it, or how it begins. */
typedef struct {
  const char *text;
  gboolean is_whole;
} Mark;

static const Mark adapter_marks[] = {
  { "lora_", FALSE },
  { "hada_w", FALSE },
  { "hada_t", FALSE },
  { "lokr_w", FALSE },
  { "lokr_t", FALSE },
  { "oft_r", FALSE },
  { "boft_r", FALSE },
  { "boft_s", FALSE },
  { "ia3_l", FALSE },
  { "vera_lambda", FALSE },
  { "base_layer", TRUE },
  { "original_module", TRUE },
  { "modules_to_save", TRUE },
};

static const Mark scale_marks[] = {
  { "absmax", TRUE },
  { "quant_map", TRUE },
  { "nested_absmax", TRUE },
  { "nested_quant_map", TRUE },
  { "quant_state", TRUE },
  { "SCB", TRUE },
  { "CB", TRUE },
  { "weight_format", TRUE },
  { "qweight", TRUE },
  { "qzeros", TRUE },
  { "scales", TRUE },
  { "biases", TRUE },
  { "g_idx", TRUE },
  { "W_q", TRUE },
  { "_data", TRUE },
  { "_scale", FALSE },
  { "qdata", TRUE },
  { "scale", TRUE },
  { "zero_point", TRUE },
  { "weight_packed", TRUE },
  { "weight_shape", TRUE },
  { "weight_scale", FALSE },
  { "weight_global_scale", TRUE },
  { "weight_zero_point", TRUE },
  { "weight_g_idx", TRUE },
  { "weight_qdata", TRUE },
  { "weight_quantizer", TRUE },
  { "weight_fake_quant", TRUE },
  { "input_quantizer", TRUE },
  { "input_scale", FALSE },
  { "input_global_scale", TRUE },
  { "input_zero_point", TRUE },
  { "output_scale", FALSE },
  { "output_quantizer", TRUE },
  { "activation_post_process", TRUE },
};

/* What may stand behind a parameter's name and an underscore or a point. */
static const char *const scale_endings[]
    = { "scale", "zero_point", "packed", "qdata", "global_scale" };

/* Whether the component that begins at `component` has one of the marks. */
static gboolean
has_mark (const char *component, const Mark *marks, gsize n_marks)
{
  for (gsize i = 0; i < n_marks; i++) {
    gsize length;

    if (component[0] != marks[i].text[0])
      continue;
    length = strlen (marks[i].text);
    if (strncmp (component, marks[i].text, length) == 0
        && (!marks[i].is_whole || component[length] == '.'
            || component[length] == '\0'))
      return TRUE;
  }
  return FALSE;
}

/* Whether a component has a mark; *length: of what stands before the first that
 * has, without the point. */
static gboolean
find_mark (
    const char *name, const Mark *marks, gsize n_marks, gsize *length)
{
  const char *component = name, *point;

  while (!has_mark (component, marks, n_marks)) {
    point = strchr (component, '.');
    if (!point)
      return FALSE;
    component = point + 1;
  }
  *length = component == name ? 0 : (gsize) (component - name) - 1;
  return TRUE;
}

static gboolean
is_adapter (const char *name, gsize *length)
{
  return find_mark (
      name, adapter_marks, G_N_ELEMENTS (adapter_marks), length);
}

/* *length as above; of a name of no known kind, all of it. */
static Kind
find_kind (const char *name, gsize *length)
{
  if (is_adapter (name, length))
    return ADAPTER;
  if (find_mark (name, scale_marks, G_N_ELEMENTS (scale_marks), length))
    return QUANTISED;
  *length = strlen (name);
  return NOT_KNOWN;
}

/* The length of the module that a tensor belongs to; 0: it is a parameter of a
 * module with others. */
static gsize
module_length (const char *name)
{
  if (g_str_has_suffix (name, ".weight"))
    return strlen (name) - strlen (".weight");
  if (g_str_has_suffix (name, ".bias"))
    return strlen (name) - strlen (".bias");
  return 0;
}

static gboolean
is_plain (const char *member)
{
  return strcmp (member, "weight") == 0 || strcmp (member, "bias") == 0;
}

/* Whether `name` is of the module of `used`, or a scale of the parameter. */
static gboolean
is_beside (const char *name, const char *used)
{
  gsize module = module_length (used), length = strlen (used);

  if (module > 0)
    return strncmp (name, used, module) == 0 && name[module] == '.'
           && !is_plain (name + module + 1);
  if (strncmp (name, used, length) != 0
      || (name[length] != '_' && name[length] != '.'))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (scale_endings); i++)
    if (g_str_has_prefix (name + length + 1, scale_endings[i]))
      return TRUE;
  return name[length] == '.'
         && (has_mark (name + length + 1, adapter_marks,
                 G_N_ELEMENTS (adapter_marks))
             || has_mark (name + length + 1, scale_marks,
                 G_N_ELEMENTS (scale_marks)));
}

/* Whether the module of `length` bytes is `used`'s, one around it or one in
 * it. */
static gboolean
meets (const char *module, gsize length, const char *used)
{
  gsize own = module_length (used) > 0 ? module_length (used) : strlen (used);

  if (length > own)
    return strncmp (module, used, own) == 0 && module[own] == '.';
  return strncmp (module, used, length) == 0
         && (used[length] == '.' || used[length] == '\0');
}

const char *
vit_beside_touches (const VitUsedTensors *used, const char *name)
{
  const char *from = name;
  gsize length;

  if (!is_adapter (name, &length)) {
    const char *last = strrchr (name, '.');

    length = last ? (gsize) (last - name) : 0;
  }
  if (length == 0)
    return used->names[0];
  while (from) {
    gsize left = length - (gsize) (from - name);

    for (gsize i = 0; used->names[i]; i++)
      if (meets (from, left, used->names[i])
          || meets (from, left, used->names[i] + used->prefix_length))
        return used->names[i];
    from = memchr (from, '.', left);
    if (from)
      from++;
  }
  return NULL;
}

gboolean
vit_beside_check (const VitCheckpoint *checkpoint, const VitUsedTensors *used,
    const char **adapter, GError **error)
{
  gsize n_names, length;
  const char *const *names = vit_checkpoint_names (checkpoint, &n_names);

  *adapter = NULL;
  for (gsize n = 0; n < n_names; n++) {
    const char *changed = NULL;

    for (gsize i = 0; used->names[i] && !changed; i++)
      if (is_beside (names[n], used->names[i]))
        changed = used->names[i];
    if (!changed && is_adapter (names[n], &length)) {
      changed = vit_beside_touches (used, names[n]);
      *adapter = names[n];
    }
    if (changed)
      return vit_beside_refuse (vit_checkpoint_path_of (checkpoint, names[n]),
          names[n], changed, error);
  }
  return TRUE;
}

gboolean
vit_beside_is_quantised (const VitCheckpoint *checkpoint)
{
  gsize n_names, length;
  const char *const *names = vit_checkpoint_names (checkpoint, &n_names);

  for (gsize n = 0; n < n_names; n++)
    if (find_mark (
            names[n], scale_marks, G_N_ELEMENTS (scale_marks), &length))
      return TRUE;
  return FALSE;
}

char *
vit_beside_plain_name (const char *name)
{
  gsize length;
  Kind kind = find_kind (name, &length);
  g_autofree char *start = NULL;

  if (kind == NOT_KNOWN)
    return NULL;
  start = g_strndup (name, length);
  if (length == 0)
    return g_strdup (kind == ADAPTER ? "" : "weight");
  if (g_str_has_suffix (start, ".weight"))
    return g_steal_pointer (&start);
  return g_strconcat (start, ".weight", NULL);
}

gboolean
vit_beside_refuse (
    const char *path, const char *name, const char *changed, GError **error)
{
  gsize length;
  Kind kind = find_kind (name, &length);
  g_autofree char *what = changed ? g_strdup_printf (
                              ", which changes %.200s", changed)
                                  : g_strdup ("");

  if (kind == ADAPTER)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, name,
        "is a part of an adapter (LoRA or the like)%s; merge the adapter into "
        "the model, with peft's merge_and_unload(), and save that",
        what);
  /* Of a parameter only scales were looked for. */
  if (kind == QUANTISED || !changed || module_length (changed) == 0)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, name,
        "is a part of quantised weights%s; give the model as it was before it "
        "was quantised, or dequantise it, in transformers with "
        "model.dequantize(), and save that",
        what);
  return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, name,
      "lies beside %.200s and changes it in a way that is not known; save the "
      "model with plain weights",
      changed);
}
