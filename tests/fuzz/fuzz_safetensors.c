/* SPDX-License-Identifier: MIT
 *
 * The safetensors reader.  The first byte of an input says whether the rest is
 * a file or the header of one; every tensor of what opens is looked up and
 * read.
 */
#include "fuzz.h"

#include "files/safetensors.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_folder ();
  return 0;
}

static void
read_all (const VitSafetensors *file)
{
  guint n_tensors;
  const VitTensor *tensors = vit_safetensors_list (file, &n_tensors);

  for (guint i = 0; i < n_tensors; i++) {
    g_autofree char *shape = vit_tensor_shape_string (&tensors[i]);
    GError *error = NULL;
    float *values;

    g_assert_nonnull (shape);
    g_assert_true (vit_safetensors_find (file, tensors[i].name) == &tensors[i]);
    if (tensors[i].n_bytes == 0 && tensors[i].n_values > 0)
      g_assert_not_reached ();
    if (tensors[i].n_values > (1 << 20))
      continue;
    values = g_new (float, tensors[i].n_values + 1);
    if (!vit_safetensors_read (
            file, &tensors[i], 0, tensors[i].n_values, values, &error))
      fuzz_check_error (error);
    g_free (values);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path
      = g_build_filename (fuzz_folder (), "a.safetensors", NULL);
  Input input = { data, size };
  gboolean is_file = input_take (&input, 1) & 1;
  GError *error = NULL;
  VitSafetensors *file;

  if (is_file)
    fuzz_write ("a.safetensors", input.data, input.size);
  else
    fuzz_write_container ("a.safetensors", (const char *) input.data,
        input.size, FUZZ_FILL_ZEROS);
  file = vit_safetensors_open (path, &error);
  if (file)
    read_all (file);
  else
    fuzz_check_error (error);
  vit_safetensors_close (file);
  return 0;
}
