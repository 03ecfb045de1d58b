/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta in a program that calls nothing of its library before frames
 * come: the meta is known to GStreamer once the library is loaded, whether that
 * is before GStreamer is initialised, as where it is linked to, or after, and
 * the library leaves the initialisation to the program.
 */
#include <dlfcn.h>
#include <gst/gst.h>

#define META "GstVitTokensMeta"

/* A class with an interface that GStreamer has nothing to do with. */
typedef GObject Other;
typedef GObjectClass OtherClass;

static GType other_get_type (void);
G_DEFINE_TYPE_WITH_CODE (Other, other, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (G_TYPE_TYPE_PLUGIN, NULL));

static void
other_class_init (OtherClass *klass G_GNUC_UNUSED)
{
}

static void
other_init (Other *self G_GNUC_UNUSED)
{
}

static void *
open_library (void)
{
  void *library = dlopen ("libgstvit-1.0.so.0", RTLD_LAZY);

  if (!library)
    g_error ("%s", dlerror ());
  return library;
}

static void
open_before (void)
{
  open_library ();
  g_assert_false (gst_is_initialized ());
  g_assert_cmpuint (g_type_from_name (META "API"), ==, 0);
  g_type_class_ref (other_get_type ());
  gst_init (NULL, NULL);
  g_assert_nonnull (gst_meta_get_info (META));
}

static void
open_after (void)
{
  gst_init (NULL, NULL);
  if (gst_meta_get_info (META)) {
    g_test_skip ("this linker keeps libraries that are not used");
    return;
  }
  open_library ();
  g_assert_nonnull (gst_meta_get_info (META));
}

/* Closing it must not leave GStreamer with a meta whose functions are gone. */
static void
open_and_close (void)
{
  const GstMetaInfo *info;
  GstBuffer *frame;

  gst_init (NULL, NULL);
  g_assert_cmpint (dlclose (open_library ()), ==, 0);
  info = gst_meta_get_info (META);
  g_assert_nonnull (info);
  frame = gst_buffer_new ();
  g_assert_nonnull (gst_buffer_add_meta (frame, info, NULL));
  gst_buffer_unref (frame);
}

/* Each order needs a process of its own. */
static void
run_alone (gconstpointer data)
{
  void (*function) (void) = *(void (*const *) (void)) data;

  if (g_test_subprocess ()) {
    function ();
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  static void (*const orders[]) (void)
      = { open_before, open_after, open_and_close };

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func (
      "/tokens-opened/before-gst-init", &orders[0], run_alone);
  g_test_add_data_func ("/tokens-opened/after-gst-init", &orders[1], run_alone);
  g_test_add_data_func ("/tokens-opened/and-closed", &orders[2], run_alone);
  return g_test_run ();
}
