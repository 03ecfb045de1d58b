/* SPDX-License-Identifier: MIT
 *
 * How many regions of a frame are looked at: more than detectors find.  Each costs
 * up to what the frame does, and whoever made the metas may be a stranger.
 */
#pragma once

#define GST_VIT_REGIONS_MAX 512
