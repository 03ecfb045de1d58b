/* SPDX-License-Identifier: MIT */

/**
 * SECTION:element-vitpatchembed
 * @title: vitpatchembed
 * @short_description: Vision Transformer patch tokens of every frame
 *
 * Turns each frame into the tokens that enter the first block of a Vision
 * Transformer: patches through the model's projection, with the model's
 * position table resampled to the frame's own grid.  The tokens travel as
 * #GstVitTokensMeta on the frame, whose pixels are neither copied nor changed.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=30 ! vitpatchembed ! vittokenenc ! application/x-npy ! multifilesink location=tokens-%05d.npy
 * ]| One .npy file a frame, with the built-in model.
 */
#include "gstvitpatchembed.h"

#include <string.h>

#include "gstviterror.h"
#include "gstvitframe.h"
#include "gstvitsettings.h"
#include "gstvittokensmeta.h"
#include "gstvitworkers.h"

GST_DEBUG_CATEGORY_STATIC (gst_vit_patch_embed_debug);
#define GST_CAT_DEFAULT gst_vit_patch_embed_debug

/* Tokens start on a cache line. */
#define TOKENS_ALIGNMENT 64

enum { PROP_STATS = GST_VIT_N_SETTINGS, PROP_MODEL_INFO, N_PROPS };

typedef struct {
  guint64 n_frames;
  guint64 n_tokens;
  guint64 n_computed;
  guint64 n_reused;
  guint64 n_short; /* of those computed: products over stored samples */
  GstClockTime total_time;
  GstClockTime worst_time;
} Stats;

struct _GstVitPatchEmbed {
  GstBaseTransform parent;

  /* Under the object lock. */
  GstVitSettings settings;
  Stats stats;
  VitImageFormat format;
  VitTokensShape shape;
  GstStructure *model_info; /* from start to stop */

  /* Written only while no data flows, or on the streaming thread. */
  VitModel *model;
  VitPatchEmbed *embed;
  GstVitWorkers *workers;
  GstVideoInfo video_info;
  GstBufferPool *tokens_pool;
  GstVitTokenFormat token_format;
  gboolean reuse_tokens;
  guint reuse_tolerance;
  GstBuffer *last_tokens; /* of the frame before; NULL: nothing is kept */
};

static GParamSpec *stats_pspec;

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (GST_VIT_VIDEO_FORMATS)));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE (GST_VIT_VIDEO_FORMATS)));

G_DEFINE_TYPE_WITH_CODE (GstVitPatchEmbed, gst_vit_patch_embed,
    GST_TYPE_BASE_TRANSFORM,
    GST_DEBUG_CATEGORY_INIT (gst_vit_patch_embed_debug, "vitpatchembed", 0,
        "Vision Transformer patch tokens"));
GST_ELEMENT_REGISTER_DEFINE (vitpatchembed, "vitpatchembed", GST_RANK_NONE,
    GST_TYPE_VIT_PATCH_EMBED);

