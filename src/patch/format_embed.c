/* SPDX-License-Identifier: MIT */
#include "patch/format_embed.h"

#include <string.h>

#include "base/aligned.h"
#include "kernel/patch.h"
#include "patch/input_norm.h"

/* Patches that are packed and multiplied at once: their terms should stay in a
 * core's second-level cache beside one panel of weights.  Whole tiles of every
 * kernel: 126 is 9 x 14 and 21 x 6 patches; 96 is 3 x 32, 8 x 12 and 16 x 6. */
#define BLOCK_F32 126
#define BLOCK_FIXED 96

/* Rows that a kernel may read of a block. */
#define ROWS(block) ((gsize) (block) + VIT_KERNEL_PATCH_TILE - 1)

static gboolean
find_weights (VitFormatEmbed *self, VitWeights *like, GError **error)
{
  const VitFormatEmbedRequest *request = &self->request;
  const VitPlan *plan = &self->plan;
  VitWeightsRequest wanted = {
    .model = request->model,
    .format = request->format,
    .precision = request->precision,
    .needs_pixels = plan->may_clamp || !plan->has_samples
        || plan->whole_columns < plan->grid_width
        || plan->whole_rows < plan->grid_height,
  };

  memcpy (wanted.mean, request->mean, sizeof wanted.mean);
  memcpy (wanted.std, request->std, sizeof wanted.std);
  self->weights = vit_weights_serve (like, &wanted)
      ? vit_weights_ref (like)
      : vit_weights_new (&wanted, error);
  return self->weights != NULL;
}

/* A worker's memory, in this order: two planes of bytes or one of floats,
 * for a block of patches; pixels in the making; tokens to be rounded. */
static gsize
terms_size (const VitFormatEmbed *self)
{
  guint size = self->request.model->patch_size;
  gsize stride = vit_projection_stride (
      self->request.precision, (gsize) 3 * size * size);

  return ROWS (self->block) * stride
      * (self->request.precision == VIT_PRECISION_F32 ? sizeof (float) : 2);
}

static gsize
pixels_size (const VitFormatEmbed *self)
{
  gsize n_bytes = vit_pixels_scratch_size (&self->pixels) * sizeof (gint16);

  return (n_bytes + 63) / 64 * 64;
}

static guint
count_patches (const VitFormatEmbedRequest *request)
{
  return request->grid_width * request->grid_height;
}

/* Sets what of `self` takes no memory. */
static void
prepare (VitFormatEmbed *self, const VitFormatEmbedRequest *request)
{
  guint block
      = request->precision == VIT_PRECISION_F32 ? BLOCK_F32 : BLOCK_FIXED;
  double outside[3];
  gsize n_bytes;

  memset (self, 0, sizeof *self);
  self->request = *request;
  self->block = MIN (block, count_patches (request));
  for (guint c = 0; c < 3; c++)
    outside[c] = 255.0 * request->mean[c];
  vit_pixels_init (&self->pixels, &request->format,
      request->model->patch_size, outside);
  n_bytes = terms_size (self) + pixels_size (self);
  if (request->type != VIT_TOKEN_F32)
    n_bytes += (gsize) self->block * request->model->embed_dim
        * sizeof (float);
  self->worker_scratch = (n_bytes + 63) / 64 * 64;
  /* No worker is without a patch. */
  self->n_scratches = MIN (request->n_workers, count_patches (request));
}

guint64
vit_format_embed_memory (const VitFormatEmbedRequest *request)
{
  guint64 n_patches = count_patches (request);
  VitFormatEmbed self;

  prepare (&self, request);
  return vit_plan_memory (
             &request->format, request->model->patch_size, n_patches)
      + vit_addend_memory (request->model, request->rule, n_patches)
      + (guint64) self.n_scratches * self.worker_scratch;
}

/* Zero, as a kernel reads whole tiles, also where no patch was packed yet; by
 * what calls calloc(), which takes no page before it is written to. */
