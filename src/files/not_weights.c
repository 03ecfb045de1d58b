/* SPDX-License-Identifier: MIT
 *
 * Kinds of files by suffix and by magic: a table each.  Whatever begins with
 * eight bytes of any value and a brace may be a safetensors file and is left
 * alone.
 */
#include "files/not_weights.h"

#include <string.h>

#define START_BYTES 512
#define QUOTED_BYTES 60

#define SAVE_FILE                                                              \
  "save its state_dict with safetensors.torch.save_file, beside the configs if " \
  "there are any, and give that file"
#define PICKLE                                                                 \
  "is a PyTorch pickle, which runs code when loaded and is never read; load "  \
  "it in Python with torch.load(FILE, weights_only=True), " SAVE_FILE
#define TORCH_ZIP                                                              \
  "is a zip archive with a PyTorch pickle in it, which runs code when loaded " \
  "and is never read; load it in Python with torch.load(FILE, "                \
  "weights_only=True), " SAVE_FILE
#define ZIP "is a zip archive; unpack it and give the .safetensors file in it"
#define GGUF                                                                   \
  "is a GGUF file; give the checkpoint it was converted from, as .safetensors"
#define ONNX                                                                   \
  "is an ONNX graph, in which the input stage has no name of its own; give "   \
  "the checkpoint it was exported from, as .safetensors"
#define COMPILED                                                               \
  "is a compiled network, in which the input stage has no name of its own; "   \
  "give the checkpoint it was made from, as .safetensors"
#define OTHER(what)                                                            \
  "is " what ", not a safetensors file; give the PyTorch checkpoint of the "   \
  "same model, as .safetensors"
#define KERAS OTHER ("an HDF5 file, as Keras and TensorFlow write them")
#define NUMPY OTHER ("a file of NumPy arrays")
#define FLAX OTHER ("a msgpack file, as Flax writes them")
#define TENSORFLOW OTHER ("a TensorFlow file")
#define PACKED(what, tool)                                                     \
  "is packed with " what "; unpack it with " tool " and give the "             \
  ".safetensors file"
#define PICTURE "is a picture; give the .safetensors file of a model"
#define SERVER                                                                 \
  "as a server answers in place of a file; download the file again"
#define LFS                                                                    \
  "is a Git LFS pointer, which stands for the file in its repository; run "    \
  "\"git lfs pull\" there, or download the file itself"

/* Formats that people have, by the end of the file's name, in small letters. */
static const struct {
  const char *suffix;
  const char *what;
} names[] = {
  { ".pth", PICKLE },
  { ".pt", PICKLE },
  { ".bin", PICKLE },
  { ".ckpt", PICKLE },
  { ".pkl", PICKLE },
  { ".pickle", PICKLE },
  { ".pth.tar", PICKLE },
  { ".zip", ZIP },
  { ".onnx", ONNX },
  { ".gguf", GGUF },
  { ".npz", NUMPY },
  { ".npy", NUMPY },
  { ".h5", KERAS },
  { ".hdf5", KERAS },
  { ".keras", KERAS },
  { ".msgpack", FLAX },
  { ".tflite", TENSORFLOW },
  { ".pb", TENSORFLOW },
  { ".engine", COMPILED },
  { ".xml", COMPILED },
  { ".mlmodel", COMPILED },
  { ".gz", PACKED ("gzip", "gunzip") },
  { ".tgz", PACKED ("tar and gzip", "tar -xzf") },
  { ".tar", PACKED ("tar", "tar -xf") },
  { ".zst", PACKED ("zstd", "unzstd") },
  { ".xz", PACKED ("xz", "unxz") },
};

/* The same, by bytes from `offset` on, whatever the name. */
static const struct {
  gsize offset;
  gsize length;
  const char *magic;
  const char *what;
} magics[] = {
  { 0, 2, "\200\002", PICKLE }, /* protocols 2 to 5 */
  { 0, 2, "\200\003", PICKLE },
  { 0, 2, "\200\004", PICKLE },
  { 0, 2, "\200\005", PICKLE },
  { 0, 4, "GGUF", GGUF },
  { 0, 4, "\211HDF", KERAS },
  { 0, 6, "\223NUMPY", NUMPY },
  { 4, 4, "TFL3", TENSORFLOW },
  { 0, 2, "\037\213", PACKED ("gzip", "gunzip") },
  { 0, 6, "\3757zXZ\0", PACKED ("xz", "unxz") },
  { 0, 4, "\050\265\057\375", PACKED ("zstd", "unzstd") },
  { 0, 3, "BZh", PACKED ("bzip2", "bunzip2") },
  { 0, 6, "7z\274\257\047\034", PACKED ("7-Zip", "7z x") },
  { 257, 5, "ustar", PACKED ("tar", "tar -xf") },
  { 0, 4, "\211PNG", PICTURE },
  { 0, 3, "\377\330\377", PICTURE },
};

/* Text, by how it begins, letters of both cases alike. */
static const struct {
  const char *start;
  const char *what;
} texts[] = {
  { "version https://git-lfs.github.com/", LFS },
  { "version https://hawser.github.com/", LFS },
  { "/annex/objects/",
      "is a git-annex pointer, which stands for the file in its repository; "
      "run \"git annex get\" there, or download the file itself" },
  { "<!doctype html", "is a web page (HTML), " SERVER },
  { "<html", "is a web page (HTML), " SERVER },
  { "<?xml", "is XML text, " SERVER },
  { "<error", "is XML text, " SERVER },
};

typedef struct {
  guint8 bytes[START_BYTES];
  gsize length;
} Start;