/* What was loaded, for people and programs. */
static GstStructure *
describe_model (const VitModel *model, const VitPatchEmbed *embed)
{
  GstStructure *info = gst_structure_new ("vit-model-info", "id",
      G_TYPE_STRING, model->id, "layout", G_TYPE_STRING, model->layout,
      "position-rule", G_TYPE_STRING,
      vit_position_rule_name (vit_patch_embed_rule (embed)), "patch-size",
      G_TYPE_UINT, model->patch_size, "embed-dim", G_TYPE_UINT,
      model->embed_dim, "n-prefix-tokens", G_TYPE_UINT,
      model->n_prefix_tokens, "precision", G_TYPE_STRING,
      vit_patch_embed_precision (embed) == VIT_PRECISION_F32 ? "f32" : "int16",
      "predicted-error", G_TYPE_DOUBLE,
      vit_patch_embed_predicted_error (embed), "kernel",
      G_TYPE_STRING, vit_patch_embed_kernel (embed), "reason", G_TYPE_STRING,
      model->reason, NULL);
  GValue list = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_ARRAY);
  for (guint i = 0; i < model->n_prefix_tokens; i++) {
    GValue name = G_VALUE_INIT;

    g_value_init (&name, G_TYPE_STRING);
    g_value_set_string (&name, model->prefix_names[i]);
    gst_value_array_append_and_take_value (&list, &name);
  }
  gst_structure_take_value (info, "prefix-tokens", &list);

  memset (&list, 0, sizeof list);
  g_value_init (&list, GST_TYPE_ARRAY);
  for (guint i = 0; model->files != NULL && model->files[i] != NULL; i++) {
    GValue name = G_VALUE_INIT;

    g_value_init (&name, G_TYPE_STRING);
    g_value_set_string (&name, model->files[i]);
    gst_value_array_append_and_take_value (&list, &name);
  }
  gst_structure_take_value (info, "files", &list);

  memset (&list, 0, sizeof list);
  g_value_init (&list, GST_TYPE_ARRAY);
  gst_vit_value_set_triple (&list, vit_patch_embed_mean (embed));
  gst_structure_take_value (info, "mean", &list);

  memset (&list, 0, sizeof list);
  g_value_init (&list, GST_TYPE_ARRAY);
  gst_vit_value_set_triple (&list, vit_patch_embed_std (embed));
  gst_structure_take_value (info, "std", &list);
  return info;
}

static gboolean
gst_vit_patch_embed_start (GstBaseTransform *base)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstVitSettings settings;
  VitPatchEmbedSettings embed_settings;
  GstStructure *info;
  GError *error = NULL;

  GST_OBJECT_LOCK (self);
  gst_vit_settings_copy (&self->settings, &settings);
  GST_OBJECT_UNLOCK (self);

  embed_settings = gst_vit_settings_for_embed (&settings);
  self->model = gst_vit_settings_load_model (&settings, &error);
  if (self->model != NULL)
    self->embed = vit_patch_embed_new (self->model, &embed_settings, &error);
  if (self->embed == NULL) {
    gst_vit_settings_clear (&settings);
    g_clear_pointer (&self->model, vit_model_unref);
    gst_vit_error_post (GST_ELEMENT (self), error);
    return FALSE;
  }
  self->token_format = (GstVitTokenFormat) settings.token_format;
  self->reuse_tokens = settings.reuse_tokens;
  self->reuse_tolerance = settings.reuse_tolerance;
  self->workers
      = gst_vit_workers_new (gst_vit_settings_n_workers (&settings));

  info = describe_model (self->model, self->embed);
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, info);
  GST_OBJECT_LOCK (self);
  self->model_info = info;
  memset (&self->stats, 0, sizeof self->stats);
  memset (&self->shape, 0, sizeof self->shape);
  GST_OBJECT_UNLOCK (self);

  if (settings.model == NULL)
    GST_ELEMENT_INFO (self, LIBRARY, SETTINGS,
        ("Using the built-in model: its tokens hold the picture, but they are "
         "not those of a trained network. Set 'model' for that."),
        (NULL));
  gst_vit_settings_clear (&settings);
  return TRUE;
}

static void
clear_tokens_pool (GstVitPatchEmbed *self)
{
  if (self->tokens_pool != NULL)
    gst_buffer_pool_set_active (self->tokens_pool, FALSE);
  gst_clear_object (&self->tokens_pool);
}

static gboolean
gst_vit_patch_embed_stop (GstBaseTransform *base)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstStructure *info;

  gst_clear_buffer (&self->last_tokens);
  clear_tokens_pool (self);
  g_clear_pointer (&self->workers, gst_vit_workers_free);
  g_clear_pointer (&self->embed, vit_patch_embed_free);
  g_clear_pointer (&self->model, vit_model_unref);
  GST_OBJECT_LOCK (self);
  info = self->model_info;
  self->model_info = NULL;
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&info, gst_structure_free);
  return TRUE;
}