static gboolean
make_scratch (VitFormatEmbed *self, GError **error)
{
  gsize n_bytes = self->worker_scratch + VIT_ALIGNMENT;

  self->scratch_memory = g_try_malloc0_n (self->n_scratches, n_bytes);
  if (self->scratch_memory == NULL) {
    g_set_error (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
        "no memory for %u workers of %" G_GSIZE_FORMAT " bytes",
        self->n_scratches, n_bytes);
    return FALSE;
  }
  self->scratch = (guint8 *) self->scratch_memory
      + (-(guintptr) self->scratch_memory & (VIT_ALIGNMENT - 1));
  return TRUE;
}

static gboolean
make_addend (VitFormatEmbed *self, GError **error)
{
  const VitFormatEmbedRequest *request = &self->request;

  return vit_addend_init (&self->addend, request->model, request->rule,
      self->weights->bias, request->grid_width, request->grid_height,
      request->square, error);
}

gboolean
vit_format_embed_init (VitFormatEmbed *self,
    const VitFormatEmbedRequest *request, VitWeights *like, GError **error)
{
  prepare (self, request);
  return vit_plan_init (&self->plan, &request->format,
             request->model->patch_size, request->grid_width,
             request->grid_height, error)
      && find_weights (self, like, error) && make_addend (self, error)
      && make_scratch (self, error);
}

void
vit_format_embed_clear (VitFormatEmbed *self)
{
  vit_plan_clear (&self->plan);
  vit_weights_unref (self->weights);
  vit_addend_clear (&self->addend);
  g_free (self->scratch_memory);
  memset (self, 0, sizeof *self);
}

/* One frame in the making, shared by its workers. */
typedef struct {
  VitFormatEmbed *self;
  const VitImage *image;
  gboolean keep;
  guint tolerance;
  const guint8 *previous;
  guint8 *tokens;
  guint n_blocks[VIT_N_PATCH_KINDS];
  gint next;
  gint is_stopped; /* atomic; stays where it was once */
} FrameJob;

static gboolean
is_stopped (FrameJob *job)
{
  const VitFormatEmbed *self = job->self;

  if (g_atomic_int_get (&job->is_stopped))
    return TRUE;
  if (self->is_stopped == NULL || !self->is_stopped (self->stop_data))
    return FALSE;
  g_atomic_int_set (&job->is_stopped, TRUE);
  return TRUE;
}

static void
run_workers (const VitFormatEmbed *self, guint n_items, FrameJob *job,
    VitWork work, VitParallelFor parallel, gpointer user_data)
{
  guint n_workers = MIN (self->request.n_workers, n_items);

  if (parallel != NULL && n_workers > 1)
    parallel (user_data, n_workers, work, job);
  else
    work (job, 0);
}

static void
plan_rows (gpointer data, guint worker)
{
  FrameJob *job = data;
  VitPlan *plan = &job->self->plan;

  for (;;) {
    guint row = (guint) g_atomic_int_add (&job->next, 1);

    if (row >= plan->grid_height)
      return;
    vit_plan_row (plan, job->image, row, job->keep, job->tolerance);
  }
}

void
vit_format_embed_plan (VitFormatEmbed *self, const VitImage *image,
    gboolean keep, guint tolerance, VitParallelFor parallel, gpointer user_data)
{
  FrameJob job = { .self = self, .image = image, .keep = keep,
    .tolerance = tolerance };

  run_workers (self, self->plan.grid_height, &job, plan_rows, parallel,
      user_data);
  vit_plan_finish (&self->plan);
}

