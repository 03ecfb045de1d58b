/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderstream.h"

#include "base/error.h"
#include "common/gstvitflushing.h"
#include "common/gstvitreading.h"
#include "common/gstvittensor.h"
#include "encoder/gstvitencoderattach.h"
#include "encoder/gstvitencoderresult.h"

/* The two enumerations are one, so that a value passes as it is. */
G_STATIC_ASSERT ((gint) VIT_TOKEN_F32 == (gint) GST_VIT_TOKEN_FORMAT_F32);
G_STATIC_ASSERT ((gint) VIT_TOKEN_F16 == (gint) GST_VIT_TOKEN_FORMAT_F16);
G_STATIC_ASSERT ((gint) VIT_TOKEN_BF16 == (gint) GST_VIT_TOKEN_FORMAT_BF16);

void
gst_vit_encoder_stream_begin (GstVitEncoderStream *stream)
{
  gst_vit_encoder_sizes_clear (stream->sizes);
  g_ptr_array_set_size (stream->last, 0);
}

static GstVitEncoderShape
shape_of (const GstVitEncoderStream *stream)
{
  const VitEncoder *encoder = gst_vit_encoder_sizes_peek (stream->sizes);
  GstVitEncoderShape shape = {
    .features = stream->settings.live.features,
    .embed_dim = stream->weights->embed_dim,
    .embedding_dim = vit_encoder_embedding_dim (encoder),
    .n_classes = vit_encoder_n_classes (encoder),
    .normalize = stream->settings.live.normalize,
    .depth = stream->weights->depth,
  };

  if (stream->settings.live.attention)
    shape.n_heads = stream->weights->choices.n_heads;
  shape.layers = vit_encoder_layers (encoder, &shape.n_layers);
  shape.labels = stream->classes.are_known && stream->settings.live.top > 0;
  shape.probabilities = shape.labels && stream->logits_id != 0
                        && gst_vit_tensor_is_supported ();
  return shape;
}

static gboolean
wants_nothing (const GstVitEncoderStream *stream)
{
  GstVitEncoderShape shape = shape_of (stream);

  return !shape.features && shape.embedding_dim == 0 && shape.n_classes == 0
         && shape.n_heads == 0;
}

/* (nullable) (transfer none) */
static GstVitEncoderResult *
find_known (const GstVitEncoderStream *stream, const GstVitTokensMeta *tokens)
{
  for (guint i = 0; i < stream->last->len; i++) {
    GstVitEncoderResult *result = g_ptr_array_index (stream->last, i);

    if (gst_vit_encoder_result_is_of (result, tokens))
      return result;
  }
  return NULL;
}

/* So that regions that change places on a frame are of the same size to us. */
static gint
compare_jobs (gconstpointer a, gconstpointer b)
{
  const GstVitEncoderJob *one = a, *other = b;

  if (one->grid.rows != other->grid.rows)
    return one->grid.rows < other->grid.rows ? -1 : 1;
  if (one->grid.cols != other->grid.cols)
    return one->grid.cols < other->grid.cols ? -1 : 1;
  return one->input < other->input ? -1 : 1;
}

gboolean
gst_vit_encoder_stream_look (
    GstVitEncoderStream *stream, GstBuffer *frame, GError **error)
{
  GPtrArray *inputs = stream->inputs.tokens;

  g_array_set_size (stream->jobs, 0);
  g_ptr_array_set_size (stream->known, 0);
  if (!gst_vit_encoder_inputs_find (
          frame, stream->weights, stream->model_id, &stream->inputs, error))
    return FALSE;
  if (wants_nothing (stream))
    g_ptr_array_set_size (inputs, 0);
  for (guint i = 0; i < inputs->len; i++) {
    const GstVitTokensMeta *tokens = g_ptr_array_index (inputs, i);
    GstVitEncoderJob job
        = { { tokens->grid_height, tokens->grid_width }, i };

    g_ptr_array_add (stream->known, find_known (stream, tokens));
    if (g_ptr_array_index (stream->known, i) == NULL)
      g_array_append_val (stream->jobs, job);
  }
  g_array_sort (stream->jobs, compare_jobs);
  return TRUE;
}

