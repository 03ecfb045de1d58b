/* SPDX-License-Identifier: MIT */
#include "tokenoverlay/gstvitdrawingsettings.h"

#include <string.h>

enum {
  PROP_MODE = 1,
  PROP_OPACITY,
  PROP_FOREGROUND,
  PROP_SMOOTH,
  PROP_X,
  PROP_Y,
  PROP_POINTS,
  PROP_QUERY,
  PROP_LEGEND,
  PROP_KEEP_POSITIONS,
  PROP_HEAD,
};

/**
 * GstVitTokenOverlayMode:
 * @GST_VIT_DRAWING_PCA: the first three principal components of the patches'
 *     tokens as red, green and blue, steady from frame to frame
 * @GST_VIT_DRAWING_SIMILARITY: the cosine of every patch's token with that of
 *     the patch under #GstVitTokenOverlay:x, #GstVitTokenOverlay:y
 * @GST_VIT_DRAWING_NORM: the length of every patch's token
 * @GST_VIT_DRAWING_CHANGED: the patches whose tokens are not those of the
 *     last frame that had any
 * @GST_VIT_DRAWING_GRID: the borders of the patches
 * @GST_VIT_DRAWING_ATTENTION: how much the class token attends to every patch, of
 *     one head or on average: see #GstVitTokenOverlay:head
 *
 * What #vittokenoverlay draws: pca, similarity, norm, changed, grid, attention.
 *
 * Since: 0.1
 */
#define GST_TYPE_VIT_TOKEN_OVERLAY_MODE (mode_get_type ())
static GType
mode_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_VIT_DRAWING_PCA, "First three principal components as colours",
        "pca" },
    { GST_VIT_DRAWING_SIMILARITY, "Cosine of every patch with the one at x, y",
        "similarity" },
    { GST_VIT_DRAWING_NORM, "Length of the tokens", "norm" },
    { GST_VIT_DRAWING_CHANGED, "Tokens that are not those of the last frame that had tokens",
        "changed" },
    { GST_VIT_DRAWING_GRID, "Borders of the patches", "grid" },
    { GST_VIT_DRAWING_ATTENTION, "Attention of the class token", "attention" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstVitTokenOverlayMode", values));
  return type;
}

void
gst_vit_drawing_settings_init (GstVitDrawingSettings *settings)
{
  *settings = (GstVitDrawingSettings){ .mode = GST_VIT_DRAWING_PCA,
    .opacity = 0.6,
    .x = -1,
    .y = -1,
    .head = -1,
    .legend = TRUE };
}

void
gst_vit_drawing_settings_copy (
    const GstVitDrawingSettings *settings, GstVitDrawingSettings *copy)
{
  *copy = *settings;
  if (copy->query)
    g_ref_string_acquire (copy->query);
}

void
gst_vit_drawing_settings_clear (GstVitDrawingSettings *settings)
{
  g_clear_pointer (&settings->query, g_ref_string_release);
}

