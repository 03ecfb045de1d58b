/* SPDX-License-Identifier: MIT
 *
 * Memory that cannot be mapped, as that of a device that was lost, say.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

GstMemory *unreadable_memory (gsize size);

G_END_DECLS
