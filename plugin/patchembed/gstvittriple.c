/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvittriple.h"

#include <math.h>
#include <string.h>

/* A finite number, in whatever type a program wrote it; FALSE if it is none. */
static gboolean
get_number (const GValue *value, double *number)
{
  GValue converted = G_VALUE_INIT;

  if (G_VALUE_HOLDS_STRING (value)) {
    const gchar *text = g_value_get_string (value);
    gchar *end = NULL;

    *number = text != NULL ? g_ascii_strtod (text, &end) : 0.0;
    return end != text && *end == '\0' && isfinite (*number);
  }
  g_value_init (&converted, G_TYPE_DOUBLE);
  if (!g_value_transform (value, &converted))
    return FALSE;
  *number = g_value_get_double (&converted);
  return isfinite (*number);
}

gboolean
gst_vit_value_get_triple (const GValue *value, double triple[3])
{
  double numbers[3];

  if (gst_value_array_get_size (value) != 3)
    return FALSE;
  for (guint c = 0; c < 3; c++) {
    if (!get_number (gst_value_array_get_value (value, c), &numbers[c]))
      return FALSE;
  }
  memcpy (triple, numbers, sizeof numbers);
  return TRUE;
}

void
gst_vit_value_set_triple (GValue *value, const double triple[3])
{
  for (guint c = 0; c < 3; c++) {
    GValue number = G_VALUE_INIT;

    g_value_init (&number, G_TYPE_DOUBLE);
    g_value_set_double (&number, triple[c]);
    gst_value_array_append_and_take_value (value, &number);
  }
}

/* Whatever comes passes; the start says what is wrong with it. */
static gboolean
leave_as_it_is (GParamSpec *pspec G_GNUC_UNUSED, GValue *value G_GNUC_UNUSED)
{
  return FALSE;
}

static void
triple_class_init (gpointer class, gpointer data G_GNUC_UNUSED)
{
  G_PARAM_SPEC_CLASS (class)->value_validate = leave_as_it_is;
}

static GType
triple_get_type (void)
{
  static gsize type = 0;
  static const GTypeInfo info = {
    .class_size = sizeof (GParamSpecClass),
    .class_init = triple_class_init,
    .instance_size = sizeof (GstParamSpecArray),
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_type_register_static (
            GST_TYPE_PARAM_ARRAY_LIST, "GstVitParamTriple", &info, 0));
  return type;
}

GParamSpec *
gst_vit_param_spec_triple (
    const gchar *name, const gchar *nick, const gchar *blurb)
{
  GParamFlags flags
      = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;
  GParamSpec *number = g_param_spec_double ("number", "Number",
      "Of one of R, G, B", -G_MAXDOUBLE, G_MAXDOUBLE, 0.0, flags);
  GstParamSpecArray *triple
      = g_param_spec_internal (triple_get_type (), name, nick, blurb, flags);

  triple->element_spec = g_param_spec_ref_sink (number);
  return G_PARAM_SPEC (triple);
}