/* Float32 terms of a block. */
static void
pack_f32 (const VitFormatEmbed *self, const VitImage *image, VitPatchKind kind,
    const guint32 *patches, guint n, float *terms, gint16 *scratch)
{
  const VitPlan *plan = &self->plan;
  const VitImageFormat *format = &self->request.format;
  const VitProjection *weights = kind == VIT_PATCH_SAMPLES
      ? &self->weights->samples
      : &self->weights->pixels;

  for (guint i = 0; i < n; i++) {
    const guint8 *stored = plan->terms + patches[i] * plan->stride;
    float *to = terms + i * weights->stride;

    if (kind == VIT_PATCH_SAMPLES && format->pixel->sample_bytes == 1) {
      weights->f32->widen (stored, weights->n_terms,
          (float) vit_image_sample_centre (format), to);
    } else if (kind == VIT_PATCH_SAMPLES) {
      vit_samples_widen (&plan->samples, stored, to);
    } else {
      VitPixelsSource source = vit_plan_pixels_source (
          plan, &self->pixels, image, patches[i]);

      vit_pixels_f32 (&self->pixels, weights->f32, &source, to, scratch);
    }
  }
}

/* Bytes of a block, of both planes where there are two. */
static VitFixedSamples
pack_fixed (const VitFormatEmbed *self, const VitImage *image,
    VitPatchKind kind, const guint32 *patches, guint n, guint8 *terms,
    gint16 *scratch)
{
  const VitPlan *plan = &self->plan;
  const VitImageFormat *format = &self->request.format;
  const VitProjection *weights = kind == VIT_PATCH_SAMPLES
      ? &self->weights->samples
      : &self->weights->pixels;
  guint8 *high = terms, *low = terms + ROWS (self->block) * weights->stride;
  VitFixedSamples samples = { high, low, weights->stride,
    kind == VIT_PATCH_SAMPLES ? (gint32) vit_image_sample_centre (format)
                              : self->pixels.fixed_centre };

  if (kind == VIT_PATCH_SAMPLES && format->pixel->sample_bytes == 1) {
    samples.low = NULL;
    /* Neighbours lie as a kernel wants them. */
    if (patches[n - 1] - patches[0] == n - 1) {
      samples.high = plan->terms + patches[0] * plan->stride;
      samples.stride = plan->stride;
      return samples;
    }
  }
  for (guint i = 0; i < n; i++) {
    const guint8 *stored = plan->terms + patches[i] * plan->stride;
    gsize at = i * weights->stride;

    if (samples.low == NULL) {
      memcpy (high + at, stored, weights->stride);
    } else if (kind == VIT_PATCH_SAMPLES) {
      vit_samples_split (&plan->samples, stored, high + at, low + at);
    } else {
      VitPixelsSource source = vit_plan_pixels_source (
          plan, &self->pixels, image, patches[i]);

      vit_pixels_fixed (&self->pixels, weights->fixed, &source, high + at,
          low + at, scratch);
    }
  }
  return samples;
}

/* The norm, positions that come after it, and the tokens' own type. */
static void
finish (const VitFormatEmbed *self, const guint32 *patches, guint n,
    float *const *rows, guint8 *tokens)
{
  const VitFormatEmbedRequest *request = &self->request;
  gsize n_channels = request->model->embed_dim;
  gsize n_bytes = n_channels * vit_token_type_size (request->type);

  for (guint i = 0; i < n; i++) {
    vit_input_norm (request->model, rows[i], 1);
    if (self->addend.positions != NULL) {
      const float *positions
          = self->addend.positions + patches[i] * n_channels;

      for (gsize d = 0; d < n_channels; d++)
        rows[i][d] += positions[d];
    }
    if (request->type != VIT_TOKEN_F32)
      vit_token_type_write (request->type, rows[i], n_channels,
          tokens + patches[i] * n_bytes);
  }
}

