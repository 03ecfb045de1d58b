/* SPDX-License-Identifier: MIT
 *
 * GstVitTokensMeta: its types, and their registration with GStreamer.
 *
 * A meta that comes from another process (unixfdsrc) is made by its name, before
 * any function of this library is called on the frame.  So the meta is known as
 * soon as both the library is loaded and GStreamer initialised, in either order.
 * The library is mostly loaded first, as the program links to it; it must not
 * initialise GStreamer itself then, as that takes the command line from the
 * program.  gst_init() calls nobody back, but it makes the class of GstBin, with
 * an interface, after its table of metas; and GObject calls back for interfaces.
 */
#include <gst/video/video.h>
#include <string.h>

#include "gst/vit/gstvittokens-private.h"

GType
gst_vit_tokens_meta_api_get_type (void)
{
  static const gchar *tags[] = {
    GST_META_TAG_VIDEO_STR,
    GST_META_TAG_VIDEO_SIZE_STR,
    GST_META_TAG_VIDEO_ORIENTATION_STR,
    NULL,
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, gst_meta_api_type_register ("GstVitTokensMetaAPI", tags));

  return type;
}

static gboolean
gst_vit_tokens_meta_init (GstMeta *meta, gpointer params G_GNUC_UNUSED,
    GstBuffer *buffer G_GNUC_UNUSED)
{
  GstVitTokensMeta *self = (GstVitTokensMeta *) meta;
  GstMeta base = self->meta;

  memset (self, 0, sizeof *self);
  self->meta = base;
  self->roi_id = -1;

  return TRUE;
}

static void
gst_vit_tokens_meta_free (GstMeta *meta, GstBuffer *buffer G_GNUC_UNUSED)
{
  GstVitTokensMeta *self = (GstVitTokensMeta *) meta;

  gst_clear_buffer (&self->tokens);
  gst_clear_buffer (&self->positions);
  g_clear_pointer (&self->changed, g_bytes_unref);
  g_clear_pointer (&self->prefix_kinds, g_bytes_unref);
  g_clear_pointer (&self->model_id, g_free);
  g_clear_pointer (&self->roi_type, g_free);
}

static const GstMetaInfo *
register_info (void)
{
#if GST_CHECK_VERSION(1, 24, 0)
  GstMetaInfo *info = gst_meta_info_new (GST_VIT_TOKENS_META_API_TYPE,
      "GstVitTokensMeta", sizeof (GstVitTokensMeta));

  info->init_func = gst_vit_tokens_meta_init;
  info->free_func = gst_vit_tokens_meta_free;
  info->transform_func = gst_vit_tokens_meta_transform;
  info->serialize_func = gst_vit_tokens_meta_serialize;
  info->deserialize_func = gst_vit_tokens_meta_deserialize;
  return gst_meta_info_register (info);
#else
  return gst_meta_register (GST_VIT_TOKENS_META_API_TYPE, "GstVitTokensMeta",
      sizeof (GstVitTokensMeta), gst_vit_tokens_meta_init,
      gst_vit_tokens_meta_free, gst_vit_tokens_meta_transform);
#endif
}

const GstMetaInfo *
gst_vit_tokens_meta_get_info (void)
{
  static gsize info = 0;

  if (g_once_init_enter (&info))
    g_once_init_leave (&info, (gsize) register_info ());

  return (const GstMetaInfo *) info;
}

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
  if (has_table_of_metas ())
    gst_vit_tokens_meta_get_info ();
}

/* Stays for good, as the library does: once registered it costs a look at a
 * number for every class with an interface.  Other compilers have the meta
 * registered by the first function that is called. */
#ifdef __GNUC__
__attribute__ ((constructor)) static void
register_on_load (void)
{
  if (has_table_of_metas ())
    gst_vit_tokens_meta_get_info ();
  else
    g_type_add_interface_check (NULL, register_when_possible);
}
#endif
