/* SPDX-License-Identifier: MIT
 *
 * What a classifier's numbers stand for: id2label of Hugging Face's config.json,
 * label_names of timm's.
 *
 * Thread-safety: pure.
 */
#pragma once

#include "model/config.h"

G_BEGIN_DECLS

/* (transfer full, nullable): [n_classes], NULL-terminated; g_strfreev().  NULL
 * where the config does not name each of them.  Names come from a file of any
 * make: UTF-8, cut to VIT_CLASS_NAME_MAX bytes, control characters escaped. */
char **vit_class_names (const VitConfig *config, guint n_classes);

#define VIT_CLASS_NAME_MAX 200

G_END_DECLS
