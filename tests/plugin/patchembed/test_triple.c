/* SPDX-License-Identifier: MIT
 *
 * The properties mean and std: arrays of doubles, which take the numbers of
 * programs whatever their type.
 */
#include <gst/gst.h>

/* The mean is 1, 2, 3. */
static void
check_mean (GstElement *element)
{
  GValue array = G_VALUE_INIT;

  g_object_get_property (G_OBJECT (element), "mean", &array);
  g_assert_cmpuint (gst_value_array_get_size (&array), ==, 3);
  for (guint c = 0; c < 3; c++)
    g_assert_cmpfloat (
        g_value_get_double (gst_value_array_get_value (&array, c)), ==,
        c + 1.0);
  g_value_unset (&array);
}

/* Appends a number in the type that a program may write it in. */
static void
append (GValue *array, GType type, gdouble number)
{
  GValue value = G_VALUE_INIT, converted = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_init (&converted, type);
  g_value_set_double (&value, number);
  g_assert_true (g_value_transform (&value, &converted));
  gst_value_array_append_and_take_value (array, &converted);
}

static void
test_programs_set_any_numbers (void)
{
  static const GType types[] = { G_TYPE_DOUBLE, G_TYPE_FLOAT, G_TYPE_INT,
    G_TYPE_INT64, G_TYPE_UINT, G_TYPE_STRING };

  for (guint t = 0; t < G_N_ELEMENTS (types); t++) {
    GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);
    GValue array = G_VALUE_INIT;

    gst_object_ref_sink (element);
    g_value_init (&array, GST_TYPE_ARRAY);
    for (guint c = 0; c < 3; c++)
      append (&array, types[t], c + 1.0);
    g_object_set_property (G_OBJECT (element), "mean", &array);
    check_mean (element);
    g_value_unset (&array);
    gst_object_unref (element);
  }
}

static void
test_launch_lines_set_doubles_and_ints (void)
{
  static const gchar *const launches[] = { "vitpatchembed mean=<1.0,2.0,3.0>",
    "vitpatchembed mean=<1,2,3>", "vitpatchembed mean=\"<1.0, 2, 3e0>\"",
    "vitpatchembed mean=\"<(double)1, (double)2, (double)3>\"" };

  for (guint i = 0; i < G_N_ELEMENTS (launches); i++) {
    GError *error = NULL;
    GstElement *element = gst_parse_launch (launches[i], &error);

    g_assert_no_error (error);
    gst_object_ref_sink (element);
    check_mean (element);
    gst_object_unref (element);
  }
}

/* It is read by the type of the elements. */
static void
test_a_launch_line_of_words_is_refused (void)
{
  GError *error = NULL;
  GstElement *element
      = gst_parse_launch ("vitpatchembed mean=\"<0.5,half,0.5>\"", &error);

  g_assert_error (
      error, GST_PARSE_ERROR, GST_PARSE_ERROR_COULD_NOT_SET_PROPERTY);
  g_error_free (error);
  gst_clear_object (&element);
}

static void
test_elements_are_doubles (void)
{
  static const gchar *const names[] = { "mean", "std" };
  GstElement *element = gst_element_factory_make ("vitpatchembed", NULL);

  gst_object_ref_sink (element);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GParamSpec *pspec = g_object_class_find_property (
        G_OBJECT_GET_CLASS (element), names[i]);

    g_assert_true (GST_IS_PARAM_SPEC_ARRAY_LIST (pspec));
    g_assert_true (G_IS_PARAM_SPEC_DOUBLE (
        GST_PARAM_SPEC_ARRAY_LIST (pspec)->element_spec));
  }
  gst_object_unref (element);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/triple/" name, function)
  TEST ("programs-set-any-numbers", test_programs_set_any_numbers);
  TEST ("launch-lines-set-doubles-and-ints",
      test_launch_lines_set_doubles_and_ints);
  TEST ("a-launch-line-of-words-is-refused",
      test_a_launch_line_of_words_is_refused);
  TEST ("elements-are-doubles", test_elements_are_doubles);
  return g_test_run ();
}
