/* SPDX-License-Identifier: MIT
 *
 * Reader of the safetensors container: a path goes in, a checked list of
 * tensors comes out.  The rules are those of the reference reader,
 * https://github.com/huggingface/safetensors (`safetensors/src/tensor.rs`), and
 * a few stricter ones: duplicate names, NUL in a name and numbers above 2^63-1
 * are refused too.
 *
 * The header is read where it stands and the names stay in it, so that reading
 * takes the header's length and a table of bounded size, whatever is in it.
 */
#include "files/safetensors.h"

#include <string.h>

#include "base/refuse.h"
#include "files/json_text.h"
#include "files/not_weights.h"

#define MAX_HEADER_BYTES VIT_SAFETENSORS_MAX_HEADER_BYTES
#define MAX_TENSORS VIT_SAFETENSORS_MAX_TENSORS
#define METADATA "__metadata__"
#define LENGTH_BYTES 8

struct _VitSafetensors {
  VitFile *file;
  char *header;              /* its text, in which the names stand */
  char *digest;              /* of the header as it was read */
  guint n_tensors;
  VitTensor *tensors;        /* [n_tensors], in the order of their data */
  const VitTensor **by_name; /* [n_tensors], in strcmp() order */
};

/* The members of an entry; NULL where it lacks one. */
typedef struct {
  char *dtype;
  char *shape;
  char *data_offsets;
} Entry;

static gboolean
refuse_memory (const char *path, guint64 n_bytes, GError **error)
{
  return vit_refuse (error, VIT_ERROR_NO_MEMORY, path, NULL,
      "no memory for a header of %" G_GUINT64_FORMAT " bytes", n_bytes);
}

static gboolean
take_room (const char *path, const char *what, guint64 n, guint64 most,
    guint64 *left, GError **error)
{
  if (n > *left)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL,
        "has %" G_GUINT64_FORMAT " %s; expected at most %" G_GUINT64_FORMAT
        ", since all shards of a model together may have %" G_GUINT64_FORMAT, n,
        what, *left, most);
  *left -= n;
  return TRUE;
}

static gboolean
read_header_length (const VitFile *file, VitSafetensorsRoom *room,
    guint64 *length, GError **error)
{
  const char *path = vit_file_path (file);
  guint64 size = vit_file_size (file);
  g_autofree char *what = vit_not_weights_by_content (file);

  if (what != NULL)
    return vit_refuse (error, VIT_ERROR_UNSUPPORTED, path, NULL, "%s", what);
  if (size < LENGTH_BYTES)
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, NULL,
        "is %" G_GUINT64_FORMAT " bytes; expected at least %d: it %s; download "
        "it again", size, LENGTH_BYTES,
        size == 0 ? "is empty" : "was cut short");
  if (!vit_file_read (file, 0, LENGTH_BYTES, length, error))
    return FALSE;
  if (*length > MIN (size - LENGTH_BYTES, MAX_HEADER_BYTES))
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, NULL,
        "is %" G_GUINT64_FORMAT " bytes and claims a header of %"
        G_GUINT64_FORMAT "; expected one that fits, of at most %d bytes: %s",
        size, *length, MAX_HEADER_BYTES,
        *length > MAX_HEADER_BYTES
            ? "it is no safetensors file"
            : "it was cut short, so download it again, or is no safetensors "
              "file");
  return take_room (path, "bytes of header", *length, MAX_HEADER_BYTES,
      &room->n_header_bytes, error);
}

static gboolean
read_header (VitSafetensors *self, VitSafetensorsRoom *room, guint64 *length,
    GError **error)
{
  const char *path = vit_file_path (self->file);
  VitJsonFault fault;

  if (!read_header_length (self->file, room, length, error))
    return FALSE;
  self->header = g_try_malloc (*length + 1);
  if (self->header == NULL)
    return refuse_memory (path, *length, error);
  self->header[*length] = '\0';
  if (!vit_file_read (self->file, LENGTH_BYTES, *length, self->header, error))
    return FALSE;
  self->digest = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, (const guchar *) self->header, *length);
  if (!vit_json_check (self->header, *length, G_MAXSIZE, &fault))
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, NULL,
        "header, byte %" G_GSIZE_FORMAT ": %s", fault.offset, fault.reason);
  return TRUE;
}

