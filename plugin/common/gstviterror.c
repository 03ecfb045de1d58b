/* SPDX-License-Identifier: MIT */
#include "common/gstviterror.h"

#include "base/error.h"

static void
choose_code (gint vit_code, GQuark *domain, gint *code)
{
  *domain = GST_RESOURCE_ERROR;
  switch ((VitError) vit_code) {
    case VIT_ERROR_NOT_FOUND:
      *code = GST_RESOURCE_ERROR_NOT_FOUND;
      return;
    case VIT_ERROR_READ:
      *code = GST_RESOURCE_ERROR_OPEN_READ;
      return;
    case VIT_ERROR_SETTING:
      *code = GST_RESOURCE_ERROR_SETTINGS;
      return;
    case VIT_ERROR_NO_MEMORY:
      *code = GST_RESOURCE_ERROR_NO_SPACE_LEFT;
      return;
    case VIT_ERROR_FRAME_SIZE:
      *domain = GST_STREAM_ERROR;
      *code = GST_STREAM_ERROR_FORMAT;
      return;
    case VIT_ERROR_CONTAINER:
    case VIT_ERROR_TENSOR:
    case VIT_ERROR_VALUE:
    case VIT_ERROR_CONFIG:
    case VIT_ERROR_UNSUPPORTED:
      break;
  }
  *code = GST_RESOURCE_ERROR_FAILED;
}

void
gst_vit_error_post (GstElement *element, GError *error)
{
  GQuark domain;
  gint code;

  g_return_if_fail (error != NULL && error->domain == VIT_ERROR);

  choose_code (error->code, &domain, &code);
  gst_element_message_full (element, GST_MESSAGE_ERROR, domain, code,
      g_strdup (error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
  g_error_free (error);
}
