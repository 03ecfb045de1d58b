/* SPDX-License-Identifier: MIT
 *
 * What can go wrong, as GError codes: one domain for the whole library.  The
 * caller turns a code into its own kind of error; the message is for a person
 * and names the file, the tensor, what was found and what was expected.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define VIT_ERROR (vit_error_quark ())

typedef enum {
  VIT_ERROR_NOT_FOUND,   /* no such file or folder */
  VIT_ERROR_READ,        /* it is there but cannot be read */
  VIT_ERROR_CONTAINER,   /* it is not a well-formed safetensors file */
  VIT_ERROR_TENSOR,      /* a tensor is missing, or has a wrong shape or type */
  VIT_ERROR_VALUE,       /* a number is NaN or infinite, or makes a token so */
  VIT_ERROR_CONFIG,      /* a JSON file beside the weights makes no sense */
  VIT_ERROR_UNSUPPORTED, /* a model or file type that is refused by name */
  VIT_ERROR_SETTING,     /* a setting does not fit the model */
  VIT_ERROR_FRAME_SIZE,  /* smaller than a patch, or too large to compute */
  VIT_ERROR_NO_MEMORY,   /* an allocation failed */
  VIT_ERROR_LIMIT,       /* it would take more than the caller allows */
  VIT_ERROR_STOPPED,     /* the caller wants no more of it */
} VitError;

GQuark vit_error_quark (void);

G_END_DECLS
