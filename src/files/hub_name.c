/* SPDX-License-Identifier: MIT
 *
 * The cache's layout and where it lies: huggingface_hub, "Understand caching"
 * and "Environment variables".
 */
#include "files/hub_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/refuse.h"
#include "files/file.h"

#define REPOSITORY "models--"
#define MAX_REFERENCE 100

static gboolean
is_folder (const char *path)
{
  return g_file_test (path, G_FILE_TEST_IS_DIR);
}

/* (nullable) (transfer full): the snapshot whose commit is in refs/main. */
static char *
find_main (const char *repository)
{
  g_autofree char *path = g_build_filename (repository, "refs", "main", NULL);
  g_autofree char *snapshot = NULL;
  char commit[MAX_REFERENCE + 1] = { 0 };
  VitFile *file = vit_file_open (path, NULL);
  gboolean is_read;

  if (!file)
    return NULL;
  is_read = vit_file_size (file) <= MAX_REFERENCE
            && vit_file_read (
                file, 0, (gsize) vit_file_size (file), commit, NULL);
  vit_file_close (file);
  g_strstrip (commit);
  if (!is_read || commit[0] == '\0'
      || strspn (commit, "0123456789abcdefABCDEF") != strlen (commit))
    return NULL;
  snapshot = g_build_filename (repository, "snapshots", commit, NULL);
  return is_folder (snapshot) ? g_steal_pointer (&snapshot) : NULL;
}

/* (nullable) (transfer full): the first of the folder's folders by name. */
static char *
find_first (const char *folder, guint *n_folders)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  g_autofree char *first = NULL;
  const char *name;

  *n_folders = 0;
  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (!is_folder (path))
      continue;
    ++*n_folders;
    if (!first || strcmp (path, first) < 0) {
      g_free (first);
      first = g_steal_pointer (&path);
    }
  }
  if (dir)
    g_dir_close (dir);
  return g_steal_pointer (&first);
}

/* (nullable) (transfer full): the only snapshot, or that of refs/main. */
static char *
find_snapshot (const char *repository, GError **error)
{
  g_autofree char *snapshots = g_build_filename (repository, "snapshots", NULL);
  g_autofree char *first = NULL;
  char *chosen = find_main (repository);
  guint n_snapshots;

  if (chosen)
    return chosen;
  first = find_first (snapshots, &n_snapshots);
  if (n_snapshots == 1)
    return g_steal_pointer (&first);
  if (n_snapshots == 0)
    vit_refuse (error, VIT_ERROR_NOT_FOUND, repository, NULL,
        "is a model's folder in the hub's cache and holds no snapshot; "
        "download the model again");
  else
    vit_refuse (error, VIT_ERROR_UNSUPPORTED, repository, NULL,
        "is a model's folder in the hub's cache with %u snapshots, none of "
        "which is refs/main's; give the one that is meant, such as %s",
        n_snapshots, first);
  return NULL;
}

char *
vit_hub_resolve (const char *path, GError **error)
{
  g_autofree char *whole = g_canonicalize_filename (path, NULL);
  g_autofree char *name = g_path_get_basename (whole);
  g_autofree char *parent = g_path_get_dirname (whole);
  g_autofree char *parent_name = g_path_get_basename (parent);
  g_autofree char *snapshots = g_build_filename (whole, "snapshots", NULL);

  if (g_str_has_prefix (name, REPOSITORY) && is_folder (snapshots))
    return find_snapshot (whole, error);
  if (strcmp (name, "snapshots") == 0
      && g_str_has_prefix (parent_name, REPOSITORY) && is_folder (whole))
    return find_snapshot (parent, error);
  return g_strdup (path);
}

