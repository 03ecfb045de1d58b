/* SPDX-License-Identifier: MIT */
#include "common/gstvitcategory.h"

GstDebugCategory *
gst_vit_category_of (GstElement *element)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  GstDebugCategory *category = NULL;

  GST_DEBUG_CATEGORY_GET (
      category, factory != NULL ? GST_OBJECT_NAME (factory) : "default");
  return category;
}