const char *
vit_not_weights_by_name (const char *path)
{
  g_autofree char *small = g_ascii_strdown (path, -1);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_has_suffix (small, names[i].suffix))
      return names[i].what;
  return NULL;
}

static gboolean
read_start (const VitFile *file, Start *start)
{
  start->length = (gsize) MIN (vit_file_size (file), sizeof start->bytes);
  return start->length > 0
         && vit_file_read (file, 0, start->length, start->bytes, NULL);
}

static gboolean
has_bytes (
    const Start *start, gsize offset, const char *bytes, gsize n_bytes)
{
  return start->length >= offset + n_bytes
         && memcmp (start->bytes + offset, bytes, n_bytes) == 0;
}

/* By the name of the first file in it, which stands at byte 30. */
static const char *
describe_zip (const Start *start)
{
  gsize length;
  g_autofree char *name = NULL;

  if (has_bytes (start, 0, "PK\005\006", 4))
    return ZIP; /* an empty one */
  if (!has_bytes (start, 0, "PK\003\004", 4))
    return NULL;
  if (start->length < 30)
    return ZIP;
  length = start->bytes[26] | start->bytes[27] << 8;
  name = g_strndup (
      (const char *) start->bytes + 30, MIN (length, start->length - 30));
  if (g_str_has_suffix (name, ".npy"))
    return NUMPY;
  if (g_str_has_suffix (name, "data.pkl"))
    return TORCH_ZIP;
  return ZIP;
}

/* A msgpack map whose first name is a short text; a graph of protocol buffers
 * whose first member is ONNX's ir_version and whose second is its producer. */
static const char *
describe_binary (const Start *start)
{
  const guint8 *bytes = start->bytes;
  gsize map = bytes[0] == 0xde ? 3 : 1;

  if (start->length < 9)
    return NULL;
  if (((bytes[0] >= 0x81 && bytes[0] <= 0x8f) || bytes[0] == 0xde)
      && bytes[map] >= 0xa1 && bytes[map] <= 0xbf
      && g_ascii_isalpha (bytes[map + 1]))
    return FLAX;
  if (bytes[0] == 0x08 && bytes[1] >= 3 && bytes[1] <= 64 && bytes[2] == 0x12
      && bytes[3] < 64 && g_ascii_isalpha (bytes[4]))
    return ONNX;
  return NULL;
}

/* Whether nothing but text is in it; a character may be cut at the end. */
static gboolean
is_text (const Start *start)
{
  const char *text = (const char *) start->bytes, *end;
  gboolean is_blank = TRUE;

  if (!g_utf8_validate (text, (gssize) start->length, &end)
      && (start->length < START_BYTES || text + start->length - end > 3))
    return FALSE;
  for (const char *at = text; at < end; at = g_utf8_next_char (at)) {
    gunichar letter = g_utf8_get_char (at);

    if (g_unichar_iscntrl (letter) && !g_unichar_isspace (letter))
      return FALSE;
    is_blank &= g_unichar_isspace (letter);
  }
  return !is_blank;
}

/* (transfer full): the first line, or as much of it as is quoted. */
static char *
first_line (const char *text, gsize length)
{
  gsize n = MIN (strcspn (text, "\r\n"), MIN (length, QUOTED_BYTES));
  const char *end;

  g_utf8_validate (text, (gssize) n, &end);
  return g_strndup (text, (gsize) (end - text));
}

/* (nullable) (transfer full) */
static char *
describe_text (const Start *start)
{
  g_autofree char *whole = NULL, *line = NULL;
  const char *text;
  gsize length;

  if (!is_text (start))
    return NULL;
  whole = g_strndup ((const char *) start->bytes, start->length);
  text = whole + (has_bytes (start, 0, "\357\273\277", 3) ? 3 : 0);
  text += strspn (text, " \t\r\n");
  length = strlen (text);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    if (g_ascii_strncasecmp (text, texts[i].start, strlen (texts[i].start)) == 0)
      return g_strdup (texts[i].what);
  line = first_line (text, length);
  if (text[0] == '{')
    return g_strdup_printf (
        "is JSON text, \"%s\", not a safetensors file; give the .safetensors "
        "file, or the .safetensors.index.json of its shards, and if a server's "
        "answer was saved in its place, download it again",
        line);
  return g_strdup_printf ("is text, \"%s\", " SERVER, line);
}

static gboolean
is_all_zero (const Start *start)
{
  for (gsize i = 0; i < start->length; i++)
    if (start->bytes[i])
      return FALSE;
  return start->length >= 64;
}

/* (nullable) (transfer full) */
static char *
describe (const Start *start)
{
  const char *what = describe_zip (start);

  if (is_all_zero (start))
    what = "begins with zeros alone, as a download that was not finished; "
           "download the file again";
  for (gsize i = 0; !what && i < G_N_ELEMENTS (magics); i++)
    if (has_bytes (start, magics[i].offset, magics[i].magic, magics[i].length))
      what = magics[i].what;
  if (!what)
    what = describe_binary (start);
  return what ? g_strdup (what) : describe_text (start);
}

char *
vit_not_weights_by_content (const VitFile *file)
{
  Start start;

  if (!read_start (file, &start) || has_bytes (&start, 8, "{", 1))
    return NULL;
  return describe (&start);
}

char *
vit_not_json_by_content (const VitFile *file)
{
  Start start;
  gsize at = 0;

  if (!read_start (file, &start))
    return NULL;
  while (at < start.length && g_ascii_isspace (start.bytes[at]))
    at++;
  if (has_bytes (&start, at, "{", 1) || has_bytes (&start, at, "[", 1))
    return NULL;
  return describe (&start);
}
