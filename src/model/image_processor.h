/* SPDX-License-Identifier: MIT
 *
 * Image processors of Hugging Face: which of its files counts, which class
 * reads it, and what that class does with the numbers of a pixel.
 *
 *     x = p;  do_rescale: x = x rescale_factor
 *             do_normalize: x = (x - image_mean) / image_std
 *
 * A field that is absent is the class's default; one that is null is false or
 * missing, as in transformers 5 (BaseImageProcessor).  How a class resizes, cuts
 * and pads is a matter of the frames that are given, not of the model.
 *
 * Thread-safety: one thread at a time.
 */
#pragma once

#include "model/normalisation.h"

G_BEGIN_DECLS

/* Reads `folder`: processor_config.json's "image_processor", else
 * preprocessor_config.json.  Without either `stated` stays as it is.
 * `class_name` (nullable) counts where the file names no class, as the
 * model's own.  What was opened is appended to `files`, of VitFileState.
 * Errors: CONFIG, READ; UNSUPPORTED for a class or a field that does more to
 * a pixel than the above. */
gboolean vit_image_processor_read (const char *folder, const char *class_name,
    GArray *files, VitStatedNormalisation *stated, GError **error);

G_END_DECLS
