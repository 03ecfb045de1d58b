/* SPDX-License-Identifier: MIT */
#include "base/error.h"

/* G_DEFINE_QUARK() writes its variable without a lock, and several threads may ask
 * at once. */
GQuark
vit_error_quark (void)
{
  static gsize quark;

  if (g_once_init_enter (&quark))
    g_once_init_leave (
        &quark, g_quark_from_static_string ("vit-error-quark"));
  return (GQuark) quark;
}
