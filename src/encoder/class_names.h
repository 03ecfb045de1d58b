/* SPDX-License-Identifier: MIT
 *
 * What a head's numbers stand for: whether they are classes, and the names of
 * these, id2label of Hugging Face's config.json, label_names of timm's.
 *
 * Thread-safety: pure.
 */
#pragma once

#include "model/config.h"

G_BEGIN_DECLS

typedef enum {
  VIT_LOGITS_ONE_OF,  /* scores of classes, of which one is there: softmax */
  VIT_LOGITS_ANY_OF,  /* of which each may be there: sigmoid */
  VIT_LOGITS_JOINT,   /* a vector of the space that pictures share with texts */
  VIT_LOGITS_NUMBERS, /* of a regression */
} VitLogitsMeaning;

/* (transfer full, nullable): [n_classes], NULL-terminated; g_strfreev().  NULL
 * where the config does not name each of them.  Names come from a file of any
 * make: UTF-8, cut to VIT_CLASS_NAME_MAX bytes, control characters escaped. */
char **vit_class_names (const VitConfig *config, guint n_classes);

/* (transfer full): a name as it may be shown: as above. */
char *vit_class_name_clean (const char *name /* UTF-8 */);

/* Whether one of timm's models that were trained with texts was trained anew to
 * tell classes, and shares no space with texts any more: as its name or tag
 * ("openai_ft_in1k") says, or that its classes have names. */
gboolean vit_is_fine_tuned_to_classes (
    const VitConfig *config, gboolean has_names);

/* By Hugging Face's problem_type and its image-classification pipeline.  Timm's
 * CLIP and PE models have a vector, but those that were fine-tuned to classes. */
VitLogitsMeaning vit_logits_meaning (
    const VitConfig *config, guint n_classes, gboolean has_names);

#define VIT_CLASS_NAME_MAX 200

G_END_DECLS