/* Whether the same is known of an input before this one. */
static gboolean
is_known_before (const GstVitEncoderStream *stream, guint input)
{
  gconstpointer known = g_ptr_array_index (stream->known, input);

  for (guint i = 0; i < input; i++)
    if (g_ptr_array_index (stream->known, i) == known)
      return TRUE;
  return FALSE;
}

/* What the frame carries, and tokens that are not float32. */
static GstVitEncoderCost
add_up (const GstVitEncoderStream *stream)
{
  GstVitEncoderShape shape = shape_of (stream);
  guint first = g_array_index (stream->jobs, GstVitEncoderJob, 0).input;
  GstVitEncoderCost cost = { 0, 0 };

  for (guint i = 0; i < stream->inputs.tokens->len; i++) {
    const GstVitTokensMeta *tokens
        = g_ptr_array_index (stream->inputs.tokens, i);
    gboolean is_known = g_ptr_array_index (stream->known, i) != NULL;
    guint64 size = gst_vit_encoder_result_size (&shape, tokens->n_tokens);

    if (i == first)
      cost.pooled += size;
    else if (!is_known || !is_known_before (stream, i))
      cost.passing += size;
    if (!is_known && tokens->format != GST_VIT_TOKEN_FORMAT_F32)
      cost.passing
          += (guint64) tokens->n_tokens * tokens->embed_dim * sizeof (gfloat);
  }
  return cost;
}

gboolean
gst_vit_encoder_stream_prepare (GstVitEncoderStream *stream, GError **error)
{
  guint n = stream->jobs->len;
  GstVitEncoderCost cost;

  stream->size = NULL;
  if (n == 0)
    return TRUE;
  g_array_set_size (stream->grids, n);
  for (guint i = 0; i < n; i++)
    g_array_index (stream->grids, VitEncoderGrid, i)
        = g_array_index (stream->jobs, GstVitEncoderJob, i).grid;
  cost = add_up (stream);
  stream->size = gst_vit_encoder_sizes_find (stream->sizes,
      &g_array_index (stream->grids, VitEncoderGrid, 0), n, &cost, error);
  return stream->size != NULL;
}

static gboolean
has_no_memory (GError **error)
{
  g_set_error_literal (error, VIT_ERROR, VIT_ERROR_NO_MEMORY,
      "no buffer for the features of a frame");
  return FALSE;
}

/* Where the values of a job's tokens lie as float32. */
static gboolean
read_tokens (GstVitEncoderStream *stream, guint job, GError **error)
{
  guint input
      = g_array_index (stream->jobs, GstVitEncoderJob, job).input;
  const GstVitTokensMeta *tokens
      = g_ptr_array_index (stream->inputs.tokens, input);
  GstVitReading *reading = gst_vit_reading_new (tokens->tokens);

  if (reading == NULL) {
    g_set_error_literal (error, VIT_ERROR, VIT_ERROR_READ,
        "the memory of a frame's tokens cannot be read");
    return FALSE;
  }
  g_ptr_array_add (stream->readings, reading);
  stream->size->tokens[job]
      = gst_vit_encoder_size_convert (stream->size, stream->weights, job,
          (VitTokenType) tokens->format, reading->data);
  return stream->size->tokens[job] != NULL || has_no_memory (error);
}

/* NULL of what is not made. */
static gfloat *
map_output (GstVitEncoderStream *stream, GstBuffer *buffer)
{
  GstVitEncoderOutput output = { .buffer = buffer };

  if (buffer == NULL)
    return NULL;
  /* It is new, or of the element's own pool, and nobody else has it yet. */
  gst_buffer_map (buffer, &output.map, GST_MAP_WRITE);
  g_array_append_val (stream->outputs, output);
  return (gfloat *) (gpointer) output.map.data;
}

/* Of the pools, but for further regions of one frame: the pools would keep as many
 * for good as a frame ever had. */
