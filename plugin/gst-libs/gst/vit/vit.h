/* SPDX-License-Identifier: MIT
 *
 * All of the library gstvit-1.0: what an application includes.
 */
#pragma once

#include <gst/vit/gstvit-prelude.h>
#include <gst/vit/gstvitattentionmeta.h>
#include <gst/vit/gstvitembeddingmeta.h>
#include <gst/vit/gstvittokensmeta.h>
