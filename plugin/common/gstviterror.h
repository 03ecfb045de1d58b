/* SPDX-License-Identifier: MIT
 *
 * The one place where an error of src/ becomes an error message of an element.
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
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* As GST_ELEMENT_ERROR(): posts `error` as an error of `element` and frees it.
 * Its debug text is the file, line and function in which this stands, and behind
 * them what follows, a printf format and its arguments: for developers, what was
 * being done.  No lock may be held. */
#define GST_VIT_ELEMENT_ERROR(element, error, ...)                            \
  G_STMT_START                                                                \
  {                                                                           \
    GST_WARNING_OBJECT (element, "error: %s", (error)->message);              \
    gst_vit_error_post (GST_ELEMENT (element), error, __FILE__, GST_FUNCTION, \
        __LINE__, __VA_ARGS__);                                               \
  }                                                                           \
  G_STMT_END

/* What the macro calls. */
void gst_vit_error_post (GstElement *element, GError *error,
    const gchar *file, const gchar *function, gint line, const gchar *format,
    ...) G_GNUC_PRINTF (6, 7);

G_END_DECLS