static void
compute_block (const VitFormatEmbed *self, const FrameJob *job,
    VitPatchKind kind, const guint32 *patches, guint n, guint8 *scratch)
{
  gsize n_channels = self->request.model->embed_dim;
  gint16 *pixels = (gint16 *) (gpointer) (scratch + terms_size (self));
  float *rounded = (float *) (gpointer) (scratch + terms_size (self)
      + pixels_size (self));
  const float *add[MAX (BLOCK_F32, BLOCK_FIXED)];
  float *out[MAX (BLOCK_F32, BLOCK_FIXED)];
  VitProduct product = { n, (unsigned) n_channels, add, out };
  const VitProjection *weights = kind == VIT_PATCH_SAMPLES
      ? &self->weights->samples
      : &self->weights->pixels;

  for (guint i = 0; i < n; i++) {
    add[i] = self->addend.rows + patches[i] * self->addend.stride;
    out[i] = self->request.type == VIT_TOKEN_F32
        ? (float *) (gpointer) job->tokens + patches[i] * n_channels
        : rounded + i * n_channels;
  }
  if (weights->precision == VIT_PRECISION_F32) {
    float *terms = (float *) (gpointer) scratch;

    pack_f32 (self, job->image, kind, patches, n, terms, pixels);
    weights->f32->product (&product, weights->n_terms, terms, weights->stride,
        weights->f32_panels);
  } else {
    VitFixedSamples samples = pack_fixed (
        self, job->image, kind, patches, n, scratch, pixels);

    weights->fixed->product (&product, &samples, &weights->weights);
  }
  finish (self, patches, n, out, job->tokens);
}

static void
keep_block (const VitFormatEmbed *self, const FrameJob *job,
    const guint32 *patches, guint n)
{
  gsize n_bytes = self->request.model->embed_dim
      * vit_token_type_size (self->request.type);

  for (guint i = 0; i < n; i++)
    memcpy (job->tokens + patches[i] * n_bytes,
        job->previous + patches[i] * n_bytes, n_bytes);
}

/* Takes blocks until none is left, so that no worker waits for a slow one. */
static void
run_blocks (gpointer data, guint worker)
{
  FrameJob *job = data;
  VitFormatEmbed *self = job->self;
  guint8 *scratch = self->scratch + worker * self->worker_scratch;

  for (;;) {
    guint block = (guint) g_atomic_int_add (&job->next, 1);
    guint kind = 0, n, first, end;
    const guint32 *patches;

    while (kind < VIT_N_PATCH_KINDS && block >= job->n_blocks[kind])
      block -= job->n_blocks[kind++];
    if (kind == VIT_N_PATCH_KINDS || is_stopped (job))
      return;
    patches = vit_plan_patches (&self->plan, (VitPatchKind) kind, &n);
    first = (guint) ((guint64) n * block / job->n_blocks[kind]);
    end = (guint) ((guint64) n * (block + 1) / job->n_blocks[kind]);
    if (kind == VIT_PATCH_KEPT)
      keep_block (self, job, patches + first, end - first);
    else
      compute_block (self, job, (VitPatchKind) kind, patches + first,
          end - first, scratch);
  }
}

/* Blocks of one kind: equal ones, and as many for each worker, so that two
 * workers help in small frames too. */
static guint
count_blocks (const VitFormatEmbed *self, guint n_patches)
{
  guint n_workers = self->request.n_workers;
  guint n_blocks = (n_patches + self->block - 1) / self->block;

  n_blocks = (n_blocks + n_workers - 1) / n_workers * n_workers;
  return MIN (n_blocks, n_patches);
}

gboolean
vit_format_embed_run (VitFormatEmbed *self, const VitImage *image,
    const guint8 *previous, guint8 *tokens, VitParallelFor parallel,
    gpointer user_data)
{
  FrameJob job = { .self = self, .image = image, .previous = previous,
    .tokens = tokens };
  guint n_blocks = 0;

  for (guint k = 0; k < VIT_N_PATCH_KINDS; k++) {
    guint n;

    vit_plan_patches (&self->plan, (VitPatchKind) k, &n);
    job.n_blocks[k] = count_blocks (self, n);
    n_blocks += job.n_blocks[k];
  }
  run_workers (self, n_blocks, &job, run_blocks, parallel, user_data);
  return !job.is_stopped;
}
