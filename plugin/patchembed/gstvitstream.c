/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitstream.h"

#include "common/gstvitflushing.h"
#include "common/gstvittensor.h"
#include "patchembed/gstvitmodelinfo.h"

/* The element's own. */
GST_DEBUG_CATEGORY_EXTERN (gst_vit_patch_embed_debug);
#define GST_CAT_DEFAULT gst_vit_patch_embed_debug

/* Takes `embed`. */
static GstVitSizes *
make_sizes (const GstVitStream *stream, const GstVitSettings *settings,
    VitPatchEmbed *embed)
{
  guint n_prefix_tokens
      = settings->prefix_tokens ? stream->model->n_prefix_tokens : 0;
  GstVitEmbedderSetup setup = {
    .model = stream->model,
    .model_id = gst_vit_model_full_id (stream->model),
    .n_prefix_tokens = n_prefix_tokens,
    .prefix_kinds
    = n_prefix_tokens > 0 ? gst_vit_model_prefix_kinds (stream->model) : NULL,
    .pad = settings->fit == VIT_FIT_PAD,
    .token_format = (GstVitTokenFormat) settings->token_format,
    .workers = stream->workers,
    .max_memory = settings->max_memory,
  };

  return gst_vit_sizes_new (&setup, embed);
}

GstVitStream *
gst_vit_stream_new (const GstVitSettings *settings, GstStructure **model_info,
    GError **error)
{
  VitPatchEmbedSettings embed_settings = gst_vit_settings_for_embed (settings);
  VitModel *model = gst_vit_settings_load_model (settings, error);
  VitPatchEmbed *embed = NULL;
  GstVitStream *stream;

  if (model != NULL)
    embed = vit_patch_embed_new (model, &embed_settings, error);
  if (embed == NULL) {
    g_clear_pointer (&model, vit_model_unref);
    return NULL;
  }
  stream = g_new0 (GstVitStream, 1);
  stream->model = model;
  stream->live = settings->live;
  stream->tensor_id = settings->tensor_id;
  stream->workers
      = gst_vit_workers_new (gst_vit_settings_n_workers (settings));
  stream->regions = g_array_new (FALSE, FALSE, sizeof (GstVitRegion));
  *model_info = gst_vit_model_info_new (model, settings, embed);
  stream->sizes = make_sizes (stream, settings, embed);
  gst_vit_stream_begin (stream);
  return stream;
}

void
gst_vit_stream_free (GstVitStream *stream)
{
  gst_vit_sizes_free (stream->sizes);
  gst_vit_workers_free (stream->workers);
  g_array_unref (stream->regions);
  vit_model_unref (stream->model);
  g_free (stream);
}

void
gst_vit_stream_begin (GstVitStream *stream)
{
  gst_vit_stream_break (stream);
  if (stream != NULL)
    stream->n_since = G_MAXUINT;
}

void
gst_vit_stream_break (GstVitStream *stream)
{
  if (stream != NULL)
    gst_vit_sizes_reset (stream->sizes);
}

static GstVitRegion
whole_frame (const VitImageFormat *format)
{
  return (GstVitRegion) {
    .id = -1,
    .width = format->width,
    .height = format->height,
    .detection = GST_VIT_NO_DETECTION,
  };
}

gboolean
gst_vit_stream_set_format (GstVitStream *stream, const GstVideoInfo *info,
    const VitImageFormat *format, const GstVitLiveSettings *live,
    VitTokensShape *shape, GError **error)
{
  GstVitRegion whole = whole_frame (format);

  *shape = (VitTokensShape) { 0 };
  stream->info = *info;
  stream->format = *format;
  stream->live = *live;
  gst_vit_stream_begin (stream);
  gst_vit_sizes_set_format (
      stream->sizes, info, format, live->max_tokens);
  return live->regions != GST_VIT_REGIONS_FRAME
      || gst_vit_sizes_measure (stream->sizes, &whole, shape, error);
}

