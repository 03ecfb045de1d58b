/* SPDX-License-Identifier: MIT */
#include "common/gstvitallocation.h"

#include <gst/video/video.h>

static void
withdraw_meta (GstQuery *query, GType api)
{
  guint index;

  while (gst_query_find_allocation_meta (query, api, &index))
    gst_query_remove_nth_allocation_meta (query, index);
}

void
gst_vit_allocation_propose (GstPad *srcpad, GstQuery *query)
{
  gst_pad_peer_query (srcpad, query);
  withdraw_meta (query, GST_VIDEO_CROP_META_API_TYPE);
  withdraw_meta (query, GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE);
}
