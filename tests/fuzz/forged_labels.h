/* SPDX-License-Identifier: MIT
 *
 * Labels of logits as anyone may write them, and as they are read.
 */
#pragma once

#include "fuzz.h"
#include "gst/vit/gstvitembeddingmeta.h"

G_BEGIN_DECLS

/* None, some that hold where the scores do, or bytes of anyone's. */
void forged_labels_add (GstVitEmbeddingMeta *meta, Input *input);

/* As an application would read them, whether the meta is valid or not. */
void forged_labels_check (const GstVitEmbeddingMeta *meta);

G_END_DECLS
