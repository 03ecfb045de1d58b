/* SPDX-License-Identifier: MIT
 *
 * A folder in which a test puts together a model: small checkpoints, configs,
 * and the check that loading fails with the right code and words.
 */
#pragma once

#include "model/model.h"
#include "support/weights.h"

G_BEGIN_DECLS

typedef struct {
  const char *name; /* says the behaviour */
  void (*run) (void);
} FolderTest;

/* The whole of main() after g_test_init(); `path` goes before every name. */
int folder_run_tests (const char *path, const FolderTest *tests, gsize n_tests);

/* Of a file in the folder; NULL: the folder.  (transfer full) */
char *folder_path (const char *name);

void folder_write_text (const char *name, const char *text);
void folder_write_weights (
    Weights *weights /* (transfer full) */, const char *name);

/* Loads `name` (NULL: the folder), which must succeed. */
VitModel *folder_load (const char *name);

/* Loads `name` (NULL: the folder) and expects an error of `code` whose message
 * begins with a path in the folder and has each of the texts; NULL ends them. */
void assert_refused (const char *name, int code, ...) G_GNUC_NULL_TERMINATED;

/* The smallest models: D = 6, P = 2, a table of 3 x 3 and a class token. */
Weights *weights_new_dinov2 (void);
Weights *weights_new_hugging_face (void);

G_END_DECLS