/* A pool of buffers of exactly one frame's tokens. */
static gboolean
make_tokens_pool (GstVitPatchEmbed *self, const VitTokensShape *shape)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstAllocationParams params = { .align = TOKENS_ALIGNMENT - 1 };
  guint size = shape->n_tokens * shape->embed_dim
      * (guint) gst_vit_token_format_get_size (self->token_format);

  clear_tokens_pool (self);
  gst_buffer_pool_config_set_params (config, NULL, size, 0, 0);
  gst_buffer_pool_config_set_allocator (config, NULL, &params);
  if (!gst_buffer_pool_set_config (pool, config)
      || !gst_buffer_pool_set_active (pool, TRUE)) {
    gst_object_unref (pool);
    return FALSE;
  }
  self->tokens_pool = pool;
  return TRUE;
}

static gboolean
gst_vit_patch_embed_set_caps (
    GstBaseTransform *base, GstCaps *in_caps, GstCaps *out_caps)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  VitImageFormat format;
  VitTokensShape shape;
  GstVideoInfo info;
  GError *error = NULL;

  if (!gst_video_info_from_caps (&info, in_caps)
      || !gst_vit_image_format_from_info (&info, &format)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("Cannot read this video format"),
        ("%" GST_PTR_FORMAT, in_caps));
    return FALSE;
  }
  if (!vit_patch_embed_configure (self->embed, &format, &error)) {
    gst_vit_error_post (GST_ELEMENT (self), error);
    return FALSE;
  }
  gst_clear_buffer (&self->last_tokens);
  shape = vit_patch_embed_shape (self->embed);
  if (!make_tokens_pool (self, &shape)) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        ("Cannot make a pool for %u tokens of %u numbers", shape.n_tokens,
            shape.embed_dim),
        (NULL));
    return FALSE;
  }
  self->video_info = info;
  GST_OBJECT_LOCK (self);
  self->format = format;
  self->shape = shape;
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (self, "%s %ux%u, matrix Kr %g Kb %g, %s range: %u x %u patches",
      format.pixel->name, format.width, format.height, format.kr, format.kb,
      format.full_range ? "full" : "narrow", shape.grid_width,
      shape.grid_height);
  return TRUE;
}

/* The pixels are only read, so a frame that others hold too is given a new
 * GstBuffer around the same memory. */
