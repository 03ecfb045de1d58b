/* SPDX-License-Identifier: MIT
 *
 * Bounded reading of files that someone else made: opens only what is a regular
 * file, reads it with pread and counts every byte.  JSON files beside the
 * weights (a few KiB, or a few MiB for an index) are parsed by jansson.
 */
#include "files/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/refuse.h"
#include "files/json_text.h"
#include "files/not_weights.h"

/* A read may always fall short.  In steps this small every header of some size
 * takes more than one, so that the rare case is the usual one. */
#define MAX_READ ((gsize) 1 << 20)

struct _VitFile {
  int fd;
  struct stat status;
  guint64 size;
  char *path; /* valid UTF-8, since GError messages are made from it */
};

static gboolean
fail_with_errno (const char *path, int number, GError **error)
{
  gboolean missing = number == ENOENT || number == ENOTDIR;

  g_set_error (error, VIT_ERROR,
      missing ? VIT_ERROR_NOT_FOUND : VIT_ERROR_READ, "%s: cannot be %s: %s",
      path, missing ? "found" : "read", g_strerror (number));
  return FALSE;
}

gboolean
vit_file_exists (const char *path, gboolean *exists, GError **error)
{
  g_autofree char *valid_path = NULL;
  struct stat status;
  int number = stat (path, &status) == 0 ? 0 : errno;

  *exists = number == 0;
  if (number == 0 || number == ENOENT || number == ENOTDIR)
    return TRUE;
  valid_path = g_utf8_make_valid (path, -1);
  return fail_with_errno (valid_path, number, error);
}

static gboolean
check_regular (VitFile *file, GError **error)
{
  if (fstat (file->fd, &file->status) != 0)
    return fail_with_errno (file->path, errno, error);
  if (!S_ISREG (file->status.st_mode)) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_READ,
        "%s: is a %s; expected a regular file", file->path,
        S_ISDIR (file->status.st_mode) ? "folder" : "pipe or device");
    return FALSE;
  }
  file->size = (guint64) file->status.st_size;
  return TRUE;
}

VitFile *
vit_file_open (const char *path, GError **error)
{
  VitFile *file = g_new0 (VitFile, 1);

  file->path = g_utf8_make_valid (path, -1);
  /* Without O_NONBLOCK a FIFO that nobody writes to would hang right here,
   * before fstat could tell what it is; regular files ignore the flag. */
  do
    file->fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  while (file->fd < 0 && errno == EINTR);

  if (file->fd < 0)
    fail_with_errno (file->path, errno, error);
  else if (check_regular (file, error))
    return file;
  vit_file_close (file);
  return NULL;
}

void
vit_file_close (VitFile *file)
{
  if (file == NULL)
    return;
  if (file->fd >= 0)
    close (file->fd);
  g_free (file->path);
  g_free (file);
}

const char *
vit_file_path (const VitFile *file)
{
  return file->path;
}

const struct stat *
vit_file_status (const VitFile *file)
{
  return &file->status;
}

guint64
vit_file_size (const VitFile *file)
{
  return file->size;
}

gboolean
vit_file_read (const VitFile *file, guint64 offset, gsize length, void *out,
    GError **error)
{
  guint8 *bytes = out;

  if (offset > file->size || length > file->size - offset) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_READ,
        "%s: is %" G_GUINT64_FORMAT " bytes; expected %" G_GSIZE_FORMAT
        " more from byte %" G_GUINT64_FORMAT, file->path, file->size, length,
        offset);
    return FALSE;
  }

  while (length > 0) {
    ssize_t n = pread (file->fd, bytes, MIN (length, MAX_READ), (off_t) offset);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_with_errno (file->path, errno, error);
    if (n == 0) {
      g_set_error (error, VIT_ERROR, VIT_ERROR_READ,
          "%s: has become shorter while being read: it ends before byte %"
          G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, file->path, offset,
          file->size);
      return FALSE;
    }
    bytes += n;
    offset += (guint64) n;
    length -= (gsize) n;
  }
  return TRUE;
}

gboolean
vit_file_check_unchanged (const VitFile *file, GError **error)
{
  struct stat now;

  if (fstat (file->fd, &now) != 0)
    return fail_with_errno (file->path, errno, error);
  if (vit_file_state_is_same (&file->status, &now))
    return TRUE;
  g_set_error (error, VIT_ERROR, VIT_ERROR_READ,
      "%s: has been written to while being read; expected a file that stays as "
      "it is, as one that is renamed to its name does", file->path);
  return FALSE;
}