static gboolean
check_metadata (const char *path, char *metadata, GError **error)
{
  VitJsonWalk walk;
  const char *key;
  char *value;

  if (*metadata != '{')
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, METADATA,
        "is not an object; expected one that maps strings to strings");
  walk = vit_json_walk (metadata);
  while (vit_json_next_member (&walk, &key, &value))
    if (*value != '"')
      return vit_refuse (error, VIT_ERROR_CONTAINER, path, METADATA,
          "\"%.100s\" is not a string; expected one", key);
  return TRUE;
}

/* What else an entry holds is passed over, as by the reference reader. */
static gboolean
find_members (const char *path, const char *tensor, char *object, Entry *entry,
    GError **error)
{
  VitJsonWalk walk = vit_json_walk (object);
  const char *name;
  char *value;

  while (vit_json_next_member (&walk, &name, &value)) {
    char **member = strcmp (name, "dtype") == 0          ? &entry->dtype
                    : strcmp (name, "shape") == 0        ? &entry->shape
                    : strcmp (name, "data_offsets") == 0 ? &entry->data_offsets
                                                         : NULL;

    if (member != NULL && *member != NULL)
      return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor,
          "has a duplicate of %s; expected one", name);
    if (member != NULL)
      *member = value;
  }
  return TRUE;
}

static const VitDTypeInfo *
parse_dtype (const char *path, const char *tensor, char *value, GError **error)
{
  const char *name = value != NULL ? vit_json_string (value) : NULL;
  const VitDTypeInfo *dtype = vit_dtype_find (name);

  if (dtype == NULL)
    vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor,
        "dtype is %.100s; expected one of the format's, such as F32",
        name != NULL ? name : "missing or not a string");
  return dtype;
}

static gboolean
parse_shape (const char *path, char *value, VitTensor *tensor, GError **error)
{
  VitJsonWalk walk;

  if (value == NULL || *value != '[')
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
        "shape is missing or not an array");
  tensor->n_values = 1;
  walk = vit_json_walk (value);
  for (tensor->rank = 0; vit_json_next_element (&walk, &value);
       tensor->rank++) {
    guint64 dimension;

    if (!vit_json_unsigned (value, &dimension))
      return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
          "shape[%u] is not an integer from 0 to 2^63-1", tensor->rank);
    if (!g_uint64_checked_mul (&tensor->n_values, tensor->n_values, dimension))
      return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
          "the dimensions up to shape[%u] multiply to more than 2^64-1",
          tensor->rank);
    if (tensor->rank < VIT_TENSOR_MAX_RANK)
      tensor->shape[tensor->rank] = dimension;
  }
  return TRUE;
}

static gboolean
parse_offsets (const char *path, char *value, guint64 data_offset,
    VitTensor *tensor, GError **error)
{
  guint64 offsets[2];
  gboolean valid = value != NULL && *value == '[' && vit_json_count (value) == 2;
  VitJsonWalk walk = { NULL };

  if (valid)
    walk = vit_json_walk (value);
  for (guint i = 0; i < 2 && valid; i++)
    valid = vit_json_next_element (&walk, &value)
            && vit_json_unsigned (value, &offsets[i]);
  if (!valid)
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
        "data_offsets is not an array of two integers from 0 to 2^63-1");
  if (offsets[1] < offsets[0])
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
        "data_offsets are [%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
        "]; expected the end not before the beginning", offsets[0], offsets[1]);
  tensor->offset = data_offset + offsets[0];
  tensor->n_bytes = offsets[1] - offsets[0];
  return TRUE;
}