void
gst_vit_stream_set_live (GstVitStream *stream, const GstVitLiveSettings *live)
{
  GstVitLiveSettings before = stream->live;

  stream->live = *live;
  if (live->max_tokens != before.max_tokens || live->regions != before.regions)
    gst_vit_sizes_set_format (
        stream->sizes, &stream->info, &stream->format, live->max_tokens);
  else if (live->reuse_tokens != before.reuse_tokens
      || live->reuse_tolerance != before.reuse_tolerance)
    gst_vit_stream_break (stream);
}

gboolean
gst_vit_stream_is_due (GstVitStream *stream)
{
  if (stream->n_since >= stream->live.interval)
    return TRUE;
  stream->n_since++;
  return FALSE;
}

void
gst_vit_stream_prepare (GstVitStream *stream)
{
  GstVitRegion whole = whole_frame (&stream->format);

  /* What there is no memory for is said where its tokens are attached. */
  if (stream->live.regions == GST_VIT_REGIONS_FRAME)
    gst_vit_sizes_find (stream->sizes, stream->n_with_tokens + 1,
        &whole, NULL, NULL);
}

static void
find_regions (GstVitStream *stream, GstElement *element, GstBuffer *frame)
{
  GstVitRegion whole = whole_frame (&stream->format);

  if (stream->live.regions == GST_VIT_REGIONS_ROI) {
    if (!gst_vit_regions_find (frame, stream->format.width,
            stream->format.height, stream->regions)
        && !stream->warned_of_regions) {
      stream->warned_of_regions = TRUE;
      GST_ELEMENT_WARNING (element, STREAM, NOT_IMPLEMENTED,
          ("Only the first %d regions of a frame have tokens",
              GST_VIT_REGIONS_MAX),
          ("of those on %" GST_PTR_FORMAT, frame));
    }
    return;
  }
  g_array_set_size (stream->regions, 0);
  g_array_append_val (stream->regions, whole);
}

/* Once, until a frame has all its tokens: memory that is short is so for every
 * frame, and for each of its regions. */
static void
warn_of_memory (GstVitStream *stream, GstElement *element, const gchar *what)
{
  stream->last_short_of_memory = stream->n_with_tokens;
  if (stream->warned_of_memory)
    return;
  stream->warned_of_memory = TRUE;
  GST_ELEMENT_WARNING (element, RESOURCE, NO_SPACE_LEFT,
      ("No memory for the tokens of this frame, or of some of its regions; it "
       "passes without them, as will those after it until there is memory"),
      ("%s", what));
}

/* Of a frame it is most likely a mistake; of regions some are always small. */
static void
say_size_is_wrong (GstVitStream *stream, GstElement *element,
    const GstVitRegion *region, const gchar *reason)
{
  gboolean is_frame = region->id == -1;
  gboolean *said
      = is_frame ? &stream->said_small_frame : &stream->said_small_region;
  guint patch_size = stream->model->patch_size;
  const gchar *advice
      = region->width < patch_size || region->height < patch_size
      ? "; 'fit=pad' makes tokens of them, too"
      : "";

  GST_DEBUG_OBJECT (element, "no tokens for region %d, %ux%u at (%u,%u): %s",
      region->id, region->width, region->height, region->x, region->y, reason);
  if (*said)
    return;
  *said = TRUE;
  if (is_frame)
    GST_ELEMENT_WARNING (element, STREAM, FORMAT,
        ("Frames pass without tokens: %s%s", reason, advice),
        ("said once a stream"));
  else
    GST_ELEMENT_INFO (element, STREAM, FORMAT,
        ("Some regions have no tokens: %s%s", reason, advice),
        ("Some regions have no tokens, the first of them region %d at (%u,%u): "
         "%s%s; said once a stream",
            region->id, region->x, region->y, reason, advice));
}

/* Takes `error`; NULL for tokens without memory, or for which nobody waits. */
static void
leave_out (GstVitStream *stream, GstElement *element,
    const GstVitRegion *region, GError *error)
{
  const gchar *what = error != NULL ? error->message : "no buffer for them";

  if (error == NULL
      && gst_vit_is_flushing (GST_BASE_TRANSFORM_SRC_PAD (element)))
    return;
  if (g_error_matches (error, VIT_ERROR, VIT_ERROR_FRAME_SIZE)) {
    say_size_is_wrong (stream, element, region, what);
  } else {
    GST_DEBUG_OBJECT (element, "no tokens for region %d, %ux%u at (%u,%u): %s",
        region->id, region->width, region->height, region->x, region->y, what);
    warn_of_memory (stream, element, what);
  }
  g_clear_error (&error);
}