/* What has passed vit_json_check() can only have a name twice, or a real number
 * that is too large; its syntax is right.  Where an allocation fails jansson gives
 * no reason, or says that of the text which it would else have had at that place. */
static gboolean
is_without_memory (const json_error_t *json_error)
{
  enum json_error_code code = json_error_code (json_error);

  return json_error->text[0] == '\0' || code == json_error_out_of_memory
         || code == json_error_invalid_syntax;
}

static json_t *
parse_object (const char *path, const char *text, GError **error)
{
  g_autofree char *valid_path = g_utf8_make_valid (path, -1);
  json_error_t json_error;
  json_t *root = json_loads (text, JSON_REJECT_DUPLICATES, &json_error);

  if (root == NULL && is_without_memory (&json_error)) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "%s: no memory for what it says", valid_path);
  } else if (root == NULL) {
    /* jansson quotes the offending bytes as they are, escape codes included. */
    g_autofree char *reason = g_strescape (json_error.text, "\"\\");

    g_set_error (error, VIT_ERROR, VIT_ERROR_CONFIG, "%s: line %d: %s",
        valid_path, json_error.line, reason);
  }
  return root;
}

static gboolean
check_text (const VitFile *file, const char *text, gsize max_values,
    GError **error)
{
  g_autofree char *reason = NULL;
  VitJsonFault fault;

  if (vit_json_check (text, (gsize) file->size, max_values, &fault))
    return TRUE;
  reason = g_strescape (fault.reason, "\"\\");
  g_set_error (error, VIT_ERROR, VIT_ERROR_CONFIG, "%s: line %u: %s%s",
      file->path, fault.line, reason,
      fault.offset < file->size ? ""
      : file->size == 0         ? ": it is empty; download it again"
                                : ": it was cut short; download it again");
  return FALSE;
}

static char *
read_text (const VitFile *file, gsize limit, GError **error)
{
  gsize length = (gsize) MIN (file->size, limit);
  g_autofree char *what = vit_not_json_by_content (file);
  char *text;

  if (what != NULL) {
    vit_refuse (error, VIT_ERROR_CONFIG, file->path, NULL, "%s", what);
    return NULL;
  }
  if (file->size > limit) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_CONFIG,
        "%s: is %" G_GUINT64_FORMAT " bytes of JSON; expected at most %"
        G_GSIZE_FORMAT, file->path, file->size, limit);
    return NULL;
  }
  text = g_try_malloc (length + 1);
  if (text == NULL) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "%s: no memory for %" G_GSIZE_FORMAT " bytes", file->path, length);
    return NULL;
  }
  text[length] = '\0';
  if (vit_file_read (file, 0, length, text, error)
      && vit_file_check_unchanged (file, error))
    return text;
  g_free (text);
  return NULL;
}

char *
vit_file_load_json_text (const char *path, gsize limit, gsize max_values,
    GArray *files, GError **error)
{
  VitFile *file = vit_file_open (path, error);
  char *text;

  if (file == NULL)
    return NULL;
  text = read_text (file, limit, error);
  if (text != NULL && !check_text (file, text, max_values, error))
    g_clear_pointer (&text, g_free);
  if (files != NULL)
    vit_file_states_add (files, path, vit_file_status (file));
  vit_file_close (file);
  return text;
}

/* What a server says in JSON of its own where it does not give the file. */
static gboolean
check_no_answer (const char *path, const json_t *root, GError **error)
{
  const char *answer = json_string_value (json_object_get (root, "error"));

  return answer == NULL || json_object_get (root, "model_type") != NULL
         || vit_refuse (error, VIT_ERROR_CONFIG, path, NULL,
             "says \"error\": \"%.100s\", as a server answers in place of a "
             "file; download the file again", answer);
}

json_t *
vit_file_load_json (const char *path, gsize limit, gsize max_values,
    GArray *files, GError **error)
{
  char *text = vit_file_load_json_text (path, limit, max_values, files, error);
  json_t *root = text != NULL ? parse_object (path, text, error) : NULL;

  g_free (text);
  if (root != NULL && !check_no_answer (path, root, error))
    g_clear_pointer (&root, json_decref);
  return root;
}
