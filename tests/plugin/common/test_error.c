/* SPDX-License-Identifier: MIT
 *
 * An error of the library as an element's: a code that tells a program what it
 * can do, and the place that met it.
 */
#include <gst/gst.h>
#include <string.h>

#include "base/error.h"
#include "common/gstviterror.h"

/* The error that is on the bus, with its debug text. */
static GError *
pop_error (GstBus *bus, gchar **debug)
{
  GstMessage *message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  GError *error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, debug);
  gst_message_unref (message);
  return error;
}

static void
test_an_error_has_the_place_of_its_caller (void)
{
  GstElement *bin = gst_bin_new ("here");
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-test");
  GstBus *bus = gst_bus_new ();
  gchar *debug, *place;
  GError *error;
  gint line;

  gst_element_set_bus (bin, bus);
  error = g_error_new (VIT_ERROR, VIT_ERROR_READ, "100 %%s of it");
  line = __LINE__ + 1;
  GST_VIT_ELEMENT_ERROR (bin, error, "step %d: %" GST_PTR_FORMAT, 3, caps);

  error = pop_error (bus, &debug);
  place = g_strdup_printf ("test_error.c(%d): %s ():", line, G_STRFUNC);
  g_assert_cmpstr (error->message, ==, "100 %s of it");
  g_assert_nonnull (strstr (debug, place));
  g_assert_nonnull (strstr (debug, "step 3: video/x-test"));

  g_free (place);
  g_free (debug);
  g_error_free (error);
  gst_element_set_bus (bin, NULL);
  gst_object_unref (bus);
  gst_caps_unref (caps);
  gst_object_unref (bin);
}

static void
test_every_code_is_one_of_gstreamer (void)
{
  static const struct {
    VitError ours;
    GQuark (*domain) (void);
    gint code;
  } cases[] = {
    { VIT_ERROR_NOT_FOUND, gst_resource_error_quark,
        GST_RESOURCE_ERROR_NOT_FOUND },
    { VIT_ERROR_READ, gst_resource_error_quark, GST_RESOURCE_ERROR_OPEN_READ },
    { VIT_ERROR_CONTAINER, gst_stream_error_quark, GST_STREAM_ERROR_DEMUX },
    { VIT_ERROR_TENSOR, gst_stream_error_quark, GST_STREAM_ERROR_DECODE },
    { VIT_ERROR_VALUE, gst_stream_error_quark, GST_STREAM_ERROR_DECODE },
    { VIT_ERROR_CONFIG, gst_stream_error_quark, GST_STREAM_ERROR_DECODE },
    { VIT_ERROR_UNSUPPORTED, gst_stream_error_quark,
        GST_STREAM_ERROR_WRONG_TYPE },
    { VIT_ERROR_SETTING, gst_resource_error_quark,
        GST_RESOURCE_ERROR_SETTINGS },
    { VIT_ERROR_FRAME_SIZE, gst_stream_error_quark, GST_STREAM_ERROR_FORMAT },
    { VIT_ERROR_NO_MEMORY, gst_resource_error_quark,
        GST_RESOURCE_ERROR_NO_SPACE_LEFT },
    { VIT_ERROR_LIMIT, gst_resource_error_quark,
        GST_RESOURCE_ERROR_NO_SPACE_LEFT },
  };
  GstElement *bin = gst_bin_new (NULL);
  GstBus *bus = gst_bus_new ();

  /* The last of the enumeration: there are no more. */
  g_assert_cmpuint (G_N_ELEMENTS (cases), ==, VIT_ERROR_LIMIT + 1);
  gst_element_set_bus (bin, bus);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GError *error = g_error_new_literal (VIT_ERROR, cases[i].ours, "text");
    gchar *debug;

    g_assert_cmpint (cases[i].ours, ==, i);
    GST_VIT_ELEMENT_ERROR (bin, error, "case %u", i);
    error = pop_error (bus, &debug);
    g_assert_error (error, cases[i].domain (), cases[i].code);
    g_error_free (error);
    g_free (debug);
  }
  gst_element_set_bus (bin, NULL);
  gst_object_unref (bus);
  gst_object_unref (bin);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);

#define TEST(name, function) g_test_add_func ("/error/" name, function)
  TEST ("an-error-has-the-place-of-its-caller",
      test_an_error_has_the_place_of_its_caller);
  TEST ("every-code-is-one-of-gstreamer", test_every_code_is_one_of_gstreamer);
  return g_test_run ();
}
