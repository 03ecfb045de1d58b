/* SPDX-License-Identifier: MIT
 *
 * GST_VIT_API marks what the library gstvit-1.0 exports.  Everything else in
 * it is hidden: it is built with -fvisibility=hidden and BUILDING_GST_VIT.
 */
#pragma once

#include <gst/gst.h>

#ifdef BUILDING_GST_VIT
#define GST_VIT_API GST_API_EXPORT
#else
#define GST_VIT_API GST_API_IMPORT
#endif