static GstVitEncoderResult *
new_result (const GstVitEncoderStream *stream, const GstVitEncoderShape *shape,
    guint job, guint input)
{
  return gst_vit_encoder_result_new (
      g_ptr_array_index (stream->inputs.tokens, input), shape,
      job == 0 ? stream->size->pools : NULL);
}

/* The new result of a job, for which all is then in its place. */
static gboolean
open_job (GstVitEncoderStream *stream, const GstVitEncoderShape *shape,
    guint job, GError **error)
{
  GstVitEncoderSize *size = stream->size;
  guint input
      = g_array_index (stream->jobs, GstVitEncoderJob, job).input;
  GstVitEncoderResult *result = new_result (stream, shape, job, input);

  if (result == NULL)
    return has_no_memory (error);
  g_ptr_array_index (stream->results, input) = result;
  if (!read_tokens (stream, job, error))
    return FALSE;
  for (guint layer = 0; layer < shape->n_layers; layer++)
    size->features[layer * size->n_grids + job]
        = map_output (stream, result->features[layer]);
  size->embedding[job] = map_output (stream, result->embedding);
  size->logits[job] = map_output (stream, result->logits);
  size->attention[job] = map_output (stream, result->attention);
  return TRUE;
}

static void
close_jobs (GstVitEncoderStream *stream)
{
  g_ptr_array_set_size (stream->readings, 0);
  for (guint i = 0; i < stream->outputs->len; i++) {
    GstVitEncoderOutput *output
        = &g_array_index (stream->outputs, GstVitEncoderOutput, i);

    gst_buffer_unmap (output->buffer, &output->map);
  }
  g_array_set_size (stream->outputs, 0);
}

/* Fills in the results of all jobs. */
static gboolean
compute (GstVitEncoderStream *stream, const GstVitEncoderShape *shape,
    GstPad *srcpad, GError **error)
{
  GstVitEncoderSize *size = stream->size;
  gboolean is_done = TRUE;

  for (guint job = 0; is_done && job < stream->jobs->len; job++)
    is_done = open_job (stream, shape, job, error);
  if (is_done) {
    VitEncoderFrame frame = {
      .tokens = size->tokens,
      .features = shape->features ? size->features : NULL,
      .embedding = size->embedding,
      .logits = size->logits,
      .attention = size->attention,
      .is_stopped = gst_vit_is_stopped,
      .stop_data = srcpad,
    };

    is_done = vit_encoder_run (
        size->encoder, &frame, gst_vit_workers_run, stream->workers);
    if (!is_done)
      g_set_error_literal (error, VIT_ERROR, VIT_ERROR_STOPPED,
          "a flush or the end of the element came between");
  }
  close_jobs (stream);
  return is_done;
}

gboolean
gst_vit_encoder_stream_attach (GstVitEncoderStream *stream, GstBuffer *frame,
    GstPad *srcpad, GError **error)
{
  GstVitEncoderShape shape = shape_of (stream);
  guint n = stream->inputs.tokens->len;
  GPtrArray *before = stream->last;

  g_ptr_array_set_size (stream->results, (gint) n);
  for (guint i = 0; i < n; i++)
    if (g_ptr_array_index (stream->known, i) != NULL)
      g_ptr_array_index (stream->results, i)
          = g_rc_box_acquire (g_ptr_array_index (stream->known, i));
  /* So that no more is held at once than the frame carries. */
  g_ptr_array_set_size (before, 0);
  if (stream->jobs->len > 0 && !compute (stream, &shape, srcpad, error)) {
    g_ptr_array_set_size (stream->results, 0);
    return FALSE;
  }
  gst_vit_encoder_attach_results (stream, &shape, frame);
  stream->last = stream->results;
  stream->results = before;
  return TRUE;
}

GstStructure *
gst_vit_encoder_stream_describe_labels (const GstVitEncoderStream *stream)
{
  const GstVitEncoderResult *first
      = stream->last->len > 0 ? g_ptr_array_index (stream->last, 0) : NULL;

  return gst_vit_encoder_labels_describe (
      first != NULL ? first->labels : NULL, &stream->classes);
}