static gboolean
parse_entry (const char *path, char *object, guint64 data_offset,
    VitTensor *tensor, GError **error)
{
  Entry entry = { NULL };
  const VitDTypeInfo *dtype;
  guint64 n_bits;

  if (*object != '{')
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
        "is not an object; expected one with dtype, shape and data_offsets");
  if (!find_members (path, tensor->name, object, &entry, error))
    return FALSE;
  dtype = parse_dtype (path, tensor->name, entry.dtype, error);
  if (dtype == NULL || !parse_shape (path, entry.shape, tensor, error)
      || !parse_offsets (path, entry.data_offsets, data_offset, tensor, error))
    return FALSE;
  tensor->dtype = dtype->dtype;
  tensor->dtype_name = dtype->name;

  if (!g_uint64_checked_mul (&n_bits, tensor->n_values, dtype->n_bits))
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
        "%" G_GUINT64_FORMAT " values of %u bits are more than 2^64-1 bits",
        tensor->n_values, dtype->n_bits);
  if (n_bits % 8 != 0)
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
        "%" G_GUINT64_FORMAT " values of %u bits do not fill whole bytes",
        tensor->n_values, dtype->n_bits);
  if (n_bits / 8 != tensor->n_bytes) {
    g_autofree char *shape = vit_tensor_shape_string (tensor);

    return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
        "data_offsets span %" G_GUINT64_FORMAT " bytes, but %s of %s is %"
        G_GUINT64_FORMAT, tensor->n_bytes, shape, dtype->name, n_bits / 8);
  }
  return TRUE;
}

/* Room for all entries of the header, of which one may be the metadata. */
static gboolean
make_table (VitSafetensors *self, VitSafetensorsRoom *room, const char *root,
    guint64 n_header_bytes, GError **error)
{
  const char *path = vit_file_path (self->file);
  gsize n_entries = vit_json_count (root);

  if (n_entries > MAX_TENSORS)
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, NULL,
        "has %" G_GSIZE_FORMAT " tensors; expected at most %d", n_entries,
        MAX_TENSORS);
  if (!take_room (
          path, "tensors", n_entries, MAX_TENSORS, &room->n_tensors, error))
    return FALSE;
  /* One more than needed: no entries must not look like no memory. */
  self->tensors = g_try_new0 (VitTensor, n_entries + 1);
  self->by_name = g_try_new (const VitTensor *, n_entries + 1);
  return (self->tensors != NULL && self->by_name != NULL)
         || refuse_memory (path, n_header_bytes, error);
}

static gboolean
parse_entries (VitSafetensors *self, VitSafetensorsRoom *room,
    guint64 data_offset, GError **error)
{
  const char *path = vit_file_path (self->file);
  char *root = vit_json_root (self->header), *value;
  VitJsonWalk walk;
  gboolean has_metadata = FALSE;
  const char *name;

  if (!make_table (self, room, root, data_offset - LENGTH_BYTES, error))
    return FALSE;
  walk = vit_json_walk (root);
  while (vit_json_next_member (&walk, &name, &value)) {
    if (strcmp (name, METADATA) != 0) {
      VitTensor *tensor = &self->tensors[self->n_tensors++];

      tensor->name = name;
      if (!parse_entry (path, value, data_offset, tensor, error))
        return FALSE;
    } else if (has_metadata) {
      return vit_refuse (error, VIT_ERROR_CONTAINER, path, name,
          "is there twice, a duplicate; expected one");
    } else if (!check_metadata (path, value, error)) {
      return FALSE;
    } else {
      has_metadata = TRUE;
    }
  }
  return TRUE;
}

/* Empty tensors may share an offset: the name makes the order total. */
static int
compare_offsets (const void *a, const void *b)
{
  const VitTensor *left = a, *right = b;

  if (left->offset != right->offset)
    return left->offset < right->offset ? -1 : 1;
  if (left->n_bytes != right->n_bytes)
    return left->n_bytes < right->n_bytes ? -1 : 1;
  return strcmp (left->name, right->name);
}

