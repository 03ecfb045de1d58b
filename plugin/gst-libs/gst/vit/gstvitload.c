/* SPDX-License-Identifier: MIT
 *
 * Makes this library's metas known to GStreamer.
 *
 * A meta that comes from another process (unixfdsrc) is made by its name, before
 * any function of this library is called on the frame.  So the metas are known as
 * soon as both the library is loaded and GStreamer initialised, in either order.
 * The library is mostly loaded first, as the program links to it; it must not
 * initialise GStreamer itself then, as that takes the command line from the
 * program.  gst_init() calls nobody back, but it makes the class of GstBin, with
 * an interface, after its table of metas; and GObject calls back for interfaces.
 */
#include "gst/vit/vit.h"

/* Other compilers have each meta registered by its first function that is
 * called. */
#ifdef __GNUC__
/* The quark of the copy transform is made together with the table of metas;
 * gst_is_initialized() says so only when it is too late. */
static gboolean
has_table_of_metas (void)
{
  return !GST_META_TRANSFORM_IS_COPY (0);
}

static void
register_when_possible (
    gpointer data G_GNUC_UNUSED, gpointer interface G_GNUC_UNUSED)
{
  if (has_table_of_metas ()) {
    gst_vit_tokens_meta_get_info ();
    gst_vit_embedding_meta_get_info ();
    gst_vit_attention_meta_get_info ();
  }
}

/* Stays for good, as the library does: once registered it costs a look at a
 * number for every class with an interface. */
__attribute__ ((constructor)) static void
register_on_load (void)
{
  if (has_table_of_metas ())
    register_when_possible (NULL, NULL);
  else
    g_type_add_interface_check (NULL, register_when_possible);
}
#endif
