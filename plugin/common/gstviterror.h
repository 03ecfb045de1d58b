/* SPDX-License-Identifier: MIT
 *
 * The one place where an error of src/ becomes an error or warning of an element.
 *
 *     VIT_ERROR    the element's error      what a program may do
 *     NOT_FOUND    RESOURCE NOT_FOUND       ask for another path
 *     READ         RESOURCE OPEN_READ       see to permissions and the disk
 *     CONTAINER    STREAM DEMUX             fetch the file again: it is cut, or
 *                                           damaged otherwise
 *     UNSUPPORTED  STREAM WRONG_TYPE        ask for another file or model: such
 *                                           are not read
 *     TENSOR       STREAM DECODE            ask for another model: of a kind
 *     VALUE        STREAM DECODE            that is read, this one makes no
 *     CONFIG       STREAM DECODE            sense
 *     SETTING      RESOURCE SETTINGS        set properties otherwise
 *     FRAME_SIZE   STREAM FORMAT            send other caps
 *     NO_MEMORY    RESOURCE NO_SPACE_LEFT   free memory
 *     LIMIT        RESOURCE NO_SPACE_LEFT   allow more, or ask for less
 *
 * STOPPED is none: it is GST_FLOW_FLUSHING.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* As GST_ELEMENT_ERROR(): posts `error` as an error of `element` and frees it.
 * Its debug text is the file, line and function in which this stands, and behind
 * them what follows, a printf format and its arguments: for developers, what was
 * being done.  No lock may be held. */
#define GST_VIT_ELEMENT_ERROR(element, error, ...)                            \
  GST_VIT_ELEMENT_POST_ (element, GST_MESSAGE_ERROR, "error", error, __VA_ARGS__)

/* The same as a warning: the stream goes on. */
#define GST_VIT_ELEMENT_WARNING(element, error, ...)                          \
  GST_VIT_ELEMENT_POST_ (                                                     \
      element, GST_MESSAGE_WARNING, "warning", error, __VA_ARGS__)

#define GST_VIT_ELEMENT_POST_(element, type, name, error, ...)                \
  G_STMT_START                                                                \
  {                                                                           \
    GST_WARNING_OBJECT (element, name ": %s", (error)->message);              \
    gst_vit_error_post (GST_ELEMENT (element), type, error, __FILE__,         \
        GST_FUNCTION, __LINE__, __VA_ARGS__);                                 \
  }                                                                           \
  G_STMT_END

/* What the macros call. */
void gst_vit_error_post (GstElement *element, GstMessageType type,
    GError *error, const gchar *file, const gchar *function, gint line,
    const gchar *format, ...) G_GNUC_PRINTF (7, 8);

G_END_DECLS