/* Takes `error`: why region i and those after it have no tokens.  Once for every
 * format and kind of regions is enough. */
static void
pass_over (GstVitStream *stream, GstElement *element, guint i,
    GstBuffer *frame, GError *error)
{
  if (!stream->warned_of_cost && stream->live.regions == GST_VIT_REGIONS_ROI)
    GST_ELEMENT_WARNING (element, RESOURCE, NO_SPACE_LEFT,
        ("Only the first %u of %u regions of a frame have tokens: %s", i,
            stream->regions->len, error->message),
        ("of those on %" GST_PTR_FORMAT, frame));
  else if (!stream->warned_of_cost)
    GST_ELEMENT_WARNING (element, RESOURCE, NO_SPACE_LEFT,
        ("Frames pass without tokens: %s", error->message),
        ("from %" GST_PTR_FORMAT " on", frame));
  stream->warned_of_cost = TRUE;
  g_error_free (error);
}

/* Attaches the tokens of region i of `image`; FALSE where the frame can have no
 * more. */
static gboolean
attach_region (GstVitStream *stream, GstElement *element,
    const GstVitEmbedderTask *task, guint i, VitImage image, GstBuffer *frame,
    GstVitFrameResult *result)
{
  const GstVitRegion *region
      = &g_array_index (stream->regions, GstVitRegion, i);
  GstVitRegion covered = *region;
  GstVitTokensMeta *meta = NULL;
  VitFrameCounts counts;
  GError *error = NULL;
  GstVitEmbedder *embedder = gst_vit_sizes_find (
      stream->sizes, task->serial, &covered, &image, &error);

  if (g_error_matches (error, VIT_ERROR, VIT_ERROR_LIMIT)) {
    pass_over (stream, element, i, frame, error);
    return FALSE;
  }
  if (embedder != NULL)
    meta = gst_vit_embedder_run (embedder, task, &image, &covered, frame,
        stream->format.width, stream->format.height, &counts);
  if (meta == NULL) {
    leave_out (stream, element, region, error);
    return TRUE;
  }
  if (region->id != -1)
    gst_vit_tokens_meta_set_roi (meta, region->id,
        g_quark_to_string (region->type), region->x, region->y, region->width,
        region->height);
  if (region->detection != GST_VIT_NO_DETECTION && stream->tensor_id != 0)
    gst_vit_tensor_relate (frame, meta, stream->tensor_id, region->detection);
  result->counts.n_kept += counts.n_kept;
  result->counts.n_short += counts.n_short;
  result->counts.n_full += counts.n_full;
  result->n_tokens += embedder->shape.n_tokens;
  result->shape = embedder->shape;
  return TRUE;
}

void
gst_vit_stream_attach (GstVitStream *stream, GstElement *element,
    const VitImage *image, GstBuffer *frame, gboolean positions,
    GstVitFrameResult *result)
{
  guint n_before = gst_buffer_get_n_meta (frame, GST_VIT_TOKENS_META_API_TYPE);
  GstVitEmbedderTask task = { .reuse = stream->live.reuse_tokens,
    .tolerance = stream->live.reuse_tolerance,
    .serial = ++stream->n_with_tokens,
    .positions = positions,
    .srcpad = GST_BASE_TRANSFORM_SRC_PAD (element) };

  stream->n_since = 1;
  find_regions (stream, element, frame);
  *result = (GstVitFrameResult) { .n_tokens = 0 };
  gst_vit_sizes_begin (stream->sizes, task.serial);
  for (guint i = 0; i < stream->regions->len; i++) {
    /* A frame that nobody waits for may have many. */
    if (i > 0 && gst_vit_is_flushing (task.srcpad))
      break;
    if (!attach_region (stream, element, &task, i, *image, frame, result))
      break;
  }
  if (result->n_tokens > 0 && stream->last_short_of_memory != task.serial)
    stream->warned_of_memory = FALSE;
  if (stream->tensor_id != 0)
    gst_vit_tensor_attach (frame, n_before, stream->tensor_id);
}