static GstFlowReturn
gst_vit_patch_embed_prepare_output_buffer (
    GstBaseTransform *base, GstBuffer *in, GstBuffer **out)
{
  *out = gst_buffer_is_writable (in) ? in : gst_buffer_copy (in);
  return *out != NULL ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* Upstream may use whatever memory downstream offers: what goes in comes out. */
static gboolean
gst_vit_patch_embed_propose_allocation (
    GstBaseTransform *base, GstQuery *decide_query, GstQuery *query)
{
  gst_pad_peer_query (GST_BASE_TRANSFORM_SRC_PAD (base), query);
  return TRUE;
}

static void
count_frame (GstVitPatchEmbed *self, const VitFrameCounts *counts,
    GstClockTime time)
{
  Stats *stats = &self->stats;

  GST_OBJECT_LOCK (self);
  stats->n_frames++;
  stats->n_tokens += self->shape.n_tokens;
  stats->n_computed += counts->n_short + counts->n_full;
  stats->n_reused += counts->n_kept;
  stats->n_short += counts->n_short;
  stats->total_time += time;
  stats->worst_time = MAX (stats->worst_time, time);
  GST_OBJECT_UNLOCK (self);
}

/* Computes the planned tokens into a buffer of the pool; NULL when there is no
 * memory for them. */
static GstBuffer *
compute_tokens (GstVitPatchEmbed *self, const VitImage *image)
{
  GstBuffer *tokens = NULL;
  GstMapInfo map, previous = GST_MAP_INFO_INIT;

  if (gst_buffer_pool_acquire_buffer (self->tokens_pool, &tokens, NULL)
      != GST_FLOW_OK)
    return NULL;
  if (!gst_buffer_map (tokens, &map, GST_MAP_WRITE)) {
    gst_buffer_unref (tokens);
    return NULL;
  }
  if (self->last_tokens != NULL)
    gst_buffer_map (self->last_tokens, &previous, GST_MAP_READ);
  vit_patch_embed_run (self->embed, image, previous.data, map.data,
      gst_vit_workers_run, self->workers);
  if (self->last_tokens != NULL)
    gst_buffer_unmap (self->last_tokens, &previous);
  gst_buffer_unmap (tokens, &map);
  return tokens;
}

/* The tokens of a mapped frame: those of the frame before where no patch
 * changed, or NULL when there is no memory for new ones. */
static GstBuffer *
find_tokens (GstVitPatchEmbed *self, const VitImage *image)
{
  GstClockTime start = gst_util_get_timestamp ();
  VitFrameCounts counts
      = vit_patch_embed_plan (self->embed, image, self->last_tokens != NULL,
          self->reuse_tolerance, gst_vit_workers_run, self->workers);
  GstBuffer *tokens;

  if (self->last_tokens != NULL && counts.n_short + counts.n_full == 0)
    tokens = gst_buffer_ref (self->last_tokens);
  else
    tokens = compute_tokens (self, image);
  /* The samples are now those of the new tokens, or of none. */
  gst_clear_buffer (&self->last_tokens);
  if (tokens == NULL)
    return NULL;
  if (self->reuse_tokens)
    self->last_tokens = gst_buffer_ref (tokens);
  count_frame (self, &counts, gst_util_get_timestamp () - start);
  return tokens;
}

static void
attach_tokens (GstVitPatchEmbed *self, GstBuffer *frame, GstBuffer *tokens,
    gboolean may_be_kept)
{
  const VitTokensShape *shape = &self->shape;
  gsize n_bytes = (shape->n_tokens + (gsize) 7) / 8;
  GstVitTokensMeta *meta = gst_buffer_add_vit_tokens_meta (frame, tokens,
      self->token_format, shape->n_prefix_tokens, shape->grid_width,
      shape->grid_height, self->model->patch_size, shape->embed_dim,
      self->format.width, self->format.height, self->model->id);

  if (may_be_kept) {
    guint8 *bits = g_malloc (n_bytes);
    GBytes *changed = g_bytes_new_take (bits, n_bytes);

    vit_patch_embed_changed (self->embed, bits);
    gst_vit_tokens_meta_set_changed (meta, changed);
    g_bytes_unref (changed);
  }
}

static GstFlowReturn
gst_vit_patch_embed_transform_ip (GstBaseTransform *base, GstBuffer *buffer)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstVideoFrame frame;
  gboolean had_tokens = self->last_tokens != NULL;
  GstBuffer *tokens;
  VitImage image;
  gchar *reason = NULL;

  if (!gst_vit_frame_map (&frame, &self->video_info, &self->format, buffer,
          &image, &reason)) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED, ("%s", reason), (NULL));
    g_free (reason);
    return GST_FLOW_ERROR;
  }
  tokens = find_tokens (self, &image);
  gst_video_frame_unmap (&frame);
  if (tokens == NULL) {
    GST_ELEMENT_WARNING (self, RESOURCE, NO_SPACE_LEFT,
        ("No memory for the tokens of this frame; it passes without them"),
        (NULL));
    return GST_FLOW_OK;
  }
  attach_tokens (self, buffer, tokens, had_tokens);
  gst_buffer_unref (tokens);
  return GST_FLOW_OK;
}

