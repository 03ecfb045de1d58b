/* SPDX-License-Identifier: MIT */
#include "patchembed/gstvitproperties.h"

#include "common/gstvitworkers.h"
#include "gst/vit/gstvittokensmeta.h"
#include "patchembed/gstvitsettings.h"
#include "patchembed/gstvitsettingstypes.h"
#include "patchembed/gstvittriple.h"

/* Read once, at the start. */
#define FIXED                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
/* Read before every frame. */
#define LIVE                                                                   \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)
#define TOLD (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

static void
install_model (GObjectClass *klass, const GstVitSettings *defaults)
{
  /**
   * GstVitPatchEmbed:model:
   *
   * Path of the model: a .safetensors file, a .safetensors.index.json with its
   * shards beside it, a folder as Hugging Face, timm or OpenCLIP lay it out,
   * whose configuration files are read too, or such a model's folder in the
   * Hugging Face hub's cache.  %NULL, the default, is the built-in model, which
   * needs no file; its tokens hold the picture, but are not those of a trained
   * network.
   *
   * Read when the element goes from READY to PAUSED.  A running element keeps
   * what it read, whatever becomes of the file.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_MODEL,
      g_param_spec_string ("model", "Model",
          "A .safetensors file, a .safetensors.index.json, a model folder or a "
          "model's folder in the Hugging Face hub's cache; "
          "NULL: the built-in model",
          defaults->model, FIXED));

  /**
   * GstVitPatchEmbed:model-prefix:
   *
   * Which vision tower is meant, where the weights hold several: that whose
   * tensors' names begin with this, as "student." or "teacher.".  %NULL, the
   * default, takes the only one; where there are several, the start then fails
   * with a message that names them.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_MODEL_PREFIX,
      g_param_spec_string ("model-prefix", "Model prefix",
          "Which vision tower, of a file that holds several: what begins the "
          "names of its tensors; NULL: the only one",
          defaults->model_prefix, FIXED));

  /**
   * GstVitPatchEmbed:patch-size:
   *
   * Side of a patch in pixels, of the built-in model alone: with
   * #GstVitPatchEmbed:model set it is that model's own, and an INFO message
   * says so where they differ.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_PATCH_SIZE,
      g_param_spec_uint ("patch-size", "Patch size",
          "Side of a patch in pixels, of the built-in model only", 1, 64,
          defaults->patch_size, FIXED));

  /**
   * GstVitPatchEmbed:embed-dim:
   *
   * How many numbers a token has, of the built-in model alone.  The default,
   * 768, holds all of a patch of 16 x 16 pixels; fewer hold its coarse part.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_EMBED_DIM,
      g_param_spec_uint ("embed-dim", "Embedding dimension",
          "Numbers in a token, of the built-in model only", 1, 65536,
          defaults->embed_dim, FIXED));
}

static void
install_numbers (GObjectClass *klass, const GstVitSettings *defaults)
{
  /**
   * GstVitPatchEmbed:position-rule:
   *
   * How the model's position table is resampled to the grid of the frame.
   * Implementations of one model differ here, and its weights do not say which
   * they were trained with: `auto`, the default, takes what the model's files
   * and the names of its tensors tell, and #GstVitPatchEmbed:model-info says
   * what that is.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_POSITION_RULE,
      g_param_spec_enum ("position-rule", "Position rule",
          "How the position table is resampled to the frame's grid",
          GST_TYPE_VIT_POSITION_RULE, (gint) defaults->rule, FIXED));

  /**
   * GstVitPatchEmbed:mean:
   *
   * What is subtracted from R, G and B before the projection, where 0 is black
   * and 1 is white: an array of three doubles.  Ints and strings that hold
   * numbers will do in programs, ints in launch lines.  An empty array, the
   * default, stands for the model's own.
   *
   * Takes effect at the next start, which fails if these are no three numbers.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_MEAN,
      gst_vit_param_spec_triple ("mean", "Mean",
          "Mean of R, G, B, where 0 is black and 1 is white: "
          "mean=\"<0.5,0.5,0.5>\"; empty: the model's"));

  /**
   * GstVitPatchEmbed:std:
   *
   * What R, G and B are divided by once #GstVitPatchEmbed:mean is subtracted:
   * an array of three doubles, each greater than 0, in the same unit and set
   * in the same way.  An empty array, the default, stands for the model's own.
   *
   * Takes effect at the next start, which fails if these are no three numbers
   * or one of them is not greater than 0.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_STD,
      gst_vit_param_spec_triple ("std", "Standard deviation",
          "Standard deviation of R, G, B, where 0 is black and 1 is white, "
          "each greater than 0: std=\"<0.5,0.5,0.5>\"; empty: the model's"));

  /**
   * GstVitPatchEmbed:precision:
   *
   * Arithmetic of the projection.  `int16` is about twice as fast as `f32`,
   * and gives the same bits on every machine.  `auto`, the default, foresees
   * the error of `int16` from the weights, which takes a moment at the start,
   * and takes it where that is at most 1e-4 of the tokens' root mean square;
   * #GstVitPatchEmbed:model-info says what was taken and why.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_PRECISION,
      g_param_spec_enum ("precision", "Precision",
          "Arithmetic of the projection", GST_TYPE_VIT_PRECISION,
          (gint) defaults->precision, FIXED));

  /**
   * GstVitPatchEmbed:fit:
   *
   * What becomes of the pixels on the right and at the bottom that no whole
   * patch covers.  `crop`, the default, leaves them out, as the convolution of
   * a Vision Transformer does.  `pad` adds zeros, as pixels are after mean and
   * std, so that also a frame or region smaller than a patch has one.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_FIT,
      g_param_spec_enum ("fit", "Fit",
          "What becomes of pixels on the right and at the bottom that no whole "
          "patch covers",
          GST_TYPE_VIT_FIT, (gint) defaults->fit, FIXED));
}

static void
install_output (GObjectClass *klass, const GstVitSettings *defaults)
{
  /**
   * GstVitPatchEmbed:prefix-tokens:
   *
   * Whether the class, register and distillation tokens of the model come
   * before those of the patches.  They are the same for every frame: an
   * encoder needs them, a search among patches does not.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_PREFIX_TOKENS,
      g_param_spec_boolean ("prefix-tokens", "Prefix tokens",
          "Emit class, register and distillation tokens, before the patches'",
          defaults->prefix_tokens, FIXED));

  /**
   * GstVitPatchEmbed:token-format:
   *
   * Type of the numbers that are emitted, in the machine's byte order.  They
   * are computed as float32 and then rounded.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_TOKEN_FORMAT,
      g_param_spec_enum ("token-format", "Token format",
          "Type of the emitted numbers", GST_TYPE_VIT_TOKEN_FORMAT,
          (gint) defaults->token_format, FIXED));

  /**
   * GstVitPatchEmbed:n-threads:
   *
   * How many threads compute a frame, the streaming thread among them.  They
   * are of a pool that all elements of the process share, which is as large as
   * the most that one of them asks for.  0, the default, is one per processor.
   * Tokens do not depend on it.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
          "Threads that compute a frame, of a pool that all elements of the "
          "process share and that is as large as the most that one asks for; "
          "0: one per processor",
          0, GST_VIT_MAX_WORKERS, defaults->n_threads, FIXED));

  /**
   * GstVitPatchEmbed:max-memory:
   *
   * The most bytes that the tokens of one frame, all its regions together, and
   * what computes them take.  Caps of frames that would take more are refused
   * with an error; with #GstVitPatchEmbed:regions set to `roi`, the regions
   * after those that fit are passed over, which one warning says.  The model's
   * weights come on top, and what other elements keep: tokens in a queue, or
   * positions that they ask for.  0 is no limit.
   *
   * The default, 2 GiB, is twice what the largest usual models take of a frame
   * of 3840 x 2160; but as patches of one pixel may have thousands of numbers,
   * a file of a few KiB can ask for as much.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_MAX_MEMORY,
      g_param_spec_uint64 ("max-memory", "Most memory",
          "Most bytes of the tokens of a frame and of what computes them, the "
          "model's weights aside; larger frames are refused, regions passed "
          "over; 0: no limit",
          0, G_MAXUINT64, defaults->max_memory, FIXED));

  /**
   * GstVitPatchEmbed:tensor-id:
   *
   * Id of the #GstTensor that is attached beside the #GstVitTokensMeta, of
   * shape [1, n_tokens, embed_dim], row-major and with the same memory; with
   * %NULL, or an empty text, none is.
   *
   * Conditionally available: without effect where the plugin was built without
   * gstreamer-analytics-1.0 of GStreamer 1.26 or later.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_TENSOR_ID,
      g_param_spec_string ("tensor-id", "Tensor id",
          "Id of the GstTensor of the tokens [1, n_tokens, embed_dim]; NULL or "
          "empty: none is attached. Without effect before GStreamer 1.26, or where "
          "built without its analytics library",
          g_quark_to_string (defaults->tensor_id),
          FIXED | GST_PARAM_CONDITIONALLY_AVAILABLE));

  /**
   * GstVitPatchEmbed:advertise-tensors:
   *
   * Whether the source caps name the tensor of #GstVitPatchEmbed:tensor-id, in
   * their field `tensors`, as GStreamer's tensor decoders want it.  Off by
   * default, since tensordecodebin refuses caps in which it can decode
   * nothing.
   *
   * Conditionally available: without effect where the plugin was built without
   * gstreamer-analytics-1.0 of GStreamer 1.28 or later, which an INFO message
   * says.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_ADVERTISE_TENSORS,
      g_param_spec_boolean ("advertise-tensors", "Advertise tensors",
          "Name the tensor in the source caps, field tensors. Without effect "
          "before GStreamer 1.28, or where built without its analytics library",
          defaults->advertise_tensors,
          FIXED | GST_PARAM_CONDITIONALLY_AVAILABLE));
}

static void
install_live (GObjectClass *klass, const GstVitLiveSettings *defaults)
{
  /**
   * GstVitPatchEmbed:reuse-tokens:
   *
   * Whether patches whose samples did not change since their token was
   * computed keep it, instead of having the same computed again.  A frame in
   * which none changed carries the memory of the one before.  Tokens do not
   * depend on it unless #GstVitPatchEmbed:reuse-tolerance is set, too.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_REUSE_TOKENS,
      g_param_spec_boolean ("reuse-tokens", "Reuse tokens",
          "Keep the tokens of patches that did not change since the last frame",
          defaults->reuse_tokens, LIVE));

  /**
   * GstVitPatchEmbed:reuse-tolerance:
   *
   * How far a sample may be from the one that its token was computed of, and
   * the token is still kept: in steps of the samples, which are of 8 or 10
   * bits.  As it is that one and not the frame before which counts, the error
   * does not add up.  With 0, the default, tokens are exact.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_REUSE_TOLERANCE,
      g_param_spec_uint ("reuse-tolerance", "Reuse tolerance",
          "Largest difference of a sample, in steps of 8 or 10 bits, from that "
          "its token was computed of that still keeps the token; 0: tokens are "
          "exact",
          0, 1023, defaults->reuse_tolerance, LIVE));

  /**
   * GstVitPatchEmbed:interval:
   *
   * How many frames there are for each with tokens: 1, the default, is every
   * frame.  The others pass as they are.  The first frame of a segment, and of
   * another size or format, has tokens.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_INTERVAL,
      g_param_spec_uint ("interval", "Interval",
          "Tokens on every n-th frame; the others pass untouched", 1, G_MAXINT,
          defaults->interval, LIVE));

  /**
   * GstVitPatchEmbed:skip-late:
   *
   * Whether a frame that would reach the sink too late passes without tokens,
   * which saves its time.  Sinks tell by QoS events, which fakesink and
   * appsink send only with their property `qos`.  In a live pipeline the clock
   * tells, too: late is a frame that should have been at the sink, with the
   * latency of the pipeline or with that of the source and 20 ms, before the
   * element was done with the one before.  The first frame of a stream, and
   * then one in a second, has its tokens all the same.
   *
   * A QoS message tells the application of each frame without; the frame after
   * is due in its place.  Then the base class' own `qos` drops no frames.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_SKIP_LATE,
      g_param_spec_boolean ("skip-late", "Skip late frames",
          "Let frames pass without tokens that would reach the sink too late, "
          "as its QoS events say or, in live pipelines, the clock, and post a "
          "QoS message for each; one in a second has them all the same",
          defaults->skip_late, LIVE));

  /**
   * GstVitPatchEmbed:regions:
   *
   * What has tokens: the whole frame, or each region that a
   * #GstVideoRegionOfInterestMeta or, from GStreamer 1.24 on, a
   * GstAnalyticsODMtd marks in it, which a detector before this element may have
   * attached; one that is marked by both, with the same type and place, counts
   * once.  A region has a #GstVitTokensMeta of its own,
   * with its id, its type and its place; where regions of a frame have one id,
   * all but the first get another.  One smaller than a patch has none (but
   * with `fit=pad`), which is said once a stream, nor has any after the first
   * 512 of a frame, or after those that together have as many patches as 16
   * whole frames, which one warning says.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_REGIONS,
      g_param_spec_enum ("regions", "Regions",
          "What the tokens are of: the frame, or one set of tokens for each "
          "region that a GstVideoRegionOfInterestMeta, or a GstAnalyticsODMtd "
          "of GStreamer 1.24, marks in it",
          GST_TYPE_VIT_REGIONS, (gint) defaults->regions, LIVE));

  /**
   * GstVitPatchEmbed:max-tokens:
   *
   * The most tokens that a frame, or a region, has, prefix tokens counted.  A
   * larger picture is scaled down to it for this element alone, its aspect
   * kept, but not under one patch; the frame itself stays as it is.  0, the
   * default, is no limit.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_SETTING_MAX_TOKENS,
      g_param_spec_uint ("max-tokens", "Most tokens",
          "Most tokens of a frame or region, prefix tokens included; larger "
          "pictures are scaled down to it, but not under one patch; 0: no "
          "limit",
          0, G_MAXINT, defaults->max_tokens, LIVE));
}

static void
install_told (GObjectClass *klass)
{
  /**
   * GstVitPatchEmbed:stats:
   *
   * What was done since the start, a structure `vit-stats`: `frames` with
   * tokens and, because they were `late`, without; `tokens`; patches
   * `computed`, of those the `short-products` over stored samples, and
   * `reused`; `mean-time` and `worst-time` of a frame in nanoseconds, all
   * #guint64; and of the last frame `frame-width`, `frame-height`,
   * `grid-width`, `grid-height`, `tokens-per-frame` and `embed-dim`, #guint.
   *
   * May be read at any time; notified at the end of the stream.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_PROPERTY_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Frames with tokens, frames without because late, tokens, patches "
          "computed and reused, mean and worst time a frame (nanoseconds), and "
          "the shape of the last tokens; notified at the end of the stream",
          GST_TYPE_STRUCTURE, TOLD));

  /**
   * GstVitPatchEmbed:model-info:
   *
   * What was loaded and decided, a structure `vit-model-info`: `id`, `layout`,
   * `position-rule`, `patch-size`, `embed-dim`, `n-prefix-tokens` and the
   * names of these `prefix-tokens`, `precision` with `precision-reason` and
   * `predicted-error`, `kernel`, `mean`, `std`, `files`, and in `reason` where
   * rule, mean and std are from.
   *
   * %NULL while the element is not started; notified when it is.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_PROPERTY_MODEL_INFO,
      g_param_spec_boxed ("model-info", "Model info",
          "What was loaded and decided: layout, rule, sizes, mean, std, files; "
          "NULL before the element is started, notified then",
          GST_TYPE_STRUCTURE, TOLD));
}

void
gst_vit_properties_install (GObjectClass *klass)
{
  const GType types[] = { GST_TYPE_VIT_POSITION_RULE, GST_TYPE_VIT_PRECISION,
    GST_TYPE_VIT_FIT, GST_TYPE_VIT_REGIONS, GST_TYPE_VIT_TOKEN_FORMAT };
  GstVitSettings defaults;

  gst_vit_settings_init (&defaults);
  install_model (klass, &defaults);
  install_numbers (klass, &defaults);
  install_output (klass, &defaults);
  install_live (klass, &defaults.live);
  install_told (klass);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    gst_type_mark_as_plugin_api (types[i], (GstPluginAPIFlags) 0);
}