char *
vit_hub_name_of_path (const char *path)
{
  g_autofree char *whole = g_canonicalize_filename (path, NULL);
  g_auto (GStrv) parts = g_strsplit (whole, G_DIR_SEPARATOR_S, -1);
  g_auto (GStrv) name = NULL;
  const char *repository = NULL;

  for (char **part = parts; part[0] && part[1] && !repository; part++)
    if (g_str_has_prefix (part[0], REPOSITORY) && part[2]
        && (strcmp (part[1], "snapshots") == 0
            || strcmp (part[1], "blobs") == 0))
      repository = part[0];
  if (!repository)
    return NULL;
  name = g_strsplit (repository + strlen (REPOSITORY), "--", 2);
  return g_strjoinv ("/", name);
}

/* A program that runs with more rights than its user has takes no word of his. */
static const char *
get_environment (const char *name)
{
#ifdef VIT_HAVE_SECURE_GETENV
  return secure_getenv (name);
#else
  return g_getenv (name);
#endif
}

/* (nullable) (transfer full): the folder in which the hub's tools keep models. */
static char *
cache_folder (void)
{
  const char *user = get_environment ("HOME");
  const char *cache = get_environment ("HF_HUB_CACHE");
  const char *home = get_environment ("HF_HOME");
  const char *xdg = get_environment ("XDG_CACHE_HOME");

  if (cache && cache[0])
    return g_strdup (cache);
  if (home && home[0])
    return g_build_filename (home, "hub", NULL);
  if (xdg && xdg[0])
    return g_build_filename (xdg, "huggingface", "hub", NULL);
  return user ? g_build_filename (user, ".cache", "huggingface", "hub", NULL)
              : NULL;
}

static gboolean
is_part_of_name (const char *part)
{
  if (!g_ascii_isalnum (part[0]) && part[0] != '_')
    return FALSE;
  for (const char *at = part; *at; at++)
    if (!g_ascii_isalnum (*at) && !strchr ("-_.", *at))
      return FALSE;
  return strlen (part) <= 96 && !strstr (part, "--");
}

/* (nullable) (transfer full): the name on the hub that `path` looks like. */
static char *
hub_name (const char *path)
{
  static const char *const schemes[] = { "https://huggingface.co/",
    "https://hf.co/", "hf-hub:", "hf_hub:", "hf://models/", "hf://" };
  g_auto (GStrv) parts = NULL;
  gboolean has_scheme = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (schemes) && !has_scheme; i++) {
    has_scheme = g_str_has_prefix (path, schemes[i]);
    path += has_scheme ? strlen (schemes[i]) : 0;
  }
  parts = g_strsplit (path, "/", 3);
  if (g_strv_length (parts) < 2 || (parts[2] && !has_scheme)
      || !is_part_of_name (parts[0]) || !is_part_of_name (parts[1])
      || g_str_has_suffix (parts[1], ".safetensors")
      || g_str_has_suffix (parts[1], ".json"))
    return NULL;
  return g_strconcat (parts[0], "/", parts[1], NULL);
}

gboolean
vit_hub_refuse_missing (const char *path, GError **error)
{
  g_autofree char *name = hub_name (path);
  g_autofree char *cache = cache_folder ();
  g_autofree char *repository = NULL, *snapshot = NULL;
  g_auto (GStrv) parts = NULL;

  if (*path == '\0')
    return vit_refuse (error, VIT_ERROR_NOT_FOUND, "\"\"", NULL,
        "no such file or folder: the path is empty");
  if (!name)
    return vit_refuse (
        error, VIT_ERROR_NOT_FOUND, path, NULL, "no such file or folder");
  parts = g_strsplit (name, "/", 2);
  if (cache)
    repository = g_strdup_printf (
        "%s/" REPOSITORY "%s--%s", cache, parts[0], parts[1]);
  if (repository && is_folder (repository))
    snapshot = find_snapshot (repository, NULL);
  if (snapshot)
    return vit_refuse (error, VIT_ERROR_NOT_FOUND, path, NULL,
        "no such file or folder; the hub's cache has a model of this name: "
        "give its folder, %s", snapshot);
  return vit_refuse (error, VIT_ERROR_NOT_FOUND, path, NULL,
      "no such file or folder; if a model on the Hugging Face hub is meant, "
      "download it with \"hf download %s\" and give the folder that this "
      "names", name);
}