static gboolean
gst_vit_patch_embed_sink_event (GstBaseTransform *base, GstEvent *event)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);

  /* "The frame before" is the one before in the stream, not in time. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP
      || GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT
      || GST_EVENT_TYPE (event) == GST_EVENT_GAP)
    gst_clear_buffer (&self->last_tokens);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    g_object_notify_by_pspec (G_OBJECT (base), stats_pspec);
  return GST_BASE_TRANSFORM_CLASS (gst_vit_patch_embed_parent_class)
      ->sink_event (base, event);
}

/* The caller holds the object lock. */
static GstStructure *
describe_stats (const GstVitPatchEmbed *self)
{
  const Stats *stats = &self->stats;
  GstClockTime mean
      = stats->n_frames > 0 ? stats->total_time / stats->n_frames : 0;

  return gst_structure_new ("vit-stats", "frames", G_TYPE_UINT64,
      stats->n_frames, "tokens", G_TYPE_UINT64, stats->n_tokens, "computed",
      G_TYPE_UINT64, stats->n_computed, "reused", G_TYPE_UINT64,
      stats->n_reused, "short-products", G_TYPE_UINT64, stats->n_short,
      "mean-time",
      G_TYPE_UINT64, mean, "worst-time", G_TYPE_UINT64, stats->worst_time,
      "frame-width", G_TYPE_UINT, self->format.width, "frame-height",
      G_TYPE_UINT, self->format.height, "grid-width", G_TYPE_UINT,
      self->shape.grid_width, "grid-height", G_TYPE_UINT,
      self->shape.grid_height, "tokens-per-frame", G_TYPE_UINT,
      self->shape.n_tokens, "embed-dim", G_TYPE_UINT, self->shape.embed_dim,
      NULL);
}

static void
gst_vit_patch_embed_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (object);
  gboolean known;

  GST_OBJECT_LOCK (self);
  known = gst_vit_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_vit_patch_embed_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (object);
  gboolean known = TRUE;

  GST_OBJECT_LOCK (self);
  if (id == PROP_STATS)
    g_value_take_boxed (value, describe_stats (self));
  else if (id == PROP_MODEL_INFO)
    g_value_set_boxed (value, self->model_info);
  else
    known = gst_vit_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_vit_patch_embed_finalize (GObject *object)
{
  gst_vit_settings_clear (&GST_VIT_PATCH_EMBED (object)->settings);
  G_OBJECT_CLASS (gst_vit_patch_embed_parent_class)->finalize (object);
}

static void
gst_vit_patch_embed_class_init (GstVitPatchEmbedClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *base_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_vit_patch_embed_set_property;
  object_class->get_property = gst_vit_patch_embed_get_property;
  object_class->finalize = gst_vit_patch_embed_finalize;
  gst_vit_settings_install (object_class);
  stats_pspec = g_param_spec_boxed ("stats", "Statistics",
      "Frames, tokens, patches computed and reused, mean and worst time a frame (nanoseconds), and the "
      "shape of the tokens; notified at the end of the stream",
      GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property (object_class, PROP_STATS, stats_pspec);
  g_object_class_install_property (object_class, PROP_MODEL_INFO,
      g_param_spec_boxed ("model-info", "Model info",
          "What was loaded and decided: layout, rule, sizes, mean, std, files; "
          "NULL before the element is started",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_set_static_metadata (element_class,
      "Vision Transformer patch embedding", "Filter/Analyzer/Video",
      "Attaches the patch tokens of a Vision Transformer to every frame",
      "The gst-vit authors");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  base_class->start = gst_vit_patch_embed_start;
  base_class->stop = gst_vit_patch_embed_stop;
  base_class->set_caps = gst_vit_patch_embed_set_caps;
  base_class->sink_event = gst_vit_patch_embed_sink_event;
  base_class->prepare_output_buffer
      = gst_vit_patch_embed_prepare_output_buffer;
  base_class->propose_allocation = gst_vit_patch_embed_propose_allocation;
  base_class->transform_ip = gst_vit_patch_embed_transform_ip;
}

static void
gst_vit_patch_embed_init (GstVitPatchEmbed *self)
{
  GstBaseTransform *base = GST_BASE_TRANSFORM (self);

  gst_vit_settings_init (&self->settings);
  gst_base_transform_set_in_place (base, TRUE);
  gst_base_transform_set_passthrough (base, FALSE);
  gst_base_transform_set_gap_aware (base, TRUE);
  gst_base_transform_set_qos_enabled (base, TRUE);
}
