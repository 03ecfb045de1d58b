/* SPDX-License-Identifier: MIT
 *
 * Reader of the safetensors container: finds a tensor by name and reads its
 * values as float32.  The file is taken to be hostile; everything that the
 * reference reader enforces is enforced before the first value is read.
 *
 *     0        8                    8+n                              file size
 *     +--------+---------------------+-------------------------------------+
 *     | n: u64 | n bytes of JSON     | data: tensors back to back          |
 *     +--------+---------------------+-------------------------------------+
 *     { "__metadata__": { "format": "pt" },
 *       "pos_embed": { "dtype": "F32", "shape": [1, 197, 768],
 *                      "data_offsets": [begin, end) } ... }
 *
 * Little-endian, row-major, offsets relative to the data.  Format and checks:
 * https://github.com/huggingface/safetensors, `safetensors/src/tensor.rs`.
 *
 * Thread-safety: immutable after vit_safetensors_open().
 */
#pragma once

#include "base/dtype.h"
#include "files/file.h"

G_BEGIN_DECLS

/* Values of a tensor wider than this rank are never wanted here; the container
 * itself may hold tensors of any rank. */
#define VIT_TENSOR_MAX_RANK 8

typedef struct {
  const char *name;       /* UTF-8, owned by the VitSafetensors */
  VitDType dtype;
  const char *dtype_name; /* as in the file: "F32", "F8_E4M3", ... */
  guint rank;             /* dimensions; those past VIT_TENSOR_MAX_RANK are
                             counted but not kept in `shape` */
  guint64 shape[VIT_TENSOR_MAX_RANK];
  guint64 n_values;       /* product of the shape; 1 for rank 0 */
  guint64 offset;         /* of the first byte, from the start of the file */
  guint64 n_bytes;
} VitTensor;

typedef struct _VitSafetensors VitSafetensors;

/* The reference reader's limit on the header's length. */
#define VIT_SAFETENSORS_MAX_HEADER_BYTES 100000000

/* The largest published models have fewer in all of their shards together. */
#define VIT_SAFETENSORS_MAX_TENSORS (1 << 18)

/* What headers may still have. */
typedef struct {
  guint64 n_header_bytes;
  guint64 n_tensors;
} VitSafetensorsRoom;

#define VIT_SAFETENSORS_ROOM                                                   \
  { VIT_SAFETENSORS_MAX_HEADER_BYTES, VIT_SAFETENSORS_MAX_TENSORS }

/* Opens and checks the container.  Errors: those of vit_file_open();
 * CONTAINER, with the rule that was broken; UNSUPPORTED for a file of another
 * kind that is known by how it begins.  Free with vit_safetensors_close(). */
VitSafetensors *vit_safetensors_open (const char *path, GError **error);

/* The same for one of several files, all of whose headers are to have no more
 * than one: `room`, VIT_SAFETENSORS_ROOM at first, becomes less by what this one
 * has.  Error for a header that no room is left for: UNSUPPORTED. */
VitSafetensors *vit_safetensors_open_within (
    const char *path, VitSafetensorsRoom *room, GError **error);
void vit_safetensors_close (VitSafetensors *file);

/* SHA-256 of the header, as it is in the file: 64 hexadecimal digits. */
const char *vit_safetensors_header_digest (const VitSafetensors *file);

/* The file itself, open. */
const VitFile *vit_safetensors_file (const VitSafetensors *file);

/* (nullable): the tensor of exactly this name, owned by `file`. */
const VitTensor *vit_safetensors_find (const VitSafetensors *file,
    const char *name);

/* All tensors, in the order of their data.  `tensors[i]`, i < *n_tensors. */
const VitTensor *vit_safetensors_list (const VitSafetensors *file,
    guint *n_tensors);

/* "[384,3,14,14]", for messages.  (transfer full): g_free(). */
char *vit_tensor_shape_string (const VitTensor *tensor);

/* Reads the values [first, first + n_values) of `tensor`, which has at least as
 * many, F16, BF16, F32 or F64, as float32 (F64 rounded to nearest).  Errors:
 * READ; TENSOR for a type that holds no such numbers; VALUE for NaN or infinity
 * (also an F64 too large for float32), naming the index. */
gboolean vit_safetensors_read (const VitSafetensors *file,
    const VitTensor *tensor, guint64 first, gsize n_values,
    float *values /* [n_values] */, GError **error);

G_END_DECLS
