/* SPDX-License-Identifier: MIT */
#include "tokenenc/gstvittokenencsettings.h"

#include "tokenenc/gstvitjsonline.h"

enum { PROP_CONTENT = 1, PROP_DIGITS };

void
gst_vit_token_enc_settings_init (GstVitTokenEncSettings *settings)
{
  *settings = (GstVitTokenEncSettings){ GST_VIT_CONTENT_AUTO,
    GST_VIT_JSON_LINE_MAX_DIGITS };
}

void
gst_vit_token_enc_settings_install (GObjectClass *klass)
{
  const GParamFlags flags
      = (GParamFlags) (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
                       | GST_PARAM_MUTABLE_PLAYING);

  /**
   * GstVitTokenEnc:content:
   *
   * What a buffer holds: tokens, the features that an encoder made of them, or
   * one vector a frame or region.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_CONTENT,
      g_param_spec_enum ("content", "Content",
          "What a buffer holds; auto: the features after most blocks where a "
          "frame has some, else its tokens",
          GST_TYPE_VIT_CONTENT, GST_VIT_CONTENT_AUTO, flags));

  /**
   * GstVitTokenEnc:digits:
   *
   * In lines of JSON, how many significant digits the numbers of an embedding, of
   * scores and of labels have.  With nine, the default, every float32 comes back
   * bit for bit.  Fewer make lines shorter: with d digits a number is off by at
   * most 5 / 10^d of itself.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_DIGITS,
      g_param_spec_uint ("digits", "Digits",
          "application/x-ndjson: significant digits of an embedding, of scores "
          "and of labels; with 9 every float32 comes back bit for bit",
          1, GST_VIT_JSON_LINE_MAX_DIGITS, GST_VIT_JSON_LINE_MAX_DIGITS,
          flags));
  gst_type_mark_as_plugin_api (GST_TYPE_VIT_CONTENT, (GstPluginAPIFlags) 0);
}

gboolean
gst_vit_token_enc_settings_set (
    GstVitTokenEncSettings *settings, guint id, const GValue *value)
{
  switch (id) {
    case PROP_CONTENT:
      settings->content = (GstVitContent) g_value_get_enum (value);
      return TRUE;
    case PROP_DIGITS:
      settings->digits = g_value_get_uint (value);
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
gst_vit_token_enc_settings_get (
    const GstVitTokenEncSettings *settings, guint id, GValue *value)
{
  switch (id) {
    case PROP_CONTENT:
      g_value_set_enum (value, (gint) settings->content);
      return TRUE;
    case PROP_DIGITS:
      g_value_set_uint (value, settings->digits);
      return TRUE;
    default:
      return FALSE;
  }
}
