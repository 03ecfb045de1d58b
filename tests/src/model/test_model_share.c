/* SPDX-License-Identifier: MIT
 *
 * One model for all who use the same files, for as long as one of them does;
 * and what it costs to open a checkpoint of several GiB of which only the
 * input stage is wanted.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/model_folder.h"

#define N_THREADS 8
#define LARGE ((guint64) 4 << 30)
#define MAX_MEMORY (16 << 20)

static VitModel *
share (const char *path, const char *prefix)
{
  GError *error = NULL;
  VitModel *model = vit_model_share (path, prefix, &error);

  g_assert_no_error (error);
  return model;
}

static void
write_model (const char *name, float first_weight)
{
  Weights *weights = weights_new_hugging_face ();

  weights_set (weights, "embeddings.patch_embeddings.projection.weight", 0,
      first_weight);
  folder_write_weights (weights, name);
}

static void
test_same_files_are_shared (void)
{
  g_autofree char *folder = folder_path (NULL);
  g_autofree char *file = folder_path ("model.safetensors");
  g_autofree char *link = folder_path ("link.safetensors");
  g_autofree char *detour = folder_path ("./../");
  g_autofree char *name = g_path_get_basename (folder);
  g_autofree char *around = g_build_filename (detour, name, NULL);
  VitModel *a, *b, *c, *d;

  write_model ("model.safetensors", 1.0f);
  g_assert_cmpint (symlink (file, link), ==, 0);
  a = share (file, NULL);
  b = share (link, NULL);
  c = share (folder, NULL);
  d = share (around, NULL);
  g_assert_true (a == b);
  g_assert_true (c == d);
  vit_model_unref (a);
  vit_model_unref (b);
  vit_model_unref (c);
  vit_model_unref (d);
}

static void
test_prefix_is_part_of_what_is_shared (void)
{
  g_autofree char *path = folder_path ("m.safetensors");
  Weights *weights = weights_new_hugging_face ();
  VitModel *a, *b;

  weights_add_prefix (weights, "vit.");
  folder_write_weights (weights, "m.safetensors");
  a = share (path, NULL);
  b = share (path, "vit");
  g_assert_true (a != b);
  vit_model_unref (b);
  b = share (path, NULL);
  g_assert_true (a == b);
  vit_model_unref (a);
  vit_model_unref (b);
}

static void
test_changed_file_is_read_anew (void)
{
  g_autofree char *path = folder_path ("m.safetensors");
  VitModel *a, *b, *c;

  write_model ("m.safetensors", 1.0f);
  a = share (path, NULL);
  write_model ("m.safetensors", 2.0f);
  b = share (path, NULL);
  g_assert_true (a != b);
  g_assert_cmpfloat (a->weight[0], ==, 1.0f);
  g_assert_cmpfloat (b->weight[0], ==, 2.0f);
  c = share (path, NULL);
  g_assert_true (c == b);
  vit_model_unref (a);
  vit_model_unref (b);
  vit_model_unref (c);
}

static void
test_config_that_appears_is_read (void)
{
  g_autofree char *path = folder_path ("model.safetensors");
  VitModel *a, *b;

  write_model ("model.safetensors", 1.0f);
  a = share (path, NULL);
  folder_write_text (
      "preprocessor_config.json", "{\"image_mean\": 0.25, \"image_std\": 1}");
  b = share (path, NULL);
  g_assert_true (a != b);
  g_assert_cmpfloat (b->mean[0], ==, 0.25);
  vit_model_unref (a);
  vit_model_unref (b);
}

/* To the outside the file is the same; so who reads the new weights did not
 * get the old model. */
static void
test_nothing_is_kept_after_the_last_user (void)
{
  g_autofree char *path = folder_path ("m.safetensors");
  const float value = 2.0f;
  struct timespec times[2];
  struct stat status;
  char *text;
  gsize length;
  guint64 n_header;
  VitModel *model;
  int fd;

  write_model ("m.safetensors", 1.0f);
  model = share (path, NULL);
  vit_model_unref (vit_model_ref (model));
  vit_model_unref (model);

  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  memcpy (&n_header, text, 8);
  g_free (text);
  fd = open (path, O_WRONLY);
  g_assert_cmpint (pwrite (fd, &value, 4, (off_t) (8 + n_header)), ==, 4);
  times[0] = status.st_atim;
  times[1] = status.st_mtim;
  g_assert_cmpint (futimens (fd, times), ==, 0);
  close (fd);
  model = share (path, NULL);
  g_assert_cmpfloat (model->weight[0], ==, 2.0f);
  vit_model_unref (model);
}

typedef struct {
  const char *path;
  gint n_waiting; /* counts down to 0, when all begin */
  VitModel *models[N_THREADS];
} Race;

static gpointer
run_race (gpointer data)
{
  Race *race = data;
  gint self = g_atomic_int_add (&race->n_waiting, -1) - 1;
  VitModel *model;

  while (g_atomic_int_get (&race->n_waiting) > 0)
    g_thread_yield ();
  for (guint i = 0; i < 200; i++)
    vit_model_unref (share (race->path, NULL));
  model = share (race->path, NULL);
  race->models[self] = model;
  return NULL;
}

static void
test_threads_share_one (void)
{
  g_autofree char *path = folder_path ("m.safetensors");
  Race race = { .path = path, .n_waiting = N_THREADS };
  GThread *threads[N_THREADS];

  write_model ("m.safetensors", 1.0f);
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("share", run_race, &race);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < N_THREADS; i++) {
    g_assert_true (race.models[i] == race.models[0]);
    g_assert_cmpfloat (race.models[i]->weight[0], ==, 1.0f);
  }
  for (guint i = 0; i < N_THREADS; i++)
    vit_model_unref (race.models[i]);
}

