/* SPDX-License-Identifier: MIT */
#include "common/gstviterror.h"

#include "base/error.h"

static const struct {
  GQuark (*domain) (void);
  gint code;
} messages[] = {
  [VIT_ERROR_NOT_FOUND]
  = { gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND },
  [VIT_ERROR_READ] = { gst_resource_error_quark, GST_RESOURCE_ERROR_OPEN_READ },
  [VIT_ERROR_CONTAINER] = { gst_stream_error_quark, GST_STREAM_ERROR_DEMUX },
  [VIT_ERROR_TENSOR] = { gst_stream_error_quark, GST_STREAM_ERROR_DECODE },
  [VIT_ERROR_VALUE] = { gst_stream_error_quark, GST_STREAM_ERROR_DECODE },
  [VIT_ERROR_CONFIG] = { gst_stream_error_quark, GST_STREAM_ERROR_DECODE },
  [VIT_ERROR_UNSUPPORTED]
  = { gst_stream_error_quark, GST_STREAM_ERROR_WRONG_TYPE },
  [VIT_ERROR_SETTING]
  = { gst_resource_error_quark, GST_RESOURCE_ERROR_SETTINGS },
  [VIT_ERROR_FRAME_SIZE] = { gst_stream_error_quark, GST_STREAM_ERROR_FORMAT },
  [VIT_ERROR_NO_MEMORY]
  = { gst_resource_error_quark, GST_RESOURCE_ERROR_NO_SPACE_LEFT },
  [VIT_ERROR_LIMIT]
  = { gst_resource_error_quark, GST_RESOURCE_ERROR_NO_SPACE_LEFT },
};

void
gst_vit_error_post (GstElement *element, GstMessageType type, GError *error,
    const gchar *file, const gchar *function, gint line, const gchar *format,
    ...)
{
  va_list arguments;
  gchar *debug;

  g_return_if_fail (error != NULL && error->domain == VIT_ERROR);
  g_return_if_fail ((guint) error->code < G_N_ELEMENTS (messages));

  va_start (arguments, format);
  debug = gst_info_strdup_vprintf (format, arguments);
  va_end (arguments);
  gst_element_message_full (element, type,
      messages[error->code].domain (), messages[error->code].code,
      g_strdup (error->message), debug, file, function, line);
  g_error_free (error);
}
