/* SPDX-License-Identifier: MIT
 *
 * The JSON files beside the weights.  An input is up to four of them: a byte
 * that says which, two bytes of length, the text.
 */
#include "fuzz.h"

#include <math.h>

#include "model/config.h"

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  fuzz_folder ();
  return 0;
}

static void
check_epsilon (double epsilon)
{
  g_assert_true (isfinite (epsilon) && epsilon >= 0.0 && epsilon <= 1.0);
}

/* Whatever the files say, what comes out is of use. */
static void
check_config (const VitConfig *config)
{
  for (guint c = 0; c < 3 && config->stated.source; c++) {
    g_assert_true (isfinite (config->stated.mean[c]));
    g_assert_true (isfinite (config->stated.std[c])
                   && config->stated.std[c] > 0.0);
  }
  check_epsilon (config->layer_norm_epsilon);
  check_epsilon (config->rms_norm_epsilon);
  g_assert_cmpint (config->n_registers, >=, -1);
  if (config->name)
    g_assert_true (g_utf8_validate (config->name, -1, NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const char *const *names = vit_config_file_names ();
  guint n_names = g_strv_length ((char **) names);
  Input input = { data, size };
  gboolean open_clip = input_take (&input, 1) & 1;

  fuzz_folder_clear ();
  for (guint i = 0; i < n_names && input.size > 0; i++) {
    const char *name = names[input_take (&input, 1) % n_names];
    gsize length = input_take (&input, 2);

    length = MIN (length, input.size);
    fuzz_write (name, input.data, length);
    input.data += length;
    input.size -= length;
  }
  {
    GError *error = NULL;
    VitConfig *config = vit_config_load (fuzz_folder (), open_clip, &error);

    if (config
        && vit_config_read_image_processor (config, fuzz_folder (), &error))
      check_config (config);
    else
      fuzz_check_error (error);
    vit_config_free (config);
  }
  return 0;
}