/* Those of what patches are compared with that cannot be controlled. */
static void
install_queries (GObjectClass *class)
{
  const GParamFlags flags
      = (GParamFlags) (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
                       | GST_PARAM_MUTABLE_PLAYING);

  /**
   * GstVitTokenOverlay:points:
   *
   * With the mode `similarity`, where more patches lie that all others are
   * compared with: x, y, x, y, ... in pixels of the frame that comes here.  The
   * greatest cosine is drawn.  #GstVitTokenOverlay:x, #GstVitTokenOverlay:y counts
   * beside them where it is set.  After 64 points, and half a pair at the end, are
   * left out.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_POINTS,
      gst_param_spec_array ("points", "Points",
          "mode=similarity: where more such patches lie, \"<x1,y1,x2,y2>\"; "
          "the best of all is drawn",
          g_param_spec_int ("number", "Number", "x or y", G_MININT, G_MAXINT, 0,
              flags),
          flags));

  /**
   * GstVitTokenOverlay:query:
   *
   * With the mode `similarity`, a .npy file of a vector, [dim], or of up to 256,
   * [n][dim], that all patches are compared with: little-endian float32 or
   * float64 in C order, as numpy.save() writes them.  The greatest cosine is
   * drawn, #GstVitTokenOverlay:points and, where they are set,
   * #GstVitTokenOverlay:x and #GstVitTokenOverlay:y counted in.
   *
   * A file that cannot be read is an error at the start; later, or where its
   * vectors have not as many numbers as the tokens, a warning, and it counts for
   * nothing.  It is read whenever the property is set, before the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_QUERY,
      g_param_spec_string ("query", "Query",
          "mode=similarity: a .npy file of vectors that patches are compared "
          "with; the best of all is drawn",
          NULL, flags));
}

void
gst_vit_drawing_settings_install (GObjectClass *class)
{
  const GParamFlags flags
      = (GParamFlags) (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
                       | GST_PARAM_CONTROLLABLE | GST_PARAM_MUTABLE_PLAYING);
  GstVitDrawingSettings defaults;

  gst_vit_drawing_settings_init (&defaults);
  /**
   * GstVitTokenOverlay:mode:
   *
   * What is drawn of the tokens: see #GstVitTokenOverlayMode.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_MODE,
      g_param_spec_enum ("mode", "Mode", "What is drawn of the tokens",
          GST_TYPE_VIT_TOKEN_OVERLAY_MODE, (gint) defaults.mode, flags));

  /**
   * GstVitTokenOverlay:opacity:
   *
   * How much of the frame the picture hides, from 0, nothing, to 1, all; the
   * legend is always solid.  The default, 0.6, shows both.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_OPACITY,
      g_param_spec_double ("opacity", "Opacity",
          "Of what is drawn, the legend apart: 0 shows the frame alone, 1 "
          "hides it",
          0, 1, defaults.opacity, flags));

  /**
   * GstVitTokenOverlay:foreground:
   *
   * With the mode `pca`, whether only the patches of the foreground are drawn, and
   * components are theirs alone; the rest of the frame stays as it is.  As in the
   * figures of DINOv2, foreground is what lies above the mean along the first
   * principal component of all patches.  Of its two ways the one is taken that
   * leaves the edge of the frame, or the region, below the mean.  It is kept from
   * frame to frame, and turns about only where the edge has been above the mean
   * for some frames.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_FOREGROUND,
      g_param_spec_boolean ("foreground", "Foreground",
          "mode=pca: draw the foreground alone, what lies above the mean along "
          "the first principal component",
          defaults.foreground, flags));

  /**
   * GstVitTokenOverlay:smooth:
   *
   * Whether the colours of the modes `pca`, `similarity`, `norm` and `attention`
   * pass from patch to patch, interpolated bilinearly between their centres,
   * instead of blocks.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_SMOOTH,
      g_param_spec_boolean ("smooth", "Smooth",
          "mode=pca, similarity, norm and attention: interpolate between "
          "patches instead of drawing blocks",
          defaults.smooth, flags));

  /**
   * GstVitTokenOverlay:x:
   *
   * With the mode `similarity`, where the patch lies that all others are
   * compared with, in pixels from the left side of the frame that comes
   * here.  -1, the default, is its middle.  A mouse click in the window of the
   * video sets it and #GstVitTokenOverlay:y, which is notified.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_X,
      g_param_spec_int ("x", "X",
          "mode=similarity: where the patch lies that others are compared "
          "with, in pixels from the frame's left side; -1: in the middle. A "
          "mouse click sets it",
          -1, G_MAXINT, defaults.x, flags));

  /**
   * GstVitTokenOverlay:y:
   *
   * As #GstVitTokenOverlay:x, in pixels from the top of the frame; -1, the
   * default, is its middle.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_Y,
      g_param_spec_int ("y", "Y",
          "mode=similarity: the same, in pixels from the top; -1: in the "
          "middle",
          -1, G_MAXINT, defaults.y, flags));

  /**
   * GstVitTokenOverlay:legend:
   *
   * Whether the lower left corner says what the colours mean: by themselves,
   * and in words where the plugin was built with pango.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_LEGEND,
      g_param_spec_boolean ("legend", "Legend",
          "Whether the lower left corner says what the colours mean",
          defaults.legend, flags));

  /**
   * GstVitTokenOverlay:keep-positions:
   *
   * Whether the modes `pca`, `similarity` and `norm` draw the tokens with what
   * the position table added to them.  It hides the rest, so that it is left
   * out by default.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_KEEP_POSITIONS,
      g_param_spec_boolean ("keep-positions", "Keep positions",
          "mode=pca, similarity and norm: draw the tokens with what the "
          "position table added to them",
          defaults.keep_positions, flags));
  install_queries (class);
  /**
   * GstVitTokenOverlay:head:
   *
   * With the mode `attention`, whose attention is drawn: that of a head, from 0, or
   * with -1, the default, the mean of all heads.
   *
   * Takes effect on the next frame; may be controlled.
   *
   * Since: 0.1
   */
  g_object_class_install_property (class, PROP_HEAD,
      g_param_spec_int ("head", "Head",
          "mode=attention: the head whose attention is drawn, from 0; -1: the "
          "mean of all",
          -1, G_MAXINT, defaults.head, flags));
  gst_type_mark_as_plugin_api (
      GST_TYPE_VIT_TOKEN_OVERLAY_MODE, (GstPluginAPIFlags) 0);
}

