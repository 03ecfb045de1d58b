/* SPDX-License-Identifier: MIT
 *
 * What the fuzz targets share: an input is taken apart from its front, and
 * files are put where the code that reads them by path finds them.  A target
 * ends the process where a promise is broken; the rest is the sanitizers'.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Called by libFuzzer. */
int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* What is left of an input.  Taking more than there is gives zeros. */
typedef struct {
  const guint8 *data;
  gsize size;
} Input;

guint input_take (Input *input, guint n_bytes /* 1 to 4, little-endian */);

/* From `least` to `most`. */
int input_take_int (Input *input, int least, int most);

/* A folder of this process alone, made once; in memory where the machine has
 * such a place. */
const char *fuzz_folder (void);
void fuzz_folder_clear (void);
void fuzz_write (const char *name, gconstpointer bytes, gsize size);

/* What the tensors of a safetensors file are filled with. */
typedef enum {
  FUZZ_FILL_ZEROS,
  FUZZ_FILL_HEADER, /* the header's own bytes, over and over */
  FUZZ_FILL_ONES,   /* what follows: float32, whatever the header says */
  FUZZ_FILL_LARGE,  /* 1e36 */
  FUZZ_FILL_LARGEST, /* the largest finite, the sign of every other negative */
  FUZZ_FILL_TINY,   /* the smallest above zero */
  FUZZ_FILL_INFINITY,
  FUZZ_FILL_NAN,
  FUZZ_N_FILLS
} FuzzFill;

/* Writes `header` as a safetensors file: with its length before it and behind
 * it as many bytes as the furthest data_offsets ask for, but not over 1 MB. */
void fuzz_write_container (
    const char *name, const char *header, gsize size, FuzzFill fill);

/* Writes a model folder and gives the path that is to be loaded.  An input is up to
 * eight files: a byte that says which, two bytes of length, the text; of a
 * safetensors file the text is the header.  The higher bits of a file's byte say
 * what its tensors are filled with, and those of the first what is given as the
 * model: the folder or a file in it.
 *
 *     bit 0-2: the file   3-5: FuzzFill   6-7, of the first: what is loaded
 */
char *fuzz_write_model (const guint8 *data, gsize size) /* (transfer full) */;

/* An error must be one of the library's, in UTF-8 and without codes that a
 * terminal obeys. */
void fuzz_check_error (GError *error /* (transfer full) */);

G_END_DECLS
