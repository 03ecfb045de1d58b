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
#include "gstvitmodelinfo.h"
#include "gstvitnotes.h"
#include "gstvitsettings.h"
#include "gstvitstats.h"
#include "gstvittensor.h"
#include "gstvittokensmeta.h"
#include "gstvittokenspool.h"
#include "gstvitworkers.h"

GST_DEBUG_CATEGORY_STATIC (gst_vit_patch_embed_debug);
#define GST_CAT_DEFAULT gst_vit_patch_embed_debug

/* The element only reads: what is to be blended over the picture later is
 * neither in its way nor in its tokens. */
#define OVERLAY GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION
#define PAD_CAPS                                                              \
  GST_VIDEO_CAPS_MAKE (GST_VIT_VIDEO_FORMATS)                                 \
  "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (                                    \
      GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY ", " OVERLAY,                     \
      GST_VIT_VIDEO_FORMATS)                                                  \
  "; " GST_VIDEO_CAPS_MAKE_WITH_FEATURES (OVERLAY, GST_VIT_VIDEO_FORMATS)

enum { PROP_STATS = GST_VIT_N_SETTINGS, PROP_MODEL_INFO, N_PROPS };

struct _GstVitPatchEmbed {
  GstBaseTransform parent;

  /* Under the object lock. */
  GstVitSettings settings;
  GstVitStats stats;
  VitImageFormat format;
  VitTokensShape shape;
  GstStructure *model_info; /* from start to stop */

  /* Written only while no data flows, or on the streaming thread. */
  VitModel *model;
  VitPatchEmbed *embed;
  GstVitWorkers *workers;
  GstVideoInfo video_info;
  GstBufferPool *tokens_pool;
  GstCaps *refused_caps; /* (nullable): the last, if no others came since */
  GstVitTokenFormat token_format;
  gboolean reuse_tokens;
  guint reuse_tolerance;
  GstBuffer *last_tokens; /* of the frame before; NULL: nothing is kept */
};

static GParamSpec *stats_pspec;

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (PAD_CAPS));

G_DEFINE_TYPE_WITH_CODE (GstVitPatchEmbed, gst_vit_patch_embed,
    GST_TYPE_BASE_TRANSFORM,
    GST_DEBUG_CATEGORY_INIT (gst_vit_patch_embed_debug, "vitpatchembed", 0,
        "Vision Transformer patch tokens"));
GST_ELEMENT_REGISTER_DEFINE (vitpatchembed, "vitpatchembed", GST_RANK_NONE,
    GST_TYPE_VIT_PATCH_EMBED);

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

  info = gst_vit_model_info_new (self->model, self->embed);
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, info);
  GST_OBJECT_LOCK (self);
  self->model_info = info;
  memset (&self->stats, 0, sizeof self->stats);
  memset (&self->format, 0, sizeof self->format);
  memset (&self->shape, 0, sizeof self->shape);
  GST_OBJECT_UNLOCK (self);

  g_object_notify (G_OBJECT (self), "model-info");
  gst_vit_notes_post (GST_ELEMENT (self), &settings, self->model);
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
  gst_clear_caps (&self->refused_caps);
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
  clear_tokens_pool (self);
  self->tokens_pool = gst_vit_tokens_pool_new (
      (gsize) shape->n_tokens * shape->embed_dim
      * gst_vit_token_format_get_size (self->token_format));
  return self->tokens_pool != NULL;
}

/* Caps that are refused come again with every frame that upstream tries; the
 * reason is posted once. */
static void
refuse_caps (
    GstVitPatchEmbed *self, GstCaps *caps, GError *error /* (transfer full) */)
{
  gboolean again
      = self->refused_caps && gst_caps_is_equal (self->refused_caps, caps);

  gst_caps_replace (&self->refused_caps, caps);
  if (again)
    g_error_free (error);
  else
    gst_vit_error_post (GST_ELEMENT (self), error);
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
  if (!gst_vit_matrix_is_of_caps (&info, in_caps))
    GST_WARNING_OBJECT (self,
        "No Y'CbCr matrix in the colorimetry of %" GST_PTR_FORMAT
        "; taking the one with Kr %g, Kb %g",
        in_caps, format.kr, format.kb);
  if (!vit_patch_embed_configure (self->embed, &format, &error)) {
    refuse_caps (self, in_caps, error);
    return FALSE;
  }
  gst_clear_caps (&self->refused_caps);
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

static void
withdraw_meta (GstQuery *query, GType api)
{
  guint index;

  while (gst_query_find_allocation_meta (query, api, &index))
    gst_query_remove_nth_allocation_meta (query, index);
}

/* Upstream may use whatever memory downstream offers: what goes in comes out.
 * But pixels are read as they lie, so a frame must not rely on somebody further
 * down to crop or turn it. */
static gboolean
gst_vit_patch_embed_propose_allocation (
    GstBaseTransform *base, GstQuery *decide_query, GstQuery *query)
{
  gst_pad_peer_query (GST_BASE_TRANSFORM_SRC_PAD (base), query);
  withdraw_meta (query, GST_VIDEO_CROP_META_API_TYPE);
  withdraw_meta (query, GST_VIDEO_AFFINE_TRANSFORMATION_META_API_TYPE);
  return TRUE;
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
  GST_OBJECT_LOCK (self);
  gst_vit_stats_count (&self->stats, &counts, self->shape.n_tokens,
      gst_util_get_timestamp () - start);
  GST_OBJECT_UNLOCK (self);
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
    guint8 *bits = g_try_malloc (n_bytes);
    GBytes *changed;

    /* Without it every token counts as changed. */
    if (bits == NULL)
      return;
    changed = g_bytes_new_take (bits, n_bytes);
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

/* The tokens, and then the same as tensors. */
static GstFlowReturn
gst_vit_patch_embed_transform_frame (GstBaseTransform *base, GstBuffer *buffer)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  guint n_before = gst_buffer_get_n_meta (buffer, GST_VIT_TOKENS_META_API_TYPE);
  GstFlowReturn flow = gst_vit_patch_embed_transform_ip (base, buffer);
  GQuark tensor_id;

  GST_OBJECT_LOCK (self);
  tensor_id = self->settings.tensor_id;
  GST_OBJECT_UNLOCK (self);
  if (flow == GST_FLOW_OK && tensor_id != 0)
    gst_vit_tensor_attach (buffer, n_before, tensor_id);
  return flow;
}

static GstCaps *
gst_vit_patch_embed_transform_caps (GstBaseTransform *base,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstVitPatchEmbed *self = GST_VIT_PATCH_EMBED (base);
  GstVitTensorNotice notice = { 0 };
  GstCaps *result = gst_caps_ref (caps), *filtered;

  GST_OBJECT_LOCK (self);
  if (self->settings.advertise_tensors)
    notice.id = self->settings.tensor_id;
  notice.format = (GstVitTokenFormat) self->settings.token_format;
  if (self->model_info != NULL)
    gst_structure_get_uint (self->model_info, "embed-dim", &notice.embed_dim);
  GST_OBJECT_UNLOCK (self);

  if (notice.id != 0)
    result = gst_vit_tensor_transform_caps (&notice, direction, result);
  if (filter == NULL)
    return result;
  filtered = gst_caps_intersect_full (filter, result, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (result);
  return filtered;
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
    g_value_take_boxed (value,
        gst_vit_stats_describe (&self->stats, &self->format, &self->shape));
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
          "NULL before the element is started, notified then",
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
  base_class->transform_caps = gst_vit_patch_embed_transform_caps;
  base_class->transform_ip = gst_vit_patch_embed_transform_frame;
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