static gpointer
fail_to_share (gpointer data)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 200; i++) {
    g_assert_null (vit_model_share (data, NULL, &error));
    g_assert_error (error, VIT_ERROR, VIT_ERROR_TENSOR);
    g_clear_error (&error);
  }
  return NULL;
}

static void
test_every_thread_gets_its_own_error (void)
{
  g_autofree char *path = folder_path ("m.safetensors");
  Weights *weights = weights_new ();
  GThread *threads[N_THREADS];

  weights_add (weights, "wte.weight", 2, 4, 4);
  folder_write_weights (weights, "m.safetensors");
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("fail", fail_to_share, path);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

/* Rewrites the file with a tensor of LARGE bytes before all others, which the
 * file system keeps as a hole. */
static void
make_large (const char *path)
{
  g_autofree char *text = NULL;
  gsize length;
  guint64 n_header, n_new;
  json_t *header, *entry;
  const char *name;
  char *new_text;
  int fd;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  memcpy (&n_header, text, 8);
  header = json_loadb (text + 8, n_header, 0, NULL);
  json_object_foreach (header, name, entry)
  {
    json_t *offsets = json_object_get (entry, "data_offsets");

    for (gsize i = 0; i < 2; i++)
      json_array_set_new (offsets, i,
          json_integer (json_integer_value (json_array_get (offsets, i))
                        + (json_int_t) LARGE));
  }
  json_object_set_new (header, "encoder.layer.0.weight",
      json_pack ("{s:s, s:[I], s:[I,I]}", "dtype", "F32", "shape",
          (json_int_t) LARGE / 4, "data_offsets", (json_int_t) 0,
          (json_int_t) LARGE));
  new_text = json_dumps (header, JSON_COMPACT);
  n_new = strlen (new_text);
  fd = open (path, O_WRONLY | O_TRUNC);
  g_assert_cmpint (pwrite (fd, &n_new, 8, 0), ==, 8);
  g_assert_cmpint (pwrite (fd, new_text, n_new, 8), ==, (gssize) n_new);
  g_assert_cmpint (pwrite (fd, text + 8 + n_header, length - 8 - n_header,
                       (off_t) (8 + n_new + LARGE)),
      ==, (gssize) (length - 8 - n_header));
  close (fd);
  free (new_text);
  json_decref (header);
}

/* Bytes, the most this program has held at any time. */
static gsize
peak_memory (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_SELF, &usage), ==, 0);
  return (gsize) usage.ru_maxrss * 1024;
}

static void
load_cheaply (const char *name)
{
  g_autofree char *path = folder_path (name);
  gsize before = peak_memory (), grown;
  gint64 start = g_get_monotonic_time ();
  VitModel *model = share (path, NULL);
  gint64 time = g_get_monotonic_time () - start;

  grown = peak_memory () - before;
  g_test_message ("peak memory grew by %" G_GSIZE_FORMAT
                  " KiB, %" G_GINT64_FORMAT " us",
      grown / 1024, time);
  g_assert_cmpuint (grown, <, MAX_MEMORY);
  g_assert_cmpfloat (model->weight[0], ==, 1.0f);
  vit_model_unref (model);
}

static void
test_large_file_costs_its_input_stage (void)
{
  g_autofree char *path = folder_path ("model.safetensors");

  write_model ("model.safetensors", 1.0f);
  make_large (path);
  load_cheaply ("model.safetensors");
}

/* Three shards of 4 GiB, the input stage in the second. */
static void
test_large_shards_cost_the_input_stage (void)
{
  static const char *const stage[]
      = { "embeddings.patch_embeddings.projection.weight",
          "embeddings.patch_embeddings.projection.bias", "embeddings.cls_token",
          "embeddings.position_embeddings" };
  json_t *map = json_object (), *index;
  g_autofree char *index_path = folder_path ("model.safetensors.index.json");

  for (guint i = 0; i < 3; i++) {
    g_autofree char *name = g_strdup_printf ("m-%u.safetensors", i);
    g_autofree char *tensor = g_strdup_printf ("encoder.layer.%u.weight", i);
    g_autofree char *path = folder_path (name);

    write_model (name, 1.0f);
    make_large (path);
    json_object_set_new (map, tensor, json_string (name));
  }
  for (guint i = 0; i < G_N_ELEMENTS (stage); i++)
    json_object_set_new (map, stage[i], json_string ("m-1.safetensors"));
  index = json_pack ("{s:o}", "weight_map", map);
  g_assert_cmpint (json_dump_file (index, index_path, 0), ==, 0);
  json_decref (index);
  load_cheaply ("model.safetensors.index.json");
}

static const FolderTest tests[] = {
  { "large-file-costs-its-input-stage", test_large_file_costs_its_input_stage },
  { "large-shards-cost-the-input-stage",
      test_large_shards_cost_the_input_stage },
  { "same-files-are-shared", test_same_files_are_shared },
  { "prefix-is-part-of-what-is-shared", test_prefix_is_part_of_what_is_shared },
  { "changed-file-is-read-anew", test_changed_file_is_read_anew },
  { "config-that-appears-is-read", test_config_that_appears_is_read },
  { "nothing-is-kept-after-the-last-user",
      test_nothing_is_kept_after_the_last_user },
  { "threads-share-one", test_threads_share_one },
  { "every-thread-gets-its-own-error", test_every_thread_gets_its_own_error },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  return folder_run_tests ("/model/share/", tests, G_N_ELEMENTS (tests));
}