/* Every byte of the data belongs to exactly one tensor. */
static gboolean
check_layout (const VitSafetensors *self, guint64 data_offset, GError **error)
{
  const char *path = vit_file_path (self->file);
  guint64 end = data_offset;

  for (guint i = 0; i < self->n_tensors; i++) {
    const VitTensor *tensor = &self->tensors[i];

    if (tensor->offset != end)
      return vit_refuse (error, VIT_ERROR_CONTAINER, path, tensor->name,
          "data_offsets begin at %" G_GUINT64_FORMAT
          "; expected %" G_GUINT64_FORMAT ", where the tensor before ends (%s)",
          tensor->offset - data_offset, end - data_offset,
          tensor->offset > end ? "a hole" : "an overlap");
    end += tensor->n_bytes;
  }
  if (end != vit_file_size (self->file))
    return vit_refuse (error, VIT_ERROR_CONTAINER, path, NULL,
        "is %" G_GUINT64_FORMAT " bytes; expected %" G_GUINT64_FORMAT
        ", where the last tensor ends%s", vit_file_size (self->file), end,
        end > vit_file_size (self->file)
            ? ": it was cut short; download it again" : "");
  return TRUE;
}

static int
compare_names (const void *a, const void *b)
{
  const VitTensor *const *left = a, *const *right = b;

  return strcmp ((*left)->name, (*right)->name);
}

/* Sorts the names, by which two of a kind come to stand side by side. */
static gboolean
list_names (VitSafetensors *self, GError **error)
{
  for (guint i = 0; i < self->n_tensors; i++)
    self->by_name[i] = &self->tensors[i];
  qsort (self->by_name, self->n_tensors, sizeof (VitTensor *), compare_names);
  for (guint i = 1; i < self->n_tensors; i++)
    if (compare_names (&self->by_name[i - 1], &self->by_name[i]) == 0)
      return vit_refuse (error, VIT_ERROR_CONTAINER,
          vit_file_path (self->file), self->by_name[i]->name,
          "is there twice, a duplicate; expected one");
  return TRUE;
}

static gboolean
load (VitSafetensors *self, VitSafetensorsRoom *room, GError **error)
{
  guint64 header_bytes, data_offset;

  if (!read_header (self, room, &header_bytes, error))
    return FALSE;
  data_offset = LENGTH_BYTES + header_bytes;
  if (!parse_entries (self, room, data_offset, error))
    return FALSE;
  qsort (self->tensors, self->n_tensors, sizeof (VitTensor), compare_offsets);
  return list_names (self, error) && check_layout (self, data_offset, error);
}

VitSafetensors *
vit_safetensors_open_within (
    const char *path, VitSafetensorsRoom *room, GError **error)
{
  VitSafetensors *self = g_new0 (VitSafetensors, 1);

  self->file = vit_file_open (path, error);
  if (self->file != NULL && load (self, room, error))
    return self;
  vit_safetensors_close (self);
  return NULL;
}

VitSafetensors *
vit_safetensors_open (const char *path, GError **error)
{
  VitSafetensorsRoom room = VIT_SAFETENSORS_ROOM;

  return vit_safetensors_open_within (path, &room, error);
}

void
vit_safetensors_close (VitSafetensors *file)
{
  if (file == NULL)
    return;
  vit_file_close (file->file);
  g_free (file->header);
  g_free (file->digest);
  g_free (file->tensors);
  g_free (file->by_name);
  g_free (file);
}

const char *
vit_safetensors_header_digest (const VitSafetensors *file)
{
  return file->digest;
}

const VitFile *
vit_safetensors_file (const VitSafetensors *file)
{
  return file->file;
}

const VitTensor *
vit_safetensors_find (const VitSafetensors *file, const char *name)
{
  VitTensor wanted = { .name = name };
  const VitTensor *key = &wanted;
  const VitTensor **found = bsearch (&key, file->by_name, file->n_tensors,
      sizeof (VitTensor *), compare_names);

  return found != NULL ? *found : NULL;
}

const VitTensor *
vit_safetensors_list (const VitSafetensors *file, guint *n_tensors)
{
  *n_tensors = file->n_tensors;
  return file->tensors;
}

char *
vit_tensor_shape_string (const VitTensor *tensor)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < MIN (tensor->rank, VIT_TENSOR_MAX_RANK); i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? "," : "",
        tensor->shape[i]);
  g_string_append (text, tensor->rank > VIT_TENSOR_MAX_RANK ? ",...]" : "]");
  return g_string_free (text, FALSE);
}
