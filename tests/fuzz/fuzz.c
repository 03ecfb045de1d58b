/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <float.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_DATA (1 << 20)

static char *folder;

guint
input_take (Input *input, guint n_bytes)
{
  guint value = 0;

  for (guint i = 0; i < n_bytes && input->size > 0; i++) {
    value |= (guint) *input->data++ << (8 * i);
    input->size--;
  }
  return value;
}

int
input_take_int (Input *input, int least, int most)
{
  guint64 range = (guint64) ((gint64) most - least) + 1;

  return (int) (least + (gint64) (input_take (input, 4) % range));
}

static void
remove_folder (void)
{
  fuzz_folder_clear ();
  g_rmdir (folder);
  g_free (folder);
}

const char *
fuzz_folder (void)
{
  if (folder == NULL) {
    folder = g_strdup ("/dev/shm/vit-fuzz-XXXXXX");
    if (g_mkdtemp (folder) == NULL) {
      g_free (folder);
      folder = g_dir_make_tmp ("vit-fuzz-XXXXXX", NULL);
    }
    g_assert_nonnull (folder);
    atexit (remove_folder);
  }
  return folder;
}

void
fuzz_folder_clear (void)
{
  g_autoptr (GDir) dir = g_dir_open (fuzz_folder (), 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    g_unlink (path);
  }
}

static FILE *
open_file (const char *name)
{
  g_autofree char *path = g_build_filename (fuzz_folder (), name, NULL);
  FILE *file = fopen (path, "wb");

  g_assert_nonnull (file);
  return file;
}

void
fuzz_write (const char *name, gconstpointer bytes, gsize size)
{
  FILE *file = open_file (name);

  fwrite (bytes, 1, size, file);
  fclose (file);
}

/* The largest number that follows "data_offsets":[n, */
static gsize
find_data_end (const char *header, gsize size)
{
  g_autofree char *text = g_strndup (header, size);
  gsize end = 0;

  for (const char *at = text; (at = strstr (at, "data_offsets")); at++) {
    unsigned long begin_offset, end_offset;

    if (sscanf (at, "data_offsets\" : [ %lu , %lu", &begin_offset, &end_offset)
            == 2
        && end_offset <= MAX_DATA)
      end = MAX (end, end_offset);
  }
  return end;
}

static void
fill_data (guint8 *data, gsize size, FuzzFill fill, const char *header,
    gsize n_header)
{
  static const float values[FUZZ_N_FILLS] = { [FUZZ_FILL_ONES] = 1.0f,
    [FUZZ_FILL_LARGE] = 1e36f, [FUZZ_FILL_LARGEST] = FLT_MAX,
    [FUZZ_FILL_TINY] = FLT_TRUE_MIN, [FUZZ_FILL_INFINITY] = INFINITY,
    [FUZZ_FILL_NAN] = NAN };

  for (gsize i = 0; i < size; i += sizeof (float)) {
    gsize n = MIN (size - i, sizeof (float));
    float value = values[fill];

    if (fill == FUZZ_FILL_LARGEST && i % 8 == 4)
      value = -value;
    memcpy (data + i, &value, n);
  }
  for (gsize i = 0; i < size && fill == FUZZ_FILL_HEADER && n_header > 0; i++)
    data[i] = (guint8) header[i % n_header];
}

void
fuzz_write_container (
    const char *name, const char *header, gsize size, FuzzFill fill)
{
  guint64 length = size;
  gsize n_data = find_data_end (header, size);
  g_autofree guint8 *data = g_malloc0 (n_data + 1);
  FILE *file = open_file (name);

  fill_data (data, n_data, fill, header, size);
  fwrite (&length, 1, sizeof length, file);
  fwrite (header, 1, size, file);
  fwrite (data, 1, n_data, file);
  fclose (file);
}

static const char *const model_files[] = { "model.safetensors",
  "model.safetensors.index.json", "a.safetensors", "b.safetensors",
  "config.json", "preprocessor_config.json", "open_clip_config.json",
  "open_clip_model.safetensors" };

#define N_MODEL_FILES 8
G_STATIC_ASSERT (G_N_ELEMENTS (model_files) == N_MODEL_FILES);

/* What is given as the model, by the upper two bits of the first byte. */
static const char *const loaded[] = { NULL, "model.safetensors",
  "model.safetensors.index.json", "open_clip_model.safetensors" };

char *
fuzz_write_model (const guint8 *data, gsize size)
{
  Input input = { data, size };
  const char *given = loaded[size > 0 ? data[0] >> 6 : 0];

  fuzz_folder_clear ();
  for (guint i = 0; i < N_MODEL_FILES && input.size > 0; i++) {
    guint which = input_take (&input, 1);
    const char *name = model_files[which % N_MODEL_FILES];
    gsize length = input_take (&input, 2);

    length = MIN (length, input.size);
    if (g_str_has_suffix (name, ".safetensors"))
      fuzz_write_container (name, (const char *) input.data, length,
          (FuzzFill) (which / N_MODEL_FILES % FUZZ_N_FILLS));
    else
      fuzz_write (name, input.data, length);
    input.data += length;
    input.size -= length;
  }
  return g_build_filename (fuzz_folder (), given, NULL);
}

void
fuzz_check_error (GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == VIT_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  for (const char *at = error->message; *at; at = g_utf8_next_char (at))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (at)));
  g_error_free (error);
}
