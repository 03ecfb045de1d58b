/* SPDX-License-Identifier: MIT */
#include "encoder/gstvitencoderproperties.h"

#include "common/gstvitworkers.h"
#include "encoder/gstvitencodersettings.h"
#include "encoder/gstvitencodertypes.h"
#include "gst/vit/gstvitembeddingmeta.h"

/* Read once, at the start. */
#define FIXED                                                                  \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
/* Read before every frame. */
#define LIVE                                                                   \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)
#define TOLD (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

static void
install_model (GObjectClass *klass, const GstVitEncoderSettings *defaults)
{
  /**
   * GstVitEncoder:model:
   *
   * Path of the model whose blocks are computed: all that
   * #GstVitPatchEmbed:model takes, where the whole model is in it and not its
   * input stage alone.  %NULL, the default, is the model that the tokens are of, as
   * a #vitpatchembed of the same process tells it.  Where tokens come another way,
   * as from another process, it must be set, to the same files or a copy of them.
   *
   * Read when the element goes from READY to PAUSED; a model that is taken over,
   * before the first frame with its tokens.  A running element keeps what it read,
   * whatever becomes of the file.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_MODEL,
      g_param_spec_string ("model", "Model",
          "A .safetensors file, a .safetensors.index.json, a model folder or a "
          "model's folder in the Hugging Face hub's cache; "
          "NULL: the model of vitpatchembed, whose tokens arrive",
          defaults->model, FIXED));

  /**
   * GstVitEncoder:model-prefix:
   *
   * Which vision tower is meant, where the weights hold several: as
   * #GstVitPatchEmbed:model-prefix, and the same.  %NULL, the default, is that of
   * the tokens where #GstVitEncoder:model is taken over, else the only one.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_MODEL_PREFIX,
      g_param_spec_string ("model-prefix", "Model prefix",
          "Which vision tower, of a file that holds several: what begins the "
          "names of its tensors; NULL: that of the tokens, or the only one",
          defaults->model_prefix, FIXED));

  /**
   * GstVitEncoder:activation:
   *
   * What stands between the two maps of a block's MLP, where that is not to be
   * what the model's files say.  Packages disagree on some models: SigLIP's GELU
   * is one by tanh in transformers and one by erf in timm.
   * #GstVitEncoder:model-info says what was taken and why.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_ACTIVATION,
      g_param_spec_enum ("activation", "Activation",
          "Activation of the blocks' MLP", GST_TYPE_VIT_ENCODER_ACTIVATION,
          (gint) defaults->overrides.activation, FIXED));

  /**
   * GstVitEncoder:rope-rule:
   *
   * By which angles queries and keys are turned, where that is not to be what the
   * model's files say.  timm and the authors of PE disagree on frames whose grid is
   * not that of the training: `pe` and `pe-grid`.  #GstVitEncoder:model-info says
   * what was taken and why.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_ROPE_RULE,
      g_param_spec_enum ("rope-rule", "Rotary rule",
          "How queries and keys are turned by their patches' place",
          GST_TYPE_VIT_ENCODER_ROPE_RULE, (gint) defaults->overrides.rope,
          FIXED));
}

static void
install_numbers (GObjectClass *klass, const GstVitEncoderSettings *defaults)
{
  /* Any number passes; the start knows how many blocks there are. */
  GParamSpec *layer = g_param_spec_int (
      "layer", "Layer", "Number of a block", G_MININT, G_MAXINT, 0, FIXED);

  /**
   * GstVitEncoder:precision:
   *
   * Arithmetic of the products.  `auto`, the default, never takes one whose
   * features are less exact than those of float32.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_PRECISION,
      g_param_spec_enum ("precision", "Precision", "Arithmetic of the products",
          GST_TYPE_VIT_ENCODER_PRECISION, (gint) defaults->precision, FIXED));

  /**
   * GstVitEncoder:layers:
   *
   * After which blocks features are taken, from 1 to the model's depth, ascending:
   * an array of ints.  A frame has a #GstVitTokensMeta for each, with the block's
   * number in its `n_blocks`.  An empty array, the default, stands for the last
   * block alone.  Blocks behind the last that anything is wanted of are not
   * computed.
   *
   * Takes effect at the next start, which fails if the model has no such blocks.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_LAYERS,
      gst_param_spec_array ("layers", "Layers",
          "After which blocks features are taken, from 1, ascending: "
          "layers=\"<6,12>\"; empty: the last",
          layer, FIXED));

  /**
   * GstVitEncoder:norm:
   *
   * Whether the model's norm behind its last block is applied to features.
   * `auto`, the default, does as the model's package: features of the last block
   * are its `last_hidden_state` or `forward_features()`.
   *
   * Takes effect at the next start, which fails for `final` of a model without
   * such a norm.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_NORM,
      g_param_spec_enum ("norm", "Norm",
          "Whether the model's last norm is applied to features",
          GST_TYPE_VIT_ENCODER_NORM, (gint) defaults->norm, FIXED));
}

/* What the computing takes, and what else is attached. */
static void
install_means (GObjectClass *klass, const GstVitEncoderSettings *defaults)
{
  /**
   * GstVitEncoder:n-threads:
   *
   * How many threads compute a frame, the streaming thread among them.  They are
   * of a pool that all elements of the process share, which is as large as the
   * most that one of them asks for.  0, the default, is one per processor.
   * Features do not depend on it.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
          "Threads that compute a frame, of a pool that all elements of the "
          "process share and that is as large as the most that one asks for; "
          "0: one per processor",
          0, GST_VIT_MAX_WORKERS, defaults->n_threads, FIXED));

  /**
   * GstVitEncoder:max-memory:
   *
   * The most bytes that the features of one frame, all its regions together, its
   * embeddings, logits and attention among them, and what computes them take.  A
   * frame that would take more passes without features, which one warning says
   * until a frame has them again.  The model's weights come on top, and what other
   * elements keep: features in a queue.  0 is no limit.
   *
   * The default, 2 GiB, is more than ViT-g/14 takes of a frame of 3840 x 2160,
   * 1.6 GB, of which each further one of #GstVitEncoder:layers takes 0.26 GB more.
   * ViT-L/14 takes 4.2 GB of a frame of 7680 x 4320.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_MAX_MEMORY,
      g_param_spec_uint64 ("max-memory", "Most memory",
          "Most bytes of the features of a frame and of what computes them, the "
          "model's weights aside; larger frames pass without features; "
          "0: no limit",
          0, G_MAXUINT64, defaults->max_memory, FIXED));

  /**
   * GstVitEncoder:tensor-id:
   *
   * Id of the #GstTensor that is attached for each set of features, of shape
   * [1, n_tokens, embed_dim], row-major and with the same memory; with %NULL, or an
   * empty text, none is.  Where #GstVitEncoder:layers names several, "-6" is
   * appended for block 6.
   * The tensors of embedding and logits, [1, dim], have "-embedding" and "-logits"
   * behind it, that of attention, [1, n_heads, n_tokens], "-attention".
   *
   * Conditionally available: without effect where the plugin was built without
   * gstreamer-analytics-1.0 of GStreamer 1.26 or later.
   *
   * Takes effect at the next start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_TENSOR_ID,
      g_param_spec_string ("tensor-id", "Tensor id",
          "Id of the GstTensor of the features [1, n_tokens, embed_dim]; NULL or "
          "empty: none is attached. Without effect before GStreamer 1.26, or where "
          "built without its analytics library",
          g_quark_to_string (defaults->tensor_id),
          FIXED | GST_PARAM_CONDITIONALLY_AVAILABLE));
}

static void
install_live (GObjectClass *klass, const GstVitEncoderLiveSettings *defaults)
{
  /**
   * GstVitEncoder:features:
   *
   * Whether the tokens' features are attached.  Where the embedding alone is
   * wanted, %FALSE saves their memory, hardly any time.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_FEATURES,
      g_param_spec_boolean ("features", "Features",
          "Attach the features of the tokens", defaults->features, LIVE));

  /**
   * GstVitEncoder:embedding:
   *
   * What the embedding is made of, one vector of a frame or region, which a
   * #GstVitEmbeddingMeta carries; the logits of a model with a classifier lie in
   * another.  `auto`, the default, is what the model's package gives as such.
   * With `none` there are neither, but for the logits of #GstVitEncoder:classes.
   *
   * Takes effect on the next frame; what the model cannot make is an error.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_EMBEDDING,
      g_param_spec_enum ("embedding", "Embedding",
          "What the embedding is made of", GST_TYPE_VIT_ENCODER_EMBEDDING,
          (gint) defaults->embedding, LIVE));

  /**
   * GstVitEncoder:normalize:
   *
   * Whether the embedding is divided by its length, so that the product of two is
   * the cosine between them.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_NORMALIZE,
      g_param_spec_boolean ("normalize", "Normalize",
          "Divide the embedding by its length", defaults->normalize, LIVE));

  /**
   * GstVitEncoder:attention:
   *
   * Whether a #GstVitAttentionMeta is attached for each set of tokens: how much the
   * class token attends to each token in the last block, by head.  It takes one row
   * of products a head more, and all blocks are computed for it.
   *
   * Takes effect on the next frame; an error for a model without a class token.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_ATTENTION,
      g_param_spec_boolean ("attention", "Attention",
          "Attach how much the class token attends to each token in the last "
          "block, by head",
          defaults->attention, LIVE));

  /**
   * GstVitEncoder:skip-late:
   *
   * Whether a frame that would reach the sink too late passes without features,
   * which saves its time: told by sinks' QoS events and, in a live pipeline, by the
   * clock, as #GstVitPatchEmbed:skip-late.  The first frame of a stream, and then
   * one in a second, has its features all the same, and so has each whose features
   * are known from the frame before.
   *
   * A QoS message tells the application of each frame without.  Then the base
   * class' own `qos` drops no frames.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_SKIP_LATE,
      g_param_spec_boolean ("skip-late", "Skip late frames",
          "Let frames pass without features that would reach the sink too late, "
          "as its QoS events say or, in live pipelines, the clock, and post a "
          "QoS message for each; one in a second has them all the same",
          defaults->skip_late, LIVE));
}

static void
install_labels (GObjectClass *klass, const GstVitEncoderLiveSettings *defaults)
{
  /**
   * GstVitEncoder:top:
   *
   * How many of the classes, a classifier's or those of #GstVitEncoder:classes, are
   * told of by name, the most probable first: in the #GstVitEmbeddingMeta of the
   * logits, gst_vit_embedding_meta_get_label(), and from GStreamer 1.24 on in a
   * #GstAnalyticsClsMtd, related to the #GstAnalyticsODMtd of the region where
   * there is one.  From 1.26 on the probabilities of all classes are a #GstTensor,
   * `classification-generic-softmaxed-out`, [1, n].  0: none of these.
   *
   * A classifier's names are id2label or label_names of config.json; where it has
   * none, a class is called by its number.  Probabilities are the softmax of the
   * logits; sigmoids where the config says `multi_label_classification`, or of one
   * class alone.  What is no score of a class has no labels: a regression, and the
   * vector of timm's CLIP models.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_TOP,
      g_param_spec_uint ("top", "Top classes",
          "How many of the classes are told of by name, the most probable first; "
          "0: none",
          0, GST_VIT_EMBEDDING_META_MAX_LABELS, defaults->top, LIVE));

  /**
   * GstVitEncoder:threshold:
   *
   * How probable a class is at least that is told of by name.
   *
   * Takes effect on the next frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_THRESHOLD,
      g_param_spec_double ("threshold", "Threshold",
          "Least probability of a class that is told of by name", 0, 1,
          defaults->threshold, LIVE));
}

static void
install_classes (GObjectClass *klass)
{
  /**
   * GstVitEncoder:classes:
   *
   * Path of a file of classes that are told by texts, for models that were trained
   * with texts: CLIP, OpenCLIP, SigLIP and the like.  The logits of a frame or
   * region are their scores then, also where the model has a classifier of its
   * own: scale * cosine + bias of the picture's vector with each of theirs, as the
   * packages' `logits_per_image`.  Probabilities are the softmax of these; where
   * there is a bias, as of SigLIP, their sigmoids: #GstVitEncoder:top.
   *
   * The file is a safetensors file: the tensor `text_features`, [n][dim], as the
   * model's text tower makes them, in any of F16, BF16, F32, F64, or the only
   * matrix in it under another name; in its metadata `names`, a JSON array of
   * strings, or that array in a `.json` beside it.  Scale and bias are the
   * checkpoint's `logit_scale` and `logit_bias`, or `scale` and `bias` in the
   * metadata, which go before.  `examples/make_classes.py` makes such a file from
   * words.
   *
   * Takes effect on the next frame.  At the start a file that is refused is an
   * error; while frames pass it is a warning, and what was set before stays.
   * Setting the same path again reads the file again.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_SETTING_CLASSES,
      g_param_spec_string ("classes", "Classes",
          "A .safetensors file of vectors of texts, and their names, of which "
          "the logits are the scores; NULL: the model's own classifier, if it has "
          "one",
          NULL, LIVE));
}

static void
install_told (GObjectClass *klass)
{
  /**
   * GstVitEncoder:stats:
   *
   * What was done since the start, a structure `vit-encoder-stats`: `frames` with
   * features; of these `unchanged`, whose features were those of the frame before;
   * frames without because they were `late`; `tokens` of all frames; `mean-time`
   * and `worst-time` in nanoseconds of a frame that was computed, all #guint64;
   * and of the last frame `tokens-per-frame` and `regions`, #guint, and of its
   * first region, or all of it, the arrays `labels` and `label-scores`: names of
   * classes, see #GstVitEncoder:top, and their probabilities.
   *
   * May be read at any time; notified at the end of the stream.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_PROPERTY_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Frames with features, those of them that were unchanged, frames "
          "without because late, tokens, mean and worst time a frame "
          "(nanoseconds); notified at the end of the stream",
          GST_TYPE_STRUCTURE, TOLD));

  /**
   * GstVitEncoder:model-info:
   *
   * What was loaded and decided, a structure `vit-encoder-info`: `id`,
   * `patch-size`, `embed-dim`, `n-prefix-tokens`, `depth`, `heads`, `hidden-dim`,
   * `epsilon`, `norm`, `activation`, `rope-rule`, `layers` and whether each is
   * `normed`, `embedding-dim`, `n-classes`, `precision`, `kernel`, `files`, and in
   * `reason` where each choice is from.
   *
   * %NULL while no model is loaded; notified when one is.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, GST_VIT_ENCODER_PROPERTY_MODEL_INFO,
      g_param_spec_boxed ("model-info", "Model info",
          "What was loaded and decided: blocks, heads, activation, layers, "
          "dimensions, files; NULL before a model is loaded, notified then",
          GST_TYPE_STRUCTURE, TOLD));
}

void
gst_vit_encoder_properties_install (GObjectClass *klass)
{
  const GType types[] = { GST_TYPE_VIT_ENCODER_PRECISION,
    GST_TYPE_VIT_ENCODER_NORM, GST_TYPE_VIT_ENCODER_EMBEDDING,
    GST_TYPE_VIT_ENCODER_ACTIVATION, GST_TYPE_VIT_ENCODER_ROPE_RULE };
  GstVitEncoderSettings defaults;

  gst_vit_encoder_settings_init (&defaults);
  install_model (klass, &defaults);
  install_numbers (klass, &defaults);
  install_means (klass, &defaults);
  install_live (klass, &defaults.live);
  install_labels (klass, &defaults.live);
  install_classes (klass);
  install_told (klass);
  gst_vit_encoder_settings_clear (&defaults);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    gst_type_mark_as_plugin_api (types[i], (GstPluginAPIFlags) 0);
}
