/* SPDX-License-Identifier: MIT
 *
 * Things that can be timed again and again, in turn with each other: made
 * once, then run.  Errors end the program: it is a bench.
 */
#pragma once

#include <glib.h>

#include "encoder/encoder.h"
#include "peak.h"

G_BEGIN_DECLS

typedef struct _BenchCase BenchCase;

struct _BenchCase {
  void (*run) (BenchCase *bench); /* one frame */
  void (*free) (BenchCase *bench);
  PeakKind kind; /* what it is a share of */
  guint n_threads;
  char *kernel; /* its name, or "-" */
};

/* The product alone over `n_patches` patches of n_terms samples, as packed as
 * the element has them, into tokens of n_channels. */
BenchCase *bench_kernel_new (const char *precision, gsize n_terms,
    guint n_patches, guint n_channels, guint n_threads);

/* One frame, read from a file of raw video, through an element.  Y'CbCr is
 * taken for BT.709. */
typedef struct {
  const char *format;
  gint width;
  gint height;
  const char *file;
} BenchFrame;

/* vitpatchembed without reuse; `model` is a file. */
BenchCase *bench_element_new (const BenchFrame *frame, const char *model,
    const char *precision, guint n_threads);

/* The start of vitpatchembed to the end of its first frame: the model's file read,
 * positions, weights folded, their error predicted.  With `other` (nullable) one
 * element instead takes a frame of the one size and of the other in turn. */
BenchCase *bench_start_new (const BenchFrame *frame, const BenchFrame *other,
    const char *model, const char *precision, guint n_threads);

/* videoconvert to RGB. */
BenchCase *bench_convert_new (const BenchFrame *frame, guint n_threads);

/* The position table of `model` resampled to rows x cols, by `rule`. */
BenchCase *bench_positions_new (
    const char *model, const char *rule, guint rows, guint cols);

/* The encoder's blocks from tokens, a file of float32 [n_tokens][embed_dim] with a
 * class token first, to what comes out of the last, which is written to
 * `features` likewise; NULL: of that the class token alone, which is written
 * nowhere.  `model` is a folder. */
BenchCase *bench_encoder_new (const char *model, const char *tokens,
    VitEncoderGrid grid, guint n_threads, const char *features /* (nullable) */);

/* Relative L2 error of the element's tokens, and their share of patches that
 * take the short product, against the definition in double. */
double bench_element_error (
    const BenchFrame *frame, const char *model, const char *precision);

/* What reuse is worth on a sequence of frames: two elements, one with and one
 * without, take the frames in turn; medians of several passes.  The first
 * frame of a pass, which nothing precedes, does not count. */
typedef struct {
  double seconds_on;
  double seconds_off;
  double ratio; /* on / off */
  double kept;  /* share of tokens that were not computed */
} BenchReuse;

BenchReuse bench_reuse (const BenchFrame *frames, const char *model,
    const char *precision, guint n_threads);

/* Writes `n_frames` of I420 made from the one in `from`:
 *
 *     still   the frame again and again
 *     pan     moved by 6 pixels a frame, with the noise of a sensor, so that
 *             every patch changes
 *     scene   as a fixed camera sees it: noise of its sensor, and an object
 *             that moves through the picture */
void bench_make_video (
    const BenchFrame *from, const char *kind, guint n_frames, const char *to);

G_END_DECLS
