/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta: what each token that stands for no patch is for.
 */
#include "gst/vit/gstvittokens-private.h"

static const GEnumValue kinds[] = {
  { GST_VIT_PREFIX_KIND_UNKNOWN, "Not said", "unknown" },
  { GST_VIT_PREFIX_KIND_CLASS, "A class token", "class" },
  { GST_VIT_PREFIX_KIND_REGISTER, "A register token", "register" },
  { GST_VIT_PREFIX_KIND_DISTILLATION, "A distillation token", "distillation" },
  { 0, NULL, NULL },
};

#define N_KINDS (G_N_ELEMENTS (kinds) - 1)

GType
gst_vit_prefix_kind_get_type (void)
{
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitPrefixKind", kinds));

  return type;
}

/**
 * gst_vit_prefix_kind_get_name:
 * @kind: a #GstVitPrefixKind
 *
 * Returns: "class", "register", "distillation", or "unknown" for all others
 *
 * Since: 0.1
 */
const gchar *
gst_vit_prefix_kind_get_name (GstVitPrefixKind kind)
{
  /* As an enum may be signed. */
  return kinds[(guint) kind < N_KINDS ? (guint) kind : 0].value_nick;
}

/**
 * gst_vit_tokens_meta_set_prefix_kinds:
 * @meta: a #GstVitTokensMeta
 * @prefix_kinds: (nullable) (transfer none): n_prefix_tokens bytes, each a
 *   #GstVitPrefixKind; %NULL: not known
 *
 * Says what the prefix tokens are for, in their order.
 *
 * Since: 0.1
 */
void
gst_vit_tokens_meta_set_prefix_kinds (
    GstVitTokensMeta *meta, GBytes *prefix_kinds)
{
  g_return_if_fail (meta != NULL);
  g_return_if_fail (
      prefix_kinds == NULL
      || gst_vit_tokens_meta_fits_prefix_kinds (meta, prefix_kinds));

  if (prefix_kinds)
    g_bytes_ref (prefix_kinds);
  g_clear_pointer (&meta->prefix_kinds, g_bytes_unref);
  meta->prefix_kinds = prefix_kinds;
}

/**
 * gst_vit_tokens_meta_get_prefix_kind:
 * @meta: a #GstVitTokensMeta
 * @token: index of a prefix token, less than n_prefix_tokens
 *
 * Returns: what the token is for; #GST_VIT_PREFIX_KIND_UNKNOWN where that is not
 *   said, or is a kind of a later version
 *
 * Since: 0.1
 */
GstVitPrefixKind
gst_vit_tokens_meta_get_prefix_kind (const GstVitTokensMeta *meta, guint token)
{
  const guint8 *bytes;

  g_return_val_if_fail (meta != NULL, GST_VIT_PREFIX_KIND_UNKNOWN);
  g_return_val_if_fail (
      token < meta->n_prefix_tokens, GST_VIT_PREFIX_KIND_UNKNOWN);

  /* All of the meta is not looked at: there may be many prefix tokens. */
  if (!meta->prefix_kinds
      || !gst_vit_tokens_meta_fits_prefix_kinds (meta, meta->prefix_kinds))
    return GST_VIT_PREFIX_KIND_UNKNOWN;

  bytes = g_bytes_get_data (meta->prefix_kinds, NULL);
  return bytes[token] < N_KINDS ? (GstVitPrefixKind) bytes[token]
                                : GST_VIT_PREFIX_KIND_UNKNOWN;
}