static void
set_points (GstVitDrawingSettings *settings, const GValue *value)
{
  guint n = MIN (gst_value_array_get_size (value) / 2,
      GST_VIT_DRAWING_MAX_POINTS);

  for (guint i = 0; i < 2 * n; i++)
    settings->points[i] = g_value_get_int (gst_value_array_get_value (value, i));
  settings->n_points = n;
}

static void
get_points (const GstVitDrawingSettings *settings, GValue *value)
{
  for (guint i = 0; i < 2 * settings->n_points; i++) {
    GValue number = G_VALUE_INIT;

    g_value_init (&number, G_TYPE_INT);
    g_value_set_int (&number, settings->points[i]);
    gst_value_array_append_and_take_value (value, &number);
  }
}

static void
set_query (GstVitDrawingSettings *settings, const gchar *path)
{
  gst_vit_drawing_settings_clear (settings);
  if (path && *path)
    settings->query = g_ref_string_new (path);
}

gboolean
gst_vit_drawing_settings_set (
    GstVitDrawingSettings *settings, guint id, const GValue *value)
{
  switch (id) {
    case PROP_MODE:
      settings->mode = (GstVitDrawingMode) g_value_get_enum (value);
      return TRUE;
    case PROP_OPACITY:
      settings->opacity = g_value_get_double (value);
      return TRUE;
    case PROP_FOREGROUND:
      settings->foreground = g_value_get_boolean (value);
      return TRUE;
    case PROP_SMOOTH:
      settings->smooth = g_value_get_boolean (value);
      return TRUE;
    case PROP_X:
      settings->x = g_value_get_int (value);
      return TRUE;
    case PROP_Y:
      settings->y = g_value_get_int (value);
      return TRUE;
    case PROP_POINTS:
      set_points (settings, value);
      return TRUE;
    case PROP_QUERY:
      set_query (settings, g_value_get_string (value));
      return TRUE;
    case PROP_LEGEND:
      settings->legend = g_value_get_boolean (value);
      return TRUE;
    case PROP_KEEP_POSITIONS:
      settings->keep_positions = g_value_get_boolean (value);
      return TRUE;
    case PROP_HEAD:
      settings->head = g_value_get_int (value);
      return TRUE;
  }
  return FALSE;
}

gboolean
gst_vit_drawing_settings_get (
    const GstVitDrawingSettings *settings, guint id, GValue *value)
{
  switch (id) {
    case PROP_MODE:
      g_value_set_enum (value, settings->mode);
      return TRUE;
    case PROP_OPACITY:
      g_value_set_double (value, settings->opacity);
      return TRUE;
    case PROP_FOREGROUND:
      g_value_set_boolean (value, settings->foreground);
      return TRUE;
    case PROP_SMOOTH:
      g_value_set_boolean (value, settings->smooth);
      return TRUE;
    case PROP_X:
      g_value_set_int (value, settings->x);
      return TRUE;
    case PROP_Y:
      g_value_set_int (value, settings->y);
      return TRUE;
    case PROP_POINTS:
      get_points (settings, value);
      return TRUE;
    case PROP_QUERY:
      g_value_set_string (value, settings->query);
      return TRUE;
    case PROP_LEGEND:
      g_value_set_boolean (value, settings->legend);
      return TRUE;
    case PROP_KEEP_POSITIONS:
      g_value_set_boolean (value, settings->keep_positions);
      return TRUE;
    case PROP_HEAD:
      g_value_set_int (value, settings->head);
      return TRUE;
  }
  return FALSE;
}

gboolean
gst_vit_drawing_settings_read_tokens (const GstVitDrawingSettings *settings)
{
  return settings->mode == GST_VIT_DRAWING_PCA
         || settings->mode == GST_VIT_DRAWING_SIMILARITY
         || settings->mode == GST_VIT_DRAWING_NORM;
}

gboolean
gst_vit_drawing_settings_want_positions (const GstVitDrawingSettings *settings)
{
  return gst_vit_drawing_settings_read_tokens (settings)
         && !settings->keep_positions;
}

gboolean
gst_vit_drawing_settings_are_equal (
    const GstVitDrawingSettings *one, const GstVitDrawingSettings *other)
{
  /* To the last bit, as one is a copy of the other. */
  return one->mode == other->mode && one->x == other->x && one->y == other->y
         && memcmp (&one->opacity, &other->opacity, sizeof one->opacity) == 0
         && one->foreground == other->foreground
         && one->smooth == other->smooth && one->query == other->query
         && one->n_points == other->n_points
         && memcmp (one->points, other->points,
                2 * one->n_points * sizeof *one->points) == 0
         && one->head == other->head && one->legend == other->legend
         && one->keep_positions == other->keep_positions;
}
