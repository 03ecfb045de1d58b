/* SPDX-License-Identifier: MIT
 *
 * Registers the elements.
 */
#include <gst/gst.h>

#include "encoder/gstvitencoder.h"
#include "gst/vit/gstvittokensmeta.h"
#include "patchembed/gstvitpatchembed.h"
#include "tokenenc/gstvittokenenc.h"
#include "tokenoverlay/gstvittokenoverlay.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean registered = FALSE;

  /* Registered early, so that a peer's serialised metadata is understood. */
  gst_vit_tokens_meta_get_info ();
  registered |= GST_ELEMENT_REGISTER (vitpatchembed, plugin);
  registered |= GST_ELEMENT_REGISTER (vitencoder, plugin);
  registered |= GST_ELEMENT_REGISTER (vittokenenc, plugin);
  registered |= GST_ELEMENT_REGISTER (vittokenoverlay, plugin);
  return registered;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, vit,
    "Vision Transformer tokens and features of video frames", plugin_init,
    PACKAGE_VERSION, "MIT/X11", "gst-vit", GST_PACKAGE_ORIGIN)
